"""Ensembles that predict stage by stage."""

from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from ..strategies import log_probabilities, new_recorders, one_hot
from ._model import as_column
from ._pipelines import pass_heads
from ._proxy import Proxy


class StagedEnsemble(Proxy):
    """An ensemble with `staged_predict`: each of its stages visits every row once, after the training."""

    shows_visits = True

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return hasattr(classifier, "staged_predict")

    def _can_start_warm(self) -> bool:
        return False

    def _scores_visits(self) -> bool:
        return hasattr(self.classifier, "staged_predict_proba")

    def _has_visited_features(self) -> bool:
        return False

    def keeps_record(self, name: str) -> bool:
        return name in self.recorders

    def _record(self, name: str, X: Any, y: np.ndarray | None) -> np.ndarray:
        if y is None:
            raise ValueError(f"The {name} of a staged ensemble need y.")
        n_rows = _num_samples(X)
        recorder = new_recorders([name], n_rows)[name]
        rows, classes = np.arange(n_rows), self.classifier.classes_
        columns = np.searchsorted(classes, y)
        passed = pass_heads(self.estimator, X)
        if recorder.needs_scores:
            for probabilities in self.classifier.staged_predict_proba(passed):
                recorder.update(rows, log_probabilities(probabilities), columns)
        else:
            for labels in self.classifier.staged_predict(passed):
                predicted = np.searchsorted(classes, as_column(labels))
                recorder.update(rows, one_hot(predicted, len(classes)), columns)
        return recorder.result()
