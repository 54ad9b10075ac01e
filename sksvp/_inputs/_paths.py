"""Paths that users give: ``~`` is replaced once, where they come in."""

import os
from pathlib import Path
from typing import Any


def as_path(path: Any, name: str) -> Path:
    """Return a path with ``~`` replaced by the home folder.

    Parameters
    ----------
    path : str or path-like
        As the user gave it.
    name : str
        Of the parameter or option, for messages.

    Raises
    ------
    TypeError
        For anything but a str or a path-like object of text.
    ValueError
        For an empty path, one with a null character, and a home folder that is not known.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str or a path-like object, got {path!r}.")
    if not text or "\0" in text:
        raise ValueError(f"{name} must be a path, got {text!r}.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{name} must be a path, got {text!r}: its home folder is not known.") from error


def as_file(path: Any, name: str) -> Path:
    """Return the path of a file that is there, with ``~`` replaced.

    Raises
    ------
    FileNotFoundError
        If it is not there, or is no file.
    """
    file = as_path(path, name)
    if not file.is_file():
        raise FileNotFoundError(f"{name}={str(file)!r} is no file.")
    return file
