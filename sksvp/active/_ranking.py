"""Ranking the rows of a pool that have no label yet."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._clock import Clock
from ..proxies import Proxy
from ..strategies import choose


@dataclass
class Ranking:
    """Chosen rows and the seconds of the choice.

    Attributes
    ----------
    rows : ndarray of int
        Best first.
    scores : ndarray of shape (n_rows,), float64
        NaN for rows that have none.
    inference, ranking : Clock
        Seconds of the proxy's inference and of the ranking.
    """

    rows: np.ndarray
    scores: np.ndarray
    inference: Clock
    ranking: Clock


def rank_pool(
    strategy: Any,
    proxy: Proxy,
    X: Any,
    labelled: np.ndarray,
    candidates: np.ndarray,
    n_samples: int,
    *,
    random_state: int,
) -> Ranking:
    """Choose rows without a label by the evidence of a proxy.

    A strategy that scores each row by itself gets evidence of the candidates only. Any
    other strategy, such as k-centers, gets evidence of the labelled rows too, as
    `initial`.

    Parameters
    ----------
    strategy : Strategy
        Ranks the rows.
    proxy : Proxy
        Fitted, or X itself in place of one.
    X : rows of length n_rows
        The pool.
    labelled : ndarray of shape (n_rows,), bool
        Rows that have a label.
    candidates : ndarray of int
        Rows that can be chosen, ascending; none has a label.
    n_samples : int
        Number of rows to choose.
    random_state : int
        Seed of the choice.

    Raises
    ------
    ValueError
        If the strategy returns rows that cannot be chosen.
    """
    n_rows = len(labelled)
    alone = getattr(strategy, "scores_each_row", False)
    rows = candidates if alone else np.union1d(np.flatnonzero(labelled), candidates)
    with Clock() as inference:
        evidence = proxy.gather(X, strategy.requires, rows=None if len(rows) == n_rows else rows)
    with Clock() as ranking:
        initial = None if len(rows) == len(candidates) else np.flatnonzero(labelled[rows])
        choice = choose(strategy, evidence, n_samples, initial=initial, random_state=random_state)
        scores = np.full(n_rows, np.nan)
        scores[rows] = choice.scores
        scores[labelled] = np.nan
    return Ranking(rows[choice.rows], scores, inference, ranking)
