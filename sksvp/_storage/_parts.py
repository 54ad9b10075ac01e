"""Parts of a file by name."""

import json
from pathlib import Path
from typing import Any


class Parts(dict):
    """Parts of a file by name. A missing part is an error that names the file.

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


def read_parts(text: str | bytes, path: Path) -> Parts:
    """Parse a JSON object of a file. It and all objects in it become `Parts`.

    Raises
    ------
    ValueError
        If the text is anything else.
    """
    content = json.loads(text, object_hook=lambda entries: Parts(entries, path))
    if not isinstance(content, Parts):
        raise ValueError("no JSON object")
    return content
