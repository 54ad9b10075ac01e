"""Choosing by several proxies: the mean of the ranks that they give each row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp
from scipy.stats import rankdata
from sklearn.base import clone

from ._evidence import Evidence, log_softmax
from ._registry import recorder_names
from ._sampler import Sampler, make_finite
from ._strategy import ScoredStrategy, rank_by_score


def choose_together(strategy: Any, evidences: Sequence[Evidence], random_state: Any) -> tuple[Any, Evidence]:
    """Return one strategy and one evidence that stand for those of several proxies.

    A strategy that gives every row a score is replaced by the mean ranks of its
    scores, and the score of a sampler likewise. Any other strategy, which picks rows
    one after the other, reads the mean evidence.

    Parameters
    ----------
    strategy : Strategy
        Ranks the rows by what one proxy says.
    evidences : sequence of Evidence
        What each proxy says, of the same kinds.
    random_state : int or None
        Seed of the ranking.

    Returns
    -------
    strategy : Strategy
    evidence : Evidence
        With one proxy, both are the given ones.

    Raises
    ------
    ValueError
        If a strategy that gives every row a score gave NaN.
    """
    if len(evidences) == 1:
        return strategy, evidences[0]
    if isinstance(strategy, Sampler):
        scorer = strategy._scorer()
        strategy = clone(strategy).set_params(score=_score_together(scorer, evidences, random_state))
    elif strategy.requires and not getattr(strategy, "picks_greedily", False):
        together = _score_together(strategy, evidences, random_state)
        strategy = together.set_params(values=together.ranks)
    return strategy, mean_evidence(evidences)


class MeanScore(ScoredStrategy):
    """The score of a strategy by several proxies.

    Parameters
    ----------
    ranks : ndarray of shape (n_rows,)
        Their mean ranks, which order the rows.
    values : ndarray of shape (n_rows,)
        The scores, in the order of the ranks.
    strategy : Strategy
        Whose score it is.
    """

    def __init__(self, ranks, values, strategy):
        self.ranks = ranks
        self.values = values
        self.strategy = strategy

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that the strategy reads."""
        return tuple(self.strategy.requires)

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the scores of `rows`."""
        return self.values[rows]

    def rank(
        self, evidence, n_samples, *, candidates=None, initial=None, random_state=None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Order the candidates by their mean ranks; see `ScoredStrategy.rank`."""
        rows, scores = super().rank(
            evidence, n_samples, candidates=candidates, initial=initial, random_state=0
        )
        return rank_by_score(self.ranks, rows, random_state), scores


def _score_together(strategy: Any, evidences: Sequence[Evidence], random_state: Any) -> MeanScore:
    scores = np.array([strategy.rank(part, 1, random_state=random_state)[1] for part in evidences])
    if np.isnan(scores).any():
        raise ValueError(
            f"Several proxies choose by the mean rank of every row, and {type(strategy).__name__} gave NaN to "
            f"{np.isnan(scores).any(axis=0).sum()} of {scores.shape[1]} rows."
        )
    ranks = mean_ranks(scores)
    # A place gets the mean of what the proxies gave to their rows at this place: mean ranks with the
    # distribution of a score, which strata and weights read.
    ascending = np.sort([make_finite(part) for part in scores], axis=1).mean(axis=0)
    values = np.interp(rankdata(ranks), np.arange(1, len(ranks) + 1), ascending)
    return MeanScore(ranks, values, strategy)


def mean_ranks(scores: np.ndarray) -> np.ndarray:
    """Return the mean rank of each row, 1 for the lowest score.

    Parameters
    ----------
    scores : ndarray of shape (n_proxies, n_rows)
        Equal scores share their mean rank. Infinity is above all others and ties with
        itself.

    Returns
    -------
    ndarray of shape (n_rows,), float64
    """
    return rankdata(scores, axis=1).mean(axis=0)


def mean_evidence(evidences: Sequence[Evidence]) -> Evidence:
    """Join what several proxies say of the same rows.

    Parameters
    ----------
    evidences : sequence of Evidence
        Of the same kinds. A single one is returned as it is.

    Returns
    -------
    Evidence
        The mean probabilities, as logarithms where the proxies gave logits. The mean
        records, visit by visit, as long as the shortest. The features of the first,
        since the axes of different networks have nothing in common.
    """
    first = evidences[0]
    if len(evidences) == 1:
        return first
    parts = {name: part for name, part in first.parts.items() if name != "probabilities"}
    if first.logits is not None:
        logs = [log_softmax(np.asarray(part.logits)) for part in evidences]
        parts["logits"] = logsumexp(logs, axis=0) - np.log(len(logs))
    elif first.probabilities is not None:
        probabilities = [np.asarray(part.probabilities) for part in evidences]
        parts["probabilities"] = np.mean(probabilities, axis=0, dtype=np.float64)
    for name in set(recorder_names()) & set(parts):
        parts[name] = _mean_record([np.asarray(getattr(part, name)) for part in evidences])
    return Evidence(y=first.y, classes=first.classes, **parts)


def _mean_record(records: Sequence[np.ndarray]) -> np.ndarray:
    if records[0].ndim > 1:
        n_visits = min(record.shape[1] for record in records)
        records = [record[:, :n_visits] for record in records]
    return np.asarray(np.mean(records, axis=0, dtype=np.float32))
