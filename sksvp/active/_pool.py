"""More rows for a pool, in whatever container it is."""

import hashlib
import sys
from typing import Any

import numpy as np
from scipy import sparse

from .._inputs._rows import LazyRows
from .._storage._fingerprint import _is_torch


def append_rows(X: Any, X_new: Any) -> Any:
    """Return X followed by the rows of `X_new`, in the container of X.

    Lazy rows stay lazy.

    Raises
    ------
    ValueError
        If the new rows have another shape, other columns or another kind of number.
    TypeError
        If the container is another one, or one that is not known.
    """
    if isinstance(X, list | tuple):
        return _append_to_list(X, X_new)
    if isinstance(X, np.ndarray):
        X_new = np.asarray(X_new)
        if X.dtype.kind != X_new.dtype.kind:
            raise ValueError(
                f"X_new must hold values of the same kind as the pool, got {X_new.dtype} for a pool of {X.dtype}."
            )
    base = LazyRows if isinstance(X, LazyRows) else type(X)
    if not (isinstance(X_new, base) or (sparse.issparse(X) and sparse.issparse(X_new))):
        kind = "lazy rows" if isinstance(X, LazyRows) else f"a {type(X).__name__}"
        raise TypeError(f"X_new must be {kind}, as the pool is, got {type(X_new).__name__}.")
    if isinstance(X, dict):
        return _append_to_slices(X, X_new)
    if hasattr(X, "columns") and list(X.columns) != list(X_new.columns):
        raise ValueError(f"X_new must have the columns {list(X.columns)}, got {list(X_new.columns)}.")
    concatenate = _concatenation_of(X)
    if len(X.shape) != len(X_new.shape) or tuple(X.shape[1:]) != tuple(X_new.shape[1:]):
        raise ValueError(
            f"X_new must have rows of the shape {tuple(X.shape[1:])}, as the pool has, got the shape "
            f"{tuple(X_new.shape)}."
        )
    return concatenate([X, X_new])


def _concatenation_of(X: Any) -> Any:
    """Return the function that joins two pools in the container of X."""
    library = type(X).__module__.partition(".")[0]
    if isinstance(X, LazyRows):
        return _ChainedRows
    if isinstance(X, np.ndarray):
        return np.concatenate
    if sparse.issparse(X):
        return lambda parts: sparse.vstack(parts, format=X.format)
    if _is_torch(X):
        import torch

        return lambda parts: torch.cat([parts[0], parts[1].to(parts[0])])
    if hasattr(X, "iloc"):
        import pandas as pd

        return lambda parts: pd.concat(parts, ignore_index=True)
    if library == "polars":
        import polars as pl

        return pl.concat
    if library == "xarray":
        return lambda parts: sys.modules["xarray"].concat(parts, dim=X.dims[0])
    raise TypeError(
        f"extend cannot append rows to a pool that is a {type(X).__name__}: fit it as a list, an array or a frame, "
        "or fit a new learner with all rows."
    )


def _append_to_slices(X: Any, X_new: Any) -> Any:
    """Append to each entry of a dict of rows, such as skorch's SliceDict."""
    if X.keys() != X_new.keys():
        raise ValueError(f"X_new must have the entries {sorted(X)}, as the pool has, got {sorted(X_new)}.")
    return type(X)(**{name: append_rows(X[name], X_new[name]) for name in X})


def _append_to_list(X: Any, X_new: Any) -> Any:
    if not isinstance(X_new, list | tuple | np.ndarray):
        raise TypeError(f"X_new must be a list of rows, as the pool is, got {type(X_new).__name__}.")
    here = _form(X[0])
    for k, row in enumerate(X_new):
        if _form(row) != here:
            raise ValueError(f"X_new must have rows like the pool's, {here}, got {_form(row)} in row {k}.")
    return type(X)([*X, *X_new])


def _form(row: Any) -> str:
    """Describe a row of a list in words."""
    if isinstance(row, str):
        return "a text"
    shape = np.shape(row)
    return f"numbers of the shape {shape}" if shape else f"a {type(row).__name__}"


class _ChainedRows(LazyRows):
    """Several lazy rows, one after the other."""

    def __init__(self, parts: list[LazyRows]):
        super().__init__(sum(len(part) for part in parts), parts[0]._image_shape)  # type: ignore[arg-type]  # three sides
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part) for part in parts)])

    def _split(self, rows: np.ndarray) -> list[tuple[LazyRows, np.ndarray]]:
        """Return each part with a mask of the rows that are in it."""
        owners = np.searchsorted(self._starts, rows, side="right") - 1
        return [(part, owners == number) for number, part in enumerate(self._parts)]

    def _read_source(self, rows: np.ndarray) -> np.ndarray:
        images = np.empty((len(rows), *self._image_shape), dtype=self.dtype)
        for (part, wanted), start in zip(self._split(rows), self._starts, strict=False):
            if wanted.any():
                images[wanted] = part.read(rows[wanted] - start)
        return images

    def _source_key(self, rows: np.ndarray) -> str:
        keys = [
            part[rows[wanted] - start].content_key()
            for (part, wanted), start in zip(self._split(rows), self._starts, strict=False)
        ]
        return "|".join([*keys, hashlib.blake2b(rows.tobytes(), digest_size=16).hexdigest()])

    def content_key(self) -> str:
        """See `LazyRows.content_key`; a view of one part has the key that it has in that part."""
        for (part, wanted), start in zip(self._split(self._rows), self._starts, strict=False):
            if wanted.any() and wanted.all():
                return part[self._rows - start].content_key()
        return super().content_key()
