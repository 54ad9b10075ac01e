"""What a file holds, by name."""

import json
from pathlib import Path
from typing import Any


class Parts(dict):
    """Parts of a file by name; one that is missing is an error that names the file.

    Parameters
    ----------
    entries : dict or iterable of pairs
    path : Path
        The file.
    """

    def __init__(self, entries: Any, path: Path):
        super().__init__(entries)
        self.path = path

    def __missing__(self, name):
        raise ValueError(f"{self.path} lacks {name!r}: another version of sksvp wrote it.")


def read_parts(text: str | bytes, path: Path) -> Any:
    """Parse JSON of a file, its objects as `Parts`."""
    return json.loads(text, object_hook=lambda entries: Parts(entries, path))
