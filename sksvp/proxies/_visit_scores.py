"""What a visit of rows shows of a scikit-learn classifier: the predicted class, the scores of all, the features."""

from typing import Any

import numpy as np
from scipy import sparse

from ..strategies import log_probabilities, one_hot
from ._features import as_features
from ._model import as_column


def has_scores(classifier: Any) -> bool:
    """Tell whether a classifier has scores of its classes that are, or stand for, logits."""
    return hasattr(classifier, "predict_proba") or hasattr(classifier, "decision_function")


def visit_scores(classifier: Any, X: Any, classes: np.ndarray, *, logits: bool) -> np.ndarray:
    """Return scores of the classes, for a recorder.

    Parameters
    ----------
    classifier : fitted classifier
    X : rows
    classes : ndarray of shape (n_classes,)
        Sorted.
    logits : bool
        Whether to return log-probabilities, or decision values where there are none,
        and not merely a 1 for the predicted class.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
    """
    if not logits:
        return one_hot(np.searchsorted(classes, as_column(classifier.predict(X))), len(classes))
    if hasattr(classifier, "predict_proba"):
        return log_probabilities(classifier.predict_proba(X))
    values = np.asarray(classifier.decision_function(X))
    return values if values.ndim == 2 else np.column_stack([np.zeros(len(values)), values])


def is_last_layer(classifier: Any) -> bool:
    """Tell whether a classifier is linear, so that the rows themselves are the input of its last layer."""
    return any(kind.__module__.startswith("sklearn.linear_model.") for kind in type(classifier).__mro__)


def visit_features(classifier: Any, X: Any) -> Any:
    """Return rows as the features that a linear classifier sees, sparse ones as they are."""
    return X if sparse.issparse(X) else as_features(X, type(classifier).__name__)


def blank_scores(columns: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the scores of a model that has learned nothing: all alike, the true class barely behind."""
    return -1e-6 * one_hot(columns, n_classes)
