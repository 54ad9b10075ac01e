"""Whether rows are those of a run."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _num_samples

from .._inputs._containers import take_rows
from .._inputs._rows import LazyRows
from .._storage._fingerprint import fingerprint

# Of a larger pool some rows are looked at: 0.2 seconds.
_MAX_BYTES = 1 << 26


def snapshot_of(X: Any) -> dict[str, Any]:
    """Return what shows later that a pool was changed in place; empty for containers that do not change.

    Of a pool of more than `_MAX_BYTES`, the values of so many evenly spaced rows are
    compared.
    """
    # Arrays, tensors and frames; lazy rows are views of what they read.
    is_array = hasattr(X, "__array__") and not isinstance(X, LazyRows)
    if not (is_array or isinstance(X, list | tuple | dict) or sparse.issparse(X)):
        return {}
    n_rows = _num_samples(X)
    n_kept = max(1, int(n_rows * _MAX_BYTES / max(1, _n_bytes(X))))
    rows = X if n_kept >= n_rows else take_rows(X, np.linspace(0, n_rows - 1, n_kept).astype(np.intp))
    return {
        "columns": list(X.columns) if hasattr(X, "columns") else None,
        "number of rows": n_rows,
        "values": fingerprint(rows),
    }


def _n_bytes(X: Any) -> int:
    """Estimate the bytes of a pool."""
    if sparse.issparse(X):
        return 12 * X.nnz
    if isinstance(X, list | tuple) and len(X):
        return len(X) * (len(X[0]) if isinstance(X[0], str) else 8 * int(np.size(X[0])))
    itemsize = getattr(getattr(X, "dtype", None), "itemsize", 8)
    return int(np.prod(getattr(X, "shape", 0))) * itemsize


def content_of(X: Any, start: int, stop: int) -> str:
    """Return the fingerprint of a range of rows."""
    whole = (start, stop) == (0, _num_samples(X))
    return fingerprint(X if whole else take_rows(X, np.arange(start, stop)))


def difference_from_run(X: Any, parts: list[tuple[int, str]], content: Callable[[int, int], str]) -> str:
    """Describe how X differs from the rows of a run; empty if it does not.

    Parameters
    ----------
    X : rows
        Rows to compare.
    parts : list of (int, str)
        Number of rows and fingerprint of the fitted X and of every extension.
    content : callable
        Returns the fingerprint of a range of X, see `content_of`.
    """
    n_rows, lengths = _num_samples(X), [length for length, _ in parts]
    if n_rows != sum(lengths):
        there = " + ".join(map(str, lengths))
        if len(parts) > 1:
            there += f" = {sum(lengths)} (fitted, then appended)"
        return f"X has {n_rows} rows, the run {there}"
    start = 0
    for length, there in parts:
        if content(start, start + length) != there:
            return f"rows {start} .. {start + length - 1} have other values"
        start += length
    return ""
