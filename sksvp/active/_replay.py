"""Training another target on what a former run has chosen."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples

from .._inputs._labels import read_labels
from .._seeds import draw_seeds
from ._labels import LabelTable
from ._models import train
from ._protocol import _target_totals
from ._run import _seed, seconds_of
from ._speedup import History


def replay_selection(
    history: History,
    target: BaseEstimator,
    X: Any,
    y: Any,
    *,
    target_at: Any = "all",
    X_val: Any = None,
    y_val: Any = None,
    random_state: Any = None,
) -> list[dict[str, Any]]:
    """Train a target on the rows that a former run had labelled after its rounds.

    No proxy is trained: the choice is that of the former run. A target trained at
    a total here is the one that the run itself would have trained there, with the
    same `random_state`.

    Parameters
    ----------
    history : list of dict
        `history_` of a learner that has run its rounds; of each entry ``round``,
        ``n_labeled`` and ``rows`` are read.
    target : classifier
        Left as it is.
    X : rows of length n_samples
        The pool of that run.
    y : array-like of shape (n_samples,)
        Its labels.
    target_at : {"last", "all"} or list of int, default="all"
        Numbers of labels at which the target is trained: after the last round,
        after each round, or those listed, the random start among them.
    X_val, y_val : rows and labels, optional
        What the target is scored on.
    random_state : int, RandomState or None, default=None
        Seeds the target where it has no seed of its own.

    Returns
    -------
    list of dict
        The history with `target_fit` and `target_score` of the new target.

    Raises
    ------
    ValueError
        For a history that does not begin with a random start, rows that X does
        not have, or totals that never occur.

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
    X, y = indexable(X, y)
    table = LabelTable(_num_samples(X))
    table.add(*read_labels(y))
    n_rows = len(table.codes)
    if not history or history[0]["round"] != 0:
        raise ValueError("history must begin with the random start, round 0, of a run with rounds.")
    totals = [int(entry["n_labeled"]) for entry in history]
    due = _target_totals(target_at, totals)
    _, target_seed, _ = draw_seeds(random_state, 3)
    labelled = np.zeros(n_rows, dtype=bool)
    replayed = []
    for number, entry in enumerate(history):
        rows = np.asarray(entry["rows"], dtype=np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= n_rows):
            raise ValueError(f"history has the row {rows.max()}, but X has {n_rows} rows.")
        if not table.labelled[rows].all():
            raise ValueError(
                f"y has no label for the row {rows[~table.labelled[rows]][0]}, which was chosen."
            )
        labelled[rows] = True
        entry = {**entry, **seconds_of("target_fit", None), "target_score": None}
        if entry["n_labeled"] in due:
            kept = np.flatnonzero(labelled)
            trained = train(
                target,
                _safe_indexing(X, kept),
                table.labels_of(kept),
                seed=_seed(target_seed, number + 1),
                place=(number + 1, number + 1),
            )
            entry |= seconds_of("target_fit", trained.seconds)
            if y_val is not None:
                entry["target_score"] = trained.accuracy(X_val, np.asarray(y_val))
        replayed.append(entry)
    return replayed
