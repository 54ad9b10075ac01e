"""Cutting rows into blocks that a model can score within bounded memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from .._inputs._containers import take_rows

# A scoring call sees at most this many values of X, unless the model streams by itself.
_VALUES_PER_BLOCK = 1 << 25
_MAX_ROWS_PER_BLOCK = 1 << 16


def row_blocks(X: Any, rows: np.ndarray | None = None, *, streams: bool = False) -> Iterator[Any]:
    """Cut X, or some of its rows, into blocks.

    Parameters
    ----------
    X : rows of length n
    rows : ndarray of int, optional
        Which rows; all by default. No copy of all of them is made.
    streams : bool, default=False
        Whether the model scores in batches by itself. It then gets all of X at once.

    Yields
    ------
    rows
        In the container of X.
    """
    n_rows = _num_samples(X) if rows is None else len(rows)
    values = int(np.prod(getattr(X, "shape", (n_rows,))[1:], dtype=np.int64))
    size = int(np.clip(_VALUES_PER_BLOCK // max(1, values), 1, _MAX_ROWS_PER_BLOCK))
    if rows is None and (streams or size >= n_rows):
        yield X
        return
    for start in range(0, n_rows, size):
        block = slice(start, min(start + size, n_rows))
        yield take_rows(X, block if rows is None else rows[block])
