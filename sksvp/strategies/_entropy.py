"""Entropy of the class probabilities."""

import numpy as np
from numpy.typing import ArrayLike

from ._evidence import Evidence
from ._probabilities import score_probabilities, split_top
from ._strategy import ScoredStrategy


def entropy(probabilities: ArrayLike, *, log: bool = False) -> np.ndarray:
    """Score rows by the entropy of their class probabilities, in nats.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities; each row sums to 1 (within 0.001).
    log : bool, default=False
        Whether `probabilities` holds natural logarithms of probabilities
        instead (minus infinity stands for 0). Scores of very sure rows then
        stay apart down to 1e-300.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        ``-sum(p * log(p))`` with ``0 * log(0) = 0``, between 0 (sure) and
        ``log(n_classes)``. Higher is less sure.

    Raises
    ------
    ValueError
        For NaN or infinity, values outside [0, 1], rows that do not sum to 1,
        fewer than two classes, or an array that is not 2-D.
    TypeError
        For a sparse matrix or values that are not real numbers.

    References
    ----------
    Shannon, A Mathematical Theory of Communication, 1948; as a selection
    score: Coleman et al., Selection via Proxy, ICLR 2020.

    Examples
    --------
    >>> from sksvp.strategies import entropy
    >>> entropy([[1.0, 0.0], [0.5, 0.5]]).round(4).tolist()
    [0.0, 0.6931]
    """
    return score_probabilities(probabilities, log=log, of_probabilities=_entropy, of_logs=_entropy_of_logs)


def _entropy(p: np.ndarray) -> np.ndarray:
    # log(0) is left at 0: 0 log 0 = 0, where NaN would rank the surest rows first.
    logs = np.log(p, where=p > 0, out=np.zeros_like(p))
    # A probability that rounding has left a little above 1 must not give a negative term.
    return -np.minimum(p * logs, 0.0).sum(axis=1) + 0.0


def _entropy_of_logs(logs: np.ndarray) -> np.ndarray:
    # The logarithm of a probability near 1 is mostly rounding; that of one minus the others is not.
    p, others = split_top(np.exp(logs))
    rest = np.minimum(others.sum(axis=1), 1.0)
    of_top = p * np.log1p(-rest, where=rest < 1, out=np.zeros_like(rest))
    of_others = others * np.where(others > 0, logs, 0.0)
    return -of_others.sum(axis=1) - of_top + 0.0


class Entropy(ScoredStrategy):
    """Choose the rows whose predicted class probabilities have the highest entropy.

    See Also
    --------
    entropy : The score.
    LeastConfidence : Gives the same ranking where there are two classes.
    """

    requires = ("probabilities",)
    hardest_first = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the entropy of `rows`, from logits where the evidence has them."""
        return evidence.score_rows(entropy, rows=rows)
