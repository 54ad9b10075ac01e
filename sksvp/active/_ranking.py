"""Ranking the rows of a pool that have no label yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from .._clock import Clock
from ..proxies import gather_kind
from ..strategies import Evidence, Random
from ..strategies._strategy import ScoredStrategy

# Values of X that are cut out of the pool at a time.
_VALUES_PER_BLOCK = 1 << 25
_MAX_ROWS_PER_BLOCK = 1 << 16


@dataclass
class Ranking:
    """Chosen rows and what the choice cost.

    Attributes
    ----------
    rows : ndarray of int
        Best first.
    scores : ndarray of shape (n_rows,), float64
        NaN for rows that have none.
    inference, ranking : Clock
        Their seconds.
    """

    rows: np.ndarray
    scores: np.ndarray
    inference: Clock
    ranking: Clock


def rank_pool(
    strategy: Any,
    proxy: BaseEstimator | None,
    X: Any,
    labelled: np.ndarray,
    n_samples: int,
    *,
    random_state: int,
) -> Ranking:
    """Choose rows without a label by what a proxy says of them.

    A strategy that scores each row by itself gets evidence of these rows alone;
    any other one, such as k-centers, of the labelled rows too, which it is told
    as `initial`.

    Parameters
    ----------
    strategy : Strategy
        Ranks.
    proxy : classifier or None
        Fitted; None where the strategy needs none.
    X : rows of length n_rows
        The pool.
    labelled : ndarray of shape (n_rows,), bool
        Rows that cannot be chosen.
    n_samples : int
        How many rows to choose.
    random_state : int
        Of the drawing.

    Raises
    ------
    ValueError
        Where the strategy returns other rows than asked for.
    """
    candidates = np.flatnonzero(~labelled)
    rows = candidates if _scores_single_rows(strategy) else np.arange(len(labelled))
    with Clock() as inference:
        evidence = _gather(proxy, X, rows, strategy.requires)
    with Clock() as ranking:
        chosen, scores = _rank(strategy, evidence, rows, labelled, n_samples, random_state)
    return Ranking(chosen, scores, inference, ranking)


def _rank(
    strategy: Any,
    evidence: Evidence,
    rows: np.ndarray,
    labelled: np.ndarray,
    n_samples: int,
    random_state: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the chosen rows, and the scores spread over the pool."""
    candidates = np.flatnonzero(~labelled)
    places, initial = np.searchsorted(rows, candidates), np.searchsorted(rows, np.flatnonzero(labelled))
    if len(rows) == len(candidates):
        order, scores = strategy.rank(evidence, n_samples, random_state=random_state)
    else:
        order, scores = strategy.rank(
            evidence, n_samples, candidates=places, initial=initial, random_state=random_state
        )
    chosen = _check_choice(strategy, rows[np.asarray(order)[:n_samples]], labelled, n_samples)
    spread = np.full(len(labelled), np.nan)
    spread[rows] = scores
    spread[labelled] = np.nan
    return chosen, spread


def _scores_single_rows(strategy: Any) -> bool:
    return isinstance(strategy, ScoredStrategy | Random)


def _gather(proxy: BaseEstimator | None, X: Any, rows: np.ndarray, requires: tuple[str, ...]) -> Evidence:
    """Gather evidence of some rows, block by block, so that no copy of the pool is made."""
    parts: dict[str, list[np.ndarray]] = {}
    for kind in requires:
        for block in _blocks(X, rows):
            for name, array in gather_kind(proxy, block, None, kind).items():
                parts.setdefault(name, []).append(array)
    joined: dict[str, Any] = {
        name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for name, arrays in parts.items()
    }
    return Evidence(n_rows=len(rows), **joined)


def _blocks(X: Any, rows: np.ndarray) -> Iterator[Any]:
    if len(rows) == _num_samples(X):
        yield X
        return
    values = int(np.prod(getattr(X, "shape", (0,))[1:], dtype=np.int64))
    size = int(np.clip(_VALUES_PER_BLOCK // max(1, values), 1, _MAX_ROWS_PER_BLOCK))
    for start in range(0, len(rows), size):
        yield _safe_indexing(X, rows[start : start + size])


def _check_choice(strategy: Any, rows: np.ndarray, labelled: np.ndarray, n_samples: int) -> np.ndarray:
    """Hold a user's strategy to its promise: the asked number of different rows, none of them labelled."""
    if len(np.unique(rows)) != n_samples or labelled[rows].any():
        raise ValueError(
            f"The strategy {type(strategy).__name__} must return at least n_samples={n_samples} different rows "
            f"out of the candidates, best first; it returned {rows[:5].tolist()} ..., {len(rows)} rows."
        )
    return rows
