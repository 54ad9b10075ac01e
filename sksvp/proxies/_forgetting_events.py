"""Forgetting events of any model that learns in steps."""

from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _check_method_params, _num_samples

from ..strategies import ForgettingCounter
from ._proxies import classifier_of, is_frozen, is_skorch_net, pass_heads, resamples


def how_events_are_counted(proxy) -> str | None:
    """Name the way in which a proxy's forgetting events are counted, None where there is none.

    Returns
    -------
    str or None
        ``"own"``: a network of ours, which keeps them as `forgetting_events_`;
        ``"skorch"``: a callback in the training of a skorch classifier;
        ``"stages"``: `staged_predict` of an ensemble, after its training;
        ``"mini_batches"``: training by `partial_fit` in place of `fit`.
    """
    if is_frozen(proxy) or resamples(proxy):
        return None
    classifier = classifier_of(proxy)
    if is_skorch_net(classifier):
        return "skorch"
    if hasattr(classifier, "predict_logits"):
        return "own"
    if hasattr(classifier, "staged_predict"):
        return "stages"
    if hasattr(classifier, "partial_fit") and hasattr(classifier, "predict"):
        return None if forbids_partial_fit(classifier) else "mini_batches"
    return None


def forbids_partial_fit(classifier) -> str:
    """Name the parameter with which scikit-learn's own `partial_fit` refuses to learn, "" where there is none."""
    # The same parameters may be welcome in a partial_fit that is not scikit-learn's.
    method = getattr(type(classifier), "partial_fit", None)
    if not (getattr(method, "__module__", None) or "").startswith("sklearn."):
        return ""
    params = classifier.get_params(deep=False)
    # isinstance: a parameter may hold an array, which has no truth.
    early, weight = params.get("early_stopping"), params.get("class_weight")
    if isinstance(early, bool | np.bool_) and early:
        return "early_stopping=True"
    if isinstance(weight, str) and weight == "balanced":
        return "class_weight='balanced'"
    # One for each class or pair of classes, around another classifier.
    return forbids_partial_fit(params["estimator"]) if hasattr(params.get("estimator"), "partial_fit") else ""


def own_events(proxy, n_rows: int) -> np.ndarray:
    """Return the forgetting events that a network of ours counted in its `fit`.

    Raises
    ------
    ValueError
        Where it counted none, or for other rows.
    """
    classifier = classifier_of(proxy)
    events = getattr(classifier, "forgetting_events_", None)
    if events is None or len(events) != n_rows:
        counted = "none" if events is None else f"those of {len(events)} rows"
        raise ValueError(
            f"{type(classifier).__name__} counted {counted} of the forgetting events of {n_rows} rows."
        )
    return np.asarray(events, dtype=np.float64)


def staged_events(proxy, X, y: np.ndarray) -> np.ndarray:
    """Count forgetting events over the stages of a fitted ensemble: each stage visits every row once."""
    n_rows = _num_samples(X)
    counter = ForgettingCounter(n_rows)
    rows = np.arange(n_rows)
    classifier, X = pass_heads(proxy, X)
    for labels in classifier.staged_predict(X):
        counter.update(rows, np.asarray(labels) == y)
    return counter.events()


def fit_in_mini_batches(
    classifier: BaseEstimator,
    X,
    y: np.ndarray,
    *,
    n_epochs: int,
    batch_size: int,
    random_state,
    fit_params: dict,
    may_end: Callable[[ForgettingCounter], bool] | None = None,
) -> np.ndarray:
    """Train a classifier by `partial_fit`, in place, and count forgetting events before each update.

    Parameters
    ----------
    classifier : estimator with partial_fit
        Not yet fitted.
    X : rows of length n
        Training rows.
    y : ndarray of shape (n,)
        Labels.
    n_epochs : int
        Passes over the rows, each in a new random order.
    batch_size : int
        Rows of an update.
    random_state : int, RandomState or None
        Draws the orders.
    fit_params : dict
        Handed to `partial_fit`; what has one entry per row is cut along.
    may_end : callable, optional
        Asked after each epoch, with the counts so far, whether the training may end.

    Returns
    -------
    ndarray of shape (n,), float64
        Forgetting events; the rows of the very first batch count as wrong,
        since nothing has been learned yet.
    """
    n_rows = len(y)
    classes = np.unique(y)
    counter = ForgettingCounter(n_rows)
    random_state = check_random_state(random_state)
    is_blank = True
    for _ in range(n_epochs):
        order = random_state.permutation(n_rows)
        for start in range(0, n_rows, batch_size):
            rows = order[start : start + batch_size]
            batch, labels = _safe_indexing(X, rows), y[rows]
            correct = (
                np.zeros(len(rows), dtype=bool)
                if is_blank
                else np.asarray(classifier.predict(batch)) == labels
            )
            counter.update(rows, correct)
            params = _check_method_params(X, fit_params, indices=rows)
            try:
                classifier.partial_fit(batch, labels, classes=classes, **params)
            except ValueError as error:
                if not is_blank or "partial_fit" not in str(error):
                    raise
                raise ValueError(
                    f"The forgetting events of {type(classifier).__name__} are counted while it learns by "
                    f"partial_fit, which its parameters do not allow ({error}). Change them, or take another "
                    "strategy."
                ) from error
            is_blank = False
        if may_end is not None and may_end(counter):
            break
    return counter.events()
