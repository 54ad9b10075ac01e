"""Classifiers that learn by `partial_fit`."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from ..strategies import new_recorders, recorder_names
from ._incremental import Incremental, with_requests_of_fit
from ._pipelines import fit_heads, replace_classifier, resamples
from ._proxy import Proxy
from ._training import Training
from ._visit_scores import has_scores, is_last_layer


class PartialFit(Proxy):
    """A classifier with `partial_fit`: trained by its `fit`, or in passes if recorders are to see each visit.

    `Incremental` around it says how many passes, and is always trained so; a bare
    one is trained by an `Incremental` with default parameters.
    """

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return isinstance(classifier, Incremental) or (
            hasattr(classifier, "partial_fit") and hasattr(classifier, "predict")
        )

    @property
    def shows_visits(self) -> bool:  # type: ignore[override]
        return not _forbids_partial_fit(self.classifier)

    def _scores_visits(self) -> bool:
        return has_scores(self.classifier)

    def _has_visited_features(self) -> bool:
        return is_last_layer(self._passes.estimator)

    def free_recorders(self, needed: Iterable[str], *, is_kept: bool = False) -> tuple[str, ...]:
        # Without records a bare classifier is trained by its `fit`, which is another training.
        if not self._records_of(needed) and not (is_kept and self._has_epochs(())):
            return ()
        # Scores take a pass of the model more, which pays for a training that serves other strategies later.
        names = recorder_names(features=False) if is_kept else recorder_names(kept=True)
        return tuple(name for name in self.recorders if name in names)

    def _ways_out(self, missing: list[str]) -> list[str]:
        ways = super()._ways_out(missing)
        forbidding = _forbids_partial_fit(self.classifier)
        if forbidding and not set(missing) <= {"features", "inputs"} and not self.is_frozen:
            ways.append(
                f"Each visit of its training is seen while it learns by partial_fit, which {forbidding} does not "
                "allow."
            )
        return ways

    def routed_as(self, requires: Iterable[str]) -> Any:
        if self._is_wrapped or self.is_frozen or not self._has_epochs(requires):
            return self.estimator
        return replace_classifier(clone(self.estimator), self._passes)

    # Training -------------------------------------------------------------------------------

    @property
    def _passes(self) -> Incremental:
        """How it is trained in passes."""
        if self._is_wrapped:
            return self.classifier
        return Incremental(with_requests_of_fit(self.classifier))

    @property
    def _is_wrapped(self) -> bool:
        return isinstance(self.classifier, Incremental)

    def _has_epochs(self, recorders: Iterable[str]) -> bool:
        wrapped = self._is_wrapped and not resamples(self.estimator)
        return wrapped or bool(self._records_of(recorders))

    @property
    def max_epochs(self) -> int:
        return self._passes.n_epochs

    def draws_seed(self, recorders: Iterable[str]) -> bool:
        return super().draws_seed(recorders) or (not self._is_wrapped and self._has_epochs(recorders))

    def way(self, recorders: Iterable[str]) -> tuple:
        if not self._has_epochs(recorders):
            return super().way(recorders)
        return ("passes", self._passes.n_epochs, self._passes.batch_size)

    def describe_training(self, requires: Iterable[str]) -> str:
        if self._is_wrapped or not self._has_epochs(requires):
            return ""
        return (
            f"{type(self.classifier).__name__} is trained in {self.max_epochs} passes of mini-batches by partial_fit, "
            "many times as long as by its fit"
        )

    def _fit(self, X: Any, y: np.ndarray, training: Training) -> Mapping[str, np.ndarray]:
        if self.is_frozen or not self._has_epochs(training.recorders):
            return super()._fit(X, y, training)
        passes, was_wrapped = self.classifier, self._is_wrapped
        if not was_wrapped:
            passes = self._passes.set_params(random_state=training.seed)
            self.estimator = replace_classifier(self.estimator, passes)
        X, fit_params = fit_heads(self.estimator, X, y, training.fit_params)
        classifier = passes.estimator_ = passes.new_classifier()
        seen, watch = new_recorders(training.recorders, len(y)), training.watch

        def may_end() -> bool:
            def gather(requires: tuple[str, ...], rows: np.ndarray) -> dict[str, np.ndarray]:
                return type(self)(classifier).gather_in_training(X, requires, rows, seen)

            return watch is not None and watch(gather)

        passes.train(classifier, X, y, recorders=seen, fit_params=fit_params, may_end=may_end)
        if not was_wrapped:
            self.estimator = replace_classifier(self.estimator, classifier)
        return {name: recorder.result() for name, recorder in seen.items()}


def _forbids_partial_fit(classifier: Any) -> str:
    """Name the parameter with which scikit-learn's own `partial_fit` refuses to learn, "" if there is none."""
    if isinstance(classifier, Incremental):
        return _forbids_partial_fit(classifier.estimator)
    # A partial_fit that is not scikit-learn's may accept the same parameters.
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
    inner = params.get("estimator")
    return _forbids_partial_fit(inner) if hasattr(inner, "partial_fit") else ""
