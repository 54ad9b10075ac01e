"""Warnings of selectors as hints of a run. Each is shown once, not once per seed, worker and training."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..coreset import ByChanceWarning, MemorisedProxyWarning, RiskyChoiceWarning

_SHOWN = (ByChanceWarning, RiskyChoiceWarning)


class Found(NamedTuple):
    """A warning of a selector.

    Attributes
    ----------
    key : tuple
        Its category and the model that ranks, and the arm's name and subset size, unless
        it is about the model itself. Warnings with the same key are shown once.
    text : str
    """

    key: tuple
    text: str


@contextmanager
def collecting(name: str, chooser: str | None, subset_size: float) -> Iterator[list[Found]]:
    """Collect the warnings of an arm's selector instead of showing them; other warnings are shown."""
    found: list[Found] = []
    with warnings.catch_warnings():
        for category in _SHOWN:
            warnings.simplefilter("always", category)
        show = warnings.showwarning

        def collect(message, category, filename, lineno, file=None, line=None):
            if issubclass(category, _SHOWN):
                arm = () if category is MemorisedProxyWarning else (name, subset_size)
                found.append(Found((category, chooser, *arm), f"hint: {name}: {message}"))
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = collect
        yield found


class Hints:
    """Shows each hint once per run.

    Parameters
    ----------
    report : callable
        Called with a line.
    """

    def __init__(self, report: Callable[[str], None]):
        self.report = report
        self._shown: set[tuple] = set()

    def leave_out(self, category: type[Warning], chooser: str) -> None:
        """Show no more hints of a category about what a model has chosen."""
        self._shown.add((category, chooser))

    def tell(self, found: list[Found]) -> None:
        """Show hints that were not shown before."""
        for key, text in found:
            if self._shown.isdisjoint({key, key[:2]}):
                self._shown.add(key)
                self.report(text)
