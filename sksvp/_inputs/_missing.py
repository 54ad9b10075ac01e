"""Missing values: None, NaN, pandas' NA and NaT."""

from numbers import Real

import numpy as np


def is_missing(value) -> bool:
    """Tell whether one value is missing."""
    if value is None or (isinstance(value, Real) and value != value):
        return True
    return type(value).__name__ in ("NAType", "NaTType")  # pandas' types, without importing pandas


def missing_mask(values: np.ndarray) -> np.ndarray:
    """Tell for each value of a 1-d array whether it is missing; infinity is not."""
    if values.dtype.kind in "biuUS":
        return np.zeros(len(values), dtype=bool)
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.fromiter((is_missing(value) for value in values), dtype=bool, count=len(values))


def check_complete(labels: np.ndarray, advice: str = "") -> None:
    """Check that no label is missing.

    Raises
    ------
    ValueError
        If a label is missing. The message gives their number and the caller's advice.
    """
    n_missing = int(missing_mask(labels).sum())
    if n_missing:
        raise ValueError(f"Input y contains NaN: {n_missing} of {len(labels)} labels are missing.{advice}")
