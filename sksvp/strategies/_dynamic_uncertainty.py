"""Dynamic uncertainty: how much the probability of a row's own class varies within windows of visits."""

import warnings
from numbers import Integral
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._parameters import WholeNumber
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
    losses = check_visits(losses, "losses")
    width = window_width(window, len(losses))
    return score_visits(lambda loss: window_moments(np.exp(-loss), width)[1].mean(axis=0), losses)


def window_width(window: int, n_visits: int) -> int:
    """Return the visits of a window: `window`, or all there are, with a warning."""
    if not isinstance(window, Integral) or isinstance(window, bool) or window < 2:
        raise ValueError(f"window must be an int of 2 or more, got {window!r}.")
    if n_visits < 2:
        raise ValueError(f"Windows need at least 2 visits of the training, got {n_visits}.")
    if n_visits < window:
        warnings.warn(
            f"The training has {n_visits} visits, fewer than window={window}: they are taken as one window.",
            UserWarning,
            stacklevel=4,
        )
    return min(int(window), n_visits)


def window_moments(values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each window, both (n_visits - width + 1, n_rows)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=0)
    return windows.mean(axis=-1), windows.std(axis=-1, ddof=1)


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
        return dynamic_uncertainty(TrainingRecord.of(evidence).require("loss")[:, rows], window=self.window)
