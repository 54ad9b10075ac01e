"""Texts from CSV files: the format of Zhang, Zhao and LeCun, or columns that the user names."""

import codecs
import csv
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._large_cells import large_cells
from .._inputs._parameters import ListOf
from .._inputs._paths import as_path
from .._inputs._warn import warn_caller
from ._text_columns import NamedColumns, PublishedColumns, is_number
from ._text_rows import (
    COMPRESSIONS,
    DAMAGED,
    TextRows,
    TextSplit,
    damaged,
    named_bunch,
    open_text,
    text_bunch,
)

SUFFIXES = tuple(f"{ending}{compression}" for ending in (".csv", ".tsv") for compression in COMPRESSIONS)
_BYTE_ORDER_MARK = "\ufeff"
_NO_QUOTING = "where quotes mean nothing, give quoting=False"
_MELTED = f"a cell in quotes holds what looks like further rows; {_NO_QUOTING}, else quoting=True."
# UTF-16 byte-order marks as other decoders pass them on.
_UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")


@validate_params(
    {
        "text_column": [str, Integral, ListOf(str, Integral, can_be_empty=True), None],
        "label_column": [str, Integral, None],
        "sep": [str, None],
        "encoding": [str],
        "header": ["boolean", StrOptions({"auto"})],
        "quoting": ["boolean", StrOptions({"auto"})],
        "unlabeled": [StrOptions({"raise", "keep"})],
        "on_error": [StrOptions({"raise", "skip"})],
    },
    prefer_skip_nested_validation=True,
)
def load_text_csv(
    path: str | os.PathLike,
    test: str | os.PathLike | None = None,
    *,
    text_column=None,
    label_column: str | int | None = None,
    sep: str | None = None,
    encoding: str = "utf-8",
    header: bool | str = "auto",
    quoting: bool | str = "auto",
    unlabeled: str = "raise",
    on_error: str = "raise",
) -> Bunch:
    """Load texts and their classes from CSV files.

    Without `label_column`, files have the format of [1]_, in which the Amazon and Yelp
    reviews, AG News, DBpedia and Yahoo's answers are published: no header, the class as a
    number from 1, then one or more columns of text. With it, any table is read that has a
    column of classes, which may be names or numbers from 0, and columns of text. Cells with
    separators, double quotes (doubled) or line breaks are enclosed in double quotes.
    Texts are read row by row into one block of memory, which takes little more
    than the file's size.

    Parameters
    ----------
    path : str or path
        A ``.csv`` or ``.tsv`` file, or one of these compressed as ``.bz2``, ``.gz`` or
        ``.xz``, or a folder with such files named ``train`` and, if there are
        test rows, ``test``.
    test : str or path, default=None
        The file with test rows, if `path` is a file.
    text_column : str, int or list of them, default=None
        Column of the text, by its name in the header or its position from 0;
        several are joined by one space. None means all but that of the class.
        Requires `label_column`.
    label_column : str or int, default=None
        Column of the class, by name or position. None means the published format.
    sep : str, default=None
        The character between columns. None means a comma, or a tab in ``.tsv`` files.
    encoding : str, default="utf-8"
        Python's name of the files' encoding, such as ``"cp1252"`` or
        ``"utf-16"``. A byte-order mark before UTF-8 is ignored.
    header : bool or "auto", default="auto"
        Whether the first line has the names of the columns. "auto" means yes if a
        column is given by name.
    quoting : bool or "auto", default="auto"
        Whether a cell in double quotes may hold separators and line breaks. If
        False, a quote is a character like any other, as in many tab-separated
        files. "auto" is True, and a quoted cell that holds what looks like further
        rows is an error. Tab-separated files with such a cell, or a quote in the
        wrong place, are read as with False if each line is a row then; a warning
        says so.
    unlabeled : {"raise", "keep"}, default="raise"
        How to treat rows whose cell in `label_column` is empty. "raise": they are
        bad rows, see `on_error`. "keep": training rows among them get the label -1,
        as a pool for ``ProxyActiveLearner(..., missing_label=-1)``.
    on_error : {"raise", "skip"}, default="raise"
        How to treat rows without a class, with another number of columns than the
        first, with a quote in the wrong place, or with bytes that are not valid in
        the encoding. "skip" leaves them out, with a warning that counts them.

    Returns
    -------
    Bunch
        - ``X_train`` : PackedTexts of n texts.
          All columns of text, such as title and text, joined by one space; empty
          cells are left out.
        - ``y_train`` : ndarray of shape (n,), int64.
          The classes minus one; with `label_column`, their positions in
          `target_names`.
        - ``X_test``, ``y_test`` : the same of the test rows, or None
        - ``lines_train``, ``lines_test`` : ndarray of int64.
          The line of the file on which each row begins, from 1.
        - ``target_names`` : ndarray of str.
          Class of each label. With `label_column`, the classes of the training rows
          in numerical order if all are numbers, else in alphabetical order. If all
          are numbers, ``1.0`` is the class ``1``.
        - ``DESCR`` : str

    Raises
    ------
    OSError
        If a file is missing.
    ValueError
        If a row is bad (the message gives its line), a file is damaged, a column
        does not exist, text columns that were not named hold only numbers, the
        first line looks like a header but `header` is not given, or test rows have
        a class that no training row has.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level convolutional
       networks for text classification", NIPS 2015.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sksvp.datasets import load_text_csv
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mine.csv"
    ...     _ = file.write_text("review;stars;mood\\na fine film;5;good\\na waste;1;bad\\n")
    ...     bunch = load_text_csv(file, text_column="review", label_column="mood", sep=";")
    >>> list(bunch.X_train), bunch.y_train.tolist(), bunch.target_names.tolist()
    (['a fine film', 'a waste'], [1, 0], ['bad', 'good'])
    """
    path = as_path(path, "path")
    train_file, test_file = find_files(path, None if test is None else as_path(test, "test"))
    files = [train_file] if test_file is None else [train_file, test_file]
    _check_form(sep, encoding)
    reading: dict[str, Any] = {"sep": sep, "encoding": encoding, "quoting": quoting, "on_error": on_error}
    if label_column is None:
        if text_column is not None or header is True or unlabeled == "keep":
            given = "text_column" if text_column is not None else "header=True"
            given = 'unlabeled="keep"' if unlabeled == "keep" else given
            raise ValueError(f"{given} needs label_column, the column of the class.")
        read = [_read(file, PublishedColumns, **reading) for file in files]
        splits = [split for split, _ in read]
        names = [str(label + 1) for label in range(int(splits[0][1].max()) + 1)]
        return text_bunch(splits, target_names=np.array(names), title=f"Texts of {path}", path=path)

    def columns_of(file: Path) -> Callable[[], NamedColumns]:
        keeps = unlabeled == "keep" and file is train_file
        return partial(NamedColumns, label_column, text_column, header, keeps_unlabeled=keeps)

    read = [_read(file, columns_of(file), **reading) for file in files]
    return named_bunch(path, files, [split for split, _ in read], [columns.classes for _, columns in read])


