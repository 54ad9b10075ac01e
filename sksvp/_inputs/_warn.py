"""Warnings that name the line of the user's code."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = ("sksvp", "sklearn", "contextlib")


def warn_caller(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called this package, however deep the call is."""
    level = 2
    while sys._getframe(level - 1).f_globals.get("__name__", "").partition(".")[0] in _OURS:
        level += 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def each_warning_once() -> Iterator[None]:
    """Give each warning that arises inside once, however often it arises."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for message in {(found.category, str(found.message)): found.message for found in caught}.values():
        warn_caller(message)
