"""A journal: lines that are only ever appended, which people can read."""

import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

from ._files import sync_folder
from ._sealed import checksum_of

_CHECK = "check"


class Journal:
    """JSON lines with a checksum each, on the disk before work goes on.

    Parameters
    ----------
    path : Path
        Made with the first entry.
    """

    def __init__(self, path: Path):
        self.path = path
        self._waiting: list[dict[str, Any]] = []

    def add(self, entries: list[dict[str, Any]]) -> None:
        """Append entries of plain values with the next `flush`."""
        self._waiting += entries

    def flush(self) -> None:
        """Write what was added. What a full disk refuses is written by the next call."""
        if not self._waiting:
            return
        lines = [
            json.dumps({**entry, _CHECK: checksum_of(entry)[:16]}, ensure_ascii=False) + "\n"
            for entry in self._waiting
        ]
        with open(self.path, "ab", buffering=0) as file:
            size = _size_of_whole_lines(self.path)
            file.truncate(size)
            try:
                left = memoryview("".join(lines).encode("utf-8", "surrogatepass"))
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
                sync_folder(self.path.parent)
            except OSError as error:
                file.truncate(size)
                raise OSError(error.errno, os.strerror(error.errno or 0), str(self.path)) from error
        self._waiting = []

    def set_aside(self) -> None:
        """Rename a journal that is there already, for a new one."""
        if self.path.exists():
            self.path.rename(
                self.path.with_name(f"{self.path.stem}-before-{time.time_ns()}{self.path.suffix}")
            )

    def read(self) -> list[dict[str, Any]]:
        """Return all entries. A last line that a killed process left unfinished was never promised.

        Warns
        -----
        UserWarning
            For lines that are damaged, which are passed over.
        """
        if not self.path.exists():
            return []
        content = self.path.read_bytes()[: _size_of_whole_lines(self.path)]
        entries = [_entry(line) for line in content.split(b"\n")[:-1]]
        damaged = [number for number, entry in enumerate(entries, start=1) if entry is None]
        if damaged:
            warnings.warn(
                f"{self.path} is damaged in line {', '.join(map(str, damaged))}, which is passed over.",
                UserWarning,
                stacklevel=2,
            )
        return [entry for entry in entries if entry is not None]


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.decode("utf-8", "surrogatepass"))
        check = entry.pop(_CHECK)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return entry if check == checksum_of(entry)[:16] else None


def _size_of_whole_lines(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1
