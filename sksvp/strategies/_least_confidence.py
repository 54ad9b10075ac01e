"""Least confidence: one minus the largest class probability."""

import numpy as np
from numpy.typing import ArrayLike

from ._evidence import Evidence
from ._probabilities import score_probabilities, split_top
from ._strategy import ScoredStrategy


def least_confidence(probabilities: ArrayLike, *, log: bool = False) -> np.ndarray:
    """Score rows by one minus their largest class probability.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities; each row sums to 1 (within 0.001).
    log : bool, default=False
        Whether `probabilities` holds natural logarithms of probabilities
        instead (minus infinity stands for 0). The score is then the sum of the
        other classes' probabilities: the same number, but rows of which one
        class is all but certain stay apart down to 1e-300, where the
        subtraction gives 0 for all of them.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        ``1 - max(p)``, between 0 (sure) and ``1 - 1 / n_classes``. Higher is
        less sure.

    Raises
    ------
    ValueError
        For NaN or infinity, values outside [0, 1], rows that do not sum to 1,
        fewer than two classes, or an array that is not 2-D.
    TypeError
        For a sparse matrix or values that are not real numbers.

    References
    ----------
    Lewis and Gale, A Sequential Algorithm for Training Text Classifiers,
    SIGIR 1994.

    Examples
    --------
    >>> from sksvp.strategies import least_confidence
    >>> least_confidence([[1.0, 0.0], [0.25, 0.75]]).tolist()
    [0.0, 0.25]
    """
    return score_probabilities(
        probabilities, log=log, of_probabilities=_one_minus_top, of_logs=_sum_of_others
    )


def _one_minus_top(p: np.ndarray) -> np.ndarray:
    # Rounding may have left a probability a little above 1.
    return np.maximum(1.0 - p.max(axis=1), 0.0)


def _sum_of_others(logs: np.ndarray) -> np.ndarray:
    _, others = split_top(np.exp(logs))
    return others.sum(axis=1)


class LeastConfidence(ScoredStrategy):
    """Choose the rows whose most probable class is the least probable.

    See Also
    --------
    least_confidence : The score.
    """

    requires = ("probabilities",)
    hardest_first = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the least confidence of `rows`, from logits where the evidence has them."""
        return evidence.score_rows(least_confidence, rows=rows)
