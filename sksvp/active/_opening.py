"""Checks at the start of `ProxyActiveLearner.fit`, and the state from which it continues."""

import copy
from contextlib import ExitStack
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.metadata_routing import _raise_for_params, _routing_enabled, process_routing
from sklearn.utils.validation import _num_samples

from .._inputs._labels import read_labels
from .._inputs._lengths import indexable_rows
from .._inputs._paths import as_path
from .._seeds import draw_seeds
from .._storage._checkpoint import open_checkpoint
from .._storage._describe import describe, digest
from .._storage._fingerprint import fingerprint
from .._updates import check_has_epochs
from ..proxies import as_proxy
from ._checkpoint import LearnerCheckpoint, describe_run, keep_learner
from ._labels import LabelTable, check_validation_labels, read_validation_labels
from ._run import resolve_pool_strategy
from ._start import make_start
from ._state import State, new_state


def read_pool(learner, X, y, X_val, y_val) -> tuple[Any, LabelTable, np.ndarray | None]:
    """Check rows and labels of `fit`; return X, the labels in y, and those of `X_val`."""
    if learner.missing_label != learner.missing_label:
        raise ValueError(
            "missing_label=nan: NaN is always missing, and so are None and pd.NA. Leave missing_label=None."
        )
    if y is None and learner.rounds is not None and learner.oracle is None:
        raise ValueError(
            f"This {type(learner).__name__} estimator requires y to be passed, but the target y is None: rounds "
            "buys labels from y or from an oracle."
        )
    X, y = indexable_rows(X=X, y=y)
    n_rows = _num_samples(X)
    if n_rows == 0:
        raise ValueError("X has 0 sample(s), while a minimum of 1 is required.")
    table = LabelTable(n_rows)
    if y is not None:
        table.add(*read_labels(y, missing_label=learner.missing_label))
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together.")
    if X_val is None:
        return X, table, None
    if learner.rounds is None:
        raise ValueError("X_val is for rounds=[...]; without rounds use score(X_val, y_val).")
    indexable_rows(X_val=X_val, y_val=y_val)
    y_val = read_validation_labels(y_val, _num_samples(X_val), learner.missing_label)
    check_validation_labels(y_val, table)
    return X, table, y_val


def check_models(learner, X: Any) -> Any:
    """Check that proxy and target are classifiers and the proxy serves the strategy on X; return the strategy."""
    if learner.oracle is not None and learner.rounds is None:
        raise ValueError("oracle is called in rounds: set rounds=[...] too, or call teach with its labels.")
    if learner.stop is not None:
        learner.stop._validate_params()
    proxy = as_proxy(learner.proxy)
    proxy.check_classifies("proxy")
    proxy.check_params()
    if learner.target is not None:
        target = as_proxy(learner.target)
        target.check_classifies("target")
        target.check_params()
    if learner.n_updates is not None:
        if learner.target is None:
            raise ValueError(f"n_updates={learner.n_updates} are those of the target, and target is None.")
        check_has_epochs(learner.target, "n_updates")
    if learner.warm_target:
        if learner.target is None:
            raise ValueError("warm_target=True is about the target, and target is None.")
        proxy.check_nests_in(as_proxy(learner.target))
    strategy = resolve_pool_strategy(learner.strategy, proxy.gives)
    proxy.check_gives(strategy.requires)
    proxy.check_rows(X, strategy.requires)
    if learner.stop is not None and learner.stop.measure == "expected_error":
        for model in (learner.proxy, learner.target):
            if model is not None:
                as_proxy(model).check_gives(("probabilities",))
    return strategy


def check_learner(learner, X: Any, start_features: Any = None) -> None:
    """Check the parameters of a learner on the rows of a pool, before anything is trained.

    Raises
    ------
    ValueError
        As `ProxyActiveLearner.fit`.
    """
    check_models(learner, X)
    make_start(learner.start, X, start_features)


def route_fit_params(learner, fit_params: dict) -> dict[str, dict]:
    """Divide what `fit` got between the proxy and the target.

    The values are copied: the user may change them between two trainings.
    """
    if not _routing_enabled():
        _raise_for_params(fit_params, learner, "fit")
        return {"proxy": {}, "target": {}}
    routed = process_routing(learner, "fit", **fit_params)
    return copy.deepcopy({name: dict(routed.get(name, {"fit": {}})["fit"]) for name in ("proxy", "target")})


def open_state(
    learner,
    X,
    table: LabelTable,
    X_val,
    y_val,
    routed: dict[str, dict],
    stack: ExitStack,
    start_features: Any = None,
) -> tuple[LearnerCheckpoint | None, State]:
    """Return the checkpoint and the state of this run: a saved state, or a new one."""
    n_rows = len(table.codes)
    checkpoint, content = None, ""
    if learner.checkpoint is not None:
        content = fingerprint(X)
        root = as_path(learner.checkpoint, "checkpoint")
        for model in (learner.proxy, learner.target):
            if model is not None:
                as_proxy(model).check_trained_alone("checkpoint")
        identity = describe_run(
            learner,
            X=f"{n_rows} rows {content}",
            y=f"{int(table.labelled.sum())} labels {fingerprint(table.codes)} {fingerprint(table.classes)}",
            X_val="None" if X_val is None else fingerprint(X_val),
            y_val="None" if y_val is None else fingerprint(y_val),
            start_features="None" if start_features is None else fingerprint(start_features),
            **{
                f"{name} of {part}.fit": digest(describe(value))
                for part, params in routed.items()
                for name, value in params.items()
            },
        )
        checkpoint = open_checkpoint(root, identity, LearnerCheckpoint)
        stack.callback(checkpoint.close)
        state = checkpoint.load_state()
        if state is not None:
            if len(state.parts) > 1:
                raise ValueError(
                    f"The run in checkpoint={str(learner.checkpoint)!r} was extended to {state.n_rows} rows, and X "
                    f"has {n_rows}: reopen it by ProxyActiveLearner.resume with all rows."
                )
            return checkpoint, state
    # With rounds, the labels in y are bought one round after the other.
    rows = np.flatnonzero(table.labelled & (learner.rounds is None))
    state = new_state(n_rows, content, rows, table.labels_of(rows), draw_seeds(learner.random_state, 3))
    if checkpoint is not None:
        if learner.rounds is None and not any(routed.values()) and start_features is None:
            keep_learner(checkpoint, clone(learner))
        checkpoint.begin_state(state, keeps_labels=learner.rounds is None)
    return checkpoint, state
