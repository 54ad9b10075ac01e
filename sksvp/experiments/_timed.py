"""What a training and a pass of a model take, from a few timed steps on some of the rows."""

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from .._clock import Clock
from .._inputs._containers import take_rows
from .._updates import has_epochs

# Seconds of the processor after which no larger part is timed, and after which a first step is long by itself.
_ENOUGH = 1.5
_LONG = 3.0
# Rows of the first part for a model without a batch size, and the power of the rows that its seconds grow with.
_FIRST_ROWS = 200
POWERS = (1.0, 2.0)

Seconds = np.ndarray


@dataclass
class TrainingCost:
    """Seconds and memory of a training, by its rows and epochs. Seconds are pairs: on the wall, of the processor.

    Attributes
    ----------
    start, start_row : ndarray of shape (2,)
        Seconds of a training beside its epochs: of each, and of each row.
    epoch, epoch_row : ndarray of shape (2,)
        Seconds of an epoch, and of each row in it.
    loading : ndarray of shape (2,) or float
        Seconds that the first training of a process takes more, which loads and compiles.
    power : float
        What the rows are raised to, for a model that counts no epochs.
    memory, memory_row : float
        Bytes at the peak beside what was there before, and of each row.
    """

    start: Seconds
    start_row: Seconds
    epoch: Seconds
    epoch_row: Seconds
    loading: Seconds | float = 0.0
    power: float = 1.0
    memory: float = 0.0
    memory_row: float = 0.0

    def seconds(self, n_rows: int, epochs: int | None, n_visited: int | None = None) -> Seconds:
        """Return the seconds of a training, each of whose epochs visits all rows, or `n_visited` of them."""
        n_visited = n_rows if n_visited is None else n_visited
        begin = self.start + self.start_row * n_rows**self.power
        return begin + (epochs or 0) * (self.epoch + self.epoch_row * n_visited)

    def peak(self, n_rows: int) -> float:
        """Return the bytes at the peak, beside what was there before."""
        return self.memory + self.memory_row * n_rows


def time_training(
    model: Any, X: Any, y: np.ndarray, train: Callable[[Any, Any, np.ndarray], Any]
) -> TrainingCost:
    """Time some steps of a model's training.

    Parameters
    ----------
    model : estimator
        Cloned.
    X, y : rows and labels
        Of the whole training; some rows are used.
    train : callable
        ``train(model, X, y)`` trains a clone.
    """
    parts = _Parts(model, X, y, train)
    return _by_epochs(parts) if has_epochs(model) else _by_rows(parts)


def time_pass(work: Callable[[], Any]) -> Seconds:
    """Return the seconds of work that was done once before, which loads and compiles."""
    work()
    with Clock() as clock:
        work()
    return np.array([clock.wall, clock.cpu])


def first_rows(y: np.ndarray) -> np.ndarray:
    """Return row numbers in random order, in which a row of each class comes before the others."""
    order = np.random.RandomState(0).permutation(len(y))
    heads = np.sort(np.unique(y[order], return_index=True)[1])
    return np.r_[order[heads], np.delete(order, heads)]


class _Parts:
    """Trains on parts of the rows, and notes seconds and memory."""

    def __init__(self, model: Any, X: Any, y: np.ndarray, train: Callable):
        self.model, self.X, self.y, self.train = model, X, y, train
        self.n_rows = len(y)
        self.order = first_rows(y)
        self.before = resident_bytes()

    def time(self, n_rows: int, epochs: int | None) -> tuple[Seconds, float]:
        rows = np.sort(self.order[:n_rows])
        X, y = take_rows(self.X, rows), self.y[rows]
        model = clone(self.model)
        quiet = {"verbose": 0, "random_state": 0, "max_epochs": epochs}
        known = model.get_params(deep=False)
        model.set_params(
            **{name: value for name, value in quiet.items() if name in known and value is not None}
        )
        with warnings.catch_warnings(), watching_peak() as peak, Clock() as clock:
            warnings.simplefilter("ignore")
            self.train(model, X, y)
        return np.array([clock.wall, clock.cpu]), max(0.0, peak[0] - self.before)


