"""Check that rows are texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._inputs._missing import is_missing
from ._packed import PackedTexts


def check_texts(texts, name: str = "X") -> Any:
    """Check that every row is a text.

    Parameters
    ----------
    texts : list, Series, 1-d array or PackedTexts of length n
        The rows.
    name : str, default="X"
        Name of the argument in error messages.

    Returns
    -------
    ndarray of shape (n,), object, or PackedTexts
        The texts, which are indexed as in numpy.

    Raises
    ------
    TypeError
        If `texts` is a single text or a row is not a text; the message names the
        first such row.
    ValueError
        If a text is missing, or there is more than one column.
    """
    if isinstance(texts, PackedTexts):
        return texts
    if isinstance(texts, str | bytes):
        raise TypeError(f"{name} must be several texts (a list, Series or array of str), got a single one.")
    if hasattr(texts, "toarray"):
        raise TypeError(f"{name} must be texts (str), got a sparse matrix of numbers.")
    shape = getattr(texts, "shape", None)
    if shape is not None and len(shape) != 1:
        raise ValueError(
            f"{name} must have one text per row and the shape (n,), got the shape {tuple(shape)}; pass only the "
            f"column of a table that holds the texts."
        )
    if hasattr(texts, "to_numpy"):
        texts = texts.to_numpy()
    elif not isinstance(texts, Sequence | np.ndarray):
        raise TypeError(f"{name} must be a list, Series or array of str, got {type(texts).__name__}.")
    if isinstance(texts, np.ndarray):
        rows = texts.astype(object, copy=False)
    else:
        rows = np.empty(len(texts), dtype=object)
        rows[:] = texts
    for number, row in enumerate(rows):
        if not isinstance(row, str):
            _refuse(number, row, name)
    return rows


def _refuse(number: int, row: object, name: str) -> None:
    if is_missing(row):
        raise ValueError(
            f"{name} has a missing text: row {number} is {row!r}. Drop the row, or replace it by an empty text ''."
        )
    hint = "; decode bytes first, for instance with row.decode('utf-8')" if isinstance(row, bytes) else ""
    raise TypeError(f"{name} must hold texts (str), but row {number} is of type {type(row).__name__}{hint}.")
