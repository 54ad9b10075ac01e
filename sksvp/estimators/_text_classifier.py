"""Base of the classifiers of texts that are no torch networks."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._inputs._missing import check_complete
from ._text_input import TextInput


class TextClassifier(
    TextInput, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator
):
    """Checks of X and y, and what follows from the probabilities.

    A child gives `fit`, `predict_proba`, `transform` and `check_params`.
    """

    classes_: np.ndarray

    def _check_training(self, X, y, *, reset: bool) -> tuple[Any, np.ndarray]:
        """Check texts and labels of a training; return both."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        texts = self._check_texts(X, reset=reset)
        y = column_or_1d(y, warn=True)
        check_complete(y)
        check_classification_targets(y)
        if len(texts) != len(y):
            raise ValueError(f"X and y must have the same number of rows, got {len(texts)} and {len(y)}.")
        return texts, y

    def _learn_classes(self, y: np.ndarray) -> np.ndarray:
        """Keep the classes, and return y with numbers in their place."""
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes in y, got one class: {self.classes_.tolist()[0]!r}."
            )
        return encoded

    def _validate(self, X, *, reset: bool) -> Any:
        """Check texts that are to be scored."""
        return self._check_texts(X, reset=reset)

    def predict_proba(self, X) -> np.ndarray:
        """Compute class probabilities, (n_samples, n_classes) float64."""
        raise NotImplementedError(type(self).__name__)

    def predict_log_proba(self, X) -> np.ndarray:
        """Compute log-probabilities, (n_samples, n_classes) float64."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X) -> np.ndarray:
        """Name the most probable class of each text, shape (n_samples,)."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
