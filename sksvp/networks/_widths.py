"""Numbers of channels of the stages of a network."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any


def check_widths(widths: Sequence[Any], n_stages: int) -> None:
    """Check the numbers of channels of the stages.

    Raises
    ------
    ValueError
        If they are not `n_stages` whole numbers above zero.
    """
    if len(widths) != n_stages or any(not isinstance(width, Integral) or width < 1 for width in widths):
        raise ValueError(
            f"widths must be the channels of {n_stages} stages, each at least 1, got {widths!r}."
        )