def _check_form(sep: str | None, encoding: str) -> None:
    if sep is not None and (len(sep) != 1 or sep in '"\r\n'):
        raise ValueError(f"sep={sep!r} must be one character, no quote or line break.")
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as error:
        raise ValueError(f"encoding={encoding!r} is not one that Python knows: {error}.") from error


def is_text_csv(path: Path) -> bool:
    """Tell whether a path is a file in this format, or a folder with a training file."""
    if path.is_dir():
        return _find(path, "train") is not None
    return path.name.lower().endswith(SUFFIXES)


def find_files(path: Path, test: Path | None = None) -> tuple[Path, Path | None]:
    """Return the files of training and test rows.

    Raises
    ------
    FileNotFoundError
        If there is no file of training rows.
    ValueError
        If a file is of another kind, or `test` is given together with a folder.
    """
    if path.is_dir():
        if test is not None:
            raise ValueError(f"test is for a path that is a file, but path={str(path)!r} is a folder.")
        train = _find(path, "train")
        if train is None:
            raise FileNotFoundError(f"{path} has no train.csv ({', '.join(SUFFIXES)}).")
        return train, _find(path, "test")
    for name, file in (("path", path), ("test", test)):
        if file is not None and not file.name.lower().endswith(SUFFIXES):
            raise ValueError(f"{name}={str(file)!r} must be a file {', '.join(SUFFIXES)}.")
    return path, test


