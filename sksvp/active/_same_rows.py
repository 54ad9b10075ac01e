"""Whether rows are those of a run."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _num_samples

from .._inputs._containers import take_rows
from .._inputs._rows import LazyRows
from .._storage._fingerprint import fingerprint


def can_change(X: Any) -> bool:
    """Tell whether a pool is in memory, in a container that its owner can change in place."""
    if isinstance(X, list | tuple | dict) or sparse.issparse(X):
        return True
    # Arrays, tensors and frames. Lazy rows are views of what they read.
    return hasattr(X, "__array__") and not isinstance(X, LazyRows)


def columns_of(X: Any) -> list | None:
    """Return the names of the columns, None if there are none."""
    return list(X.columns) if hasattr(X, "columns") else None


def content_of(X: Any, start: int, stop: int) -> str:
    """Return the fingerprint of a range of rows."""
    whole = (start, stop) == (0, _num_samples(X))
    return fingerprint(X if whole else take_rows(X, np.arange(start, stop)))


def difference_from_run(
    X: Any, parts: list[tuple[int, str]], content: Callable[[int, int], str] | None = None
) -> str:
    """Describe how X differs from the rows of a run; empty if it does not.

    Parameters
    ----------
    X : rows
        Rows to compare.
    parts : list of (int, str)
        Number of rows and fingerprint of the fitted X and of every extension.
    content : callable, optional
        Returns the fingerprint of a range of X; `content_of` by default.
    """
    content = content or partial(content_of, X)
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
