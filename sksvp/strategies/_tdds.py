"""TDDS: how much the change of a row's class probabilities varies within windows of visits."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._parameters import WholeNumber
from ._dynamic_uncertainty import window_sums, window_width
from ._evidence import Evidence
from ._strategy import ScoredStrategy
from ._training_record import TrainingRecord, check_visits, score_visits

# Weight of the last window; each one before it weighs a tenth of its successor.
_LAST, _DECAY = 0.9, 0.1


def tdds(changes: ArrayLike, *, window: int = 10) -> np.ndarray:
    """Sum how far the changes of the class probabilities stray from their mean, over windows of visits.

    Parameters
    ----------
    changes : array-like of shape (n_visits, n_rows)
        Sum over the classes of ``|p (log p - log q)|``, with the probabilities p of a
        visit and q of the visit before. The first visit, which has none before it, is
        not read.
    window : int, default=10
        Visits of a window, 3 or more.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        For each window the root of the sum of squared deviations of its changes from
        their mean. The last window weighs 0.9, and each one before it a tenth of its
        successor, so that the score is nearly that of the last window.

    Raises
    ------
    ValueError
        For an array that is not 2-D or holds NaN, a window below 3, or fewer than
        three visits.

    Warns
    -----
    UserWarning
        For fewer visits than a window: all of them are one window.

    References
    ----------
    Zhang et al., Spanning Training Progress: Temporal Dual-Depth Scoring (TDDS) for
    Enhanced Dataset Pruning, CVPR 2024.

    Examples
    --------
    >>> from sksvp.strategies import tdds
    >>> tdds([[0.0, 0.0], [3.0, 1.0], [1.0, 1.0], [2.0, 1.0]], window=3).round(3).tolist()
    [0.764, 0.0]
    """
    return _score(check_visits(changes, "changes"), window)


def _score(changes: np.ndarray, window: int, rows: np.ndarray | None = None) -> np.ndarray:
    width = window_width(window, len(changes), least=3) - 1

    def weighted(block: np.ndarray) -> np.ndarray:
        means = window_sums(block, width) / width
        score = np.zeros(block.shape[1])
        for place, mean in enumerate(means):
            deviations = block[place : place + width] - mean
            weight = _LAST * _DECAY ** (len(means) - 1 - place)
            score += weight * np.sqrt(np.einsum("ij,ij->j", deviations, deviations))
        return score

    return score_visits(weighted, changes[1:], rows=rows)


class Tdds(ScoredStrategy):
    """Choose the rows whose class probabilities changed most unevenly at the end of a window of visits.

    The authors choose window and length of training by the share of rows that is
    kept: windows of 10 visits and a training of 90 epochs where 70 % is kept, of 10
    epochs where 10 % is.

    Parameters
    ----------
    window : int, default=10
        Visits of a window.
    n_visits : int or None, default=None
        How many visits to read, from the first; all by default. A shorter training is
        read to its end.

    See Also
    --------
    tdds : The score.
    Dual : Needs less of the training, and does better in its authors' comparison.

    References
    ----------
    Zhang et al., Spanning Training Progress: Temporal Dual-Depth Scoring (TDDS) for
    Enhanced Dataset Pruning, CVPR 2024.
    """

    requires = ("training_record", "change")
    _parameter_constraints: ClassVar[dict] = {
        "window": [WholeNumber(3)],
        "n_visits": [WholeNumber(3), None],
    }

    def __init__(self, window: int = 10, n_visits: int | None = None):
        self.window = window
        self.n_visits = n_visits

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the score of `rows`."""
        changes = TrainingRecord.of(evidence).require("change")[: self.n_visits]
        return _score(changes, self.window, rows)
