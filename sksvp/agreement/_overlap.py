"""Overlap of the rows that two scores choose, beside what chance gives."""

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import validate_params

from .._inputs._names import names
from .._inputs._parameters import ListOf
from ..strategies import count_rows
from ._rank_correlation import check_scores

if TYPE_CHECKING:
    import pandas as pd

# What the method's tables keep.
SHARES = (0.1, 0.3, 0.5, 0.7)


@validate_params({"shares": [ListOf(Real)]}, prefer_skip_nested_validation=True)
def overlap(a: ArrayLike, b: ArrayLike, shares: Sequence[float | int] = SHARES) -> "pd.DataFrame":
    """Measure how many of the rows that one score chooses the other chooses too.

    Parameters
    ----------
    a, b : array-like of shape (n_rows,)
        Scores of the same rows; the highest are chosen first. NaN marks rows that a
        strategy did not rank, and that are never chosen.
    shares : sequence of float or int, default=(0.1, 0.3, 0.5, 0.7)
        Shares of the rows that are kept, or their numbers.

    Returns
    -------
    pandas.DataFrame
        One line per share: `share`; `n_rows`, the number of rows kept; `overlap`, the
        share of them that both choose; `chance`, what two random choices of that size
        share on average, and `chance_std`, its standard deviation. Rows with equal
        scores are chosen at random, apart for `a` and `b`: `overlap` is then the mean
        over all such choices.

    Raises
    ------
    TypeError
        If scores are not numbers.
    ValueError
        If the arrays differ in length, have fewer than two rows or are not 1-D, or if
        a share keeps no row or more than are ranked.

    Examples
    --------
    >>> from sksvp.agreement import overlap
    >>> overlap([9, 8, 2, 1], [8, 1, 9, 2], shares=[0.5])[["n_rows", "overlap", "chance"]].values.tolist()
    [[2.0, 0.5, 0.5]]
    """
    import pandas as pd

    first, second = check_scores(a, "a", nan=True), check_scores(b, "b", nan=True)
    if len(first) != len(second):
        raise ValueError(f"a and b must have the same length, got {len(first)} and {len(second)}.")
    n_rows = len(first)
    if n_rows < 2:
        raise ValueError(f"a and b must have at least two rows, got {n_rows}.")
    lines = []
    for n_kept in count_each(shares, n_rows):
        both = _chances(first, n_kept, "a") @ _chances(second, n_kept, "b")
        lines.append(overlap_line(n_kept, n_rows, float(both) / n_kept))
    return pd.DataFrame(lines)


def count_each(shares: Sequence[float | int], n_rows: int) -> list[int]:
    """Return how many rows each share keeps."""
    with names("shares"):
        return [count_rows(share, n_rows) for share in shares]


def overlap_line(n_kept: int, n_rows: int, shared: float) -> dict[str, float]:
    """Return an overlap beside that of two random choices, which follows a hypergeometric distribution."""
    share = n_kept / n_rows
    variance = share * (1 - share) ** 2 * n_rows / (n_rows - 1) / n_kept
    return {
        "share": share,
        "n_rows": n_kept,
        "overlap": shared,
        "chance": share,
        "chance_std": variance**0.5,
    }


def _chances(scores: np.ndarray, n_kept: int, name: str) -> np.ndarray:
    """Return with which probability each row is among the first, where equal scores are drawn at random."""
    ranked = np.sort(scores[~np.isnan(scores)])[::-1]
    if n_kept > len(ranked):
        raise ValueError(f"{name} ranks {len(ranked)} rows, fewer than the {n_kept} that a share keeps.")
    last = ranked[n_kept - 1]
    is_above, is_last = scores > last, scores == last
    return is_above + is_last * ((n_kept - is_above.sum()) / is_last.sum())
