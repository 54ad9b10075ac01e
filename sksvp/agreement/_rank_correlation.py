"""Correlation of two scores of the same rows."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kendalltau, rankdata
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._names import names

METHODS = ("spearman", "pearson", "kendall")


@validate_params({"method": [StrOptions(set(METHODS))]}, prefer_skip_nested_validation=True)
def rank_correlation(a: ArrayLike, b: ArrayLike, method: str = "spearman") -> float:
    """Correlate two scores of the same rows.

    Parameters
    ----------
    a, b : array-like of shape (n_rows,)
        The scores. Infinity is larger than any other score and ties with itself.
    method : {"spearman", "pearson", "kendall"}, default="spearman"
        ``"spearman"`` correlates the ranks; equal scores share their mean rank.
        ``"kendall"`` is tau-b, which counts pairs in the same order.
        ``"pearson"`` correlates the scores themselves; infinity is replaced by the
        largest finite score of that array.

    Returns
    -------
    float
        The correlation, between -1 and 1. If a score is the same for all rows, the
        correlation is not defined: the result is NaN, with a UserWarning.

    Raises
    ------
    TypeError
        If scores are not numbers.
    ValueError
        If a score is NaN, the arrays differ in length, have fewer than two rows
        or are not 1-D, or the method is unknown.

    References
    ----------
    Coleman et al., Selection via Proxy, ICLR 2020, compare proxies and targets
    by Spearman's and Pearson's correlation.

    Examples
    --------
    >>> from sksvp.agreement import rank_correlation
    >>> rank_correlation([0.0, 1.0, float("inf")], [5, 6, 7])
    1.0
    """
    first, second = check_scores(a, "a"), check_scores(b, "b")
    if len(first) != len(second):
        raise ValueError(f"a and b must have the same length, got {len(first)} and {len(second)}.")
    if len(first) < 2:
        raise ValueError(f"a and b must have at least two rows, got {len(first)}.")
    # rankdata already puts infinity last and lets it tie.
    convert = _cap_infinity if method == "pearson" else rankdata
    first, second = convert(first), convert(second)
    for name, scores in (("a", first), ("b", second)):
        if (scores == scores[0]).all():
            warnings.warn(f"{name} has the same score for all rows: no correlation is defined.", stacklevel=3)
            return float("nan")
    if method == "kendall":
        return float(kendalltau(first, second).statistic)
    return _pearson(first, second)


def check_scores(scores: ArrayLike, name: str, *, nan: bool = False) -> np.ndarray:
    """Return scores as a 1-D array of float64, with NaN only where it is allowed."""
    with names(name):
        array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must have the shape (n_rows,), got {array.shape}.")
    if not nan and np.isnan(array).any():
        raise ValueError(f"{name} must not hold NaN, got {np.count_nonzero(np.isnan(array))} of them.")
    return array


def _cap_infinity(scores: np.ndarray) -> np.ndarray:
    finite = scores[np.isfinite(scores)]
    return np.clip(scores, finite.min(), finite.max()) if len(finite) else np.zeros_like(scores)


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    # The scores are scaled first because squares of very large or small ones would leave float64's range.
    a, b = (_unit(scores - scores.mean()) for scores in (a / np.abs(a).max(), b / np.abs(b).max()))
    return float(np.clip(a @ b, -1.0, 1.0))


def _unit(vector: np.ndarray) -> np.ndarray:
    vector = vector / np.abs(vector).max()
    return vector / np.linalg.norm(vector)