def _by_epochs(parts: _Parts) -> TrainingCost:
    size = parts.model.get_params(deep=False).get("batch_size")
    small = min(parts.n_rows, size if isinstance(size, int) and size > 1 else _FIRST_ROWS)
    zero = np.zeros(2)
    begun, _ = parts.time(small, 1)
    if begun[1] > _LONG:
        spent, memory = parts.time(small, 2)
        return TrainingCost(zero, zero, zero, spent / (2 * small), memory=memory)
    one, first_memory = parts.time(small, 1)
    three, _ = parts.time(small, 3)
    loading = np.maximum(begun - one, 0)
    first_epoch = np.maximum((three - one) / 2, 1e-9)
    large = min(parts.n_rows, max(2 * small, int(small * _ENOUGH / max(first_epoch[1], 5e-3))))
    if large == small:
        start = np.maximum(one - first_epoch, 0)
        return TrainingCost(start, zero, first_epoch, zero, loading=loading, memory=first_memory)
    one_large, memory = parts.time(large, 1)
    two_large, _ = parts.time(large, 2)
    # A difference of two noisy times is at least half of what the first one can have been.
    epoch = np.maximum(two_large - one_large, first_epoch)
    per_row = np.maximum(epoch - first_epoch, 0) / (large - small)
    start, start_large = np.maximum(one - first_epoch, 0), np.maximum(one_large - epoch, 0)
    start_row = np.maximum(start_large - start, 0) / (large - small)
    # Tables of texts grow with them; the batches of a network do not.
    reads_texts = get_tags(parts.model).input_tags.string and not isinstance(size, int)
    memory_row = memory / large if reads_texts else 0.0
    return TrainingCost(
        np.maximum(start - start_row * small, 0),
        start_row,
        np.maximum(first_epoch - per_row * small, 0),
        per_row,
        loading=loading,
        memory=0.0 if reads_texts else memory,
        memory_row=memory_row,
    )


def _by_rows(parts: _Parts) -> TrainingCost:
    """Time a model without epochs on parts of twice the rows each time, and carry the seconds on by their growth."""
    n_rows = min(parts.n_rows, _FIRST_ROWS)
    begun, _ = parts.time(n_rows, None)
    times = []
    while True:
        spent, memory = parts.time(n_rows, None)
        times.append((n_rows, spent))
        if n_rows == parts.n_rows or spent[1] > _ENOUGH:
            break
        n_rows = min(2 * n_rows, parts.n_rows)
    power = POWERS[0]
    if len(times) > 1:
        (before, earlier), (last, spent) = times[-2:]
        growth = np.log(max(spent[1], 1e-6) / max(earlier[1], 1e-6)) / np.log(last / before)
        power = float(np.clip(growth, *POWERS))
    zero = np.zeros(2)
    return TrainingCost(
        zero,
        times[-1][1] / n_rows**power,
        zero,
        zero,
        loading=np.maximum(begun - times[0][1], 0),
        power=power,
        memory_row=memory / n_rows,
    )


def resident_bytes() -> float:
    """Return the memory of this process; 0 where the system does not tell."""
    return _status("VmRSS")


@contextmanager
def watching_peak() -> Iterator[list[float]]:
    """Yield a list that gets the bytes of this process at the peak within the block; 0 where it is not known."""
    found = [0.0]
    with contextlib.suppress(OSError):
        # Sets the peak that Linux keeps to the present size.
        Path("/proc/self/clear_refs").write_text("5")
    yield found
    found[0] = _status("VmHWM")


def _status(name: str) -> float:
    if sys.platform != "linux":
        return 0.0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024.0 * int(line.split()[1])
    return 0.0
