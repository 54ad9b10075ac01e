"""The label of each row, as far as there is one."""

import numpy as np

from .._inputs._labels import examples, kind_of


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
            As `sksvp._inputs._labels.read_labels` returns them.

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
        """Return the labels of some rows, all of them labelled."""
        codes = self.codes[rows]
        # A class that no row has any more must not widen the dtype.
        return np.asarray(self.classes)[codes] if self.classes else np.empty(0, dtype=np.int64)

    def grow(self, n_rows: int) -> None:
        """Append rows without labels."""
        self.codes = np.append(self.codes, np.full(n_rows, -1, dtype=np.int32))
