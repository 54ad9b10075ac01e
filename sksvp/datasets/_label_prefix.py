"""Texts from files in fastText's format: a label with a prefix, then the text, one row per line."""

import os
from pathlib import Path

from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._paths import as_path
from ._text_columns import is_unicode
from ._text_rows import COMPRESSIONS, DAMAGED, TextRows, TextSplit, damaged, named_bunch, open_text

SUFFIXES = tuple(f".txt{compression}" for compression in COMPRESSIONS)


@validate_params(
    {
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
        ``lines_train``, ``lines_test``, ``target_names`` (labels without their prefix) and
        ``DESCR``.

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
    files = [as_path(path, "path")] + ([] if test is None else [as_path(test, "test")])
    splits, classes = zip(*(_read(file, label_prefix, on_error) for file in files), strict=True)
    return named_bunch(path, files, splits, classes)


def is_label_prefix_file(path: Path) -> bool:
    """Tell whether a file name may be that of a file in this format."""
    return path.name.lower().endswith(SUFFIXES)


def _read(path: Path, prefix: str, on_error: str) -> tuple[TextSplit, list[str]]:
    """Return texts of a file and codes of their classes, and the classes."""
    if not is_label_prefix_file(path):
        raise ValueError(f"path={str(path)!r} must be a file {', '.join(SUFFIXES)}.")
    rows = TextRows(path, on_error)
    places: dict[str, int] = {}
    number = 0
    # Other line breaks, such as U+2028, may be part of a text.
    with open_text(path, "utf-8-sig", newline="\n") as file:
        try:
            for number, line in enumerate(file, start=1):
                label, text, wrong = _split(line.strip(), prefix)
                if wrong:
                    rows.refuse(number, wrong)
                elif label:
                    rows.add(number, text.encode(), places.setdefault(label, len(places)))
        except DAMAGED as error:
            raise damaged(path, number + 1, error) from error
    return rows.finish(), list(places)


def _split(line: str, prefix: str) -> tuple[str, str, str]:
    """Return the label and the text of a line, and an error message, empty if the line is valid or empty."""
    label, text = [*line.split(maxsplit=1), "", ""][:2]
    if line and (not label.startswith(prefix) or label == prefix):
        return "", "", f"a row begins with {prefix}<class>, this one with {label[:40]!r}"
    if prefix in text and any(word.startswith(prefix) for word in text.split()):
        return "", "", "it has several labels, and a row has one class"
    if not is_unicode(line):
        return "", "", "it has bytes that are not UTF-8"
    return label.removeprefix(prefix), text, ""
