"""Write queries as CSV for labelling tools, and read labels back."""

import csv
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from .._inputs._large_cells import large_cells
from .._inputs._lengths import indexable_rows
from .._inputs._paths import as_path
from .._inputs._row_numbers import check_row_numbers
from .._storage._files import replacing
from ._classes import check_classes, read_classes

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
    path = as_path(path, "path")
    X, names = indexable_rows(X=X, names=names)
    rows = check_row_numbers(rows, _num_samples(X))
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


def read_answers(
    path: str | os.PathLike, known: Any = (), *, classes: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read the labelled rows of a CSV file.

    Parameters
    ----------
    path : str or path-like
        The CSV file, separated by commas, semicolons or tabs. Its header must name
        ``row`` and ``label``. Other columns and rows with an empty label are
        ignored.
    known : array-like, default=()
        Labels that rows have already. Labels are read as numbers or booleans if
        these are. If there are none, labels are read as numbers if all are whole
        numbers.
    classes : array-like, default=None
        Classes that are allowed; None allows all. They take the place of `known`.

    Returns
    -------
    rows : ndarray of int
        Row numbers.
    labels : ndarray
        Their labels.

    Raises
    ------
    TypeError
        If `path` is not a path.
    ValueError
        If the header lacks these columns, a row number or label cannot be read, or
        a label is not in `classes`; the message names the line.
    """
    path = as_path(path, "path")
    examples = read_classes(known, "known")
    if classes is not None:
        examples = read_classes(classes)
    try:
        lines = _read_lines(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{str(path)!r} must be a CSV file in UTF-8: {error}") from error
    lines = [(place, row, text) for place, row, text in lines if text]
    rows = [_whole_number(row, f"{place}: row") for place, row, _ in lines]
    read = _reader_of(examples, [text for *_, text in lines])
    labels = [read(text, f"{place}: label") for place, _, text in lines]
    if classes is not None:
        check_classes(rows, labels, examples, [place for place, *_ in lines])
    empty = np.empty(0, dtype=np.int64)
    return np.asarray(rows, dtype=np.int64), np.asarray(labels) if labels else empty


def _read_lines(path: Path) -> list[tuple[str, str | None, str]]:
    """Return the place, the row and the label of each line below the header."""
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
        return [
            (f"line {reader.line_num} of {str(path)!r}", line["row"], (line["label"] or "").strip())
            for line in reader
        ]


def _reader_of(examples: list, texts: list[str]) -> Callable[[str, str], Any]:
    """Return the function that reads a label: as a text, a number or a boolean."""
    if not examples:
        return _whole_number if all(map(_is_whole, texts)) else _text
    return {str: _text, bool: _boolean}.get(type(examples[0]), _whole_number)


def _text(text: str, what: str) -> str:
    return text


def _boolean(text: str, what: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{what} must be True or False, got {text!r}.")
    return text.lower() == "true"


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
