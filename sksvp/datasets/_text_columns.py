"""Columns of classes and texts in a CSV file: those of the published format, or columns that the user names."""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._class_names import plain_name

# More classes than any data set has. A column with more values holds numbers, not classes.
_MOST_CLASSES = 100_000
_WHOLE_FLOAT = re.compile(r"([+-]?\d+)[.,]0+")
# Words for a missing value, where the other classes are numbers.
_MISSING = {"na", "n/a", "#n/a", "null", "none", "missing", "?", "-"}
# Longer cells are data, not names of columns.
_LONGEST_NAME = 40
OTHER_TABLES = "; for other tables give label_column, text_column, sep=... or encoding=..."


class NamedColumns:
    """A column of classes and columns of text, given by their names in a header or by position.

    `what_is_wrong` is called for each row before `texts` and `code`.

    Parameters
    ----------
    label_column : str or int
        Column of the classes.
    text_column : str, int or a sequence of them, or None
        Columns of text. None means all columns but that of the class.
    header : bool or "auto"
        Whether the first row is a header. "auto" means yes if a column is given
        by name.
    keeps_unlabeled : bool
        Whether rows without a class are kept, with the code -1.

    Raises
    ------
    ValueError
        If these parameters contradict each other.
    """

    def __init__(self, label_column, text_column, header, *, keeps_unlabeled: bool = False):
        self._label_column = label_column
        self._keeps_unlabeled = keeps_unlabeled
        # If the columns of text are guessed, the file might also be a table of features.
        self.guesses_texts = text_column is None
        if text_column is None:
            self._text_columns = None
        elif isinstance(text_column, str | int | np.integer):
            self._text_columns = [text_column]
        else:
            self._text_columns = list(text_column)
        self._check_columns()
        named = any(isinstance(column, str) for column in self._columns())
        if named and header is False:
            raise ValueError("header=False: a file without a header has columns by position only, from 0.")
        self._has_header = named if header == "auto" else bool(header)
        self._may_have_header = header == "auto"
        self._codes: dict[str, int] = {}
        self._first: list[str] = []

    @property
    def expects_header(self) -> bool:
        """Whether the first row must be a header."""
        return self._has_header

    def repeats_header(self, fields: list[str], line: int, path: Path) -> bool:
        """Tell whether a row repeats the header, as in concatenated files.

        Raises
        ------
        ValueError
            If its columns are in another order.
        """
        if not self._has_header or len(fields) != len(self._names):
            return False
        names = [plain_name(name) for name in fields]
        if names == self._names:
            return True
        if len(set(names)) > 1 and sorted(names) == sorted(self._names):
            raise ValueError(
                f"{path}, line {line}: the header again, with its columns in another order, {_shown(fields)}: load "
                "the files that were joined one by one."
            )
        return False

    @property
    def classes(self) -> list[str]:
        """The classes as written in the file, in the order of their codes."""
        return list(self._codes)

    def take_header(self, fields: list[str], path: Path) -> bool:
        """Read the first row of the file; tell whether it is a header."""
        self._n_columns = len(fields)
        self.label = self._position(self._label_column, "label_column", fields, path)
        if self._text_columns is None:
            self._texts = [column for column in range(len(fields)) if column != self.label]
        else:
            self._texts = [
                self._position(column, "text_column", fields, path) for column in self._text_columns
            ]
        if not self._texts:
            raise ValueError(f"{path} has one column only, {_shown(fields)}{_other_separator(fields)}")
        if self.label in self._texts:
            raise ValueError(f"{path}: label_column and text_column are the same column.")
        self._first, self._names = fields, [plain_name(name) for name in fields]
        return self._has_header

    def what_is_wrong(self, fields: list[str]) -> str:
        """Return an error message for a row, empty if the row is valid."""
        if len(fields) != self._n_columns:
            where = "header has" if self._has_header else "rows before have"
            return f"{len(fields)} columns where the {where} {self._n_columns}"
        label = self._class_in(fields)
        if not label and not self._keeps_unlabeled:
            return f"the class is {'missing' if fields[self.label].strip() else 'empty'}"
        if "\0" in label:
            return f"the class has a NUL character, got {label[:40]!r}"
        if label not in self._codes and not is_unicode(label):
            return f"the class cannot be decoded, got {label[:40]!r}"
        return ""

    def texts(self, fields: list[str]) -> Sequence[str]:
        """Return the cells that make up the text."""
        return [fields[column] for column in self._texts]

    def code(self, fields: list[str]) -> int:
        """Return the number of the row's class, counted from 0."""
        label = self._class_in(fields)
        return -1 if not label else self._codes.setdefault(label, len(self._codes))

    def _class_in(self, fields: list[str]) -> str:
        label = fields[self.label].strip()
        # pandas writes a missing value so once it has become a text.
        return "" if label in ("nan", "NaN", "<NA>", "NaT") else label

    def check_end(self, codes: np.ndarray, path: Path) -> None:
        """Run the checks that need all rows of the file."""
        if len(self._codes) > _MOST_CLASSES:
            raise ValueError(
                f"{path} has {len(self._codes):,} different classes: is label_column={self._label_column!r} the "
                f"column of the class?"
            )
        words = [name for name in self.classes if not is_number(name)]
        if words and len(words) < len(self.classes) and all(name.lower() in _MISSING for name in words):
            raise ValueError(
                f"{path}: the classes are numbers, but also {_shown(words)}: leave the cell of a missing class empty, "
                "and see unlabeled."
            )
        if not (self._may_have_header and not self._has_header):
            return
        # A header's class cell occurs once, while the classes below it repeat or are numbers.
        names = [self._first[column] for column in (self.label, *self._texts)]
        if (
            self._first[self.label].strip() == self.classes[0]
            and np.count_nonzero(codes == 0) == 1
            and (len(self._codes) < len(codes) or all(map(is_number, self.classes[1:])))
            and len(codes) > 1
            and len(set(names)) == len(names)
            and all(0 < len(name) <= _LONGEST_NAME and not is_number(name) for name in names)
        ):
            raise ValueError(
                f"{path}: the first line looks like a header, {_shown(self._first)}: name the columns by "
                f"label_column and text_column, or give header=True; header=False where it is a row."
            )

    def _columns(self) -> list:
        return [self._label_column, *(self._text_columns or [])]

    def _check_columns(self) -> None:
        if self._text_columns == []:
            raise ValueError("text_column=[] names no column.")
        for column in self._columns():
            if not isinstance(column, str) and (
                isinstance(column, bool | np.bool_) or not isinstance(column, int | np.integer) or column < 0
            ):
                raise ValueError(
                    f"label_column and text_column must be names or positions from 0, got {column!r}."
                )

    def _position(self, column: Any, parameter: str, fields: list[str], path: Path) -> int:
        if not isinstance(column, str):
            if column >= len(fields):
                raise ValueError(
                    f"{path}: {parameter}={column} counts from 0, and the first line has {len(fields)} "
                    f"column{'s' if len(fields) > 1 else ''}, {_shown(fields)}{_other_separator(fields)}"
                )
            return int(column)
        names = [name.strip() for name in fields]
        if names.count(column) != 1:
            many = f"has {names.count(column)} columns" if column in names else "has no column"
            raise ValueError(
                f"{path} {many} {column!r}, the {parameter}; its first line is {_shown(names)}"
                f"{_other_separator(names)}"
            )
        return names.index(column)


