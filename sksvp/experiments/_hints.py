"""Warnings of selectors as hints of a run: each is told once, not once a seed, a worker and a training."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..coreset import ByChanceWarning, MemorisedProxyWarning, RiskyChoiceWarning

_TOLD = (ByChanceWarning, RiskyChoiceWarning)


class Found(NamedTuple):
    """What a selector warned of.

    Attributes
    ----------
    category : type
        Of the warning.
    text : str
    """

    category: type[Warning]
    text: str


@contextmanager
def collecting() -> Iterator[list[Found]]:
    """Collect what selectors warn of in place of showing it; other warnings are shown as before."""
    found: list[Found] = []
    with warnings.catch_warnings():
        for category in _TOLD:
            warnings.simplefilter("always", category)
        show = warnings.showwarning

        def collect(message, category, filename, lineno, file=None, line=None):
            if issubclass(category, _TOLD):
                found.append(Found(category, str(message)))
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = collect
        yield found


class Hints:
    """Tells each thing that was found once in a run.

    Parameters
    ----------
    report : callable
        Told a line.
    """

    def __init__(self, report: Callable[[str], None]):
        self.report = report
        self._told: set[tuple] = set()

    def leave_out(self, category: type[Warning]) -> None:
        """Tell nothing of this category any more, since the run has said it by itself."""
        self._told.add((category,))

    def tell(self, found: list[Found], name: str, subset_size: float) -> None:
        """Tell what was found of one way to choose, `name`, and one size, unless it was told of another seed."""
        for category, text in found:
            # A proxy serves all ways to choose.
            key = (category,) if category is MemorisedProxyWarning else (category, name, subset_size)
            if self._told.isdisjoint({key, (category,)}):
                self._told.add(key)
                self.report(f"hint: {name}: {text}")
