"""Check that nobody but the user can have written a pickle, because reading a pickle runs code."""

import os
from pathlib import Path


def check_own(path: Path) -> None:
    """Check that a file or folder belongs to the user and that others cannot write to it.

    Nothing is checked on systems without owners of files.

    Raises
    ------
    PermissionError
        If another user could have written it; the message says what to do.
    """
    if not hasattr(os, "geteuid"):
        return
    status = path.stat()
    advice = "It holds pickles, which run code when they are read."
    if status.st_uid not in (os.geteuid(), 0):
        raise PermissionError(f"{path} belongs to another user. {advice} Name a folder of your own.")
    if status.st_mode & 0o022:
        raise PermissionError(f"{path} can be written by other users. {advice} Call chmod go-w on it.")


def check_pickle(path: Path) -> None:
    """Check a pickle and its folder with `check_own`."""
    check_own(path.parent)
    check_own(path)
