"""Seconds of both clocks: of the processor, and of the wall clock, which comes first on a GPU."""

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import StrOptions

from .._clock import Clock
from .._device import resolve_device
from .._inputs._parameters import ListOf

# Name of each clock by the end of its columns' names.
CLOCKS = {"cpu_seconds": "CPU s", "seconds": "wall s"}
CHOSEN_CLOCKS = [ListOf(StrOptions(set(CLOCKS)))]


def clocks_in_order(*estimators: BaseEstimator) -> list[str]:
    """Return the keys of `CLOCKS`, the main one first.

    Work on a GPU leaves the processor idle. Elsewhere seconds of the processor can be
    compared even if the machine does other work.
    """
    devices = [resolve_device(getattr(estimator, "device", "cpu")) for estimator in estimators]
    return sorted(CLOCKS, reverse=any(device.type != "cpu" for device in devices))


def in_words(clock: Clock, order: list[str]) -> str:
    """Write a time as "3 CPU s, 4 wall s"."""
    spent = {"cpu_seconds": clock.cpu, "seconds": clock.wall}
    return ", ".join(f"{spent[name]:.0f} {CLOCKS[name]}" for name in order)
