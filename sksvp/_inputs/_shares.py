"""Shares of the rows, read as they are written."""

from fractions import Fraction
from typing import Any


def exact_share(share: Any, n_rows: int) -> Fraction:
    """Return the product of a share and a number of rows, for `math.floor` or `round`.

    0.29 of 100 rows are 29, though the product of the floats is smaller.

    Parameters
    ----------
    share : float
        As it is written, a decimal fraction.
    n_rows : int

    Returns
    -------
    Fraction
    """
    return Fraction(str(share)) * n_rows