def _find(folder: Path, name: str) -> Path | None:
    return next((file for suffix in SUFFIXES if (file := folder / f"{name}{suffix}").is_file()), None)


def read_text_csv(path: Path, n_classes: int) -> TextSplit:
    """Read texts and labels of one file of a published set with `n_classes` classes."""
    return _read(path, partial(PublishedColumns, n_classes))[0]


class _QuoteError(ValueError):
    """Quotes do not enclose cells."""


def _read(
    path: Path,
    make_columns: Callable[[], NamedColumns],
    *,
    on_error: str = "raise",
    sep: str | None = None,
    encoding: str = "utf-8",
    quoting: bool | str = "auto",
) -> tuple[TextSplit, NamedColumns]:
    """Return the texts of a file and the codes of their classes, and its columns.

    With quoting="auto", quotes mean nothing in a tab-separated file if they are in the
    wrong place or enclose what looks like further rows, and each line is a row without them.
    """
    if sep is None:
        # The ending before that of the compression.
        sep = "\t" if ".tsv" in path.name.lower()[-8:] else ","

    def collect(quoting: bool | str, columns: NamedColumns, **options: Any) -> TextSplit:
        # Closed at once after an error: an open one keeps the file and the limit of the csv module.
        with closing(_rows(path, sep, encoding, quoting)) as rows:
            return _collect(path, rows, columns, encoding=encoding, sep=sep, finds_melted=is_auto, **options)

    is_auto = quoting == "auto"
    if is_auto and sep == "\t":
        columns = make_columns()
        try:
            return collect(True, columns, on_error=on_error, doubts_quotes=True), columns
        except _QuoteError as error:
            doubt = error
        columns = make_columns()
        with suppress(ValueError):
            split = collect(False, columns, on_error="raise")
            warn_caller(f"{doubt} Each line is a row without quotes: the file is read with quoting=False.")
            return split, columns
    columns = make_columns()
    return collect(quoting, columns, on_error=on_error), columns


def _collect(
    path: Path,
    rows: Iterable[tuple[int, list[str], str, list[list[str]]]],
    columns: NamedColumns,
    *,
    encoding: str,
    on_error: str,
    sep: str,
    finds_melted: bool,
    doubts_quotes: bool = False,
) -> TextSplit:
    """Return the texts of rows and the codes of their classes."""
    collected = TextRows(path, on_error)
    begun = False
    has_words = not columns.guesses_texts
    n_headers = 0
    # First line, number of lines, and classes of the lines with all columns, of cells that may hold further rows.
    melted: list[tuple[int, int, list[str]]] = []
    for line, fields, wrong, lines in rows:
        if not wrong and not fields:
            continue  # an empty line
        if wrong and doubts_quotes:
            raise _QuoteError(f"{path}, line {line}: {wrong}.")
        if wrong and not begun and columns.expects_header:
            raise ValueError(f"{path}, line {line}, must be the header: {wrong}.")
        if not begun and not wrong:
            begun = True
            _check_encoding(fields, path, encoding)
            if columns.take_header(fields, path):
                continue
        elif not wrong and columns.repeats_header(fields, line, path):
            n_headers += 1
            continue
        wrong = wrong or columns.what_is_wrong(fields)
        cells = fields if wrong else columns.texts(fields)
        try:
            text = " ".join(cell for cell in cells if cell).encode()
        except UnicodeEncodeError as error:
            # Bytes that could not be decoded are reported first: they may be the cause of a wrong class.
            wrong = _undecoded(error, encoding)
        if wrong:
            collected.refuse(line, wrong)
            continue
        if finds_melted and len(lines) > 1:
            if sep == "\t" and any("\t" in cell and "\n" in cell for cell in fields):
                raise _QuoteError(f"{path}, line {line}: {_MELTED}")
            labels = [part[columns.label].strip().strip('"') for part in lines if len(part) == len(fields)]
            if 4 * len(labels) >= 3 * len(lines):
                melted.append((line, len(lines), labels))
        has_words = has_words or not all(not cell or is_number(cell) for cell in cells)
        collected.add(line, text, columns.code(fields))
    split = collected.finish()
    columns.check_end(split.codes, path)
    known = set(columns.classes) or {str(code + 1) for code in np.unique(split.codes)}
    for line, n_lines, labels in melted:
        if 4 * sum(label in known for label in labels) >= 3 * n_lines:
            raise _QuoteError(f"{path}, line {line}: {_MELTED}")
    if not has_words and split.texts.nbytes:
        raise ValueError(
            f"{path} has numbers alone where texts are expected: name the columns by label_column and text_column; "
            f"save a table of features as an .npz file."
        )
    if n_headers:
        warn_caller(f"{path}: {n_headers:,} rows that repeat the header were left out.")
    return split


