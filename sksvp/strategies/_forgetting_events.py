"""Forgetting events: how often a row was learned and lost again in training."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._evidence import Evidence
from ._recorder import Recorder, is_right
from ._rows import as_array
from ._strategy import ScoredStrategy


def forgetting_events(correct: ArrayLike) -> np.ndarray:
    """Count for each row how often it went from classified right to wrong.

    Parameters
    ----------
    correct : array-like of shape (n_visits, n_rows), bool
        Whether the model classified the row right at each of its visits in
        training, in their order (numbers 0 and 1 do too).

    Returns
    -------
    ndarray of shape (n_rows,), float64
        The number of changes from right to wrong between consecutive visits. A
        row counts as wrong before its first visit. Infinity for a row that was
        never right: it was never learned, so it ranks as the hardest.

    Raises
    ------
    ValueError
        For an array that is not 2-D or holds anything but true and false.

    See Also
    --------
    ForgettingCounter : The same count kept batch by batch.

    References
    ----------
    Toneva et al., An Empirical Study of Example Forgetting during Deep Neural
    Network Learning, ICLR 2019.

    Examples
    --------
    >>> from sksvp.strategies import forgetting_events
    >>> forgetting_events([[True, False, True], [False, False, True], [True, False, True]]).tolist()
    [1.0, inf, 0.0]
    """
    right = _check_correct(correct)
    if right.ndim != 2:
        raise ValueError(f"correct must have the shape (n_visits, n_rows), got {right.shape}.")
    events = np.count_nonzero(right[:-1] > right[1:], axis=0).astype(np.float64)
    events[~right.any(axis=0)] = np.inf
    return events


def _check_correct(correct: ArrayLike, name: str = "correct") -> np.ndarray:
    right = as_array(correct, name)
    if right.dtype == bool:
        return right
    if right.size == 0:
        return right.astype(bool)
    if right.dtype.kind not in "iuf" or not np.isin(right, (0, 1)).all():
        raise ValueError(
            f"{name} must hold only true and false (or 1 and 0), got an array of dtype {right.dtype}."
        )
    return right.astype(bool)


class ForgettingCounter(Recorder):
    """Counts forgetting events while a model trains, one batch at a time.

    Parameters
    ----------
    n_rows : int
        Number of training rows.

    See Also
    --------
    forgetting_events : The same count of a whole history.

    Examples
    --------
    >>> from sksvp.strategies import ForgettingCounter
    >>> counter = ForgettingCounter(3)
    >>> counter.note([0, 2], [True, True])
    >>> counter.note([0, 1], [False, False])
    >>> counter.result().tolist()
    [1.0, inf, 0.0]
    """

    name: ClassVar[str] = "forgetting_events"
    is_kept: ClassVar[bool] = True
    arrays: ClassVar[tuple[str, ...]] = ("_events", "_is_right", "_was_ever_right")
    judge = staticmethod(is_right)

    def __init__(self, n_rows: int):
        super().__init__(n_rows)
        self._events = np.zeros(n_rows, dtype=np.int64)
        self._is_right = np.zeros(n_rows, dtype=bool)
        self._was_ever_right = np.zeros(n_rows, dtype=bool)

    def _keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        right = _check_correct(values, "values")
        self._events[rows] += self._is_right[rows] & ~right
        self._is_right[rows] = right
        self._was_ever_right[rows] |= right

    def result(self) -> np.ndarray:
        """Return the forgetting events so far, (n_rows,) float64, infinity for rows never right."""
        return np.where(self._was_ever_right, self._events, np.inf)


class ForgettingEvents(ScoredStrategy):
    """Choose the rows that the proxy forgot most often while it was trained.

    Rows never classified right come first, then the most often forgotten; rows
    learned once and kept come last. Equal counts, which are many, follow a
    permutation drawn from the random state.

    See Also
    --------
    forgetting_events : The count.

    References
    ----------
    Toneva et al., An Empirical Study of Example Forgetting during Deep Neural
    Network Learning, ICLR 2019.
    """

    requires = ("forgetting_events",)
    hardest_first = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the forgetting events of `rows`."""
        events = np.asarray(evidence.require("forgetting_events"), dtype=np.float64)
        if events.ndim != 1:
            raise ValueError(f"forgetting_events must have the shape (n_rows,), got {events.shape}.")
        return events[rows]
