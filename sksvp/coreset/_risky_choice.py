"""Warning of chosen rows that are likely to train a worse model than random ones."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._inputs._warn import warn_caller
from ..strategies import Evidence

# The rule of thumb of docs/guide/when.md: share of the rows, and mean number of rows of a class.
SMALL_SHARE = (3, 10)
FEW_A_CLASS = 20
# A class is nearly empty with less than this part of its rows in a random choice, if those are at least so many.
_NEARLY_EMPTY, _DUE = 0.1, 10
# Share of the kept rows that the proxy gets wrong: rows it has learned from, and rows it has not seen.
_MANY_WRONG, _MANY_WRONG_UNSEEN = 0.5, 1 / 3
# A small share of the rows does no harm if the proxy gets less than this of them wrong.
_FEW_WRONG_UNSEEN = 0.2
_N_NAMED = 5


class RiskyChoiceWarning(UserWarning):
    """A choice is likely to train a worse model than as many random rows."""


def predicted_right(evidence: Evidence, y: np.ndarray) -> np.ndarray | None:
    """Tell which rows the class probabilities put into their own class.

    Parameters
    ----------
    evidence : Evidence
        Evidence of all rows.
    y : ndarray of shape (n,)
        Labels.

    Returns
    -------
    ndarray of shape (n,), bool, or None
        None if there are no probabilities, or if their columns are not the classes of y.
    """
    values = evidence.probabilities if evidence.logits is None else evidence.logits
    if values is None:
        return None
    classes, codes = np.unique(y, return_inverse=True)
    if evidence.classes is None or not np.array_equal(evidence.classes, classes):
        return None
    return np.argmax(values, axis=1) == codes


def warn_if_risky(
    strategy: Any,
    y: np.ndarray,
    kept: np.ndarray,
    right: np.ndarray | None,
    *,
    unseen: bool,
) -> None:
    """Warn if the kept rows are likely to train a worse model than as many random rows.

    Parameters
    ----------
    strategy : Strategy
        The strategy that ranked. One that needs no proxy gets no warning.
    y : ndarray of shape (n,)
        Labels.
    kept : ndarray of shape (n,), bool
        Which rows were chosen.
    right : ndarray of shape (n,), bool, or None
        Which rows the proxy classifies right, if that is known.
    unseen : bool
        Whether the proxy had not seen the rows.

    Warns
    -----
    RiskyChoiceWarning
    """
    if not strategy.requires or kept.all():
        return
    findings = [*describe_empty_classes(y, kept)]
    n_kept = int(kept.sum())
    wrong = 0.0 if right is None else float(np.mean(~right[kept]))
    if wrong > (_MANY_WRONG_UNSEEN if unseen else _MANY_WRONG):
        findings.append(
            f"the proxy gets {wrong:.0%} of them wrong{', not having seen them' if unseen else ''}"
        )
    few_wrong = unseen and right is not None and wrong < _FEW_WRONG_UNSEEN
    if getattr(strategy, "hardest_first", False):
        findings += _describe_few(n_kept, len(y), len(np.unique(y)), few_wrong=few_wrong)
    if findings:
        warn_caller(
            f"The {n_kept} chosen rows may well train a worse model than random ones: {'; '.join(findings)}. Choose "
            "at random, class by class (strategy='random', class_balanced=True), or keep more rows (subset_size).",
            RiskyChoiceWarning,
        )


def describe_empty_classes(y: np.ndarray, kept: np.ndarray) -> Iterator[str]:
    """Name the classes of which hardly a row is kept, though a random choice would keep ten or more."""
    classes, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
    due = sizes * (kept.sum() / len(y))
    n_kept = np.bincount(codes[kept], minlength=len(classes))
    empty = np.flatnonzero((due >= _DUE) & (n_kept < _NEARLY_EMPTY * due))
    if len(empty):
        named = ", ".join(f"{classes.tolist()[c]!r} ({n_kept[c]} of {sizes[c]})" for c in empty[:_N_NAMED])
        more = ", ..." if len(empty) > _N_NAMED else ""
        yield f"hardly a row of {len(empty)} of {len(classes)} classes is among them: {named}{more}"


def _describe_few(n_kept: int, n_rows: int, n_classes: int, *, few_wrong: bool) -> Iterator[str]:
    part, whole = SMALL_SHARE
    if n_kept < FEW_A_CLASS * n_classes:
        yield (
            f"they are the hardest, and with {n_kept / n_classes:.3g} rows a class, fewer than {FEW_A_CLASS}, a "
            "target does not learn the easy ones"
        )
    elif n_kept < part * n_rows // whole and not few_wrong:
        yield (
            f"they are the hardest {n_kept / n_rows:.0%} of the rows, and below {part / whole:.0%} the hardest rows "
            "mostly mislead"
        )
