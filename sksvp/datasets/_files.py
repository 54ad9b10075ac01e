"""Read files of data."""

from pathlib import Path


def check_regular(path: Path) -> None:
    """Raise ValueError for a pipe or a device, which would be waited for."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError(f"{path} is not a regular file.")


def read_utf8(path: Path) -> str:
    """Read a text file in UTF-8; ValueError names a file of another encoding."""
    check_regular(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error.reason} at byte {error.start}.") from error
