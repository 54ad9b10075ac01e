"""Denormal numbers, which are below float32's normal range and make a CPU many times slower."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Treat denormal numbers as zero in this thread, and restore the setting afterwards.

    If a unit is never active again, momentum and Adam's moments of its weights
    shrink with every step and remain just above zero. A batch then takes twice as
    long, for differences of 1e-38. Threads of the linear algebra library have their
    own setting, which they inherit when they start. Those that were started before
    keep part of the delay; those that start within the context keep its setting.
    """
    before = _are_zero()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _are_zero() -> bool:
    smallest = torch.tensor(2.0**-149, dtype=torch.float32, device="cpu")
    return not bool(smallest * 1.0)
