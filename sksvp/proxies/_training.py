"""How a model is trained as a proxy."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from .._interrupt import heeding_ctrl_c
from .._seeds import own_seed, set_random_states
from ._checks import CheckedModel
from ._pipelines import replace_classifier
from ._torch_seed import holds_skorch_net, training_torch

# ``gather(requires, rows)`` returns evidence of training rows, as arrays by name, as the model is by now.
Gather = Callable[[tuple[str, ...], np.ndarray], dict[str, np.ndarray]]
# Asked after each epoch; True ends the training.
Watch = Callable[[Gather], bool]


@dataclass(frozen=True)
class Training:
    """How a clone of a proxy is trained; the parameters of `Proxy.train`."""

    recorders: tuple[str, ...]
    seed: int | None
    fit_params: dict
    watch: Watch | None


class TrainableModel(CheckedModel):
    """A model of which clones are trained."""

    @property
    def max_epochs(self) -> int:
        """Epochs of a whole training."""
        return int(self.classifier.max_epochs)

    def epochs_trained(self, n_watched: int) -> int:
        """Return the number of epochs of a finished training: by its own history, else those that were watched.

        A callback can end a training within an epoch, or before the watch is asked.

        Parameters
        ----------
        n_watched : int
            Epochs that were watched.

        Returns
        -------
        int
            Epochs of the training.
        """
        return n_watched

    def seeded(self, random_state: int | None) -> Self:
        """Return a clone in which every random state that the user left open is seeded.

        Parameters
        ----------
        random_state : int or None
            Seed; None leaves all as it is.

        Returns
        -------
        Proxy
            Not yet fitted.
        """
        seeded: Any = clone(self.estimator)
        if not isinstance(seeded, FrozenEstimator):
            set_random_states(seeded, random_state)
        return type(self)(seeded)

    def training_seed(self, random_state: int | None) -> int | None:
        """Return the seed of what a training draws besides: the classifier's own `random_state`, or this one.

        Parameters
        ----------
        random_state : int or None
            Seed of a proxy that has none of its own.

        Returns
        -------
        int or None
            The seed.
        """
        seed = own_seed(self.classifier)
        return random_state if seed is None else seed

    def draws_seed(self, recorders: Iterable[str]) -> bool:
        """Tell whether a training draws random numbers beyond the random states among the parameters.

        Parameters
        ----------
        recorders : iterable of str
            Names of the recorders of the training.

        Returns
        -------
        bool
            Whether it needs a seed besides.
        """
        return holds_skorch_net(self.estimator)

    def way(self, recorders: Iterable[str]) -> tuple:
        """Name how the proxy is trained, for a cache: different ways give different models.

        Parameters
        ----------
        recorders : iterable of str
            Names of the recorders of the training.

        Returns
        -------
        tuple
            Plain values.
        """
        return ("fit",)

    def describe_training(self, requires: Iterable[str]) -> str:
        """Say, without a full stop, why a training that gives such evidence takes long, "" if it does not.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Returns
        -------
        str
            The reason, for a message.
        """
        return ""

    def train(
        self,
        X: Any,
        y: np.ndarray | None,
        *,
        recorders: Iterable[str] = (),
        random_state: int | None = None,
        fit_params: dict | None = None,
        watch: Watch | None = None,
        start: Self | None = None,
    ) -> Self:
        """Train a clone.

        Parameters
        ----------
        X : rows of length n
            Training rows, handed on untouched.
        y : ndarray of shape (n,) or None
            Labels. A model that takes class numbers only gets the labels numbered. A
            frozen proxy needs none.
        recorders : iterable of str
            Names of the recorders that see each visit, out of `recorders`.
        random_state : int or None
            Seeds every random state inside the proxy that is None, the weights and
            batches of a skorch net (inside a forked generator) and the order of
            mini-batches. None seeds nothing.
        fit_params : dict, optional
            Handed to the proxy's `fit`.
        watch : callable, optional
            Asked after each epoch whether the training may end; for proxies that
            pass `check_watchable`.
        start : Proxy, optional
            Proxy that was trained on the same classes. The training goes on from its
            weights and leaves it as it is. Steps before the classifier are fitted anew.

        Returns
        -------
        Proxy
            Fitted. A frozen one is used as it was fitted.

        Raises
        ------
        ValueError
            For a skorch net whose rows cannot be followed through its iterator.

        Warns
        -----
        UserWarning
            If a skorch net's `train_split` had to be switched off.
        """
        trained = self.seeded(random_state)
        trained.classes = None if y is None else np.unique(y)
        seed = trained.training_seed(random_state)
        training = Training(trained._records_of(recorders), seed, fit_params or {}, watch)
        start = None if trained.is_frozen else start
        with heeding_ctrl_c(), training_torch(trained.estimator, seed), trained._starting_from(start):
            trained.records = trained._fit(X, y, training)
        return trained

    def fit_as_given(self, X: Any, y: np.ndarray, fit_params: dict) -> None:
        """Fit the estimator itself, with nothing seeded or switched off.

        Parameters
        ----------
        X : rows of length n
            Training rows.
        y : ndarray of shape (n,)
            Their labels.
        fit_params : dict
            Parameters of `fit`.
        """
        with heeding_ctrl_c(), training_torch(self.estimator, None):
            self.estimator.fit(X, self.encode(y), **fit_params)

    def _fit(self, X: Any, y: Any, training: Training) -> Mapping[str, np.ndarray]:
        """Fit in place and return the results of the recorders that saw the training."""
        self.estimator.fit(X, self.encode(y), **training.fit_params)
        return {}

    @contextmanager
    def _starting_from(self, start: Self | None) -> Iterator[None]:
        """Let `_fit` begin with the weights of another proxy, if there is one."""
        if start is not None:
            former = copy.deepcopy(start.classifier).set_params(warm_start=True)
            self.estimator = replace_classifier(self.estimator, former)
        yield
