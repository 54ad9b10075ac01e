"""Sealed files: files with a checksum, which is checked when they are read."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ._files import replacing
from ._parts import Parts, read_parts


class DamagedFile(ValueError):
    """The content of a file is not what was written."""


def write_sealed(path: Path, content: bytes | memoryview, *, mode: int = 0o666) -> None:
    """Write a file with the checksum of its content as the first line."""
    with replacing(path, mode=mode) as part, open(part, "wb") as file:
        file.write(_sha256(content).encode() + b"\n")
        # By itself: a large training record would be copied.
        file.write(content)


def read_sealed(path: Path) -> bytes:
    """Return the content of a file that `write_sealed` wrote.

    Raises
    ------
    DamagedFile
        If the file is anything else.
    """
    checksum, _, content = path.read_bytes().partition(b"\n")
    if checksum != _sha256(content).encode():
        raise DamagedFile(f"{path} is damaged: its checksum is another.")
    return content


def write_sealed_json(path: Path, kind: str, content: dict) -> None:
    """Write a readable JSON object that begins with its kind and checksum.

    Parameters
    ----------
    path : Path
    kind : str
        What the file is, and the version of its format.
    content : dict
        Plain values.
    """
    text = json.dumps(
        {"kind of file": kind, "sha256": checksum_of(content, kind), **content}, indent=2, allow_nan=False
    )
    with replacing(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def read_sealed_json(path: Path, kind: str, *, advice: str) -> Parts:
    """Return the object that `write_sealed_json` wrote.

    Parameters
    ----------
    path : Path
    kind : str
        What the file must be.
    advice : str
        What the user can do if the file is damaged.

    Raises
    ------
    DamagedFile
        If the content is not what was written.
    ValueError
        If the file is of another kind or version.
    """
    try:
        content = read_parts(path.read_bytes(), path)
        there, checksum = content.pop("kind of file", None), content.pop("sha256", None)
    except ValueError as error:
        raise DamagedFile(f"{path} is damaged ({error}); {advice}.") from error
    if checksum is None:
        raise DamagedFile(f"{path} is damaged (it has no checksum); {advice}.")
    if checksum != checksum_of(content, str(there)):
        raise DamagedFile(f"{path} is damaged or was edited (its checksum is another); {advice}.")
    check_kind(path, there, kind)
    return content


def check_kind(path: Path, there: Any, kind: str) -> None:
    """Raise ValueError if an undamaged file is of another kind or version."""
    if there != kind:
        raise ValueError(f"{path} holds {there!r}, not {kind!r}: another version of sksvp wrote it.")


def checksum_of(content: Any, *more: str) -> str:
    """Return the SHA-256 of plain values, which does not depend on the layout of their JSON."""
    # JSON turns all keys into texts, so the content is read back first.
    content = json.loads(json.dumps([content, *more]))
    return _sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


# Files of other formats ----------------------------------------------------------------------


def write_seal(path: Path) -> None:
    """Write the checksum of a file beside it, in the format of ``sha256sum --check``."""
    with replacing(_seal_of(path)) as part:
        part.write_bytes(f"{sha256_of(path)}  {path.name}\n".encode("utf-8", "surrogateescape"))


def remove_seal(path: Path) -> None:
    """Remove the checksum of a file that will be replaced."""
    _seal_of(path).unlink(missing_ok=True)


def check_seal(path: Path) -> None:
    """Check a file against the checksum beside it, if there is one.

    Raises
    ------
    DamagedFile
        If the checksum differs.
    """
    seal = _seal_of(path)
    if seal.exists() and seal.read_bytes().split(b" ")[0] != sha256_of(path).encode():
        raise DamagedFile(
            f"{path} is damaged or was edited (its checksum is not that in {seal.name}). Remove {seal.name} if "
            "the change is intended."
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()
