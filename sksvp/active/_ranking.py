"""Ranking the rows of a pool that have no label yet."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._clock import Clock
from ..proxies import Proxy
from ..strategies import Evidence, choose


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
    proxy: Proxy | None,
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
    proxy : Proxy or None
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
    n_rows = len(labelled)
    candidates = np.flatnonzero(~labelled)
    rows = candidates if getattr(strategy, "scores_each_row", False) else np.arange(n_rows)
    with Clock() as inference:
        if proxy is None:
            evidence = Evidence(n_rows=len(rows))
        else:
            evidence = proxy.gather(X, strategy.requires, rows=None if len(rows) == n_rows else rows)
    with Clock() as ranking:
        initial = None if len(rows) == len(candidates) else np.flatnonzero(labelled)
        choice = choose(strategy, evidence, n_samples, initial=initial, random_state=random_state)
        scores = np.full(n_rows, np.nan)
        scores[rows] = choice.scores
        scores[labelled] = np.nan
    return Ranking(rows[choice.rows], scores, inference, ranking)
