"""Compiling loops over words by numba."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable) -> Callable:
    """Compile a loop, and keep its machine code where there is a folder for it."""
    # "contract" allows fused multiply-adds and nothing else: sums keep their order.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # No folder to keep the machine code in (a read-only installation): compiled anew in each process.
        return numba.njit(**options)(function)
