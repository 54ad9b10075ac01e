"""What an import of labels has changed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

# A class with at most this share of the labels may be a wrong spelling.
_RARE_SHARE = 0.01


@dataclass(frozen=True)
class ImportReport:
    """What an import of labels has changed; ``print`` shows it as text.

    Parameters
    ----------
    n_new : int
        Rows that had no label before.
    n_repeated : int
        Rows that had this label already.
    corrected : dict of int to (label, label)
        Rows whose label was replaced: the label before and the label now.
    new_classes : list
        Classes that no row had before.
    rare_classes : dict of label to int
        Classes that at most 1 % of the labelled rows have, or one row alone, and
        the number of their rows. They may be wrong spellings.
    n_waiting : int
        Rows of the last query that have no label yet.
    n_unlabeled : int
        Rows of the pool that have no label yet.

    Examples
    --------
    >>> from sksvp.labelling import ImportReport
    >>> print(ImportReport(n_new=2, n_repeated=0, corrected={3: ("cat", "dog")}, new_classes=["cta"],
    ...                    rare_classes={"cta": 1}, n_waiting=4, n_unlabeled=70))
    labels of 2 new rows, 0 repeated, 1 corrected; 70 rows have no label, 4 of them were asked for
    row 3: 'cat' is now 'dog'
    new classes: 'cta'
    rare classes: 'cta' (1 row)
    """

    n_new: int
    n_repeated: int
    corrected: dict[int, tuple[Any, Any]]
    new_classes: list[Any]
    rare_classes: dict[Any, int]
    n_waiting: int
    n_unlabeled: int

    def __str__(self) -> str:
        lines = [
            f"labels of {_rows(self.n_new, 'new ')}, {self.n_repeated} repeated, {len(self.corrected)} corrected; "
            f"{_rows(self.n_unlabeled)} have no label, {self.n_waiting} of them were asked for",
            *(f"row {row}: {before!r} is now {now!r}" for row, (before, now) in self.corrected.items()),
        ]
        if self.new_classes:
            lines.append(f"new classes: {', '.join(map(repr, self.new_classes))}")
        if self.rare_classes:
            told = ", ".join(f"{label!r} ({_rows(count)})" for label, count in self.rare_classes.items())
            lines.append(f"rare classes: {told}")
        return "\n".join(lines)


def _rows(count: int, kind: str = "") -> str:
    return f"{count} {kind}row{'' if count == 1 else 's'}"


def report_import(
    before: dict[int, Any], told: dict[int, Any], labels: Any, *, n_waiting: int, n_unlabeled: int
) -> ImportReport:
    """Report what an import of labels has changed.

    Parameters
    ----------
    before : dict of int to label
        Labels before the import, by row.
    told : dict of int to label
        Imported labels, by row.
    labels : array-like
        Labels of all labelled rows after the import.
    n_waiting : int
        Rows of the last query that have no label yet.
    n_unlabeled : int
        Rows of the pool that have no label yet.

    Returns
    -------
    ImportReport
        Numbers of rows, corrections, and new and rare classes.
    """
    known = set(before.values())
    classes, counts = np.unique(np.asarray(labels), return_counts=True)
    rare = counts <= max(1, _RARE_SHARE * counts.sum())
    return ImportReport(
        n_new=sum(row not in before for row in told),
        n_repeated=sum(before.get(row) == label for row, label in told.items()),
        corrected={
            row: (before[row], label) for row, label in told.items() if row in before and before[row] != label
        },
        new_classes=[label for label in dict.fromkeys(told.values()) if label not in known],
        rare_classes=dict(zip(classes[rare].tolist(), counts[rare].tolist(), strict=True)),
        n_waiting=n_waiting,
        n_unlabeled=n_unlabeled,
    )
