"""Margin: how far the most probable class is ahead of the second."""

import numpy as np
from numpy.typing import ArrayLike

from ._evidence import Evidence
from ._probabilities import score_probabilities, split_top
from ._strategy import ScoredStrategy


def margin(probabilities: ArrayLike, *, log: bool = False) -> np.ndarray:
    """Score rows by the negated gap between their two largest class probabilities.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities; each row sums to 1 (within 0.001).
    log : bool, default=False
        Whether `probabilities` holds natural logarithms of probabilities
        instead (minus infinity stands for 0). The score is then shifted by one,
        ``1 - (p1 - p2)``, which ranks the rows alike. Near a gap of 1 float64
        has no numbers left to tell very sure rows apart; near 0 it has them,
        down to 1e-300. The sum behind it is ``(1 - p1) + p2``, with the other
        classes' probabilities for ``1 - p1``.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        ``-(p1 - p2)``, between -1 (sure) and 0 (a tie of two classes); with
        `log` one more, between 0 and 1. Higher is less sure.

    Raises
    ------
    ValueError
        For NaN or infinity, values outside [0, 1], rows that do not sum to 1,
        fewer than two classes, or an array that is not 2-D.
    TypeError
        For a sparse matrix or values that are not real numbers.

    References
    ----------
    Scheffer, Decomain and Wrobel, Active Hidden Markov Models for Information
    Extraction, IDA 2001.

    Examples
    --------
    >>> from sksvp.strategies import margin
    >>> margin([[0.75, 0.25], [0.5, 0.5]]).tolist()
    [-0.5, 0.0]
    """
    return score_probabilities(probabilities, log=log, of_probabilities=_negated_gap, of_logs=_one_minus_gap)


def _negated_gap(p: np.ndarray) -> np.ndarray:
    first, others = split_top(p)
    return others.max(axis=1) - first


def _one_minus_gap(logs: np.ndarray) -> np.ndarray:
    _, others = split_top(np.exp(logs))
    return others.sum(axis=1) + others.max(axis=1)


def uncertainty(evidence: Evidence, rows: np.ndarray) -> np.ndarray:
    """Return ``1 - (p1 - p2)`` of rows, between 0 (sure) and 1 (a tie), from logits or probabilities."""
    scores = evidence.score_rows(margin, rows=rows)
    return scores if evidence.logits is not None else scores + 1.0


class Margin(ScoredStrategy):
    """Choose the rows whose two most probable classes are closest to each other.

    The scores that `rank` returns are always ``-(p1 - p2)``; where the evidence
    has logits, their order is that of the finer `margin` with ``log=True``.

    See Also
    --------
    margin : The score.
    """

    requires = ("probabilities",)
    hardest_first = True

    def rank(self, evidence: Evidence, n_samples: int, *, candidates=None, initial=None, random_state=None):
        """Rank all candidates, the narrowest margin first (see `ScoredStrategy.rank`)."""
        rows, scores = super().rank(
            evidence, n_samples, candidates=candidates, initial=initial, random_state=random_state
        )
        return rows, scores if evidence.logits is None else scores - 1.0

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the margin of `rows`, from logits (and then shifted by one) where the evidence has them."""
        return evidence.score_rows(margin, rows=rows)
