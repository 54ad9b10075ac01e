"""Training a clone of the proxy, with its forgetting events counted where they are needed."""

from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import _routing_enabled, process_routing

from .._interrupt import heeding_ctrl_c
from .._seeds import own_seed, set_random_states
from ..strategies import ForgettingCounter
from ._forgetting_events import fit_in_mini_batches, how_events_are_counted
from ._gather import gather_kind
from ._proxies import classifier_of, is_skorch_net
from ._watching import Watch, watched

N_EPOCHS = 20
BATCH_SIZE = 128


class TrainedProxy(NamedTuple):
    """A fitted proxy and what only its training could tell.

    Attributes
    ----------
    proxy : classifier
        Fitted.
    forgetting_events : ndarray of shape (n,) or None
        Counted while it trained; None where they were not asked for, or where
        they can be read from the fitted proxy (see `gather`).
    """

    proxy: BaseEstimator
    forgetting_events: np.ndarray | None


def seeded_clone(proxy: BaseEstimator, random_state) -> BaseEstimator:
    """Clone a proxy and seed whatever inside it the user has not seeded."""
    seeded = clone(proxy)
    if not isinstance(seeded, FrozenEstimator):
        set_random_states(seeded, random_state)
    return seeded


def training_seed(proxy: BaseEstimator, random_state: int | None) -> int | None:
    """Return the seed of what a training draws besides: the classifier's own `random_state`, or this one."""
    seed = own_seed(classifier_of(proxy))
    return random_state if seed is None else seed


def uses_training_seed(proxy: BaseEstimator, requires: tuple[str, ...]) -> bool:
    """Tell whether a training draws random numbers beyond the random states among the proxy's parameters."""
    return _has_skorch_net(proxy) or _trains_in_mini_batches(proxy, requires)


def training_way(proxy: BaseEstimator, requires: tuple[str, ...], *, n_epochs: int, batch_size: int) -> tuple:
    """Name how the proxy is trained, for a cache: different ways give different models."""
    return ("mini_batches", n_epochs, batch_size) if _trains_in_mini_batches(proxy, requires) else ("fit",)


def train_proxy(
    proxy: BaseEstimator,
    X,
    y: np.ndarray,
    *,
    requires: tuple[str, ...] = (),
    random_state: int | None = None,
    n_epochs: int = N_EPOCHS,
    batch_size: int = BATCH_SIZE,
    fit_params: dict | None = None,
    watch: Watch | None = None,
) -> TrainedProxy:
    """Train a clone of the proxy.

    Parameters
    ----------
    proxy : classifier
        Left as it is. A frozen one is used as it was fitted.
    X : rows of length n
        Training rows, handed on untouched.
    y : ndarray of shape (n,)
        Labels. A skorch net gets those that no torch loss takes numbered.
    requires : tuple of str
        Kinds of evidence that will be asked for. With ``"forgetting_events"`` a
        skorch net is trained with a counting callback, and a classifier that
        learns by `partial_fit` in mini-batches.
    random_state : int or None
        Seeds every random state inside the proxy that is None, the weights and
        batches of a skorch net (inside a forked generator) and the order of
        mini-batches. None seeds nothing.
    n_epochs, batch_size : int
        Of mini-batch training.
    fit_params : dict, optional
        Handed to the proxy's `fit`.
    watch : callable, optional
        Asked after each epoch whether the training may end; for proxies that
        `check_watchable` lets pass.

    Returns
    -------
    TrainedProxy

    Raises
    ------
    ValueError
        For a skorch net whose rows cannot be followed through its iterator.

    Warns
    -----
    UserWarning
        Where a skorch net's `train_split` had to be switched off.
    """
    trained = seeded_clone(proxy, random_state)
    if isinstance(trained, FrozenEstimator):
        return TrainedProxy(trained.fit(X, y), None)
    fit_params = fit_params or {}
    seed = training_seed(trained, random_state)
    with heeding_ctrl_c(), _torch_seed(trained, seed), watched(trained, watch):
        if _trains_in_mini_batches(trained, requires):
            return _train_in_mini_batches(trained, X, y, n_epochs, batch_size, seed, fit_params, watch)
        if is_skorch_net(classifier_of(trained)):
            return _train_skorch_net(trained, X, y, requires, fit_params, watch)
        return TrainedProxy(trained.fit(X, y, **fit_params), None)