def _check_encoding(fields: list[str], path: Path, encoding: str) -> None:
    """Refuse the first row of a file in UTF-16 or UTF-32, which another decoder reads with NUL characters."""
    begin = fields[0][:200]
    if begin.startswith(_UTF_16_MARKS):
        width, ending = (32 if begin[2:4] == "\0\0" else 16), ""
    else:
        is_nul = np.array([character == "\0" for character in begin], dtype=bool)
        low, high = is_nul[::2], is_nul[1::2]
        if len(high) == 0 or not (low.all() or high.all()):
            return
        width, ending = (32 if is_nul.mean() > 0.6 else 16), "-be" if low.all() else "-le"
    given = f"utf-{width}{ending}"
    raise ValueError(f"{path} is UTF-{width}, not {encoding.upper()}: give encoding={given!r}.")


def _undecoded(error: UnicodeEncodeError, encoding: str) -> str:
    """Return a message about the byte that the decoder replaced by a lone surrogate."""
    byte = ord(error.object[error.start]) & 0xFF
    return f"byte 0x{byte:02x} is not {encoding.upper()}; give the file's own, such as encoding='cp1252'"


def _rows(
    path: Path, sep: str, encoding: str, quoting: bool | str
) -> Generator[tuple[int, list[str], str, list[list[str]]], None, None]:
    """Yield the first line of each row, its fields, its error message, and its lines split without quotes.

    Bytes that are not valid in the encoding become lone surrogates. The decoder
    reads ahead, so its own errors could not name the line.
    """
    line = 1
    rules: dict[str, Any] = {} if quoting else {"quoting": csv.QUOTE_NONE}
    # Excel writes a byte-order mark at the beginning of a file.
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    try:
        with large_cells(), open_text(path, codec, newline="") as file:
            taken: list[str] = []
            reader = csv.reader(_remembering(file, taken), delimiter=sep, strict=True, **rules)
            while True:
                line = reader.line_num + 1
                taken.clear()
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    ended = "unexpected end of data" in str(error)
                    wrong = f"a quote is opened and never closed, which takes all lines to {reader.line_num}"
                    yield line, [], f"{wrong if ended else error}; {_NO_QUOTING}", []
                    continue
                if fields and fields[0].startswith(_BYTE_ORDER_MARK):
                    # In concatenated files a byte-order mark may begin any row.
                    fields[0] = fields[0].removeprefix(_BYTE_ORDER_MARK)
                lines = [part.rstrip("\r\n").split(sep) for part in taken] if len(taken) > 1 else []
                yield line, fields, "", lines
    except UnicodeError as error:
        # UTF-16 and similar encodings raise an error on a bad byte.
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error
        raise ValueError(f"{path} is not {encoding.upper()} near line {line}: {reason}.") from error
    except DAMAGED as error:
        raise damaged(path, line, error) from error


def _remembering(file: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in file:
        taken.append(line)
        yield line
