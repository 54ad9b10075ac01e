"""Warning of a proxy that has memorised the rows that it ranks."""

import numpy as np
from sklearn.base import BaseEstimator

from .._inputs._warn import warn_caller
from ..proxies import as_proxy
from ..strategies import Evidence, least_confidence
from ._risky_choice import RiskyChoiceWarning

# A proxy may have memorised its training rows if its error on them is at most this.
HARDLY_AN_ERROR = 0.01
# It is too sure if the mean probability of the predicted class is at least this.
_SURE = 0.99
# The held-out error exceeds that of the training by this much.
FAR_BELOW = 0.05


class MemorisedProxyWarning(RiskyChoiceWarning):
    """A proxy has memorised the rows that it ranks."""


def warn_if_memorised(
    proxy: BaseEstimator, evidence: Evidence, y: np.ndarray, right: np.ndarray | None
) -> None:
    """Warn if the evidence shows that the proxy has memorised the rows.

    Networks are left out: their logits tell apart rows that they have learned for
    certain, and they learn easy data without an error too.

    Parameters
    ----------
    proxy : classifier
        Fitted on the rows.
    evidence : Evidence
        What the proxy says of them.
    y : ndarray of shape (n,)
        Labels.
    right : ndarray of shape (n,), bool, or None
        Which rows the proxy classifies right; see `predicted_right`.

    Warns
    -----
    MemorisedProxyWarning
    """
    if right is None or evidence.logits is not None or as_proxy(proxy).is_frozen:
        return
    error = 1.0 - float(right.mean())
    if error > HARDLY_AN_ERROR:
        return
    classifier = as_proxy(proxy).classifier
    found = _describe(classifier, evidence, y)
    if found:
        warn_caller(
            f"The proxy {type(classifier).__name__} seems to have memorised its training rows: {error:.1%} "
            f"of them are predicted wrong, {found}. What it says of them ranks mostly noise: take "
            "probabilities='out_of_fold', or a proxy that is regularised more.",
            MemorisedProxyWarning,
        )


def _describe(classifier: BaseEstimator, evidence: Evidence, y: np.ndarray) -> str:
    """Say what shows it beside the low error, "" if nothing does."""
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
