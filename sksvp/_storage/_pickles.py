"""Pickles run code when they are read: only those that nobody but the user could have written are opened."""

import os
from pathlib import Path


def check_own(path: Path) -> None:
    """Refuse a file or folder that is not the user's, or that others can write.

    Nothing is checked on systems without owners of files.

    Raises
    ------
    PermissionError
        Naming the path and what to do.
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
    """Refuse a pickle where file or folder are not the user's alone; see `check_own`."""
    check_own(path.parent)
    check_own(path)
