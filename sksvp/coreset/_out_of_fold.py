"""Class probabilities of the training rows from models that have not seen them: out of bag, or out of fold."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from .._clock import Clock
from .._seeds import draw_seeds
from ..proxies import gather_kind, train_proxy
from ..proxies._proxies import classifier_of, has_head, is_frozen
from ._memory import MemoryEntry, NoEntry, ProxyRecord

N_FOLDS = 5

# In a record the arrays of one seed's folds stand beside those of the proxy that has seen all rows.
_PREFIX = "out_of_fold"
_IN_SAMPLE = ("logits", "probabilities")


def check_out_of_fold(proxy: BaseEstimator, y: np.ndarray, stop) -> None:
    """Check, before anything is trained, that rows can be scored by models that have not seen them.

    Parameters
    ----------
    proxy : classifier
        Not fitted.
    y : ndarray of shape (n,)
        Labels.
    stop : RankingSettled or None
        The rule that ends the proxy's training.

    Raises
    ------
    ValueError
        For a frozen proxy, a rule, or a class of too few rows.
    """
    if is_frozen(proxy):
        raise ValueError(
            "probabilities='out_of_fold' trains the proxy again on parts of the rows, and this one is frozen: "
            "give it unfrozen, or take probabilities='in_sample'."
        )
    if stop is not None:
        raise ValueError(
            "stop_proxy and probabilities='out_of_fold' exclude each other: the rule watches the ranking by the "
            "proxy that learns from all rows. Leave one of them out."
        )
    if not classifier_of(proxy).get_params(deep=False).get("oob_score"):
        _check_class_sizes(y)


def gather_out_of_fold(
    record: ProxyRecord,
    proxy: BaseEstimator,
    X,
    y: np.ndarray,
    entry: MemoryEntry | NoEntry,
    *,
    seed: int | None,
    fit_params: dict,
    **training,
) -> ProxyRecord:
    """Put held-out class probabilities in the place of those that the proxy gives its own training rows.

    Out-of-bag votes of the fitted proxy are taken where it has them for every
    row. Else the proxy is trained on four fifths of the rows, five times, and
    scores the rest.

    Parameters
    ----------
    record : ProxyRecord
        Of the proxy that was trained on all rows. It is given the new arrays, to
        be kept in the entry.
    proxy : classifier
        Left as it is.
    X, y : rows and labels
        Training rows.
    entry : MemoryEntry or NoEntry
        Where the record is kept.
    seed : int or None
        Of the training. Draws the folds, which without it are always the same.
    fit_params : dict
        Of the proxy's `fit`; what has one entry per row is cut along.
    **training : dict
        Passed to `train_proxy`.

    Returns
    -------
    ProxyRecord
        A copy whose probabilities, and the seconds of gathering them, are those
        out of fold.

    Raises
    ------
    ValueError
        For a class of fewer rows than there are folds.
    """
    name = f"{_PREFIX}_{seed}"
    with Clock() as clock:
        found = _out_of_bag(record.proxy, y)
    if found is not None:
        seconds, cpu = clock.wall, clock.cpu
    else:
        found = {
            kind: record.evidence[f"{name}_{kind}"]
            for kind in _IN_SAMPLE
            if f"{name}_{kind}" in record.evidence
        }
        if not found:
            with Clock() as clock:
                found = _cross_validate(proxy, X, y, seed, fit_params, training)
            record.evidence |= {f"{name}_{kind}": array for kind, array in found.items()}
            record.inference[name], record.inference_cpu[name] = clock.wall, clock.cpu
            entry.save(record)
        seconds, cpu = record.inference[name], record.inference_cpu[name]
    return ProxyRecord(
        record.proxy,
        {**in_sample(record.evidence, without=_IN_SAMPLE), **found},
        record.proxy_fit,
        record.proxy_cpu,
        record.inference | {"probabilities": seconds},
        record.inference_cpu | {"probabilities": cpu},
        record.stop,
    )


def in_sample(evidence: dict[str, np.ndarray], *, without: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Return the evidence of the proxy that has seen all rows, but for the kinds in `without`."""
    return {
        name: array
        for name, array in evidence.items()
        if name not in without and not name.startswith(_PREFIX)
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


def _out_of_bag(proxy: BaseEstimator, y: np.ndarray) -> dict[str, np.ndarray] | None:
    """Return the out-of-bag votes of a fitted proxy, None where a row has none.

    Steps before the classifier have seen all rows, so that votes behind them are
    no held-out ones.
    """
    votes = getattr(classifier_of(proxy), "oob_decision_function_", None)
    if votes is None or has_head(proxy) or np.shape(votes) != (len(y), len(np.unique(y))):
        return None
    # A row that each tree has seen has NaN in all classes, or 0.
    return {"probabilities": votes} if np.allclose(votes.sum(axis=1), 1.0) else None


def _cross_validate(
    proxy: BaseEstimator, X, y: np.ndarray, seed: int | None, fit_params: dict, training: dict
) -> dict[str, np.ndarray]:
    """Score each row by the one of five models that was trained without it.

    By hand and not by `cross_val_predict`: skorch nets learn numbered labels, networks keep their logits, and
    parameters of `fit` have been routed already.
    """
    _check_class_sizes(y)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0 if seed is None else draw_seeds(seed, 1)[0])
    scores: dict[str, np.ndarray] = {}
    for seen, left_out in folds.split(np.zeros(len(y)), y):
        trained = train_proxy(
            proxy,
            _safe_indexing(X, seen),
            y[seen],
            fit_params=_check_method_params(X, fit_params, indices=seen),
            **training,
        )
        found = gather_kind(trained.proxy, _safe_indexing(X, left_out), None, "probabilities")
        for kind, array in found.items():
            scores.setdefault(kind, np.empty((len(y), *array.shape[1:]), dtype=array.dtype))[left_out] = array
    return scores
