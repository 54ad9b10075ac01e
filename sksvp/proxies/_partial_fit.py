"""Classifiers that learn by `partial_fit`."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..strategies import new_recorders, recorder_names
from ._incremental import Incremental
from ._pipelines import fit_heads
from ._proxy import Proxy, Watch


class PartialFit(Proxy):
    """A classifier with `partial_fit`: trained by its `fit`, or in passes where visits are to be seen.

    `Incremental` around it says how many passes, and is always trained so; a bare
    one is trained by an `Incremental` with default parameters.
    """

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return (hasattr(classifier, "partial_fit") and hasattr(classifier, "predict")) or _is_wrapped(
            classifier
        )

    @property
    def shows_visits(self) -> bool:  # type: ignore[override]
        return not _forbids_partial_fit(self.classifier)

    def free_recorders(self, needed: Iterable[str]) -> tuple[str, ...]:
        return tuple(recorder_names(kept=True)) if self._records_of(needed) else ()

    def _ways_out(self, missing: list[str]) -> list[str]:
        ways = super()._ways_out(missing)
        forbidding = (
            "" if missing == ["features"] or self.is_frozen else _forbids_partial_fit(self.classifier)
        )
        if forbidding:
            ways.append(
                f"Each visit of its training is seen while it learns by partial_fit, which {forbidding} does not "
                "allow."
            )
        return ways

    # Training -------------------------------------------------------------------------------

    def _takes_passes(self, recorders: Iterable[str]) -> bool:
        return _is_wrapped(self.classifier) or bool(self._records_of(recorders))

    def _passes(self, seed: int | None) -> Incremental:
        """Return how it is trained in passes."""
        if _is_wrapped(self.classifier):
            return self.classifier
        return Incremental(self.classifier, random_state=seed)

    def _has_epochs(self, recorders: tuple[str, ...]) -> bool:
        return self._takes_passes(recorders)

    @property
    def max_epochs(self) -> int:
        return self._passes(None).n_epochs

    def draws_seed(self, recorders: Iterable[str]) -> bool:
        is_bare = not _is_wrapped(self.classifier)
        return super().draws_seed(recorders) or (is_bare and self._takes_passes(recorders))

    def way(self, recorders: Iterable[str]) -> tuple:
        if not self._takes_passes(recorders):
            return super().way(recorders)
        passes = self._passes(None)
        return ("passes", passes.n_epochs, passes.batch_size)

    def describe_training(self, requires: Iterable[str]) -> str:
        if _is_wrapped(self.classifier) or not self._takes_passes(requires):
            return ""
        return (
            f"{type(self.classifier).__name__} is trained in {self.max_epochs} passes of mini-batches by partial_fit, "
            "many times as long as by its fit"
        )

    def _fit(
        self,
        X: Any,
        y: np.ndarray,
        recorders: tuple[str, ...],
        seed: int | None,
        fit_params: dict,
        watch: Watch | None,
    ) -> Mapping[str, np.ndarray]:
        if self.is_frozen or not self._takes_passes(recorders):
            return super()._fit(X, y, recorders, seed, fit_params, watch)
        X, fit_params = fit_heads(self.estimator, X, y, fit_params)
        passes, classifier = self._passes(seed), self.classifier
        if passes is classifier:
            classifier = passes.estimator_ = passes.new_classifier()
        seen = new_recorders(recorders, len(y))

        def may_end() -> bool:
            def gather(requires: tuple[str, ...], rows: np.ndarray) -> dict[str, np.ndarray]:
                return type(self)(classifier).gather_in_training(X, requires, rows, seen)

            return watch is not None and watch(gather)

        passes.train(classifier, X, y, recorders=seen, fit_params=fit_params, may_end=may_end)
        return {name: recorder.result() for name, recorder in seen.items()}


def _is_wrapped(classifier: BaseEstimator) -> bool:
    return isinstance(classifier, Incremental)


def _forbids_partial_fit(classifier: Any) -> str:
    """Name the parameter with which scikit-learn's own `partial_fit` refuses to learn, "" where there is none."""
    if _is_wrapped(classifier):
        return _forbids_partial_fit(classifier.estimator)
    # The same parameters may be welcome in a partial_fit that is not scikit-learn's.
    method = getattr(type(classifier), "partial_fit", None)
    if not (getattr(method, "__module__", None) or "").startswith("sklearn."):
        return ""
    params = classifier.get_params(deep=False)
    # isinstance: a parameter may hold an array, which has no truth.
    early, weight = params.get("early_stopping"), params.get("class_weight")
    if isinstance(early, bool | np.bool_) and early:
        return "early_stopping=True"
    if isinstance(weight, str) and weight == "balanced":
        return "class_weight='balanced'"
    # One for each class or pair of classes, around another classifier.
    return (
        _forbids_partial_fit(params["estimator"]) if hasattr(params.get("estimator"), "partial_fit") else ""
    )
