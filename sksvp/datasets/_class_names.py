"""Names of classes that look alike."""

import unicodedata
from collections.abc import Iterable

from .._inputs._warn import warn_caller

_MOST_WARNINGS = 3


def warn_of_alike(names: Iterable[str], place: object) -> None:
    """Warn of classes that differ only in case, spaces, or characters that cannot be seen."""
    seen: dict[str, str] = {}
    n_warnings = 0
    for name in names:
        first = seen.setdefault(plain_name(name), name)
        if first != name and n_warnings < _MOST_WARNINGS:
            n_warnings += 1
            warn_caller(f"{place}: the classes {first!r} and {name!r} look alike, but are two classes.")


def plain_name(name: str) -> str:
    """Return a name in one case and one Unicode form, without spaces and invisible characters."""
    kept = (character for character in unicodedata.normalize("NFKC", name) if character.isprintable())
    return "".join(kept).replace(" ", "").casefold()
