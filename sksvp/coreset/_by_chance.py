"""Warning of a choice that is mostly arbitrary: its rows have the same score as rows that were left out."""

from typing import Any

import numpy as np

from .._inputs._warn import warn_caller
from ..strategies import ForgettingEvents, KCenters, ScoredStrategy

# A warning is due if the proxy never learned more than this share of the chosen rows,
_MOST = 0.5
# or if chance decided for more than this share of them: less of it does no harm.
_NEARLY_ALL = 0.75
# If less than this share of equal rows is left out, any draw keeps nearly all of them.
_LITTLE = 0.1


class ByChanceWarning(UserWarning):
    """A choice is mostly arbitrary."""


def warn_if_by_chance(strategy: Any, scores: np.ndarray, kept: np.ndarray, groups: np.ndarray | None) -> None:
    """Warn if most of the kept rows tie with rows that were left out, or were never learned.

    Parameters
    ----------
    strategy : Strategy
        The strategy that ranked. A user's strategy with its own `rank` may break ties as
        it likes and gets no warning.
    scores : ndarray of shape (n,)
        Scores of all rows.
    kept : ndarray of shape (n,), bool
        Which rows were chosen.
    groups : ndarray of shape (n,) or None
        Labels, if the choice was made class by class.

    Warns
    -----
    ByChanceWarning
    """
    if not isinstance(strategy, ScoredStrategy | KCenters) or kept.all():
        return
    text = _describe_chance(strategy, scores, kept, groups)
    if text:
        warn_caller(text, ByChanceWarning)


def _describe_chance(strategy: Any, scores: np.ndarray, kept: np.ndarray, groups: np.ndarray | None) -> str:
    n_kept = int(kept.sum())
    tied = tied_rows(scores, kept, groups)
    if isinstance(strategy, ForgettingEvents):
        unlearned = np.isinf(scores)
        if (kept & unlearned).sum() > _MOST * n_kept:
            return _of_unlearned(unlearned, kept)
        spared = tied & (scores == 0)
        if spared.sum() > _NEARLY_ALL * n_kept:
            return _of_never_forgotten(scores, kept, spared, groups)
    if tied.sum() <= _NEARLY_ALL * n_kept:
        return ""
    n_others = int((~kept & np.isin(scores, np.unique(scores[tied]))).sum())
    share = f"{tied.sum() / n_kept:.0%} of the {n_kept} chosen rows"
    if isinstance(strategy, KCenters):
        return (
            f"{share} are as far from the rows chosen before them as {n_others} rows that were left out: the lowest "
            "row numbers decided between them. At distance 0 they are duplicates in the proxy's features. Keep fewer "
            "rows (subset_size), or take features that tell more rows apart."
        )
    return (
        f"{share} have the same score as rows that were left out ({n_others}), so that chance decided between them. "
        "Take a proxy that tells more rows apart, another strategy or another subset_size."
    )


def tied_rows(scores: np.ndarray, kept: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Mark the kept rows that have the same score as rows of their group that were left out, and not just a few.

    Parameters
    ----------
    scores, kept, groups
        As in `warn_if_by_chance`. Within a group no row that was left out has a
        higher score than a kept one.

    Returns
    -------
    ndarray of shape (n,), bool
    """
    codes = (
        np.zeros(len(scores), dtype=np.intp) if groups is None else np.unique(groups, return_inverse=True)[1]
    )
    # Scores fall along a ranking: only those at its cut can be equal.
    cut = np.full(codes.max() + 1, -np.inf)
    np.maximum.at(cut, codes[~kept], scores[~kept])
    at_cut = scores == cut[codes]
    n_equal, n_left_out = (np.bincount(codes[rows], minlength=len(cut)) for rows in (at_cut, at_cut & ~kept))
    return at_cut & kept & (n_left_out >= _LITTLE * n_equal)[codes]


def _of_unlearned(unlearned: np.ndarray, kept: np.ndarray) -> str:
    n_kept, n_others = int(kept.sum()), int((unlearned & ~kept).sum())
    share = (unlearned & kept).sum() / n_kept
    others = f", like {n_others} rows that were left out" if n_others else ""
    return (
        f"{share:.0%} of the {n_kept} chosen rows were never learned by the proxy, wrong at each visit of its "
        f"training{others}. They come in random order, and rows that a proxy never learned mislead more than they "
        "teach. Train the proxy longer or take a stronger one, keep more rows (subset_size), or take another strategy."
    )


def _of_never_forgotten(
    scores: np.ndarray, kept: np.ndarray, spared: np.ndarray, groups: np.ndarray | None
) -> str:
    n_kept = int(kept.sum())
    drawn_from = scores == 0
    if groups is not None:
        drawn_from &= np.isin(groups, groups[spared])
    is_unlearned = np.isinf(scores)
    n_forgotten, n_ranked = int(((scores > 0) & ~is_unlearned).sum()), int((scores > 0).sum())
    fewer = "Keep fewer rows (subset_size)" if n_ranked else "Train the proxy in smaller batches"
    if groups is None and n_ranked and is_unlearned.sum() <= _MOST * n_ranked:
        fewer = f"Keep fewer rows (subset_size={n_ranked} leaves these out)"
    return (
        f"{spared.sum() / n_kept:.0%} of the {n_kept} chosen rows have no forgetting events and were drawn at random "
        f"out of {drawn_from.sum()} such rows: {n_forgotten / len(scores):.0%} of all rows were ever forgotten. "
        f"{fewer}, or take another strategy."
    )
