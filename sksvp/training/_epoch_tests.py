"""The error on test rows after every epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from .._clock import Clock


class MeasureTestError(Callback):
    """Note the error on test rows in the history, and the processor's seconds of the epoch.

    Parameters
    ----------
    error : callable
        ``error(net)``, a share of the rows.
    """

    def __init__(self, error: Callable[[Any], float]):
        self.error = error

    def on_epoch_begin(self, net, **kwargs):
        self.clock_ = Clock()
        self.clock_.__enter__()

    def on_epoch_end(self, net, **kwargs):
        self.clock_.__exit__()
        record_test(net.history, self.clock_, lambda: self.error(net))


def record_test(history: Any, epoch: Clock, error: Callable[[], float]) -> None:
    """Measure an error and note it in a history, with the processor's seconds of the epoch and of the test."""
    with Clock() as clock:
        found = float(error())
    history.record("cpu_seconds", epoch.cpu)
    history.record("test_error", found)
    history.record("test_seconds", clock.wall)
    history.record("test_cpu_seconds", clock.cpu)


def error_of(logits: np.ndarray, classes: np.ndarray, y: np.ndarray) -> float:
    """Return the share of rows that logits predict wrong."""
    return float(np.mean(classes[logits.argmax(axis=1)] != y))
