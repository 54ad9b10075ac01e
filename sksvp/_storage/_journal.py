"""A journal: readable lines that are appended and never changed."""

import json
import os
import time
from pathlib import Path
from typing import Any

from .._inputs._warn import warn_caller
from ._files import sync_folder
from ._sealed import checksum_of

_CHECK = "check"


class Journal:
    """JSON lines, each with a checksum, that are flushed to the disk.

    Parameters
    ----------
    path : Path
        The file. The first entry creates it.
    """

    def __init__(self, path: Path):
        self.path = path
        self._waiting: list[dict[str, Any]] = []

    def add(self, entries: list[dict[str, Any]]) -> None:
        """Add entries of plain values. The next `flush` writes them."""
        self._waiting += entries

    def flush(self) -> None:
        """Write the added entries. If the disk is full, the next call writes them."""
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
        """Rename an existing journal, so that a new one begins."""
        if self.path.exists():
            self.path.rename(
                self.path.with_name(f"{self.path.stem}-before-{time.time_ns()}{self.path.suffix}")
            )

    def read(self) -> list[dict[str, Any]]:
        """Return all entries. An unfinished last line, as a killed process leaves it, is ignored.

        Warns
        -----
        UserWarning
            If lines are damaged. They are ignored.
        """
        if not self.path.exists():
            return []
        content = self.path.read_bytes()[: _size_of_whole_lines(self.path)]
        entries = [_entry(line) for line in content.split(b"\n")[:-1]]
        damaged = [number for number, entry in enumerate(entries, start=1) if entry is None]
        if damaged:
            warn_caller(f"{self.path} is damaged in line {', '.join(map(str, damaged))}, which is ignored.")
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
