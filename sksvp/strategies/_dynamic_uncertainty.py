"""Dynamic uncertainty: how much the probability of a row's own class varies within windows of visits."""

from collections.abc import Callable
from numbers import Integral
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._parameters import WholeNumber
from .._inputs._warn import warn_caller
from ._evidence import Evidence
from ._strategy import ScoredStrategy
from ._training_record import TrainingRecord, check_visits, score_visits


def dynamic_uncertainty(losses: ArrayLike, *, window: int = 10) -> np.ndarray:
    """Average the standard deviation of the own class's probability over windows of consecutive visits.

    Parameters
    ----------
    losses : array-like of shape (n_visits, n_rows)
        Cross-entropy at each visit, the negative logarithm of that probability.
    window : int, default=10
        Visits of a window, 2 or more.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        The mean over all windows of the standard deviation inside them, with
        division by ``window - 1``.

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
    He et al., Large-scale Dataset Pruning with Dynamic Uncertainty, CVPR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import dynamic_uncertainty
    >>> dynamic_uncertainty(-np.log([[0.5, 0.1], [0.7, 0.1], [0.9, 0.1]]), window=2).round(3).tolist()
    [0.141, 0.0]
    """
    return score_windows(check_visits(losses, "losses"), window, lambda mean, spread: spread)


def score_windows(
    losses: np.ndarray,
    window: int,
    judge: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Average over all windows what `judge` makes of the moments of the own class's probability within them.

    Parameters
    ----------
    losses : ndarray of shape (n_visits, n_rows)
    window : int
    judge : callable
        ``judge(mean, spread)`` of the means and standard deviations of the windows,
        (n_windows, n_block) each and in the result.
    rows : ndarray of int, optional
        Which rows to score; all by default.
    """
    width = window_width(window, len(losses))

    def score(loss: np.ndarray) -> np.ndarray:
        p = np.exp(-loss)
        centre = p.mean(axis=0)
        # Around their mean, so that little is lost in the difference below.
        p -= centre
        sums = window_sums(p, width)
        squares = window_sums(p * p, width) - sums * sums / width
        spread = np.sqrt(np.maximum(squares, 0.0) / (width - 1))
        return judge(sums / width + centre, spread).mean(axis=0)

    return score_visits(score, losses, rows=rows)


def window_sums(values: np.ndarray, width: int) -> np.ndarray:
    """Return the sum of each window of `width` consecutive rows, from sums of 1, 2, 4, ... rows."""
    n_windows = len(values) - width + 1
    total, place, length = np.zeros((n_windows, *values.shape[1:])), 0, 1
    while True:
        if width & length:
            total += values[place : place + n_windows]
            place += length
        if 2 * length > width:
            return total
        values = values[:-length] + values[length:]
        length *= 2


def window_width(window: int, n_visits: int, *, least: int = 2) -> int:
    """Return the visits of a window: `window`, or all there are, with a warning."""
    if not isinstance(window, Integral) or isinstance(window, bool) or window < least:
        raise ValueError(f"window must be an int of {least} or more, got {window!r}.")
    if n_visits < least:
        raise ValueError(f"Windows need at least {least} visits of the training, got {n_visits}.")
    if n_visits < window:
        warn_caller(
            f"The training has {n_visits} visits, fewer than window={window}: they are taken as one window."
        )
    return min(int(window), n_visits)


class DynamicUncertainty(ScoredStrategy):
    """Choose the rows whose probability of the own class varied most within windows of visits.

    Parameters
    ----------
    window : int, default=10
        Visits of a window.

    See Also
    --------
    dynamic_uncertainty : The score.

    References
    ----------
    He et al., Large-scale Dataset Pruning with Dynamic Uncertainty, CVPR 2024.
    """

    requires = ("training_record",)
    hardest_first = True
    _parameter_constraints: ClassVar[dict] = {"window": [WholeNumber(2)]}

    def __init__(self, window: int = 10):
        self.window = window

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the dynamic uncertainty of `rows`."""
        losses = TrainingRecord.of(evidence).require("loss")
        return score_windows(losses, self.window, lambda mean, spread: spread, rows)
