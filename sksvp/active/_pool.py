"""The rows of a pool, whatever container it is: how many, and more of them."""

import hashlib
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _num_samples

from .._inputs._rows import LazyRows
from .._storage._fingerprint import _is_torch


def check_several(X: Any, name: str) -> None:
    """Refuse a single text in place of rows; TypeError."""
    if isinstance(X, str | bytes):
        raise TypeError(f"{name} must be rows, such as a list, Series or array of str, got a single text.")


def append_rows(X: Any, X_new: Any) -> Any:
    """Return X with the rows of `X_new` after its own, in the container of X.

    Lazy rows stay lazy.

    Raises
    ------
    ValueError
        For rows of another shape, columns or kind of number.
    TypeError
        For another container.
    """
    if isinstance(X, LazyRows):
        return _append_lazy(X, X_new)
    if isinstance(X, list):
        return _append_list(X, X_new)
    if sparse.issparse(X):
        _check_shapes(X, X_new)
        return sparse.vstack([X, X_new], format=X.format)
    if hasattr(X, "iloc"):
        return _append_pandas(X, X_new)
    if hasattr(X, "to_numpy"):
        import polars as pl

        _check_container(X, X_new)
        _check_columns(X, X_new)
        return pl.concat([X, X_new])
    if _is_torch(X):
        import torch

        _check_container(X, X_new)
        _check_shapes(X, X_new)
        return torch.cat([X, X_new.to(X)])
    X, X_new = np.asarray(X), np.asarray(X_new)
    _check_shapes(X, X_new)
    if X.dtype.kind != X_new.dtype.kind:
        raise ValueError(
            f"X_new must hold values of the same kind as the pool, got {X_new.dtype} for a pool of {X.dtype}."
        )
    return np.concatenate([X, X_new])


class _ChainedRows(LazyRows):
    """Lazy rows one after the other."""

    def __init__(self, parts: list[LazyRows]):
        super().__init__(sum(len(part) for part in parts), parts[0]._image_shape)  # type: ignore[arg-type]  # three sides
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part) for part in parts)])

    def _read_source(self, rows: np.ndarray) -> np.ndarray:
        images = np.empty((len(rows), *self._image_shape), dtype=self.dtype)
        for part, start, stop in zip(self._parts, self._starts[:-1], self._starts[1:], strict=True):
            wanted = np.flatnonzero((rows >= start) & (rows < stop))
            if len(wanted):
                images[wanted] = part.read(rows[wanted] - start)
        return images

    def _source_key(self, rows: np.ndarray) -> str:
        keys = [
            part[rows[(rows >= start) & (rows < stop)] - start].content_key()
            for part, start, stop in zip(self._parts, self._starts[:-1], self._starts[1:], strict=True)
        ]
        return "|".join([*keys, hashlib.blake2b(rows.tobytes(), digest_size=16).hexdigest()])

    def content_key(self) -> str:
        """See `LazyRows.content_key`; a view of one part has the key that it has there."""
        for part, start, stop in zip(self._parts, self._starts[:-1], self._starts[1:], strict=True):
            if len(self._rows) and start <= self._rows.min() and self._rows.max() < stop:
                return part[self._rows - start].content_key()
        return super().content_key()


def _append_lazy(X: LazyRows, X_new: Any) -> LazyRows:
    if not isinstance(X_new, LazyRows):
        raise TypeError(f"X_new must be lazy rows, as the pool is, got {type(X_new).__name__}.")
    _check_shapes(X, X_new)
    return _ChainedRows([X, X_new])


def _append_list(X: list, X_new: Any) -> list:
    if not isinstance(X_new, list | tuple | np.ndarray):
        raise TypeError(f"X_new must be a list of rows, as the pool is, got {type(X_new).__name__}.")
    here = _form(X[0])
    for k, row in enumerate(X_new):
        if _form(row) != here:
            raise ValueError(f"X_new must have rows like the pool's, {here}, got {_form(row)} in row {k}.")
    return [*X, *X_new]


def _form(row: Any) -> str:
    """Say in words what a row of a list is."""
    if isinstance(row, str):
        return "a text"
    shape = np.shape(row)
    return f"numbers of the shape {shape}" if shape else f"a {type(row).__name__}"


def _append_pandas(X: Any, X_new: Any) -> Any:
    import pandas as pd

    _check_container(X, X_new)
    _check_columns(X, X_new)
    return pd.concat([X, X_new], ignore_index=True)


def _check_container(X: Any, X_new: Any) -> None:
    if not isinstance(X_new, type(X)):
        raise TypeError(f"X_new must be a {type(X).__name__}, as the pool is, got {type(X_new).__name__}.")


def _check_columns(X: Any, X_new: Any) -> None:
    if X.ndim == 2 if hasattr(X, "ndim") else hasattr(X, "columns"):
        here, there = list(X.columns), list(X_new.columns)
        if here != there:
            raise ValueError(f"X_new must have the columns {here}, got {there}.")


def _check_shapes(X: Any, X_new: Any) -> None:
    here, there = tuple(X.shape[1:]), tuple(X_new.shape[1:])
    if len(X.shape) != len(X_new.shape) or here != there:
        raise ValueError(
            f"X_new must have rows of the shape {here}, as the pool has, got the shape {tuple(X_new.shape)}."
        )


def n_pool_rows(X: Any) -> int:
    """Return the number of rows, at least one.

    Raises
    ------
    ValueError
        For none.
    TypeError
        For a single text, which is no pool of letters.
    """
    check_several(X, "X")
    n_rows = _num_samples(X)
    if n_rows == 0:
        raise ValueError("X has 0 sample(s), while a minimum of 1 is required.")
    return n_rows
