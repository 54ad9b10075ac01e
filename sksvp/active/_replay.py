"""Training of another target on the rows that a former run has chosen."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params
from sklearn.utils.validation import _num_samples

from .._inputs._labels import read_labels
from .._inputs._lengths import indexable_rows
from .._inputs._parameters import ListOf, WholeNumber
from .._inputs._row_numbers import check_row_numbers
from .._seeds import draw_seeds
from .._updates import check_has_epochs
from ..proxies import as_proxy
from ._labels import LabelTable, check_validation_labels, read_validation_labels
from ._protocol import target_totals, train_due_target
from ._run import Run, seconds_of
from ._speedup import History, check_history
from ._state import new_state


@validate_params(
    {
        "target": [HasMethods(["fit", "get_params"])],
        "target_at": [StrOptions({"last", "all"}), ListOf(Integral, can_be_empty=True)],
        "n_updates": [WholeNumber(1), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def replay_selection(
    history: History,
    target: BaseEstimator,
    X: Any,
    y: Any,
    *,
    target_at: Any = "all",
    X_val: Any = None,
    y_val: Any = None,
    n_updates: int | None = None,
    random_state: Any = None,
) -> list[dict[str, Any]]:
    """Train a target on the rows that a former run had labelled after its rounds.

    No proxy is trained: the choice is that of the former run. With the same
    `random_state` a target is the one that the former run would have trained at this
    number of labels.

    Parameters
    ----------
    history : list of dict
        `history_` of a learner that has run its rounds. Of each entry ``round``,
        ``n_labeled`` and ``rows`` are read.
    target : classifier
        The model to train; it is not changed.
    X : rows of length n_samples
        The pool of that run.
    y : array-like of shape (n_samples,)
        Labels of the pool.
    target_at : {"last", "all"} or list of int, default="all"
        When the target is trained: after the last round, after each round, or at
        these total numbers of labels, which include the random start.
    X_val, y_val : rows and labels, optional
        The target is scored on them.
    n_updates : int or None, default=None
        Updates of each target, in whole epochs, in place of its own number of epochs.
    random_state : int, RandomState or None, default=None
        Seeds the target where it has no seed of its own.

    Returns
    -------
    list of dict
        The history with `target_fit` and `target_score` of the new target.

    Raises
    ------
    ValueError
        If the history does not begin with a random start, X or y lack one of its
        rows, or a total in `target_at` never occurs.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.active import ProxyActiveLearner, replay_selection
    >>> X, y = load_iris(return_X_y=True)
    >>> proxy = LogisticRegression(max_iter=1000)
    >>> learner = ProxyActiveLearner(proxy, rounds=[10, 10], initial_size=10, random_state=0).fit(X, y)
    >>> replayed = replay_selection(learner.history_, RandomForestClassifier(), X, y, random_state=0)
    >>> [entry["target_fit"] is not None for entry in replayed]
    [False, True, True]
    """
    check_history(history, "history", ("round", "n_labeled", "rows"))
    as_proxy(target).check_classifies("target")
    if n_updates is not None:
        check_has_epochs(target, "n_updates")
    X, y = indexable_rows(X=X, y=y)
    n_rows = _num_samples(X)
    table = LabelTable(n_rows)
    table.add(*read_labels(y))
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together.")
    if X_val is not None:
        indexable_rows(X_val=X_val, y_val=y_val)
        y_val = read_validation_labels(y_val, _num_samples(X_val), None)
        check_validation_labels(y_val, table)
    if not history or history[0]["round"] != 0:
        raise ValueError("history must begin with the random start, round 0, of a run with rounds.")
    due = target_totals(target_at, [int(entry["n_labeled"]) for entry in history])
    none = np.empty(0, dtype=np.int64)
    run = Run(
        X, new_state(n_rows, "", none, none, draw_seeds(random_state, 3)), None, target, n_updates=n_updates
    )
    for entry in history:
        rows = check_row_numbers(entry["rows"], n_rows, "rows in history")
        if not table.labelled[rows].all():
            raise ValueError(
                f"y has no label for the row {rows[~table.labelled[rows]][0]}, which was chosen."
            )
        run.state.n_selections += 1
        run.state.history.append({**entry, **seconds_of("target_fit", None), "target_score": None})
        run.record(rows, table.labels_of(rows))
        train_due_target(run, due, X_val, y_val)
    return run.state.history
