"""Check class probabilities and score them in blocks of rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import column_or_1d

from ._rows import as_array, naming

# Values in a block: half a megabyte of float64, which stays in the cache of a core.
BLOCK_VALUES = 65_536
# Largest deviation of the sum of a row from 1; float16 probabilities of a thousand classes stay within it.
SUM_TOLERANCE = 1e-3

Kernel = Callable[[np.ndarray], np.ndarray]


def block_slices(n_rows: int, n_columns: int) -> list[slice]:
    """Cut the rows into slices of at most `BLOCK_VALUES` values (at least one row each)."""
    step = max(1, BLOCK_VALUES // max(1, n_columns))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def score_probabilities(
    probabilities: ArrayLike, *, log: bool, of_probabilities: Kernel, of_logs: Kernel
) -> np.ndarray:
    """Check probabilities block by block and score each block in float64.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Probabilities, or their natural logarithms where `log` is true.
    log : bool
        Whether they are logarithms.
    of_probabilities, of_logs : callable
        ``kernel(block) -> (len(block),)`` for probabilities and for logarithms.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        The scores.
    """
    if not isinstance(log, bool | np.bool_):
        raise TypeError(f"log must be a bool, got {log!r}.")
    values = check_class_matrix(probabilities, "probabilities")
    scores = np.empty(len(values), dtype=np.float64)
    for block in block_slices(*values.shape):
        part = values[block].astype(np.float64)
        if log:
            # The check of the sums rejects values that overflow.
            with np.errstate(over="ignore"):
                _check_sums(np.exp(part))
            scores[block] = of_logs(part)
        else:
            _check_sums(part)
            scores[block] = of_probabilities(part)
    return scores


def check_class_matrix(values: ArrayLike | None, name: str) -> np.ndarray:
    """Return `values` as a 2-D array of real numbers with two columns or more, else raise."""
    if hasattr(values, "toarray"):
        raise TypeError(
            f"{name} must be a dense array of shape (n_rows, n_classes), got {type(values).__name__}."
        )
    array = as_array(values, name)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be real numbers, got an array of dtype {array.dtype}.")
    if array.ndim != 2:
        raise ValueError(f"{name} must have the shape (n_rows, n_classes), got {array.shape}.")
    if array.shape[1] < 2:
        raise ValueError(f"{name} must have at least two classes (columns), got the shape {array.shape}.")
    return array


def as_columns(y: ArrayLike) -> np.ndarray:
    """Return `y` as a 1-D array, else raise."""
    with naming("y"):
        return column_or_1d(y)


def check_columns(columns: np.ndarray, probabilities: np.ndarray) -> None:
    """Check that each row of the probabilities has the number of one of their columns as its label."""
    n_rows, n_classes = probabilities.shape
    if len(columns) != n_rows:
        raise ValueError(f"y has {len(columns)} rows, probabilities {n_rows}.")
    if columns.dtype.kind not in "iu" or columns.min() < 0 or columns.max() >= n_classes:
        raise ValueError(f"y must be columns of the probabilities, 0 .. {n_classes - 1}.")


def columns_of_labels(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the place of each label in `classes`, in any order there, or -1 for a label that is not among them."""
    present, members = np.unique(labels, return_inverse=True)
    places = {label: place for place, label in reversed(list(enumerate(classes.tolist())))}
    return np.array([places.get(label, -1) for label in present.tolist()], dtype=np.intp)[members]


def _check_sums(block: np.ndarray) -> None:
    sums = block.sum(axis=1)
    if not np.isfinite(sums).all():
        raise ValueError("probabilities must be finite, got NaN or infinity.")
    lowest = block.min(initial=0.0)
    if lowest < 0:
        raise ValueError(f"probabilities must lie in [0, 1], got {lowest:g}.")
    if len(sums) == 0:
        return
    worst = sums[np.argmax(np.abs(sums - 1))]
    if abs(worst - 1) > SUM_TOLERANCE:
        raise ValueError(
            f"probabilities must sum to 1 in each row (within {SUM_TOLERANCE:g}), "
            f"got a row that sums to {worst:g}. "
            "For logits or decision values apply a softmax first; for log-probabilities pass log=True."
        )


def split_top(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split probabilities into the largest of each row and the others (same shape, a 0 in its place)."""
    top = block.argmax(axis=1)
    rows = np.arange(len(block))
    largest = block[rows, top]
    others = block.copy()
    others[rows, top] = 0.0
    return largest, others
