"""What is labelled and what is not: reading labels, and a table that keeps them."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from .._inputs._missing import is_missing, missing_mask


def read_labels(y: Any, *, missing_label: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Divide y into rows with a label and rows without.

    Parameters
    ----------
    y : array-like of shape (n,)
        Class labels; None, NaN and pandas' NA stand for no label.
    missing_label : int, str or None
        One more value that does.

    Returns
    -------
    rows : ndarray of int
        Numbers of the rows that have a label, ascending.
    labels : ndarray of shape (len(rows),)
        Their labels: bool, integer, float or str.

    Raises
    ------
    ValueError
        For labels that are continuous, infinite, complex, multilabel or numbers and
        texts mixed, and for a `missing_label` of the other kind than the labels.
    """
    values = column_or_1d(_array(y), warn=True)
    unlabelled = missing_mask(values)
    if missing_label is not None:
        _check_missing_label(values, unlabelled, missing_label)
        # Compared where there is a value only: pandas' NA is equal to nothing, not even unequal.
        unlabelled[~unlabelled] = values[~unlabelled] == missing_label
    rows = np.flatnonzero(~unlabelled)
    labels = check_class_labels(values[rows])
    if unlabelled.any() and labels.dtype.kind == "f":
        # NaN had made floats of them.
        labels = labels.astype(np.int64)
    return rows, labels


def check_class_labels(values: np.ndarray) -> np.ndarray:
    """Give class labels, none missing, a dtype of their own; see `read_labels` for what is refused."""
    if values.dtype.kind == "O":
        texts = sum(isinstance(value, str) for value in values)
        numbers = sum(isinstance(value, Real | np.bool_) for value in values)
        if texts == len(values):
            values = values.astype(np.str_)
        elif numbers == len(values):
            values = np.asarray(values.tolist())
        elif texts + numbers == len(values):
            raise ValueError(f"y must hold numbers or texts, not both, got {_examples(values)}.")
        else:
            raise ValueError(f"y must be class labels, numbers or texts, got {_examples(values)}.")
    if values.dtype.kind == "T":
        values = values.astype(np.str_)
    if values.dtype.kind == "f":
        if np.isinf(values).any():
            raise ValueError(f"Input y contains infinity or a value too large for {values.dtype!r}.")
        if (values != np.trunc(values)).any():
            raise ValueError(
                f"y must be class labels, got {_examples(values)}. Unknown label type: continuous. "
                "Regression targets have no classes."
            )
    elif values.dtype.kind not in "biuU":
        raise ValueError(f"y must be class labels, numbers or texts, got the dtype {values.dtype}.")
    return values


class LabelTable:
    """The label of each row, as far as there is one.

    Parameters
    ----------
    n_rows : int
        Rows, none of them labelled.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,), int32
        Place of each row's label in `classes`, -1 where it has none.
    classes : list of int, float, bool or str
        In the order in which they came.
    """

    def __init__(self, n_rows: int):
        self.codes = np.full(n_rows, -1, dtype=np.int32)
        self.classes: list = []

    @property
    def labelled(self) -> np.ndarray:
        """Mask of the rows that have a label."""
        return self.codes >= 0

    @property
    def n_classes(self) -> int:
        """How many classes are among the labels."""
        return len(self.classes)

    def add(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Record labels, all of them or, where one is refused, none.

        Parameters
        ----------
        rows : ndarray of int
            Numbers of existing rows.
        labels : ndarray of shape (len(rows),)
            As `read_labels` returns them.

        Returns
        -------
        ndarray of int
            The rows, ascending, that had no label before.

        Raises
        ------
        ValueError
            For a second, different label of a row, or numbers where the other
            labels are texts and the reverse.
        """
        if len(rows) == 0:
            return np.empty(0, dtype=np.intp)
        self._check_kind(labels)
        found, places = np.unique(labels, return_inverse=True)
        classes = list(self.classes)
        known = {label: code for code, label in enumerate(classes)}
        codes = np.empty(len(found), dtype=np.int32)
        # In the order of the rows, whatever the order in which they are told.
        first = np.full(len(found), len(self.codes))
        np.minimum.at(first, places, rows)
        for place in np.argsort(first, kind="stable"):
            label = found[place].item()
            if label not in known:
                known[label] = len(classes)
                classes.append(label)
            codes[place] = known[label]
        new = codes[places]
        updated = self.codes.copy()
        updated[rows] = new
        self._check_conflicts(rows, new, updated, classes)
        added = np.unique(rows[self.codes[rows] < 0])
        self.codes, self.classes = updated, classes
        return added

    def _check_kind(self, labels: np.ndarray) -> None:
        if self.classes and isinstance(self.classes[0], str) != (labels.dtype.kind == "U"):
            raise ValueError(
                f"Labels must all be numbers or all be texts: got {_examples(labels)} where "
                f"{self.classes[0]!r} is a label already."
            )

    def _check_conflicts(self, rows: np.ndarray, new: np.ndarray, updated: np.ndarray, classes: list) -> None:
        before = self.codes[rows]
        for known, what in ((before, "has already"), (updated[rows], "gets too")):
            wrong = np.flatnonzero((known >= 0) & (known != new))
            if len(wrong):
                place = wrong[0]
                raise ValueError(
                    f"Conflicting labels for row {rows[place]}: {classes[new[place]]!r}, where it {what} "
                    f"{classes[known[place]]!r}."
                )

    def labels_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the labels of some rows, all of them labelled."""
        codes = self.codes[rows]
        # A class that no row has any more must not widen the dtype.
        return np.asarray(self.classes)[codes] if self.classes else np.empty(0, dtype=np.int64)

    def grow(self, n_rows: int) -> None:
        """Append rows without labels."""
        self.codes = np.append(self.codes, np.full(n_rows, -1, dtype=np.int32))


def _array(y: Any) -> np.ndarray:
    """Turn y into an array, without making texts of numbers in a list that has both."""
    if isinstance(y, list | tuple) and not any(np.ndim(value) for value in y):
        array = np.empty(len(y), dtype=object)
        array[:] = list(y)
        kinds = {type(value) for value in y}
        return np.asarray(y) if len(kinds) == 1 and not is_missing(y[0]) else array
    array = np.asarray(y)
    if array.ndim > 1 and array.shape[-1] > 1:
        raise ValueError(
            f"y must be one class label a row, got a multilabel or multioutput array of shape {array.shape}."
        )
    return array


def _check_missing_label(values: np.ndarray, unlabelled: np.ndarray, missing_label: Any) -> None:
    """Refuse a mark for missing labels that cannot occur among labels of the other kind."""
    labels = values[~unlabelled]
    texts = labels.dtype.kind in "UT" or any(
        isinstance(label, str) and label != missing_label for label in labels
    )
    numbers = labels.dtype.kind in "biuf" or any(isinstance(label, Real | np.bool_) for label in labels)
    if isinstance(missing_label, str) and numbers:
        raise ValueError(
            f"missing_label={missing_label!r} is a text, but labels in y are numbers: mark missing ones by None, "
            "NaN or a number."
        )
    if not isinstance(missing_label, str) and texts:
        raise ValueError(
            f"missing_label={missing_label!r} is a number, but labels in y are texts: mark missing ones by None "
            "or by a text."
        )


def _examples(values: np.ndarray) -> str:
    return ", ".join(repr(value) for value in values[:3].tolist()) + (", ..." if len(values) > 3 else "")
