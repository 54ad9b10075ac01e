"""Saying where a proxy has memorised the rows that it ranks."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator

from ..proxies._proxies import classifier_of, is_frozen
from ..strategies import Evidence, least_confidence
from ._risky_choice import RiskyChoiceWarning

# Error on the training rows up to which a proxy may have memorised them.
HARDLY_AN_ERROR = 0.01
# Mean probability of the predicted class from which it is too sure.
_SURE = 0.99
# Held-out error above that of the training by this much speaks for it.
FAR_BELOW = 0.05


class MemorisedProxyWarning(RiskyChoiceWarning):
    """A proxy ranks rows that it knows by heart."""


def warn_if_memorised(
    proxy: BaseEstimator, evidence: Evidence, y: np.ndarray, right: np.ndarray | None, *, stacklevel: int
) -> None:
    """Warn where the evidence shows that probabilities are those of rows known by heart.

    Of networks this is not said: their logits tell rows apart that they have
    learned for certain, and easy data are learned without an error too.

    Parameters
    ----------
    proxy : classifier
        Fitted on the rows.
    evidence : Evidence
        What it says of them.
    y : ndarray of shape (n,)
        Labels.
    right : ndarray of shape (n,), bool, or None
        Which rows it classifies right; see `predicted_right`.
    stacklevel : int
        Of the warning, counted from the caller.

    Warns
    -----
    MemorisedProxyWarning
    """
    if right is None or evidence.logits is not None or is_frozen(proxy):
        return
    error = 1.0 - float(right.mean())
    if error > HARDLY_AN_ERROR:
        return
    found = _describe(classifier_of(proxy), evidence, y)
    if found:
        warnings.warn(
            f"The proxy {type(classifier_of(proxy)).__name__} seems to have memorised its training rows: {error:.1%} "
            f"of them are predicted wrong, {found}. What it says of them ranks mostly noise: take "
            "probabilities='out_of_fold', or a proxy that is regularised more.",
            MemorisedProxyWarning,
            stacklevel=stacklevel + 1,
        )


def _describe(classifier: BaseEstimator, evidence: Evidence, y: np.ndarray) -> str:
    """Say what beside the low error shows it, "" where nothing does."""
    votes = getattr(classifier, "oob_decision_function_", None)
    if votes is not None and np.shape(votes) == (len(y), len(classifier.classes_)):
        voted = np.isfinite(votes).all(axis=1) & (np.nan_to_num(votes).sum(axis=1) > 0)
        if not voted.any():
            return ""
        error = float(np.mean(classifier.classes_[np.argmax(votes[voted], axis=1)] != y[voted]))
        return f"and {error:.1%} out of bag" if error > HARDLY_AN_ERROR + FAR_BELOW else ""
    sureness = 1.0 - float(evidence.score_rows(least_confidence).mean())
    if sureness >= _SURE:
        return f"with a mean probability of {sureness:.4f}"
    if "oob_score" in classifier.get_params(deep=False):
        return "and most of its trees have seen each row (oob_score=True makes votes of the others free)"
    return ""