def _trains_in_mini_batches(proxy: BaseEstimator, requires: tuple[str, ...]) -> bool:
    return "forgetting_events" in requires and how_events_are_counted(proxy) == "mini_batches"


def _has_skorch_net(proxy: BaseEstimator) -> bool:
    return is_skorch_net(proxy) or any(is_skorch_net(value) for value in proxy.get_params(deep=True).values())


def _torch_seed(proxy: BaseEstimator, seed: int | None):
    """Seed torch for the while of a training in which a skorch net takes part."""
    if not _has_skorch_net(proxy):
        return nullcontext()
    from ._skorch_nets import forked_torch_seed

    return forked_torch_seed(seed)


def _train_skorch_net(
    proxy: BaseEstimator,
    X,
    y: np.ndarray,
    requires: tuple[str, ...],
    fit_params: dict,
    watch: Watch | None,
) -> TrainedProxy:
    from ._skorch_counting import counting
    from ._skorch_nets import encode_labels, keep_all_rows
    from ._skorch_watching import watching

    net = classifier_of(proxy)
    keep_all_rows(net)
    labels = encode_labels(net, y)
    if "forgetting_events" not in requires:
        with watching(net, watch):
            return TrainedProxy(proxy.fit(X, labels, **fit_params), None)
    with counting(net, len(y)) as counter, watching(net, watch, counter):
        proxy.fit(X, labels, **fit_params)
    return TrainedProxy(proxy, counter.counter_.events())


def _train_in_mini_batches(
    proxy: BaseEstimator,
    X,
    y: np.ndarray,
    n_epochs: int,
    batch_size: int,
    seed: int | None,
    fit_params: dict,
    watch: Watch | None,
) -> TrainedProxy:
    """Fit the steps before the classifier once, then the classifier in mini-batches."""
    classifier = proxy
    while isinstance(classifier, Pipeline):
        X, fit_params = _fit_head(classifier, X, y, fit_params)
        classifier = classifier.steps[-1][1]
    events = fit_in_mini_batches(
        classifier,
        X,
        y,
        n_epochs=n_epochs,
        batch_size=batch_size,
        random_state=seed,
        fit_params=fit_params,
        may_end=None if watch is None else partial(_ask, watch, classifier, X),
    )
    return TrainedProxy(proxy, events)


def _ask(watch: Watch, classifier: BaseEstimator, X, counter: ForgettingCounter) -> bool:
    """Let a training in mini-batches be looked at, as it is by now."""

    def gather(kind: str, rows: np.ndarray) -> dict[str, np.ndarray]:
        if kind == "forgetting_events":
            return {kind: counter.events()[rows]}
        return gather_kind(classifier, _safe_indexing(X, rows), None, kind)

    return watch(gather)


def _fit_head(pipeline: Pipeline, X, y: np.ndarray, fit_params: dict) -> tuple[object, dict]:
    """Fit, in place, the steps before the last; return what they make of X and the last one's parameters."""
    name = pipeline.steps[-1][0]
    head_params, last_params = _split_fit_params(pipeline, name, fit_params)
    if len(pipeline) == 1:
        return X, last_params
    head = pipeline[:-1]
    X = head.fit_transform(X, y, **head_params)
    pipeline.steps[:-1] = head.steps
    return X, last_params


def _split_fit_params(pipeline: Pipeline, name: str, fit_params: dict) -> tuple[dict, dict]:
    """Divide a Pipeline's fit parameters between the steps before the last and the last."""
    if not fit_params:
        return {}, {}
    if _routing_enabled():
        last_params = dict(process_routing(pipeline, "fit", **fit_params)[name].fit)
        if len(pipeline) == 1:
            return {}, last_params
        consumed = pipeline[:-1].get_metadata_routing().consumes("fit_transform", fit_params)
        return {key: fit_params[key] for key in consumed}, last_params
    prefix = f"{name}__"
    head_params = {key: value for key, value in fit_params.items() if not key.startswith(prefix)}
    return head_params, {
        key.removeprefix(prefix): fit_params[key] for key in fit_params if key not in head_params
    }
