"""Reviews and other texts from CSV files in the format of Zhang, Zhao and LeCun."""

import csv
import gzip
import lzma
import os
import warnings
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from .._files import large_cells
from ..text import PackedTexts

SUFFIXES = (".csv", ".csv.gz", ".csv.xz")
# Files that were written by Excel begin with a byte-order mark.
_ENCODING = "utf-8-sig"
# More than any data set has; a column of numbers is not taken for classes.
_MOST_CLASSES = 100_000

_DESCR = """{title}

Training rows: {n_train:,}; test rows: {n_test:,}; classes from 1 as labels from 0. Read from {path}.
{source}"""


@validate_params(
    {
        "path": [str, os.PathLike],
        "test": [str, os.PathLike, None],
        "on_error": [StrOptions({"raise", "skip"})],
    },
    prefer_skip_nested_validation=True,
)
def load_text_csv(
    path: str | os.PathLike, test: str | os.PathLike | None = None, *, on_error: str = "raise"
) -> Bunch:
    """Load texts and their classes from CSV files without a header.

    The format of [1]_, in which the Amazon and Yelp reviews, AG News, DBpedia and
    Yahoo's answers are published: the class as a number from 1, then one or more
    columns of text, in UTF-8; commas, double quotes (doubled inside) and line breaks stand in quotes.
    Texts are read row by row into one piece of memory: it takes little more
    than the file's size.

    Parameters
    ----------
    path : str or path
        A file ``.csv``, ``.csv.gz`` or ``.csv.xz``, or a folder with such files
        named ``train`` and, if there are test rows, ``test``.
    test : str or path, default=None
        The file with test rows, where `path` is a file.
    on_error : {"raise", "skip"}, default="raise"
        What happens to rows without a class, with another number of columns
        than the first, or with a quote in the wrong place. "skip" leaves them
        out, with a warning that counts them.

    Returns
    -------
    Bunch
        - ``X_train`` : PackedTexts of n texts.
          Title and text, or whatever columns there are, joined by one space;
          empty ones are left out.
        - ``y_train`` : ndarray of shape (n,), int64.
          The classes, less one.
        - ``X_test``, ``y_test`` : the same of the test rows, or None
        - ``target_names`` : ndarray of str.
          Name of each label: its class.
        - ``DESCR`` : str

    Raises
    ------
    OSError
        Where a file is not there.
    ValueError
        For a bad row, which is named by its line, or a damaged file.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level convolutional
       networks for text classification", NIPS 2015.
    """
    train_file, test_file = find_files(Path(path), None if test is None else Path(test))
    train = read_text_csv(train_file, on_error=on_error)
    tested = None if test_file is None else read_text_csv(test_file, on_error=on_error)
    names = np.array([str(label + 1) for label in range(int(train[1].max()) + 1)])
    return text_bunch(train, tested, target_names=names, title=f"Texts of {path}", path=path)


def text_bunch(
    train: tuple[PackedTexts, np.ndarray],
    test: tuple[PackedTexts, np.ndarray] | None,
    *,
    target_names: np.ndarray,
    title: str,
    path,
    source: str = "",
) -> Bunch:
    """Put texts and labels into a Bunch, as all loaders do."""
    X_test, y_test = (None, None) if test is None else test
    n_test = 0 if test is None else len(test[1])
    return Bunch(
        X_train=train[0],
        y_train=train[1],
        X_test=X_test,
        y_test=y_test,
        target_names=target_names,
        DESCR=_DESCR.format(title=title, n_train=len(train[1]), n_test=n_test, path=path, source=source),
    )


def is_text_csv(path: Path) -> bool:
    """Tell whether a path is such a file, or a folder with one for training."""
    if path.is_dir():
        return _find(path, "train") is not None
    return path.name.lower().endswith(SUFFIXES)


def find_files(path: Path, test: Path | None = None) -> tuple[Path, Path | None]:
    """Return the files of training and test rows.

    Raises
    ------
    FileNotFoundError
        Where there is no file of training rows.
    ValueError
        For a file of another kind, or `test` beside a folder.
    """
    if path.is_dir():
        if test is not None:
            raise ValueError(f"test is for a path that is a file, but path={str(path)!r} is a folder.")
        train = _find(path, "train")
        if train is None:
            raise FileNotFoundError(f"{path} has no train.csv, train.csv.gz or train.csv.xz.")
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
        What happens to bad rows.
    n_classes : int, optional
        Largest class there may be.

    Returns
    -------
    texts : PackedTexts
    labels : ndarray of int64
    """
    buffer, ends, labels = bytearray(), array("q", [0]), array("q")
    n_columns = 0
    skipped: list[str] = []
    for line, fields, wrong in _rows(path):
        if not wrong and not fields:
            continue  # an empty line
        wrong = wrong or _what_is_wrong(fields, n_columns, n_classes)
        if wrong:
            if on_error == "raise":
                raise ValueError(f"{path}, line {line}: {wrong}.")
            skipped.append(f"line {line}: {wrong}")
            continue
        n_columns = len(fields)
        labels.append(int(fields[0]) - 1)
        buffer += " ".join([field for field in fields[1:] if field]).encode()
        ends.append(len(buffer))
    if not labels:
        raise ValueError(f"{path} has no rows{f' but bad ones, {skipped[0]}' if skipped else ''}.")
    if skipped:
        warnings.warn(
            f"{path}: {len(skipped):,} bad rows were left out, the first of them {skipped[0]}"
            f"{f'; the last {skipped[-1]}' if len(skipped) > 1 else ''}.",
            UserWarning,
            stacklevel=2,
        )
    texts = PackedTexts.from_buffer(buffer, np.frombuffer(ends, dtype=np.int64))
    return texts, np.array(labels, dtype=np.int64)


def _what_is_wrong(fields: list[str], n_columns: int, n_classes: int | None) -> str:
    if len(fields) < 2:
        return f"a row needs a class and a text, this one has {len(fields)} column"
    label = fields[0].strip()
    if not (label.isascii() and label.isdigit() and len(label) < 10):
        hint = "; the file must have no header" if not n_columns else ""
        return f"the class must be a whole number from 1, got {fields[0][:40]!r}{hint}"
    if int(label) > _MOST_CLASSES:
        return f"the class must be a number from 1 to {_MOST_CLASSES:,}, got {label}: is the first column the class?"
    if int(label) < 1 or (n_classes is not None and int(label) > n_classes):
        return f"the class must be from 1{f' to {n_classes}' if n_classes else ''}, got {int(label)}"
    if n_columns and len(fields) != n_columns:
        return f"{len(fields)} columns where the rows before have {n_columns}"
    return ""


def _rows(path: Path) -> Iterator[tuple[int, list[str], str]]:
    """Yield the first line, the fields and what is wrong with each row."""
    try:
        with large_cells(), _open(path) as file:
            reader = csv.reader(file, strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    yield line, next(reader), ""
                except StopIteration:
                    return
                except csv.Error as error:
                    ended = "unexpected end of data" in str(error)
                    wrong = f"a quote is opened and never closed, which takes all lines to {reader.line_num}"
                    yield line, [], wrong if ended else f"{error}"
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 near line {line}: {error.reason}.") from error
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged near line {line}: {error}.") from error


def _open(path: Path) -> IO[str]:
    name = path.name.lower()
    if name.endswith(".gz"):
        return gzip.open(path, "rt", encoding=_ENCODING, newline="")
    if name.endswith(".xz"):
        return lzma.open(path, "rt", encoding=_ENCODING, newline="")
    return open(path, encoding=_ENCODING, newline="")
