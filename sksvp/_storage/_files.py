"""Files that are whole or not there."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    Its name is hidden (``.NAME.*.part.SUFFIX``) and keeps the suffix, which some
    writers insist on. An exception, Ctrl-C or a full disk leaves the old file as it was and
    nothing half-written beside it. What the system says of it names the file.
    """
    path = Path(path)
    part = path.parent / f".{path.name}.{secrets.token_hex(8)}.part{path.suffix}"
    # Made with the rights of any new file; tempfile would make a private one, and asking for the umask means
    # setting it, which other threads would see.
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content) -> None:
    """Write plain content as JSON, replacing the file in one step."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
