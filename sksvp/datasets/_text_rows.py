"""Texts and classes of a file, collected row by row, and the Bunch of them."""

import bz2
import gzip
import lzma
import zlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from .._inputs._warn import warn_caller
from ..text import PackedTexts, texts_in_buffer
from ._bunch import split_bunch
from ._class_names import warn_of_alike
from ._files import check_regular
from ._text_columns import sorted_classes, unify_numbers

COMPRESSIONS = ("", ".bz2", ".gz", ".xz")
_OPENERS: dict[str, Any] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
# Errors of a damaged file. Those of the system have a number, those of a decoder have none.
DAMAGED = (EOFError, OSError, lzma.LZMAError, zlib.error)

_DESCR = """{title}

Training rows: {n_train:,}; test rows: {n_test:,}; {labels}. Read from {path}.
{source}"""


def open_text(path: Path, encoding: str, newline: str) -> IO[str]:
    """Open a text file, perhaps compressed; bytes that are not valid become lone surrogates."""
    check_regular(path)
    opener = _OPENERS.get(path.suffix.lower(), open)
    return opener(path, "rt", encoding=encoding, errors="surrogateescape", newline=newline)


def damaged(path: Path, line: int, error: Exception) -> Exception:
    """Return the error to raise for one of `DAMAGED`."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return ValueError(f"{path} is damaged near line {line}: {error}.")


class TextSplit(NamedTuple):
    """Texts of one file or folder, and where each was found.

    Attributes
    ----------
    texts : PackedTexts
    codes : ndarray of shape (n,), int64
        Codes of their classes.
    lines : ndarray of shape (n,), int64, or None
        The line of the file on which each begins, from 1.
    files : ndarray of shape (n,), str, or None
        The file of each, if each has its own.
    """

    texts: PackedTexts
    codes: np.ndarray
    lines: np.ndarray | None = None
    files: np.ndarray | None = None


class TextRows:
    """Rows of one file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    on_error : {"raise", "skip"}
        How to treat bad rows.
    """

    def __init__(self, path: Path, on_error: str):
        self._path = path
        self._skips = on_error == "skip"
        self._buffer, self._ends, self._codes = bytearray(), array("q", [0]), array("q")
        self._lines = array("q")
        self._skipped: list[str] = []

    def add(self, line: int, text: bytes, code: int) -> None:
        """Add a row."""
        self._lines.append(line)
        self._codes.append(code)
        self._buffer += text
        self._ends.append(len(self._buffer))

    def refuse(self, line: int, wrong: str) -> None:
        """Raise ValueError for a bad row, or leave it out."""
        if not self._skips:
            raise ValueError(f"{self._path}, line {line}: {wrong}.")
        self._skipped.append(f"line {line}: {wrong}")

    def finish(self) -> TextSplit:
        """Return texts and codes of classes; warn of bad rows that were left out."""
        skipped = self._skipped
        if not self._codes:
            raise ValueError(f"{self._path} has no rows{f' but bad ones, {skipped[0]}' if skipped else ''}.")
        if skipped:
            last = f"; the last {skipped[-1]}" if len(skipped) > 1 else ""
            warn_caller(
                f"{self._path}: {len(skipped):,} bad rows were left out, the first of them {skipped[0]}{last}."
            )
        texts = texts_in_buffer(self._buffer, np.frombuffer(self._ends, dtype=np.int64))
        codes, lines = (np.array(part, dtype=np.int64) for part in (self._codes, self._lines))
        return TextSplit(texts, codes, lines)


def named_bunch(
    path: Any,
    files: Sequence[Path],
    splits: Sequence[TextSplit],
    classes: Sequence[list[str]],
) -> Bunch:
    """Return the Bunch of files whose classes are names, coded by each file in its own order.

    Raises
    ------
    ValueError
        If test rows have a class that no training row has.
    """
    classes = unify_numbers(classes)
    names = sorted_classes(set(classes[0]))
    warn_of_alike(names, path)
    places = {name: place for place, name in enumerate(names)}
    labelled = []
    for split, own, file in zip(splits, classes, files, strict=True):
        foreign = sorted_classes(set(own) - set(names))
        if foreign:
            raise ValueError(
                f"{file} has classes that no training row has: {', '.join(map(repr, foreign[:5]))}."
            )
        # Rows without a class have the code -1 before and after.
        codes = np.array([*(places[name] for name in own), -1], dtype=np.int64)[split.codes]
        labelled.append(split._replace(codes=codes))
    return text_bunch(
        labelled,
        target_names=np.array(names),
        title=f"Texts of {path}",
        path=path,
        labels=f"{len(names):,} classes",
    )


def text_bunch(
    splits: Sequence[TextSplit],
    *,
    target_names: np.ndarray,
    title: str,
    path: Any,
    labels: str = "classes from 1 as labels from 0",
    source: str = "",
) -> Bunch:
    """Return training rows and, if there are any, test rows as a Bunch."""
    train, test = splits[0], splits[1] if len(splits) > 1 else None
    n_test = 0 if test is None else len(test.codes)
    descr = _DESCR.format(
        title=title, n_train=len(train.codes), n_test=n_test, labels=labels, path=path, source=source
    )
    found = {
        f"{place}_{part}": getattr(split, field)
        for part, split in (("train", train), ("test", test))
        for place, field in (("lines", "lines"), ("filenames", "files"))
        if split is not None and getattr(split, field) is not None
    }
    tested = None if test is None else (test.texts, test.codes)
    return split_bunch((train.texts, train.codes), tested, target_names=target_names, DESCR=descr, **found)
