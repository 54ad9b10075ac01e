"""Training of proxy and target on the labelled rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._clock import Clock
from .._storage._describe import describe
from ..proxies import Proxy, as_proxy, frozen_parts


@dataclass
class Trained:
    """A fitted model and its place in the run.

    Attributes
    ----------
    proxy : Proxy
        Fitted.
    classes : ndarray
        Classes it was trained on, sorted.
    place : (int, int)
        Selections before the last of its labels, and the step of these labels.
    seconds : Clock
        Seconds of its training; zero for a frozen model.
    """

    proxy: Proxy
    classes: np.ndarray
    place: tuple[int, int]
    seconds: Clock

    @property
    def estimator(self) -> Any:
        """The fitted model."""
        return self.proxy.estimator

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels."""
        return self.proxy.predict(X)

    def accuracy(self, X: Any, y: np.ndarray) -> float:
        """Return the share of correctly predicted rows."""
        return float(np.mean(np.asarray(self.predict(X)) == y))


def train(
    estimator: BaseEstimator,
    X: Any,
    y: np.ndarray,
    *,
    seed: int,
    place: tuple[int, int],
    start: Trained | None = None,
    fit_params: dict | None = None,
) -> Trained:
    """Train a clone of a model, from fresh weights or from those of an earlier one.

    Parameters
    ----------
    estimator : classifier
        Not changed.
    X, y : rows and labels
        Training rows.
    seed : int
        Seeds what the user has not seeded.
    place : (int, int)
        Place in the run, see `Trained`.
    start : Trained, optional
        Model to start from. If it knows other classes, its last layer does not fit,
        and the training starts from fresh weights.
    fit_params : dict, optional
        Metadata for its `fit`.

    Raises
    ------
    ValueError
        If the labels are of fewer than two classes.
    """
    classes = np.unique(y)
    if len(classes) < 2:
        named = f"one class: {classes.tolist()[0]!r}" if len(classes) else "none"
        raise ValueError(f"Training needs labels of two classes at least, got {named}.")
    former = start.proxy if start is not None and np.array_equal(start.classes, classes) else None
    with Clock() as clock:
        proxy = as_proxy(estimator).train(X, y, random_state=seed, start=former, fit_params=fit_params)
    clock.add_earlier(proxy.classifier)
    return Trained(proxy, classes, place, Clock() if proxy.is_frozen else clock)


def are_same(proxy: BaseEstimator, target: BaseEstimator) -> bool:
    """Tell whether two unfitted models become the same model by training.

    Parameters do not describe what frozen parts have learned, so these must be the
    same objects.
    """
    parts, others = ({id(part) for part in frozen_parts(model).values()} for model in (proxy, target))
    return describe(proxy) == describe(target) and parts == others
