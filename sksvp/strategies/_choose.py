"""Choose rows: a strategy ranks them, and the first are chosen, within class quotas if asked for."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params

from ._auto import Auto
from ._evidence import Evidence
from ._rows import check_candidates, check_rows
from ._sizes import class_quotas, fill_quotas, mix_evenly


class Choice(NamedTuple):
    """Chosen rows.

    Parameters
    ----------
    rows : ndarray of shape (n_samples,), int
        Row numbers, best first.
    order : ndarray of int
        All ranked rows, best first.
    scores : ndarray of shape (n_rows,), float64
        Score of each row; NaN for rows that have none.
    """

    rows: np.ndarray
    order: np.ndarray
    scores: np.ndarray


@validate_params(
    {
        "strategy": [HasMethods("rank")],
        "evidence": [Evidence],
        "initial": ["array-like", None],
        "class_balanced": ["boolean", StrOptions({"proportional", "equal", "by_error"})],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def choose(
    strategy: Any,
    evidence: Evidence,
    n_samples: int,
    *,
    initial: np.ndarray | None = None,
    class_balanced: bool | str = False,
    random_state: Any = None,
) -> Choice:
    """Rank rows and choose the first.

    Parameters
    ----------
    strategy : Strategy
        Strategy that ranks the rows.
    evidence : Evidence
        What is known of the rows; with labels if `class_balanced`.
    n_samples : int
        How many rows to choose.
    initial : ndarray of int, optional
        Numbers of labelled rows, which are never chosen.
    class_balanced : bool or {"proportional", "equal", "by_error"}, default=False
        Whether classes have quotas: in proportion to their sizes (also for True),
        equal ones, or in proportion to the share of their rows that the proxy gets
        wrong, which needs probabilities. A strategy that scores all rows fills the
        quotas in its order. A greedy strategy picks within each class.
    random_state : int, RandomState or None, default=None
        Seed of the ranking.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError, TypeError
        If the ranking of a strategy has too few rows, a row twice, a row that may not
        be chosen, or a wrong number of scores; or if the strategy rejects the evidence.
    """
    if not hasattr(strategy, "requires"):
        raise TypeError(f"strategy must have `requires` and `rank`, got {type(strategy).__name__}.")
    if isinstance(strategy, Auto):
        strategy, is_balanced, _ = strategy.decide(evidence, n_samples)
        class_balanced = class_balanced or is_balanced
    told: dict[str, Any] = {"random_state": random_state}
    if initial is not None:
        told |= {"candidates": check_candidates(evidence.n_rows, None, initial), "initial": initial}
    if class_balanced:
        weights = class_weights(evidence, class_balanced)
        if getattr(strategy, "picks_greedily", False):
            return _pick_within_classes(strategy, evidence, n_samples, weights, random_state)
    order, scores = _rank(strategy, evidence, n_samples, **told)
    if class_balanced:
        return Choice(fill_quotas(order, np.asarray(evidence.y), n_samples, weights=weights), order, scores)
    return Choice(order[:n_samples], order, scores)


def _rank(strategy: Any, evidence: Evidence, n_samples: int, **told: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rank rows by a strategy, which may be a user's own, and check its result."""
    rows, scores = strategy.rank(evidence, n_samples, **told)
    name = type(strategy).__name__
    check_rows(rows, evidence.n_rows, f"The rows that {name}.rank gives")
    if len(rows) < n_samples:
        raise ValueError(f"{name}.rank gave {len(rows)} rows where {n_samples} were asked for.")
    if np.isin(rows, told.get("initial", [])).any():
        raise ValueError(f"{name}.rank gave rows of `initial`, which are labelled already.")
    if np.shape(scores) != (evidence.n_rows,):
        raise ValueError(
            f"{name}.rank gave scores of shape {np.shape(scores)}; each of the {evidence.n_rows} rows needs one."
        )
    return np.asarray(rows, dtype=np.intp), np.asarray(scores, dtype=np.float64)


def class_weights(evidence: Evidence, class_balanced: bool | str) -> str | np.ndarray:
    """Return what the quotas of the classes are in proportion to, for `class_quotas`.

    Raises
    ------
    ValueError
        For ``"by_error"`` without probabilities, or columns whose classes are not known.
    """
    if class_balanced != "by_error":
        return "equal" if class_balanced == "equal" else "proportional"
    part = evidence.logits if evidence.logits is not None else evidence.require("probabilities")
    if evidence.classes is None:
        raise ValueError("class_balanced='by_error' needs the class of each column of the probabilities.")
    labels = np.asarray(evidence.y)
    is_wrong = evidence.classes[np.asarray(part).argmax(axis=1)] != labels
    _, members = np.unique(labels, return_inverse=True)
    return np.bincount(members, weights=is_wrong) / np.bincount(members)


def _pick_within_classes(
    strategy: Any, evidence: Evidence, n_samples: int, weights: str | np.ndarray, random_state: Any
) -> Choice:
    labels = np.asarray(evidence.y)
    scores = np.full(evidence.n_rows, np.nan)
    picks = []
    for label, quota in zip(*class_quotas(labels, n_samples, weights=weights), strict=True):
        members = np.flatnonzero(labels == label)
        if quota == 0:
            continue
        rows, class_scores = _rank(
            strategy, evidence, int(quota), candidates=members, random_state=random_state
        )
        scores[members] = class_scores[members]
        picks.append(rows[:quota])
    order = mix_evenly(picks)
    return Choice(order, order, scores)
