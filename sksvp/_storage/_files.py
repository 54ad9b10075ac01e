"""Write files in one step: a file is complete or does not exist."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike, *, mode: int = 0o666) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it if the block ends without an error.

    The temporary name is hidden (``.NAME.*.part.SUFFIX``) and keeps the suffix, which some
    writers require. An exception, Ctrl-C or a full disk leaves the old file unchanged and
    removes the temporary one. Errors of the system name `path`. The umask applies to `mode`.
    """
    path = Path(path)
    part = path.parent / f".{path.name}.{secrets.token_hex(8)}.part{path.suffix}"
    try:
        # The file gets the permissions of any new file. tempfile would create a private one, and the umask can
        # only be read by setting it, which other threads would see.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno is None or str(error.filename) not in ("None", str(part)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush the entries of a folder to the disk, on systems that can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_left_over(folder: Path) -> None:
    """Remove temporary files of killed processes from a folder and its subfolders."""
    for part in folder.rglob(".*.part*"):
        part.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents; other users cannot write into it, whatever the umask."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)


def write_json(path: str | os.PathLike, content) -> None:
    """Write plain values as JSON and replace the file in one step."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
