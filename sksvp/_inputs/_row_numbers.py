"""Row numbers that users give."""

from typing import Any

import numpy as np


def check_row_numbers(rows: Any, n_rows: int, name: str = "rows") -> np.ndarray:
    """Return row numbers as int64, in their order.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they are not 1-D, or a row does not exist.
    """
    try:
        rows = np.asarray(rows)
    except ValueError as error:
        raise ValueError(f"{name} must be a 1-D array of row numbers: {error}") from error
    if rows.ndim != 1:
        raise ValueError(f"{name} must be a 1-D array of row numbers, got the shape {rows.shape}.")
    if len(rows) == 0:
        return np.empty(0, dtype=np.int64)
    if rows.dtype.kind not in "iu":
        raise TypeError(f"{name} must be row numbers (integers), got the dtype {rows.dtype}.")
    wrong = rows[(rows < 0) | (rows >= n_rows)]
    if len(wrong):
        raise ValueError(f"{name} must lie in 0 .. {n_rows - 1}, got {wrong[:5].tolist()}.")
    return rows.astype(np.int64)
