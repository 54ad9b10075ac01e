"""Check row numbers: of labelled rows, and of rows that may be chosen."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def as_array(values: Any, name: str) -> np.ndarray:
    """Return `values` as an array; raise ValueError with the name if they have no common shape."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, got rows of different lengths.") from error


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the name of an argument before errors of scikit-learn's checks that lack it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if re.search(rf"\b{name}\b", str(error)):
            raise
        raise ValueError(f"{name}: {error}") from error


def check_rows(rows: ArrayLike, n_rows: int, name: str) -> np.ndarray:
    """Return `rows` as distinct row numbers in ascending order.

    Raises
    ------
    TypeError
        For anything but integers.
    ValueError
        For an array that is not 1-D, a number outside ``0 .. n_rows - 1``, or a
        row that comes twice.
    """
    array = as_array(rows, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must be a 1-D array of row numbers, got the shape {array.shape}.")
    if array.size == 0:
        return np.empty(0, dtype=np.intp)
    if array.dtype == bool:
        raise TypeError(
            f"{name} must be row numbers, got a mask of bools; np.flatnonzero turns one into the other."
        )
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be row numbers (integers), got an array of dtype {array.dtype}.")
    ordered = np.sort(array)
    if ordered[0] < 0 or ordered[-1] >= n_rows:
        raise ValueError(f"{name} must lie in 0 .. {n_rows - 1}, got {ordered[0]} .. {ordered[-1]}.")
    if (ordered[1:] == ordered[:-1]).any():
        raise ValueError(f"{name} must hold each row once, got some rows twice.")
    return ordered.astype(np.intp, copy=False)


def check_candidates(n_rows: int, candidates: ArrayLike | None, initial: ArrayLike | None) -> np.ndarray:
    """Return the rows that may be chosen, ascending: `candidates` (None for all) without `initial`."""
    if candidates is None:
        allowed = np.ones(n_rows, dtype=bool)
    else:
        allowed = np.zeros(n_rows, dtype=bool)
        allowed[check_rows(candidates, n_rows, "candidates")] = True
        if not allowed.any():
            raise ValueError("candidates must have at least one row.")
    if initial is not None:
        allowed[check_rows(initial, n_rows, "initial")] = False
    return np.flatnonzero(allowed)
