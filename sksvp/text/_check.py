"""What may stand for texts, and the errors for what may not."""

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
        Rows of str.
    name : str, default="X"
        Of the argument, for errors.

    Returns
    -------
    ndarray of shape (n,), object, or PackedTexts
        The texts, which can be indexed as numpy does.

    Raises
    ------
    TypeError
        For a single text, or rows that are no texts; the first is named.
    ValueError
        For a missing text, or more than one column.
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
            f"{name} must be one text a row, of shape (n,), got the shape {tuple(shape)}; of a table, give the "
            f"column with the texts."
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
    if not all(map(_is_text, rows)):
        _refuse(rows, name)
    return rows


def _is_text(row: object) -> bool:
    return isinstance(row, str)


def _refuse(rows: np.ndarray, name: str) -> None:
    number = next(k for k, row in enumerate(rows) if not isinstance(row, str))
    row = rows[number]
    if is_missing(row):
        raise ValueError(
            f"{name} has a missing text: row {number} is {row!r}. Leave the row out, or put an empty text ''."
        )
    hint = "; decode bytes first, for instance with row.decode('utf-8')" if isinstance(row, bytes) else ""
    raise TypeError(f"{name} must hold texts (str), but row {number} is of type {type(row).__name__}{hint}.")
