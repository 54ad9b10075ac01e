"""Seconds of both clocks side by side: those of the processor first, on a GPU those of the wall."""

from sklearn.base import BaseEstimator

from .._clock import Clock
from .._device import resolve_device

# Name of each clock by what its columns end with.
CLOCKS = {"cpu_seconds": "CPU s", "seconds": "wall s"}


def clocks_in_order(*estimators: BaseEstimator) -> list[str]:
    """Return the keys of `CLOCKS`, the telling one first.

    Work on a GPU leaves the processor idle. Elsewhere seconds of the processor compare
    best, whatever else the machine does.
    """
    devices = [resolve_device(getattr(estimator, "device", "cpu")) for estimator in estimators]
    return sorted(CLOCKS, reverse=any(device.type != "cpu" for device in devices))


def in_words(clock: Clock, order: list[str]) -> str:
    """Write a time as "3 CPU s, 4 wall s"."""
    spent = {"cpu_seconds": clock.cpu, "seconds": clock.wall}
    return ", ".join(f"{spent[name]:.0f} {CLOCKS[name]}" for name in order)
