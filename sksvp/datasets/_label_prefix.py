"""Texts from files in fastText's format: a label with a prefix, then the text, one row per line."""

import bz2
import gzip
import lzma
import os
import warnings
from array import array
from pathlib import Path
from typing import IO, Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from ..text import PackedTexts
from ._text_columns import sorted_classes
from ._text_csv import encode_classes, text_bunch

SUFFIXES = (".txt", ".txt.bz2", ".txt.gz", ".txt.xz")
_OPENERS: dict[str, Any] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
_DAMAGED = (EOFError, OSError, lzma.LZMAError)


@validate_params(
    {
        "path": [str, os.PathLike],
        "test": [str, os.PathLike, None],
        "label_prefix": [str],
        "on_error": [StrOptions({"raise", "skip"})],
    },
    prefer_skip_nested_validation=True,
)
def load_label_prefix(
    path: str | os.PathLike,
    test: str | os.PathLike | None = None,
    *,
    label_prefix: str = "__label__",
    on_error: str = "raise",
) -> Bunch:
    """Load texts from files in fastText's format, whose lines begin with a label.

    An example of a line is ``__label__2 Great CD: a fine film``. The Amazon reviews are
    often distributed in this format, as ``train.ft.txt.bz2`` and ``test.ft.txt.bz2``.

    Parameters
    ----------
    path : str or path
        A ``.txt`` file in UTF-8, or one compressed as ``.bz2``, ``.gz`` or ``.xz``.
    test : str or path, default=None
        The file with test rows.
    label_prefix : str, default="__label__"
        Prefix of every label.
    on_error : {"raise", "skip"}, default="raise"
        How to treat lines without a label, with several labels, or with bytes
        that are not UTF-8. "skip" leaves them out, with a warning that counts them.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`: ``X_train``, ``y_train``, ``X_test``, ``y_test``,
        ``target_names`` (labels without their prefix) and ``DESCR``.

    Raises
    ------
    OSError
        If a file is missing.
    ValueError
        If a file is damaged or of another kind, a line is bad (the message gives
        its number), or test rows have a class that no training row has.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sksvp.datasets import load_label_prefix
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "train.ft.txt"
    ...     _ = file.write_text("__label__2 Great CD\\n__label__1 a waste\\n")
    ...     bunch = load_label_prefix(file)
    >>> list(bunch.X_train), bunch.y_train.tolist(), bunch.target_names.tolist()
    (['Great CD', 'a waste'], [1, 0], ['1', '2'])
    """
    if not label_prefix:
        raise ValueError("label_prefix must not be empty.")
    files = [Path(path)] if test is None else [Path(path), Path(test)]
    read = [_read(file, label_prefix, on_error) for file in files]
    names = sorted_classes(read[0][2])
    splits = [
        (texts, encode_classes(codes, classes, names, file))
        for (texts, codes, classes), file in zip(read, files, strict=True)
    ]
    return text_bunch(
        splits[0],
        splits[1] if len(splits) > 1 else None,
        target_names=np.array(names),
        title=f"Texts of {path}",
        path=path,
        labels=f"{len(names):,} classes",
    )


def is_label_prefix_file(path: Path) -> bool:
    """Tell whether a file name may be that of a file in this format."""
    return path.name.lower().endswith(SUFFIXES)


def _read(path: Path, prefix: str, on_error: str) -> tuple[PackedTexts, np.ndarray, list[str]]:
    """Return the texts of a file, the codes of their classes and the classes."""
    if not is_label_prefix_file(path):
        raise ValueError(f"path={str(path)!r} must be a file {', '.join(SUFFIXES)}.")
    buffer, ends, codes = bytearray(), array("q", [0]), array("q")
    places: dict[str, int] = {}
    skipped: list[str] = []
    number = 0
    with _open(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                label, text, wrong = _split(line.strip(), prefix)
                if wrong:
                    if on_error == "raise":
                        raise ValueError(f"{path}, line {number}: {wrong}.")
                    skipped.append(f"line {number}: {wrong}")
                    continue
                codes.append(places.setdefault(label, len(places)))
                buffer += text.encode()
                ends.append(len(buffer))
        except _DAMAGED as error:
            raise ValueError(f"{path} is damaged near line {number + 1}: {error}.") from error
    if not codes:
        raise ValueError(f"{path} has no rows{f' but bad ones, {skipped[0]}' if skipped else ''}.")
    if skipped:
        warnings.warn(
            f"{path}: {len(skipped):,} bad rows were left out, the first of them {skipped[0]}.",
            UserWarning,
            stacklevel=2,
        )
    texts = PackedTexts.from_buffer(buffer, np.frombuffer(ends, dtype=np.int64))
    return texts, np.array(codes, dtype=np.int64), list(places)


def _open(path: Path) -> IO[str]:
    opener = _OPENERS.get(path.suffix.lower(), open)
    # Other line breaks, such as U+2028, may be part of a text.
    return opener(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="\n")


def _split(line: str, prefix: str) -> tuple[str, str, str]:
    """Return the label and the text of a line, and an error message, empty if the line is valid."""
    label, _, text = line.partition(" ")
    if not label.startswith(prefix) or label == prefix:
        return "", "", f"a row begins with {prefix}<class>, this one with {label[:40]!r}"
    if text.lstrip().startswith(prefix):
        return "", "", "it has several labels, and a row has one class"
    if any("\ud800" <= character <= "\udfff" for character in line):
        return "", "", "it has bytes that are not UTF-8"
    return label.removeprefix(prefix), text.strip(), ""
