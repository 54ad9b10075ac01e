"""Check sizes of networks: numbers of classes, channels and features."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

# torch reads sizes as 64-bit integers; no network is larger than this.
_LARGEST = 2**31 - 1


def is_size(value: Any) -> bool:
    """Tell whether a value is an integer from 1 to 2147483647; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and 1 <= int(value) <= _LARGEST


def check_sizes(**sizes: Any) -> None:
    """Check that all values are sizes; raise ValueError with the name of the first that is not."""
    for name, value in sizes.items():
        if not is_size(value):
            raise ValueError(f"{name} must be an int from 1 to {_LARGEST}, got {value!r:.80}.")


def check_widths(widths: Sequence[Any], n_stages: int) -> None:
    """Check the numbers of channels of the stages.

    Raises
    ------
    ValueError
        If they are not a list or tuple of `n_stages` sizes.
    """
    is_sequence = isinstance(widths, list | tuple)
    if not is_sequence or len(widths) != n_stages or not all(map(is_size, widths)):
        raise ValueError(
            f"widths must be the channels of {n_stages} stages, each at least 1, got {widths!r:.80}."
        )


def check_bool(name: str, value: Any) -> None:
    """Check that a value is a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {value!r:.80}.")
