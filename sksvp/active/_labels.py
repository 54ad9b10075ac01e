"""Labels of the rows of a pool, some of which have none."""

import numpy as np

from .._inputs._labels import examples, kind_of


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
        """Number of classes among the labels."""
        return len(self.classes)

    def add(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Record labels; if one is refused, none is recorded.

        Parameters
        ----------
        rows : ndarray of int
            Numbers of existing rows.
        labels : ndarray of shape (len(rows),)
            Labels that `read_labels` returned.

        Returns
        -------
        ndarray of int
            The rows that had no label before, ascending.

        Raises
        ------
        ValueError
            If a row gets a second, different label, or labels are of another kind
            (numbers, booleans, texts) than earlier ones.
        """
        if len(rows) == 0:
            return np.empty(0, dtype=np.intp)
        self._check_kind(labels)
        found, places = np.unique(labels, return_inverse=True)
        # New classes are sorted, so that their order does not depend on that of the rows.
        classes = list(dict.fromkeys([*self.classes, *found.tolist()]))
        code_of = {label: code for code, label in enumerate(classes)}
        new = np.array([code_of[label] for label in found.tolist()], dtype=np.int32)[places]
        updated = self.codes.copy()
        updated[rows] = new
        self._check_conflicts(rows, new, updated, classes)
        added = np.unique(rows[self.codes[rows] < 0])
        self.codes, self.classes = updated, classes
        return added

    def _check_kind(self, labels: np.ndarray) -> None:
        if self.classes and kind_of(self.classes[0]) != kind_of(labels[0]):
            raise ValueError(
                f"Labels must all be numbers, all be booleans or all be texts: got {examples(labels)} where "
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
        """Return the labels of labelled rows."""
        codes = self.codes[rows]
        # A class that no row has any more must not widen the dtype.
        return np.asarray(self.classes)[codes] if self.classes else np.empty(0, dtype=np.int64)

    def grow(self, n_rows: int) -> None:
        """Append rows without labels."""
        self.codes = np.append(self.codes, np.full(n_rows, -1, dtype=np.int32))
