"""Write queries as CSV for labelling tools, and read labels back."""

import csv
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from .._inputs._large_cells import large_cells
from .._storage._files import replacing

_COLUMNS = ("row", "name", "label")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_query(path: str | os.PathLike, X: Any, rows: np.ndarray, names: Any = None) -> None:
    """Write the rows to be labelled: row number, name or text, and an empty label.

    Parameters
    ----------
    path : str or path-like
        The CSV file, in UTF-8. It is replaced in one step.
    X : rows
        The pool. Texts, and the paths of an image folder, serve as names.
    rows : ndarray of int
        Row numbers, in the order of the file.
    names : array-like of length n_rows, optional
        Name of each row of the pool for the person or tool that labels it.

    Notes
    -----
    A name that begins with ``=``, ``+``, ``-``, ``@`` or a tab is preceded by an
    apostrophe, because spreadsheets would run it as a formula.
    """
    if names is not None and _num_samples(names) != _num_samples(X):
        raise ValueError(
            f"names must have one entry for each of the {_num_samples(X)} rows of the pool, got "
            f"{_num_samples(names)}."
        )
    shown = _names(X if names is None else names, rows, given=names is not None)
    # Texts and file names may contain characters that UTF-8 cannot encode.
    with (
        replacing(path) as part,
        open(part, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows([row, name, ""] for row, name in zip(rows.tolist(), shown, strict=True))


def _names(values: Any, rows: np.ndarray, *, given: bool) -> list[str]:
    cut = _safe_indexing(values, rows)
    if hasattr(cut, "paths"):
        return [_not_a_formula(path) for path in cut.paths]
    if given or (getattr(cut, "ndim", 1) == 1 and all(isinstance(value, str) for value in cut)):
        return [_not_a_formula(str(value)) for value in cut]
    return [""] * len(rows)


def _not_a_formula(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def read_answers(path: str | os.PathLike, classes: list) -> tuple[np.ndarray, np.ndarray]:
    """Read the labelled rows of a CSV file.

    Parameters
    ----------
    path : str or path-like
        The CSV file, separated by commas, semicolons or tabs. Its header must name
        ``row`` and ``label``. Other columns and rows with an empty label are
        ignored.
    classes : list
        Classes known so far. Labels are read as numbers if these are numbers. If
        there are none, labels are read as numbers if all are whole numbers.

    Returns
    -------
    rows : ndarray of int
        Row numbers.
    labels : ndarray
        Their labels.

    Raises
    ------
    ValueError
        If the header lacks these columns, or a row number or label cannot be read;
        the message names the line.
    """
    path = Path(path)
    try:
        lines = _read_lines(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{str(path)!r} must be a CSV file in UTF-8: {error}") from error
    told = [(number, row, (label or "").strip()) for number, row, label in lines]
    told = [(number, row, label) for number, row, label in told if label]
    rows = [_whole_number(row, f"line {number} of {str(path)!r}: row") for number, row, _ in told]
    texts = [label for *_, label in told]
    numeric = not isinstance(classes[0], str) if classes else all(_is_whole(text) for text in texts)
    if not numeric:
        return np.asarray(rows, dtype=np.int64), np.asarray(texts, dtype=np.str_)
    labels = [_whole_number(text, f"line {number} of {str(path)!r}: label") for number, _, text in told]
    return np.asarray(rows, dtype=np.int64), np.asarray(labels, dtype=np.int64)


def _read_lines(path: Path) -> list[tuple[int, str | None, str | None]]:
    """Return line number, row and label of each line below the header."""
    with large_cells(), open(path, newline="", encoding="utf-8-sig") as file:
        header = file.readline()
        file.seek(0)
        reader = csv.DictReader(file, delimiter=max(",;\t", key=header.count))
        columns = [name.strip().lower() for name in reader.fieldnames or []]
        if not {"row", "label"} <= set(columns):
            raise ValueError(
                f"{str(path)!r} must have a header with the columns row and label, got {columns}."
            )
        reader.fieldnames = columns
        return [(reader.line_num, line["row"], line["label"]) for line in reader]


def _is_whole(text: str) -> bool:
    # "007" is a name, not a number. pandas writes 1 as "1.0" in a column with missing labels.
    return re.fullmatch(r"-?(0|[1-9][0-9]*)(\.0+)?", text) is not None


def _whole_number(text: str | None, what: str) -> int:
    try:
        number = float(text or "")
        if number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{what} must be a whole number, got {text!r}.")
