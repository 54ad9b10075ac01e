"""Loops compiled by numba. Imported only by modules of such loops, since numba takes half a second to load."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable) -> Callable:
    """Compile a loop whose floating-point operations are done as they stand."""
    return _compile(function, {})


def compiled_fused(function: Callable) -> Callable:
    """Compile a loop in which a product and a sum may be rounded once; sums keep their order."""
    return _compile(function, {"error_model": "numpy", "fastmath": {"contract"}})


def compiled_reordered(function: Callable) -> Callable:
    """Compile a loop whose sums may be formed in any order, as vector instructions do."""
    return _compile(function, {"error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}})


def _compile(function: Callable, options: dict[str, Any]) -> Callable:
    try:
        return numba.njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:
        # No folder to keep the machine code in (a read-only installation): compiled anew in each process.
        return numba.njit(nogil=True, **options)(function)
