"""Labels of the rows of a pool, some of which have none."""

import warnings
from typing import Any

import numpy as np

from .._inputs._labels import examples, kind_of, read_labels


class LabelTable:
    """Labels of the rows of a pool, some of which have none.

    Parameters
    ----------
    n_rows : int
        Number of rows; none has a label yet.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,), int32
        Position of each row's label in `classes`; -1 for rows without a label.
    classes : list of int, float, bool or str
        All labels that were recorded; the new ones of each `add` are sorted.
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
        """Number of classes that rows have."""
        return len(np.unique(self.codes[self.labelled]))

    def add(
        self, rows: np.ndarray, labels: np.ndarray, *, overwrite: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Record labels; if one is refused, none is recorded.

        Parameters
        ----------
        rows : ndarray of int
            Numbers of existing rows.
        labels : ndarray of shape (len(rows),)
            Labels that `read_labels` returned.
        overwrite : bool, default=False
            If True, a label that a row has already is replaced.

        Returns
        -------
        added : ndarray of int
            The rows that had no label before, ascending.
        corrected : ndarray of int
            The rows that had another label before, ascending.

        Raises
        ------
        ValueError
            If a row has another label and `overwrite` is False, if it gets two
            different labels, or if labels are of another kind (numbers, booleans,
            texts) than earlier ones.
        """
        if len(rows) == 0:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        self._check_kind(labels)
        found, places = np.unique(labels, return_inverse=True)
        # New classes are sorted, so that their order does not depend on that of the rows.
        classes = list(dict.fromkeys([*self.classes, *found.tolist()]))
        code_of = {label: code for code, label in enumerate(classes)}
        new = np.array([code_of[label] for label in found.tolist()], dtype=np.int32)[places]
        updated = self.codes.copy()
        updated[rows] = new
        if not overwrite:
            _check_conflicts(
                rows, new, self.codes[rows], classes, "has already", "; overwrite=True replaces it"
            )
        _check_conflicts(rows, new, updated[rows], classes, "gets too")
        rows = np.unique(rows)
        before = self.codes[rows]
        self.codes, self.classes = updated, classes
        return rows[before < 0], rows[(before >= 0) & (before != updated[rows])]

    def _check_kind(self, labels: np.ndarray) -> None:
        if self.classes and kind_of(self.classes[0]) != kind_of(labels[0]):
            raise ValueError(
                f"Labels must all be numbers, all be booleans or all be texts: got {examples(labels)} where "
                f"{self.classes[0]!r} is a label already."
            )

    def labels_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the labels of labelled rows."""
        return self.labels(self.codes[rows])

    def labels(self, codes: np.ndarray) -> np.ndarray:
        """Return the labels of codes; classes that are not among them do not decide the dtype."""
        if len(codes) == 0:
            return np.empty(0, dtype=np.int64)
        used, places = np.unique(codes, return_inverse=True)
        return np.asarray([self.classes[code] for code in used])[places]

    def grow(self, n_rows: int) -> None:
        """Append rows without labels."""
        self.codes = np.append(self.codes, np.full(n_rows, -1, dtype=np.int32))


def _check_conflicts(
    rows: np.ndarray, new: np.ndarray, known: np.ndarray, classes: list, verb: str, advice: str = ""
) -> None:
    wrong = np.flatnonzero((known >= 0) & (known != new))
    if len(wrong):
        place = wrong[0]
        others = f" ({len(wrong) - 1} more such labels)" if len(wrong) > 1 else ""
        raise ValueError(
            f"Conflicting labels for row {rows[place]}: {classes[new[place]]!r}, where it {verb} "
            f"{classes[known[place]]!r}{others}{advice}."
        )


def read_validation_labels(y_val: Any, n_rows: int, missing_label: Any) -> np.ndarray:
    """Read the labels of validation rows, of which none may be missing; ValueError."""
    if n_rows == 0:
        raise ValueError("X_val and y_val must have at least one row, got none.")
    rows, labels = read_labels(y_val, missing_label=missing_label)
    if len(rows) < n_rows:
        raise ValueError(f"y_val lacks {n_rows - len(rows)} labels; it must have all of them.")
    return labels


def check_validation_labels(y_val: np.ndarray | None, table: LabelTable) -> None:
    """Check that validation labels can be those of the pool.

    Raises
    ------
    ValueError
        If they are of another kind (numbers, booleans, texts).

    Warns
    -----
    UserWarning
        If all rows of the pool have labels and no class of `y_val` is among them.
    """
    if y_val is None or not table.classes:
        return
    here, there = kind_of(y_val[0]), kind_of(table.classes[0])
    if here != there:
        raise ValueError(
            f"y_val holds {here}, such as {examples(y_val)}, but the labels of the pool are {there}, such as "
            f"{table.classes[0]!r}: no prediction could be right."
        )
    if table.labelled.all() and not np.isin(y_val, table.classes).any():
        warnings.warn(
            f"No class of y_val, such as {examples(np.unique(y_val))}, is among the labels of the pool, such as "
            f"{examples(np.asarray(table.classes))}: every score will be 0.",
            UserWarning,
            stacklevel=5,
        )
