"""How many rows are kept, and which, once they are ranked."""

import math
from fractions import Fraction
from numbers import Integral

import numpy as np

from ..strategies import Evidence, class_quotas, fill_quotas
from ..strategies._rows import check_rows


def count_rows(subset_size, n_rows: int) -> int:
    """Turn a `subset_size` into a number of rows.

    Parameters
    ----------
    subset_size : float in (0, 1] or int
        A float takes the floor of that share of the rows, as it is written: 0.29
        of 100 rows are 29, though the product of the floats is below.
    n_rows : int
        Rows there are.

    Returns
    -------
    int
        Between 1 and `n_rows`.

    Raises
    ------
    ValueError
        For a share that comes to no row, or a count above `n_rows`.
    """
    if isinstance(subset_size, bool | np.bool_):
        raise ValueError(f"subset_size must be a float in (0, 1] or an int, got {subset_size!r}.")
    if isinstance(subset_size, Integral):
        count = int(subset_size)
        if not 1 <= count <= n_rows:
            raise ValueError(f"subset_size={subset_size} must lie in 1 .. {n_rows}, the number of rows of X.")
        return count
    if not 0 < subset_size <= 1:
        raise ValueError(f"subset_size must lie in (0, 1] as a float, got {subset_size!r}.")
    count = math.floor(Fraction(str(subset_size)) * n_rows)
    if count < 1:
        raise ValueError(
            f"subset_size={subset_size} of {n_rows} rows keeps none; use at least {1 / n_rows:.3g}."
        )
    return count


def choose(
    strategy, evidence: Evidence, n_samples: int, *, class_balanced: bool, random_state
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank the rows and choose the first, class by class where classes are to keep their shares.

    A strategy that scores fills the quotas in its order. A greedy one, whose
    order covers only what it picks, picks within each class by itself.

    Parameters
    ----------
    strategy : Strategy
        Ranks.
    evidence : Evidence
        With labels.
    n_samples : int
        How many rows to choose.
    class_balanced : bool
        Whether to keep quotas.
    random_state : int, RandomState or None
        For the ranking.

    Returns
    -------
    chosen : ndarray of shape (n_samples,), int
        Row numbers, best first.
    order : ndarray of int
        All that were ranked, best first.
    scores : ndarray of shape (n,), float64

    Raises
    ------
    ValueError, TypeError
        Where a strategy of the user's own gives too few rows, one twice, or
        scores of another number; and whatever the strategy says of the evidence.
    """
    if not class_balanced:
        order, scores = _rank(strategy, evidence, n_samples, random_state=random_state)
        return order[:n_samples], order, scores
    if getattr(strategy, "picks_greedily", False):
        order, scores = _pick_within_classes(strategy, evidence, n_samples, random_state)
        return order, order, scores
    order, scores = _rank(strategy, evidence, n_samples, random_state=random_state)
    return fill_quotas(order, np.asarray(evidence.y), n_samples), order, scores


def _rank(strategy, evidence: Evidence, n_samples: int, **params) -> tuple[np.ndarray, np.ndarray]:
    """Let a strategy rank, and hold what it gives, which may be a user's own, against what is asked of it."""
    rows, scores = strategy.rank(evidence, n_samples, **params)
    name = type(strategy).__name__
    check_rows(rows, evidence.n_rows, f"The rows that {name}.rank gives")
    if len(rows) < n_samples:
        raise ValueError(f"{name}.rank gave {len(rows)} rows where {n_samples} were asked for.")
    if np.shape(scores) != (evidence.n_rows,):
        raise ValueError(
            f"{name}.rank gave scores of shape {np.shape(scores)}; each of the {evidence.n_rows} rows needs one."
        )
    return np.asarray(rows, dtype=np.intp), np.asarray(scores, dtype=np.float64)


def _pick_within_classes(
    strategy, evidence: Evidence, n_samples: int, random_state
) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(evidence.y)
    scores = np.full(evidence.n_rows, np.nan)
    picks, places = [], []
    for label, quota in zip(*class_quotas(labels, n_samples), strict=True):
        members = np.flatnonzero(labels == label)
        if quota == 0:
            continue
        rows, class_scores = _rank(
            strategy, evidence, int(quota), candidates=members, random_state=random_state
        )
        scores[members] = class_scores[members]
        picks.append(rows[:quota])
        # Evenly spread over the whole, so that the head of the order is balanced as well.
        places.append((np.arange(quota) + 0.5) / quota)
    order = np.argsort(np.concatenate(places), kind="stable")
    return np.concatenate(picks)[order], scores
