"""Class probabilities of the training rows from models that have not seen them: out of bag, or out of fold."""

from collections.abc import Callable

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import _check_method_params

from .._clock import Clock
from .._epoch_tests import without_tests
from .._inputs._containers import take_rows
from .._seeds import draw_seeds
from ..proxies import Proxy, as_proxy
from ._memory import MemoryEntry, ProxyRecord, Seconds

N_FOLDS = 5

# In a record, the arrays of one seed's folds have names with this prefix.
_PREFIX = "out_of_fold"
_SCORES = ("logits", "probabilities")


def check_out_of_fold(proxy: Proxy, y: np.ndarray, stop) -> None:
    """Check, before anything is trained, that models can score rows that they have not seen.

    Parameters
    ----------
    proxy : Proxy
        Not fitted.
    y : ndarray of shape (n,)
        Labels.
    stop : RankingSettled or None
        Rule that ends the proxy's training.

    Raises
    ------
    ValueError
        If the proxy is frozen, if there is a rule, or if a class has too few rows.
    """
    if proxy.is_frozen:
        raise ValueError(
            "probabilities='out_of_fold' trains the proxy again on parts of the rows, and this one is frozen: "
            "give it unfrozen, or take probabilities='in_sample'."
        )
    if stop is not None:
        raise ValueError(
            "stop_proxy and probabilities='out_of_fold' exclude each other: the rule watches the ranking by the "
            "proxy that learns from all rows. Leave one of them out."
        )
    if not proxy.classifier.get_params(deep=False).get("oob_score"):
        _check_class_sizes(y)


def gather_out_of_fold(
    record: ProxyRecord,
    X,
    y: np.ndarray,
    entry: MemoryEntry,
    *,
    train: Callable[..., Proxy],
    seed: int | None,
    fit_params: dict,
) -> tuple[dict[str, np.ndarray], Seconds]:
    """Return class probabilities of the training rows by models that have not seen them, and what they took.

    These are the out-of-bag votes of the fitted proxy if it has them for every row.
    Otherwise the proxy is trained on four fifths of the rows, five times, and each
    model scores the rest.

    Parameters
    ----------
    record : ProxyRecord
        Record of the proxy that was trained on all rows. It gets the new arrays.
    X, y : rows and labels
        Training rows.
    entry : MemoryEntry
        Where the record is kept.
    train : callable
        ``train(X, y, fit_params=...)`` trains a clone of the proxy.
    seed : int or None
        Seed of the training. It draws the folds; with None they are always the same.
    fit_params : dict
        Passed to the proxy's `fit`. Values with one entry per row are cut to its rows.

    Returns
    -------
    parts : dict of str to ndarray
        Logits or probabilities.
    seconds : (float, float)
        On the wall and of the processor.

    Raises
    ------
    ValueError
        If a class has fewer rows than there are folds.
    """
    with Clock() as clock:
        votes = _out_of_bag(as_proxy(record.proxy), y)
    if votes is not None:
        return {"probabilities": votes}, (clock.wall, clock.cpu)
    name = f"{_PREFIX}_{seed}"
    if name not in record.seconds:
        with without_tests(), Clock() as clock:
            found = _cross_validate(X, y, train, seed, fit_params)
        record.evidence |= {f"{name}_{kind}": array for kind, array in found.items()}
        record.seconds[name] = (clock.wall, clock.cpu)
        entry.save(record)
    kept = {kind: record.evidence.get(f"{name}_{kind}") for kind in _SCORES}
    return {kind: array for kind, array in kept.items() if array is not None}, record.seconds[name]


def in_sample(evidence: dict[str, np.ndarray], *, scores: bool = True) -> dict[str, np.ndarray]:
    """Return the evidence of the proxy that has seen all rows, with or without its class probabilities."""
    return {
        name: array
        for name, array in evidence.items()
        if not name.startswith(_PREFIX) and (scores or name not in _SCORES)
    }


def _check_class_sizes(y: np.ndarray) -> None:
    classes, sizes = np.unique(y, return_counts=True)
    small = sizes < N_FOLDS
    if small.any():
        named = ", ".join(
            f"{label!r} ({size})"
            for label, size in zip(classes[small].tolist()[:10], sizes[small][:10], strict=True)
        )
        raise ValueError(
            f"probabilities='out_of_fold' needs {N_FOLDS} rows of each class, one for each fold; there are fewer of "
            f"{small.sum()} class(es): {named}."
        )


def _out_of_bag(proxy: Proxy, y: np.ndarray) -> np.ndarray | None:
    """Return the out-of-bag votes of a fitted proxy, None if a row has none.

    Steps before the classifier have seen all rows, so that votes behind them are
    not held out.
    """
    votes = getattr(proxy.classifier, "oob_decision_function_", None)
    if votes is None or proxy.has_head or np.shape(votes) != (len(y), len(np.unique(y))):
        return None
    # A row that each tree has seen has NaN in all classes, or 0.
    return votes if np.allclose(votes.sum(axis=1), 1.0) else None


def _cross_validate(
    X, y: np.ndarray, train: Callable[..., Proxy], seed: int | None, fit_params: dict
) -> dict[str, np.ndarray]:
    """Score each row by the one of five models that was trained without it.

    `cross_val_predict` would not do: some models learn numbered labels, networks keep
    their logits, and parameters of `fit` have been routed already.
    """
    _check_class_sizes(y)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0 if seed is None else draw_seeds(seed, 1)[0])
    scores: dict[str, np.ndarray] = {}
    for seen, left_out in folds.split(np.zeros(len(y)), y):
        params = _check_method_params(X, fit_params, indices=seen)
        trained = train(take_rows(X, seen), y[seen], fit_params=params)
        found = trained.gather(take_rows(X, left_out), ("probabilities",))
        for kind, array in found.parts.items():
            scores.setdefault(kind, np.empty((len(y), *array.shape[1:]), dtype=array.dtype))[left_out] = array
    return scores
