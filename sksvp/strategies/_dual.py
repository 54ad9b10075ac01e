"""DUAL: difficulty and uncertainty of a row together, early in training."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._parameters import WholeNumber
from ._dynamic_uncertainty import score_windows
from ._evidence import Evidence
from ._strategy import ScoredStrategy
from ._training_record import TrainingRecord, check_visits


def dual(losses: ArrayLike, *, window: int = 10) -> np.ndarray:
    """Average difficulty times uncertainty over windows of consecutive visits.

    Parameters
    ----------
    losses : array-like of shape (n_visits, n_rows)
        Cross-entropy at each visit, the negative logarithm of the probability of the
        own class.
    window : int, default=10
        Visits of a window, 2 or more.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        The mean over all windows of one minus the mean of that probability, times
        its standard deviation with division by ``window - 1``.

    Raises
    ------
    ValueError
        For an array that is not 2-D or holds NaN, a window below 2, or fewer than
        two visits.

    Warns
    -----
    UserWarning
        For fewer visits than a window: all of them are one window.

    References
    ----------
    Cho et al., Lightweight Dataset Pruning without Full Training via Example
    Difficulty and Prediction Uncertainty, ICML 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import dual
    >>> dual(-np.log([[0.5, 0.1], [0.7, 0.1], [0.9, 0.1]]), window=2).round(3).tolist()
    [0.042, 0.0]
    """
    return score_windows(check_visits(losses, "losses"), window, _difficulty_and_spread)


def _difficulty_and_spread(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return (1.0 - mean) * spread


class Dual(ScoredStrategy):
    """Choose the rows that were both hard and uncertain early in training.

    Parameters
    ----------
    window : int, default=10
        Visits of a window.
    n_visits : int, default=30
        How many visits to read, from the first. A shorter training is read to its
        end.

    See Also
    --------
    dual : The score.
    BetaSample : The authors' way to choose by it where little is kept.

    References
    ----------
    Cho et al., Lightweight Dataset Pruning without Full Training via Example
    Difficulty and Prediction Uncertainty, ICML 2025.
    """

    requires = ("training_record",)
    hardest_first = True
    _parameter_constraints: ClassVar[dict] = {
        "window": [WholeNumber(2)],
        "n_visits": [WholeNumber(2)],
    }

    def __init__(self, window: int = 10, n_visits: int = 30):
        self.window = window
        self.n_visits = n_visits

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the score of `rows`."""
        losses = TrainingRecord.of(evidence).require("loss")[: self.n_visits]
        return score_windows(losses, self.window, _difficulty_and_spread, rows)
