"""Texts from CSV files: the format of Zhang, Zhao and LeCun, or columns that the user names."""

import codecs
import csv
import gzip
import lzma
import os
import warnings
import zlib
from array import array
from collections.abc import Iterator
from numbers import Integral
from pathlib import Path
from typing import IO, Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._large_cells import large_cells
from ..text import PackedTexts
from ._text_columns import (
    NamedColumns,
    PublishedColumns,
    TextColumns,
    is_number,
    sorted_classes,
    unify_numbers,
)

SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".tsv", ".tsv.gz", ".tsv.xz")
_BYTE_ORDER_MARK = "\ufeff"
_NO_QUOTING = "where quotes mean nothing, give quoting=False"
# UTF-16 byte-order marks as other decoders pass them on.
_UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")

_DESCR = """{title}

Training rows: {n_train:,}; test rows: {n_test:,}; {labels}. Read from {path}.
{source}"""


@validate_params(
    {
        "path": [str, os.PathLike],
        "test": [str, os.PathLike, None],
        "text_column": [str, Integral, "array-like", None],
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
        A ``.csv`` or ``.tsv`` file, or one of these compressed as ``.gz`` or
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
        files. "auto" is True, but in tab-separated files a quoted cell with both
        tabs and line breaks is an error.
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
    train_file, test_file = find_files(Path(path), None if test is None else Path(test))
    files = [train_file] if test_file is None else [train_file, test_file]
    _check_form(sep, encoding)
    reading: dict[str, Any] = {"sep": sep, "encoding": encoding, "quoting": quoting, "on_error": on_error}
    if label_column is None:
        if text_column is not None or header is True or unlabeled == "keep":
            given = "text_column" if text_column is not None else "header=True"
            given = 'unlabeled="keep"' if unlabeled == "keep" else given
            raise ValueError(f"{given} needs label_column, the column of the class.")
        read = [_read(file, PublishedColumns(), **reading) for file in files]
        names = [str(label + 1) for label in range(int(read[0][1].max()) + 1)]
        labels = "classes from 1 as labels from 0"
    else:
        columns = [
            NamedColumns(
                label_column, text_column, header, keeps_unlabeled=unlabeled == "keep" and file is train_file
            )
            for file in files
        ]
        coded = [_read(file, its, **reading) for file, its in zip(files, columns, strict=True)]
        classes = unify_numbers([its.classes for its in columns])
        names = sorted_classes(set(classes[0]))
        read = [
            (texts, encode_classes(codes, its, names, file))
            for (texts, codes), its, file in zip(coded, classes, files, strict=True)
        ]
        labels = f"{len(names):,} classes"
    return text_bunch(
        read[0],
        read[1] if len(read) > 1 else None,
        target_names=np.array(names),
        title=f"Texts of {path}",
        path=path,
        labels=labels,
    )


def _check_form(sep: str | None, encoding: str) -> None:
    if sep is not None and (len(sep) != 1 or sep in '"\r\n'):
        raise ValueError(f"sep={sep!r} must be one character, no quote or line break.")
    try:
        "".encode(encoding)
    except LookupError as error:
        raise ValueError(f"encoding={encoding!r} is not one that Python knows: {error}.") from error


def encode_classes(codes: np.ndarray, classes: list[str], names: list[str], path: Path) -> np.ndarray:
    """Turn a file's codes into positions in `names`."""
    places = {name: place for place, name in enumerate(names)}
    foreign = sorted_classes(set(classes) - set(names))
    if foreign:
        raise ValueError(f"{path} has classes that no training row has: {', '.join(map(repr, foreign[:5]))}.")
    # Rows without a class have the code -1 before and after.
    return np.array([*(places[name] for name in classes), -1], dtype=np.int64)[codes]


def text_bunch(
    train: tuple[PackedTexts, np.ndarray],
    test: tuple[PackedTexts, np.ndarray] | None,
    *,
    target_names: np.ndarray,
    title: str,
    path,
    labels: str = "classes from 1 as labels from 0",
    source: str = "",
) -> Bunch:
    """Return texts and labels as a Bunch."""
    X_test, y_test = (None, None) if test is None else test
    n_test = 0 if test is None else len(test[1])
    return Bunch(
        X_train=train[0],
        y_train=train[1],
        X_test=X_test,
        y_test=y_test,
        target_names=target_names,
        DESCR=_DESCR.format(
            title=title, n_train=len(train[1]), n_test=n_test, labels=labels, path=path, source=source
        ),
    )


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


def read_text_csv(
    path: Path, *, on_error: str = "raise", n_classes: int | None = None
) -> tuple[PackedTexts, np.ndarray]:
    """Read one file.

    Parameters
    ----------
    path : Path
        The file.
    on_error : {"raise", "skip"}
        How to treat bad rows.
    n_classes : int, optional
        Largest allowed class.

    Returns
    -------
    texts : PackedTexts
    labels : ndarray of int64
    """
    return _read(path, PublishedColumns(n_classes), on_error=on_error)


def _read(
    path: Path,
    columns: TextColumns,
    *,
    on_error: str,
    sep: str | None = None,
    encoding: str = "utf-8",
    quoting: bool | str = "auto",
) -> tuple[PackedTexts, np.ndarray]:
    """Return the texts of a file and the codes of their classes."""
    buffer, ends, codes = bytearray(), array("q", [0]), array("q")
    begun = False
    numbers_alone = columns.guesses_texts
    skipped: list[str] = []
    n_headers = 0
    for line, fields, wrong in _rows(path, sep, encoding, quoting):
        if not wrong and not fields:
            continue  # an empty line
        if wrong and not begun and columns.expects_header:
            raise ValueError(f"{path}, line {line}, is to be the header: {wrong}.")
        if not begun and not wrong:
            begun = True
            if fields[0].startswith(_UTF_16_MARKS):
                raise ValueError(f"{path} is UTF-16, not {encoding.upper()}: give encoding='utf-16'.")
            if columns.take_header(fields, path):
                continue
        elif not wrong and columns.repeats_header(fields):
            n_headers += 1
            continue
        wrong = wrong or columns.what_is_wrong(fields)
        text = b""
        try:
            # Bytes that could not be decoded are reported first: they may be the cause of a wrong class.
            text = " ".join(fields if wrong else [cell for cell in columns.texts(fields) if cell]).encode()
        except UnicodeEncodeError as error:
            wrong = _undecoded(error, encoding)
        if wrong:
            if on_error == "raise":
                raise ValueError(f"{path}, line {line}: {wrong}.")
            skipped.append(f"line {line}: {wrong}")
            continue
        if numbers_alone:
            numbers_alone = all(not cell or is_number(cell) for cell in columns.texts(fields))
        codes.append(columns.code(fields))
        buffer += text
        ends.append(len(buffer))
    if not codes:
        raise ValueError(f"{path} has no rows{f' but bad ones, {skipped[0]}' if skipped else ''}.")
    columns.check_end(codes, path)
    if numbers_alone and buffer:
        raise ValueError(
            f"{path} has numbers alone where texts are expected: name the columns by label_column and text_column; "
            f"save a table of features as an .npz file."
        )
    if skipped:
        warnings.warn(
            f"{path}: {len(skipped):,} bad rows were left out, the first of them {skipped[0]}"
            f"{f'; the last {skipped[-1]}' if len(skipped) > 1 else ''}.",
            UserWarning,
            stacklevel=2,
        )
    if n_headers:
        warnings.warn(
            f"{path}: {n_headers:,} rows that repeat the header were left out.", UserWarning, stacklevel=2
        )
    texts = PackedTexts.from_buffer(buffer, np.frombuffer(ends, dtype=np.int64))
    return texts, np.array(codes, dtype=np.int64)


def _undecoded(error: UnicodeEncodeError, encoding: str) -> str:
    """Return a message about the byte that the decoder replaced by a lone surrogate."""
    byte = ord(error.object[error.start]) & 0xFF
    return f"byte 0x{byte:02x} is not {encoding.upper()}; give the file's own, such as encoding='cp1252'"


def _rows(
    path: Path, sep: str | None, encoding: str, quoting: bool | str
) -> Iterator[tuple[int, list[str], str]]:
    """Yield the first line, the fields and the error message of each row.

    Bytes that are not valid in the encoding become lone surrogates. The decoder
    reads ahead, so its own errors could not name the line.
    """
    if sep is None:
        # The ending before that of the compression.
        name = path.name.lower().removesuffix(".gz").removesuffix(".xz")
        sep = "\t" if name.endswith(".tsv") else ","
    try:
        with large_cells(), _open(path, encoding) as file:
            rules: dict[str, Any] = {} if quoting else {"quoting": csv.QUOTE_NONE}
            reader = csv.reader(file, delimiter=sep, strict=True, **rules)
            while True:
                line = reader.line_num + 1
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    ended = "unexpected end of data" in str(error)
                    wrong = f"a quote is opened and never closed, which takes all lines to {reader.line_num}"
                    yield line, [], f"{wrong if ended else error}; {_NO_QUOTING}"
                    continue
                if fields and fields[0].startswith(_BYTE_ORDER_MARK):
                    # In concatenated files a byte-order mark may begin any row.
                    fields[0] = fields[0].removeprefix(_BYTE_ORDER_MARK)
                melted = quoting == "auto" and sep == "\t" and any("\t" in f and "\n" in f for f in fields)
                wrong = f"a cell in quotes has tabs and takes lines {line} to {reader.line_num}"
                yield line, fields, f"{wrong}; {_NO_QUOTING}, else quoting=True" if melted else ""
    except UnicodeError as error:
        # UTF-16 and similar encodings raise an error on a bad byte.
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error
        raise ValueError(f"{path} is not {encoding.upper()} near line {line}: {reason}.") from error
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged near line {line}: {error}.") from error


def _open(path: Path, encoding: str) -> IO[str]:
    # Excel writes a byte-order mark at the beginning of a file.
    encoding = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    name = path.name.lower()
    if name.endswith(".gz"):
        return gzip.open(path, "rt", encoding=encoding, errors="surrogateescape", newline="")
    if name.endswith(".xz"):
        return lzma.open(path, "rt", encoding=encoding, errors="surrogateescape", newline="")
    return open(path, encoding=encoding, errors="surrogateescape", newline="")
