"""Our own models of texts, which are trained text by text."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..strategies import recorder_names
from ._proxy import Proxy
from ._training import Training


class LinearText(Proxy):
    """A classifier with `predict_logits`, such as a bag of n-grams: it scores in batches and records its training."""

    streams = True
    shows_visits = True

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return hasattr(classifier, "predict_logits")

    def free_recorders(self, needed: Iterable[str], *, is_kept: bool = False) -> tuple[str, ...]:
        can_ask = hasattr(self.classifier, "observe")
        free = recorder_names(dear=is_kept, features=False) if can_ask else recorder_names(kept=True)
        return tuple(name for name in self.recorders if name in free)

    def _has_probabilities(self) -> bool:
        return True

    def _fit(self, X: Any, y: np.ndarray, training: Training) -> Mapping[str, np.ndarray]:
        # It records some things by itself and asks nobody whether to end.
        as_usual = training.watch is None and set(training.recorders) <= {*recorder_names(kept=True)}
        observed = nullcontext() if as_usual else self.classifier.observe(training.recorders, training.watch)
        with observed:
            return super()._fit(X, y, training)

    @property
    def kept_records(self) -> Mapping[str, np.ndarray]:
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
