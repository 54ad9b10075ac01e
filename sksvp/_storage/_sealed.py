"""Sealed files: content with a checksum that is checked whenever it is read."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ._files import replacing
from ._parts import Parts, read_parts


class DamagedFile(ValueError):
    """A file does not hold what was written into it."""


def write_sealed(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file with the checksum of its content as the first line."""
    with replacing(path, mode=mode) as part:
        part.write_bytes(_sha256(content).encode() + b"\n" + content)


def read_sealed(path: Path) -> bytes:
    """Return the content of a file that `write_sealed` wrote.

    Raises
    ------
    DamagedFile
        Where it is anything else.
    """
    checksum, _, content = path.read_bytes().partition(b"\n")
    if checksum != _sha256(content).encode():
        raise DamagedFile(f"{path} is damaged: its checksum is another.")
    return content


def write_sealed_json(path: Path, kind: str, content: dict) -> None:
    """Write a JSON object that people can read, its kind and checksum first.

    Parameters
    ----------
    path : Path
    kind : str
        What the file is, and the version of its form.
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
        What the user can do where it is damaged.

    Raises
    ------
    DamagedFile
        Where its content is not what was written.
    ValueError
        For a file of another kind or version.
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
    """Refuse a whole file of another kind, or of another version of it."""
    if there != kind:
        raise ValueError(f"{path} holds {there!r}, not {kind!r}: another version of sksvp wrote it.")


def checksum_of(content: Any, *more: str) -> str:
    """Return the SHA-256 of plain content, however its JSON is laid out."""
    # Read back first: keys of JSON are texts.
    content = json.loads(json.dumps([content, *more]))
    return _sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


# Files of other formats ----------------------------------------------------------------------


def write_seal(path: Path) -> None:
    """Write the checksum of a file beside it, as ``sha256sum --check`` reads it."""
    with replacing(_seal_of(path)) as part:
        part.write_bytes(f"{sha256_of(path)}  {path.name}\n".encode("utf-8", "surrogateescape"))


def remove_seal(path: Path) -> None:
    """Remove the checksum of a file that is about to be replaced."""
    _seal_of(path).unlink(missing_ok=True)


def check_seal(path: Path) -> None:
    """Check a file against the checksum beside it, where there is one.

    Raises
    ------
    DamagedFile
        Where they do not agree.
    """
    seal = _seal_of(path)
    if seal.exists() and seal.read_bytes().split(b" ")[0] != sha256_of(path).encode():
        raise DamagedFile(
            f"{path} is damaged or was edited (its checksum is not that in {seal.name}). Remove {seal.name} where "
            "the change is meant."
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
