"""Forgetting events: how often a row was learned and lost again in training."""

from numbers import Integral
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ._evidence import Evidence
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


def _check_correct(correct: ArrayLike) -> np.ndarray:
    right = np.asarray(correct)
    if right.dtype == bool:
        return right
    if right.size == 0:
        return right.astype(bool)
    if right.dtype.kind not in "iuf" or not np.isin(right, (0, 1)).all():
        raise ValueError(
            f"correct must hold only true and false (or 1 and 0), got an array of dtype {right.dtype}."
        )
    return right.astype(bool)


class ForgettingCounter:
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
    >>> counter.update([0, 2], [True, True])
    >>> counter.update([0, 1], [False, False])
    >>> counter.events().tolist()
    [1.0, inf, 0.0]
    """

    def __init__(self, n_rows: int):
        self.n_rows = n_rows
        self._events = np.zeros(n_rows, dtype=np.int64)
        self._is_right = np.zeros(n_rows, dtype=bool)
        self._was_ever_right = np.zeros(n_rows, dtype=bool)

    def update(self, rows: ArrayLike, correct: ArrayLike) -> None:
        """Note one visit of some rows.

        Parameters
        ----------
        rows : array-like of shape (n_batch,), int
            Row numbers of the batch, each at most once.
        correct : array-like of shape (n_batch,), bool
            Whether the model classified them right before it learned from the batch.

        Raises
        ------
        ValueError
            For different lengths, a row number outside ``0 .. n_rows - 1``, or a
            row that comes twice.
        """
        rows = np.asarray(rows)
        right = _check_correct(correct)
        if rows.ndim != 1 or rows.shape != right.shape:
            raise ValueError(
                f"rows and correct must be 1-D and of equal length, got {rows.shape} and {right.shape}."
            )
        if len(rows) == 0:
            return
        if rows.dtype.kind not in "iu":
            raise ValueError(f"rows must be row numbers (integers), got an array of dtype {rows.dtype}.")
        ordered = np.sort(rows)
        if ordered[0] < 0 or ordered[-1] >= self.n_rows:
            raise ValueError(f"rows must lie in 0 .. {self.n_rows - 1}, got {ordered[0]} .. {ordered[-1]}.")
        if (ordered[1:] == ordered[:-1]).any():
            raise ValueError("rows must hold each row at most once per update: two visits need two updates.")
        self._events[rows] += self._is_right[rows] & ~right
        self._is_right[rows] = right
        self._was_ever_right[rows] |= right

    def state(self) -> dict[str, np.ndarray]:
        """Return what the counter remembers, for `restore`; each (n_rows,)."""
        return {
            "events": self._events,
            "is_right": self._is_right,
            "was_ever_right": self._was_ever_right,
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` of a counter of as many rows returned.

        Raises
        ------
        ValueError
            For a state of another number of rows.
        """
        if len(state["events"]) != self.n_rows:
            raise ValueError(f"The state is of {len(state['events'])} rows, the counter of {self.n_rows}.")
        self._events = state["events"].copy()
        self._is_right = state["is_right"].copy()
        self._was_ever_right = state["was_ever_right"].copy()

    def events(self) -> np.ndarray:
        """Return the forgetting events so far, (n_rows,) float64, infinity for rows never right."""
        return np.where(self._was_ever_right, self._events, np.inf)


class ForgettingEvents(ScoredStrategy):
    """Choose the rows that the proxy forgot most often while it was trained.

    Rows never classified right come first, then the most often forgotten; rows
    learned once and kept come last. Equal counts, which are many, follow a
    permutation drawn from the random state.

    Parameters
    ----------
    n_epochs : int, default=20
        Passes over the data for a proxy that learns by ``partial_fit`` and has
        no number of epochs of its own. A row can be forgotten in every second
        pass at most. Networks use their own number of epochs.
    batch_size : int, default=128
        Rows in a step of ``partial_fit`` for such a proxy.

    See Also
    --------
    forgetting_events : The count.

    References
    ----------
    Toneva et al., An Empirical Study of Example Forgetting during Deep Neural
    Network Learning, ICLR 2019.
    """

    requires = ("forgetting_events",)
    _parameter_constraints: ClassVar[dict] = {
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_epochs: int = 20, batch_size: int = 128):
        self.n_epochs = n_epochs
        self.batch_size = batch_size

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the forgetting events of `rows`."""
        events = np.asarray(evidence.require("forgetting_events"), dtype=np.float64)
        if events.ndim != 1:
            raise ValueError(f"forgetting_events must have the shape (n_rows,), got {events.shape}.")
        return events[rows]
