"""Numbers below float32's normal range, with which a CPU computes many times slower."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Take them for zero in what this thread computes, and leave the setting as it was found.

    Where a unit is never active any more, momentum and Adam's moments of its weights
    shrink with every step, and stay for good just above zero. A batch then
    takes twice as long, for differences of 1e-38. The linear algebra library's threads
    have their own setting, which they inherit when they start: those of earlier keep
    part of the delay, those that start in here the setting.
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
