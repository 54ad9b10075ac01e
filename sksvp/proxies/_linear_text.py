"""Our own models of texts, which are trained text by text."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ..strategies import recorder_names
from ._proxy import Proxy, Watch


class LinearText(Proxy):
    """A classifier with `predict_logits`, such as a bag of n-grams: it scores in batches and records its training."""

    streams = True
    shows_visits = True

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return hasattr(classifier, "predict_logits")

    def free_recorders(self, needed: Iterable[str]) -> tuple[str, ...]:
        return () if not self.recorders else tuple(recorder_names(kept=True))

    def _has_probabilities(self) -> bool:
        return True

    def _fit(
        self,
        X: Any,
        y: np.ndarray,
        recorders: tuple[str, ...],
        seed: int | None,
        fit_params: dict,
        watch: Watch | None,
    ) -> Mapping[str, np.ndarray]:
        with self._observed(recorders, watch):
            self.estimator.fit(X, y, **fit_params)
        return {}

    def _observed(self, recorders: tuple[str, ...], watch: Watch | None) -> AbstractContextManager:
        """Have the next `fit` keep more than it does by itself, and asked after each epoch."""
        if watch is None and set(recorders) <= set(self.free_recorders(recorders)):
            return nullcontext()
        return self.classifier.observe(recorders, watch)

    @property
    def _kept_records(self) -> Mapping[str, np.ndarray]:
        return getattr(self.classifier, "records_", {})

    def _score(self, X: Any, kinds: tuple[str, ...]) -> dict[str, Any]:
        classifier = self.classifier
        if {"probabilities", "features"} <= set(kinds) and hasattr(classifier, "predict_outputs"):
            logits, features = classifier.predict_outputs(X)
            return {"logits": logits, "features": features}
        parts = super()._score(X, ("features",)) if "features" in kinds else {}
        if "probabilities" in kinds:
            parts["logits"] = np.asarray(classifier.predict_logits(X))
        return parts
