"""Training the proxy and the target on what is labelled."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from .._clock import Clock
from .._storage._describe import describe
from ..proxies import train_proxy
from ..proxies._proxies import classifier_of, is_frozen, is_skorch_net, learns_numbers
from ..proxies._training import seeded_clone, training_seed


@dataclass
class Trained:
    """A fitted model and where it stands in the run.

    Attributes
    ----------
    estimator : classifier
        Fitted.
    classes : ndarray
        Labels it was trained on, sorted.
    place : (int, int)
        Selections made when the last of its labels came, and the step of these.
    seconds : Clock
        Of its training; none for a frozen model.
    """

    estimator: BaseEstimator
    classes: np.ndarray
    place: tuple[int, int]
    seconds: Clock

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels; of a skorch net that was trained on numbered labels, the labels themselves."""
        predicted = self.estimator.predict(X)
        if learns_numbers(self.estimator, self.classes):
            return self.classes[np.asarray(predicted).astype(np.intp)]
        return predicted

    def accuracy(self, X: Any, y: np.ndarray) -> float:
        """Return the share of rows predicted right."""
        return float(np.mean(np.asarray(self.predict(X)) == y))


def train(
    estimator: BaseEstimator,
    X: Any,
    y: np.ndarray,
    *,
    seed: int,
    place: tuple[int, int],
    start: Trained | None = None,
) -> Trained:
    """Train a clone of a model, from fresh weights or from those of an earlier one.

    Parameters
    ----------
    estimator : classifier
        Left as it is.
    X, y : rows and labels
        Training rows.
    seed : int
        For what the user has not seeded.
    place : (int, int)
        See `Trained`.
    start : Trained, optional
        Where to start from. Where it knew other classes, training starts fresh:
        its last layer does not fit.

    Raises
    ------
    ValueError
        For labels of one class.
    """
    classes = np.unique(y)
    if len(classes) < 2:
        named = f"one class: {classes.tolist()[0]!r}" if len(classes) else "none"
        raise ValueError(f"Training needs labels of two classes at least, got {named}.")
    with Clock() as clock:
        if start is not None and np.array_equal(start.classes, classes):
            fitted = _train_on(estimator, X, y, seed, start.estimator)
        else:
            fitted = train_proxy(estimator, X, y, random_state=seed).proxy
    clock.add_earlier(classifier_of(fitted))
    return Trained(fitted, classes, place, Clock() if is_frozen(estimator) else clock)


def are_same(proxy: BaseEstimator, target: BaseEstimator) -> bool:
    """Tell whether two unfitted models come out of a training as one and the same.

    Frozen parts have learned already, which their parameters do not tell: they
    must be the same objects.
    """
    return describe(proxy) == describe(target) and _frozen_parts(proxy) == _frozen_parts(target)


def _frozen_parts(estimator: BaseEstimator) -> list[int]:
    parts = [estimator, *estimator.get_params(deep=True).values()]
    return sorted(id(part) for part in parts if isinstance(part, FrozenEstimator))


def check_warm_start(proxy: BaseEstimator) -> None:
    """Check that a proxy can start from former weights.

    Raises
    ------
    ValueError
        For one that cannot. An ensemble's `warm_start` is another thing: it adds
        trees and leaves those there are as they were.
    """
    classifier = classifier_of(proxy)
    if is_frozen(proxy) or _is_ours(classifier) or is_skorch_net(classifier):
        return
    if hasattr(classifier, "warm_start") and not (
        hasattr(classifier, "n_estimators") or hasattr(classifier, "staged_predict")
    ):
        return
    raise ValueError(
        f"warm_start=True needs a proxy that can train on from former weights: a network of sksvp.estimators, a "
        f"skorch net, or a classifier with a warm_start of that meaning, such as LogisticRegression; got "
        f"{type(classifier).__name__}."
    )


def _is_ours(classifier: Any) -> bool:
    return hasattr(classifier, "predict_logits") and hasattr(classifier, "net_params")


def _train_on(estimator: BaseEstimator, X: Any, y: np.ndarray, seed: int, start: BaseEstimator):
    """Train from the weights of `start`, which stays as it is."""
    if is_frozen(estimator):
        return start
    if _is_ours(classifier_of(estimator)):
        return _train_network_on(estimator, X, y, seed, start)
    fitted = copy.deepcopy(start)
    classifier = classifier_of(fitted)
    classifier.set_params(warm_start=True)
    if not is_skorch_net(classifier):
        return fitted.fit(X, y)
    from ..proxies._skorch_nets import encode_labels, forked_torch_seed

    with forked_torch_seed(training_seed(fitted, seed)):
        return fitted.fit(X, encode_labels(classifier, y))


def _train_network_on(estimator: BaseEstimator, X: Any, y: np.ndarray, seed: int, start: BaseEstimator):
    """Train a network of ours by its whole recipe, from former weights."""
    from ._warm_weights import WarmWeights

    fitted = seeded_clone(estimator, seed)
    classifier = fitted
    while isinstance(classifier, Pipeline):
        classifier = classifier.steps[-1][1]
    net_params = classifier.net_params
    weights = classifier_of(start).net_.module_.state_dict()
    callbacks = [*((net_params or {}).get("callbacks") or []), ("warm_weights", WarmWeights(weights))]
    classifier.set_params(net_params={**(net_params or {}), "callbacks": callbacks})
    fitted.fit(X, y)
    classifier.set_params(net_params=net_params)
    return fitted
