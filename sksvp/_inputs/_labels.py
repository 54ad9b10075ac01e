"""Check class labels: one per row, numbers, booleans or texts; some may be missing if that is allowed."""

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from ._missing import check_complete, is_missing, missing_mask

# Whole numbers below it are floats without rounding.
_EXACT = 2.0**53


def check_labels(y: Any, advice: str = "") -> np.ndarray:
    """Check class labels of which none may be missing.

    Parameters
    ----------
    y : array-like of shape (n,)
        Class labels.
    advice : str, default=""
        Text that is added to the message about missing labels.

    Returns
    -------
    ndarray of shape (n,)
        The labels as bool, integers, floats or str.

    Raises
    ------
    ValueError
        If a label is missing, and in the cases of `read_labels`.
    """
    values = _as_column(y)
    check_complete(values, advice=advice)
    return check_class_labels(values)


def read_labels(y: Any, *, missing_label: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of y that have a label, and their labels.

    Parameters
    ----------
    y : array-like of shape (n,)
        Class labels. None, NaN, pandas' NA and masked values mark a missing label.
    missing_label : int, str or None
        A further value that marks a missing label.

    Returns
    -------
    rows : ndarray of int
        Numbers of the rows that have a label, ascending.
    labels : ndarray of shape (len(rows),)
        Their labels as bool, integers, floats or str.

    Raises
    ------
    ValueError
        If labels are continuous, infinite, complex, multilabel, empty texts or of
        several kinds, or `missing_label` is of another kind than the labels.
    TypeError
        If `missing_label` is not a single label.
    """
    values = _as_column(y)
    unlabelled = missing_mask(values)
    if missing_label is not None:
        _check_missing_label(values, unlabelled, missing_label)
        # Only known values are compared: a comparison with pandas' NA is neither true nor false.
        unlabelled[~unlabelled] = values[~unlabelled] == missing_label
    rows = np.flatnonzero(~unlabelled)
    labels = check_class_labels(values[rows])
    if unlabelled.any() and labels.dtype.kind == "f" and (np.abs(labels) < _EXACT).all():
        # NaN had turned the integers into floats.
        labels = labels.astype(np.int64)
    return rows, labels


def check_class_labels(values: np.ndarray) -> np.ndarray:
    """Convert class labels, none of them missing, to a plain dtype; raises the errors of `read_labels`."""
    if values.dtype.kind in "OT":
        values = _of_one_kind(values.astype(object))
    if values.dtype.kind == "f":
        if np.isinf(values).any():
            raise ValueError(f"Input y contains infinity or a value too large for {values.dtype!r}.")
        if (values != np.trunc(values)).any():
            raise ValueError(
                f"y must be class labels, got {examples(values)}. Unknown label type: continuous. "
                "Regression targets have no classes."
            )
    elif values.dtype.kind == "U":
        empty = np.flatnonzero(values == "")
        if len(empty):
            raise ValueError(
                f"y must be class labels, got an empty text in row {empty[0]}. Mark a missing label by None."
            )
    elif values.dtype.kind not in "biu":
        raise ValueError(
            f"y must be class labels, numbers or texts, got the dtype {values.dtype}. Unknown label type."
        )
    return values


def kind_of(label: Any) -> str:
    """Return the kind of a label; the classes of one task are of one kind."""
    if isinstance(label, str):
        return "texts"
    return "booleans" if isinstance(label, bool | np.bool_) else "numbers"


def examples(values: np.ndarray) -> str:
    """Return the first values of an array as text for a message."""
    return ", ".join(repr(value) for value in values[:3].tolist()) + (", ..." if len(values) > 3 else "")


def _as_column(y: Any) -> np.ndarray:
    """Turn y into a 1-d array without changing any label."""
    if y is None:
        raise ValueError("y must be class labels, got None.")
    if isinstance(y, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(y)
        y = y.data if not mask.any() else _with_none(y.data, mask)
    elif hasattr(y, "detach"):  # a torch tensor, perhaps on a GPU
        y = y.detach().cpu()
        # numpy has no bfloat16.
        y = (y.float() if y.is_floating_point() else y).numpy()
    elif isinstance(y, list | tuple) and not any(np.ndim(value) for value in y):
        y = _list_as_array(y)
    array = np.asarray(y)
    if array.ndim > 1 and array.shape[-1] > 1:
        raise ValueError(
            f"y must have one class label per row, got a multilabel or multioutput array of shape {array.shape}."
        )
    if array.dtype.kind == "c":
        raise ValueError(
            f"y must be class labels, got complex numbers. Complex data not supported: {array!r}"
        )
    return column_or_1d(array, warn=True)


def _with_none(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    objects = values.astype(object)
    objects[mask] = None
    return objects


def _list_as_array(values: list | tuple) -> np.ndarray:
    # numpy would turn the numbers of a mixed list into texts, and round large integers to the same float.
    is_one_type = len({type(value) for value in values}) == 1 and not is_missing(values[0])
    if is_one_type and (not isinstance(values[0], str) or _are_plain(values)):
        array = np.asarray(values)
        if array.dtype.kind in ("biu" if isinstance(values[0], int) else "biufU"):
            return array
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    # `check_class_labels` finds the dtype once missing labels are known.
    return array


def _are_plain(texts: Iterable[str]) -> bool:
    """Tell whether numpy keeps texts as they are."""
    return all(type(text) in (str, np.str_) and not text.endswith("\0") for text in texts)


def _of_one_kind(values: np.ndarray) -> np.ndarray:
    """Convert objects, none of them missing, to the dtype of their kind."""
    if not all(isinstance(value, str | Real | np.bool_) for value in values):
        raise ValueError(
            f"y must be class labels, numbers or texts, got {examples(values)}. Unknown label type."
        )
    kinds = sorted({kind_of(value) for value in values})
    if len(kinds) > 1:
        raise ValueError(f"y must hold {' or '.join(kinds)}, not both, got {examples(values)}.")
    if kinds == ["texts"]:
        # A text that is a member of an enumeration is its value.
        texts = [str.__str__(value) for value in values]
        if not _are_plain(texts):
            raise ValueError(
                "y must be class labels, got a text that ends in a NUL character, which numpy drops."
            )
        return np.array(texts, dtype=np.str_)
    numbers = np.asarray(values.tolist())
    if numbers.dtype == object or any(a != b for a, b in zip(numbers.tolist(), values, strict=True)):
        raise ValueError(
            f"y must be class labels, got numbers that no single dtype can hold, {examples(values)}."
        )
    return numbers


def _check_missing_label(values: np.ndarray, unlabelled: np.ndarray, missing_label: Any) -> None:
    """Check that the value for missing labels is of the same kind as the labels."""
    if not isinstance(missing_label, str | Real | np.bool_):
        raise TypeError(f"missing_label must be a number, a text, a boolean or None, got {missing_label!r}.")
    mark = kind_of(missing_label)
    labels = values[~unlabelled]
    # All labels of a plain dtype are of one kind.
    labels = labels if labels.dtype.kind == "O" else labels[:1]
    found = {kind_of(label) for label in labels.tolist() if isinstance(label, str | Real | np.bool_)}
    other = sorted(found - {mark})
    if other:
        raise ValueError(
            f"missing_label={missing_label!r} is one of the {mark}, but labels in y are {other[0]}. Mark missing "
            f"labels by None, or by a value that is also one of the {other[0]}."
        )
