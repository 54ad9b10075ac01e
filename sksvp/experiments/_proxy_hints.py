"""Hints from the errors of proxies, before targets are trained on their choice."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..coreset import FAR_BELOW, HARDLY_AN_ERROR, ByChanceWarning, MemorisedProxyWarning
from ..estimators import BagOfNgramsClassifier, FastTextClassifier
from ..strategies import ForgettingCounter, count_rows
from ._experiment import PROXY, TARGET

# Of the error of a classifier that always predicts the most frequent class.
_HARDLY_BETTER = 0.75


def proxy_hints(run: Any, name: str, records: list[dict]) -> Iterator[tuple[type[Warning], str]]:
    """Yield hints on proxies that have learned too little, or their training rows by heart.

    Parameters
    ----------
    run : CoresetRun
    name : str
        Name of one of its proxies.
    records : list of dict
        Its trainings.

    Yields
    ------
    category : type
        Warnings of selectors that say the same.
    hint : str
    """
    # The error of a target that chooses is in the table.
    if not records or name == TARGET:
        return
    found = _describe_unlearned(run, records)
    linear = isinstance(run.choosers[name], BagOfNgramsClassifier | FastTextClassifier)
    example = "; for a few thousand texts proxy_lr=0.5 and proxy_epochs=10" if linear else ""
    if found:
        yield (
            ByChanceWarning,
            f"hint: {_named(name)}{found}: train it longer or at a higher rate (proxy_epochs, proxy_lr{example}).",
        )
    found = _describe_memorised(run, records)
    if found:
        yield (
            MemorisedProxyWarning,
            f"hint: {_named(name)}{found}: take probabilities='out_of_fold', which ranks rows by models that have not "
            "seen them.",
        )


def _named(name: str) -> str:
    return "" if name == PROXY else f"{name}: "


def _describe_unlearned(run: Any, records: list[dict]) -> str:
    """Return a description of proxies that have learned too little, "" if they have not."""
    never_learned = np.mean([record.get("never_learned", 0.0) for record in records])
    fewest = min(count_rows(size, len(run.y_train)) for size in run.subset_sizes)
    if run.X_test is not None:
        error = np.mean([record["error"] for record in records])
        guessing = 1.0 - np.max(np.unique(run.y_test, return_counts=True)[1]) / len(run.y_test)
        if error > _HARDLY_BETTER * guessing:
            return f"the proxy is hardly better than guessing (error {error:.0%}, guessing {guessing:.0%})"
    if never_learned > 0.5:
        return f"most rows were never learned ({never_learned:.0%})"
    if never_learned * len(run.y_train) > fewest / 2 and any(
        ForgettingCounter.name in getattr(arm.ranks, "requires", ()) for arm in run.arms()
    ):
        return f"most of the {fewest:,} rows that are chosen first were never learned ({never_learned:.0%} of all)"
    return ""


def _describe_memorised(run: Any, records: list[dict]) -> str:
    """Return a description of proxies that know their training rows by heart, "" if they do not."""
    errors = [
        (record["training_error"], record["error"])
        for record in records
        if record.get("training_error") is not None and record["error"] is not None
    ]
    if not errors or run.probabilities == "out_of_fold":
        return ""
    within, held_out = np.mean(errors, axis=0)
    if within > HARDLY_AN_ERROR or held_out <= within + FAR_BELOW:
        return ""
    return f"the proxy has memorised its training rows (error {within:.1%}, on the test rows {held_out:.1%})"