class PublishedColumns(NamedColumns):
    """A column of classes numbered from 1, then columns of text, without a header.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes of a published set, whose format is fixed.
    """

    def __init__(self, n_classes: int | None = None):
        super().__init__(0, None, header=False)
        self._n_classes = n_classes
        self._n_columns = 0
        self.label = 0
        self._hint = OTHER_TABLES if n_classes is None else ""
        self.guesses_texts = n_classes is None

    def take_header(self, fields: list[str], path: Path) -> bool:
        return False

    def what_is_wrong(self, fields: list[str]) -> str:
        if len(fields) < 2:
            return f"a row needs a class and a text, this one has {len(fields)} column{self._hint}"
        label = fields[0].strip()
        if not (label.isascii() and label.isdigit() and len(label) < 10):
            header = "" if self._n_columns else "; the file must have no header"
            return f"the class must be a whole number from 1, got {fields[0][:40]!r}{header}{self._hint}"
        if int(label) > _MOST_CLASSES:
            return (
                f"the class must be a number from 1 to {_MOST_CLASSES:,}, got {label}: is the first column the "
                f"class?"
            )
        most = self._n_classes
        if int(label) < 1 or (most is not None and int(label) > most):
            return f"the class must be from 1{f' to {most}' if most else ''}, got {int(label)}{self._hint}"
        if self._n_columns and len(fields) != self._n_columns:
            return f"{len(fields)} columns where the rows before have {self._n_columns}"
        self._n_columns = len(fields)
        return ""

    def texts(self, fields: list[str]) -> Sequence[str]:
        return fields[1:]

    def code(self, fields: list[str]) -> int:
        return int(fields[0]) - 1


def sorted_classes(classes: Iterable[str]) -> list[str]:
    """Sort classes by value if all are numbers, so that 10 comes after 2, else as texts."""
    classes = sorted(classes)
    return sorted(classes, key=float) if all(map(is_number, classes)) else classes


def unify_numbers(files: Sequence[Sequence[str]]) -> list[list[str]]:
    """Give equal numbers the shortest of their names if all classes are numbers: "1", "1.0" and "01" become "1"."""
    spelled = {name: _WHOLE_FLOAT.sub(r"\1", name) for classes in files for name in classes}
    if not all(map(is_number, spelled.values())):
        return [list(classes) for classes in files]
    shortest: dict[float, str] = {}
    for name in sorted(spelled.values(), key=len):
        shortest.setdefault(float(name), name)
    return [[shortest[float(spelled[name])] for name in classes] for classes in files]


def is_number(cell: str) -> bool:
    """Tell whether a cell holds a number in ASCII digits."""
    try:
        return cell.isascii() and not math.isnan(float(cell))
    except ValueError:
        return False


def is_unicode(cell: str) -> bool:
    """Tell whether a cell was decoded."""
    # The decoder replaces bytes that it cannot read by lone surrogates.
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _other_separator(fields: list[str]) -> str:
    """Return the end of a message on a row with one column: which separator the file may have."""
    if len(fields) > 1:
        return "."
    found = [separator for separator in ";\t,|" if separator in fields[0]]
    return f": is sep={found[0]!r} right?" if found else ": is sep=... right?"


def _shown(fields: list[str]) -> str:
    shown = ", ".join(repr(field[:_LONGEST_NAME]) for field in fields[:8])
    return shown + (", ..." if len(fields) > 8 else "")
