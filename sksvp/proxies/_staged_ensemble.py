"""Ensembles that predict stage by stage."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from ..strategies import log_probabilities, new_recorders, one_hot
from ._boosting_stages import has_staged_probabilities, is_catboost, is_lightgbm, staged_probabilities
from ._model import as_column
from ._pipelines import pass_heads
from ._proxy import Proxy


class StagedEnsemble(Proxy):
    """An ensemble that predicts stage by stage: each stage visits every row once, after the training.

    These are scikit-learn's with `staged_predict`, at every stage, and those of
    LightGBM and CatBoost, at about 20.
    """

    shows_visits = True

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return hasattr(classifier, "staged_predict") or is_lightgbm(classifier)

    def _can_start_warm(self) -> bool:
        return False

    def _scores_visits(self) -> bool:
        return has_staged_probabilities(self.classifier)

    def _has_visited_features(self) -> bool:
        return False

    def keeps_record(self, name: str) -> bool:
        return name in self.recorders

    def _record(self, name: str, X: Any, y: np.ndarray | None) -> np.ndarray:
        if y is None:
            raise ValueError(f"The {name} of a staged ensemble need y.")
        n_rows = _num_samples(X)
        recorder = new_recorders([name], n_rows)[name]
        rows, columns = np.arange(n_rows), self._columns_of(y)
        for scores in self._staged_scores(pass_heads(self.estimator, X), probabilities=recorder.needs_scores):
            recorder.update(rows, scores, columns)
        return recorder.result()

    def _labels(self) -> np.ndarray:
        return np.asarray(self._column_labels(0))

    def _columns_of(self, y: np.ndarray) -> np.ndarray:
        """Return the column of each label; CatBoost's `class_names` may have them in any order."""
        labels = self._labels()
        order = np.argsort(labels)
        places = np.searchsorted(labels, y, sorter=order).clip(max=len(labels) - 1)
        columns = order[places]
        unknown = np.asarray(y)[labels[columns] != y].tolist()
        if unknown:
            raise ValueError(f"y has the label {unknown[0]!r}, which the proxy was not trained on.")
        return columns

    def _staged_scores(self, X: Any, *, probabilities: bool) -> Iterator[np.ndarray]:
        """Yield scores of the classes, stage by stage; a 1 for the predicted class if that is enough."""
        classifier = self.classifier
        if probabilities or is_catboost(classifier) or not hasattr(classifier, "staged_predict"):
            for stage in staged_probabilities(classifier, X):
                yield log_probabilities(stage)
            return
        labels = self._labels()
        for predicted in classifier.staged_predict(X):
            yield one_hot(np.searchsorted(labels, as_column(predicted)), len(labels))
