"""Warnings that name the line of the user's code."""

import sys
import warnings

_OURS = ("sksvp", "sklearn", "contextlib")


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called this package, however deep the call is."""
    level = 2
    while sys._getframe(level - 1).f_globals.get("__name__", "").partition(".")[0] in _OURS:
        level += 1
    warnings.warn(message, category, stacklevel=level)
