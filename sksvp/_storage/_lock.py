"""A lock on a folder that ends with its process and names its holder."""

import json
import math
import os
import socket
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from .._inputs._warn import warn_caller

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_SECONDS_BETWEEN_TRIES = 0.1
_SECONDS_BEFORE_NOTICE = 5.0
# On Windows a locked byte cannot be read, so the locked one is far behind the record of the holder.
_LOCKED_BYTE = 1 << 30


class FolderLock:
    """The lock of a folder: the operating system's lock of a file that names the holder.

    A copy of the object does not hold the lock, nor does the object in a child process.

    Parameters
    ----------
    folder : Path
        The folder. It must exist.
    name : str
        Name of the file.
    """

    def __init__(self, folder: Path, name: str = "lock"):
        self.folder = folder
        self.path = folder / name
        self._handle: int | None = None
        self._owner = 0

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def take(self) -> bool:
        """Take the lock if no other worker, of this process or another, holds it; tell whether it is taken.

        Raises
        ------
        OSError
            If the file system gives no lock; the message names the folder.
        """
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                is_free = _lock(handle)
            except OSError:
                os.close(handle)
                raise
        except OSError as error:
            raise OSError(
                error.errno,
                f"{os.strerror(error.errno or 0)}: no lock can be taken in this folder, which keeps two processes from "
                "writing into it at once. Name a folder that you can write to, on a file system with locks",
                str(self.folder),
            ) from error
        if not is_free:
            os.close(handle)
            return False
        self._handle, self._owner = handle, os.getpid()
        _write_holder(handle)
        return True

    def wait(self) -> None:
        """Wait for the lock and take it; after some seconds a warning names its holder."""
        until_notice = time.monotonic() + _SECONDS_BEFORE_NOTICE
        while not self.take():
            if time.monotonic() > until_notice:
                until_notice = math.inf
                message = f"Waiting for {str(self.folder)!r}, which is in use {self.holder()}."
                warn_caller(message)
            time.sleep(_SECONDS_BETWEEN_TRIES)

    def close(self) -> None:
        """Release the lock."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        # A child process shares the lock of its parent and must not release it.
        if self._owner == os.getpid():
            _unlock(handle)
        os.close(handle)

    @property
    def is_gone(self) -> bool:
        """Whether the folder of a held lock was removed or moved."""
        try:
            return self._handle is not None and not os.path.samestat(os.fstat(self._handle), self.path.stat())
        except FileNotFoundError:
            return True

    def holder(self) -> str:
        """Return who holds the lock, since when and for how long, for a message."""
        try:
            told = json.loads(self.path.read_bytes())
            pid, host, since = int(told["pid"]), str(told["host"]), datetime.fromisoformat(told["since"])
        except (OSError, ValueError, KeyError, TypeError):
            # The holder has not written it yet.
            return "by another process"
        is_this = (pid, host) == (os.getpid(), socket.gethostname())
        who = "this process" if is_this else f"another process, {pid} on {host}"
        seconds = round((datetime.now().astimezone() - since).total_seconds())
        # The clocks of two machines may differ.
        return f"by {who}, since {since:%Y-%m-%d %H:%M:%S}, for {timedelta(seconds=max(0, seconds))}"

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_handle": None}

    def __del__(self):
        self.close()


def _write_holder(handle: int) -> None:
    told = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    # On a full disk the lock is valid without the record.
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(told).encode())


if sys.platform == "win32":

    def _lock(handle: int) -> bool:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(handle: int) -> None:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
