"""The scikit-learn face of the networks that `sksvp.training` trains."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, column_or_1d
from torch import Tensor, nn

from .._device import resolve_device, resolve_precision, warn_if_emulated
from ..training import (
    Read,
    Rows,
    Team,
    Trainer,
    TrainingNet,
    TrainingView,
    check_net_params,
    check_schedule,
    is_slow_to_read,
    join_team,
    score_rows,
    training_folder,
)
from ._class_weights import class_weights
from ._classifier import Classifier, ScoresOfLogits


class TorchClassifier(ScoresOfLogits, Classifier):
    """Base of the classifiers by neural networks: a `Trainer` trains them, in `fit` and `partial_fit`.

    A child says what its rows are (`_validate`, `_reader`), how a batch enters the
    network (`_training_view`, `_clean_view`) and which network it is (`_build_module`).

    Parameters
    ----------
    max_epochs : int
        Passes over the rows.
    lr : float
        Full learning rate; the factors of the schedule multiply it.
    scale_lr : bool
        Whether `lr` changes in proportion to `batch_size`.
    schedule : str or sequence of (epochs, factor)
        Piecewise-constant learning rate, scaled to `max_epochs`: a name as in
        `ResNetClassifier`, or the segments themselves.
    momentum : float
        Of the gradient descent.
    weight_decay : float
        On all weights.
    label_smoothing : float
        Share of the target spread over all classes.
    batch_size : int
        Rows of a training batch; the last, smaller one is kept.
    precision : {"auto", "fp32", "bf16"}
        Of the training; "auto" takes bfloat16 where the hardware multiplies it.
        Scores are computed in float32 always.
    distributed : bool
        Whether all processes that ``torchrun`` or ``accelerate launch`` started train
        this one network together, each on its own GPU and its own share of every
        batch of `batch_size` rows. All get the same X and y, and the same fitted classifier.
    net_params : dict
        Further parameters of the skorch net: `callbacks`, `optimizer`,
        `optimizer__nesterov`, `compile`, ...
    checkpoint : path-like
        Folder below which a training is kept every `checkpoint_every` epochs, in a
        folder of its own. The same `fit`, after whatever ended the process, goes on from
        there (on a CPU to the same bits), and that of a finished training returns at
        once. States of the user's own callbacks are not kept.
    checkpoint_every : int
        Epochs between two checkpoints.
    random_state : int, RandomState instance or None
        Weights and order of the rows.

    Attributes
    ----------
    net_ : skorch.NeuralNetClassifier
        The trained net; its `history` has loss, accuracy and seconds of each epoch.
    forgetting_events_ : ndarray of shape (n_samples,), float64
        How often each training row turned from right to wrong, inf where it
        never was right; counted in `fit` before each batch's update.
    """

    _parameter_constraints: dict = {
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "schedule": [str, list, tuple],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "fp32", "bf16"})],
        "distributed": ["boolean"],
        "net_params": [dict, None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Rows of the batch that `lr` is given for, where `scale_lr` is a parameter.
    _reference_batch: int | None = None
    # Whether a step of gradient descent is worth counting beside the gradients.
    _has_large_layers = False
    # Whether the network does the same with every batch of one shape, see `TrainingNet`.
    _records_steps = True
    # See `watch_epochs`.
    _watch: Callable[[Callable], bool] | None = None

    # What a child provides ------------------------------------------------------------------

    def _reader(self, X) -> Callable[[np.ndarray], Tensor]:
        """Return ``read(indices)``, which cuts the raw batch of those rows from a checked X."""
        raise NotImplementedError(type(self).__name__)

    def _reader_anew(self, X) -> Callable[[int], Read] | None:
        """Return ``read_anew(seed)`` of `Rows` where an epoch reads other raw batches than scoring does."""
        return None

    def _training_view(self, X, random_state: np.random.RandomState) -> TrainingView:
        """Return ``view(batch, visit)``, which augments a raw batch and makes it the module's input.

        One function serves one training, on the rows of X.
        """
        raise NotImplementedError(type(self).__name__)

    def _clean_view(self, batch: Tensor) -> Tensor:
        """Make a raw batch the module's input, without any augmentation."""
        raise NotImplementedError(type(self).__name__)

    def _build_module(self, n_classes: int) -> nn.Module:
        """Build the network with fresh weights from torch's generator."""
        raise NotImplementedError(type(self).__name__)

    def _start_module(self, module: Any, rows: Rows, random_state: np.random.RandomState) -> None:
        """Give a fresh network what it takes from the training rows: nothing, unless a child says so."""

    @property
    def _base_lr(self) -> float:
        """The full learning rate, which the schedule's factors multiply."""
        scales = self._reference_batch is not None and self.scale_lr
        return self.lr * self.batch_size / self._reference_batch if scales else self.lr

    def _sgd_params(self) -> dict[str, Any]:
        """Return the options of stochastic gradient descent; another optimizer gets those it knows by name."""
        return {"momentum": self.momentum, "weight_decay": self.weight_decay}

    # Training -------------------------------------------------------------------------------

    def fit(self, X, y):
        """Train the network from fresh weights.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Training rows.
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            For fewer than two classes, X and y of different length, NaN or
            infinity, or a target that is not a single class label a row.
        """
        self.check_params()
        # A fit that fails or is interrupted leaves no fitted estimator behind.
        self.__dict__.pop("net_", None)
        X, y = self._check_training(X, y, reset=True)
        encoded = self._learn_classes(y)
        trainer = self._trainer(join_team(self.distributed, self.device), encoded)
        trainer.check_same(X, encoded)
        keep = partial(training_folder, self.checkpoint, self, X, encoded, self._watch)
        with trainer.keeping(None if self.checkpoint is None else keep):
            net = self._new_net(trainer, X)
            trainer.train(net, self._rows(X), encoded, self._training_view(X, net.batch_state_))
        last_loss = net.history[-1, "train_loss"]
        if not np.isfinite(last_loss):
            self._warn_of_divergence(f"its last loss is {last_loss}")
        elif not net.is_finite():
            self._warn_of_divergence("not all its weights are finite")
        self.net_ = net
        self.forgetting_events_ = trainer.counter.counter.events()
        self._earlier_seconds = trainer.earlier_seconds
        return self

    def partial_fit(self, X, y, classes=None):
        """Train the network for one epoch more on the given rows, at the constant rate `lr`.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Rows of this call; those of the first call fix the normalisation.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed at the first call.

        Returns
        -------
        self : object
        """
        self.check_params()
        first = not hasattr(self, "net_")
        if first and classes is None:
            raise ValueError("classes must be given at the first call of partial_fit.")
        X, y = self._check_training(X, y, reset=first)
        if first:
            self.classes_ = np.unique(column_or_1d(classes))
            if len(self.classes_) < 2:
                raise ValueError(f"classes must name at least two classes, got {self.classes_!r}.")
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes!r} differ from those of the first call, {self.classes_!r}.")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has labels that are not in classes: {unknown[:5]!r}.")
        encoded = np.searchsorted(self.classes_, y)
        trainer = self._trainer(
            join_team(self.distributed, self.device), encoded, schedule="constant", epochs=1
        )
        trainer.check_same(X, encoded)
        net = self._new_net(trainer, X) if first else self.net_
        trainer.train(net, self._rows(X), encoded, self._training_view(X, net.batch_state_))
        self.net_ = net
        return self

    def check_params(self) -> None:
        """Check the parameters alone, as `fit` does first, before any data is there.

        Raises
        ------
        ValueError
            Naming the parameter, what came and what is accepted.
        """
        self._validate_params()
        check_schedule(self.schedule)
        device = resolve_device(self.device)
        resolve_precision(self.precision, device)
        warn_if_emulated(self.precision, device)
        check_net_params(self.net_params)

    def _trainer(self, team: Team, encoded: np.ndarray | None = None, **changed: Any) -> Trainer:
        """Make the trainer of this call from the parameters as they are, but for those that are changed."""
        weights = None
        if encoded is not None and self.class_weight is not None:
            weights = class_weights(self.class_weight, self.classes_, encoded)
        params = self.get_params(deep=False)
        # What a trainer calls by the same name.
        shared = {name: params[name] for name in Trainer.__dataclass_fields__.keys() & params.keys()}
        return Trainer(
            **{"epochs": self.max_epochs, **shared, **changed},
            name=type(self).__name__,
            team=team,
            full_lr=self._base_lr,
            sgd=self._sgd_params(),
            class_weights=weights,
            watch=self._watch,
            has_large_layers=self._has_large_layers,
            records_steps=self._records_steps,
        )

    def _new_net(self, trainer: Trainer, X) -> TrainingNet:
        """Build the net of a first training."""
        self._params_of_fit = self.get_params(deep=False)
        net = trainer.build_net(self._build_module, len(self.classes_), check_random_state(self.random_state))
        self._start_module(net.module_, self._rows(X), net.batch_state_)
        return net

    @contextmanager
    def watch_epochs(self, watch: Callable[[Callable], bool]) -> Iterator[None]:
        """Have trainings within the block looked at after each epoch, and ended early where it says so.

        Parameters
        ----------
        watch : callable
            ``watch(gather) -> bool``, where ``gather(kind, rows)`` returns evidence
            of training rows as the network is by now, on the clean view: a dict of
            ``"logits"``, ``"features"`` or ``"forgetting_events"``.
        """
        self._watch = watch
        try:
            yield
        finally:
            del self._watch

    # Scoring --------------------------------------------------------------------------------

    def predict_logits(self, X) -> np.ndarray:
        """Compute the raw outputs of the network, in float32 whatever the training's precision.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Rows of the form that was fitted.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
        """
        return self._score(X, "logits")

    def transform(self, X) -> np.ndarray:
        """Compute the final hidden features.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Rows of the form that was fitted.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            Input of the network's last layer.
        """
        return self._score(X, "features")

    def _score(self, X, kind: str) -> np.ndarray:
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return score_rows(self.net_, self._rows(X), np.arange(len(X)), kind, batch_size=self.batch_size)

    def _rows(self, X) -> Rows:
        return Rows(len(X), self._reader(X), self._clean_view, is_slow_to_read(X), self._reader_anew(X))

    @property
    def _n_features_out(self) -> int:
        return self.net_.n_features

    @property
    def history_(self):
        """skorch's history of the training: a list of dicts, one an epoch."""
        check_is_fitted(self)
        return self.net_.history

    # Persistence ----------------------------------------------------------------------------

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.contiguous().cpu() for name, tensor in self.net_.module_.state_dict().items()}

    def _restore_network(self, form, weights: dict[str, Tensor], *, device: str) -> None:
        self.device = device
        self.format_ = form
        trainer = self._trainer(Team(device))
        net = trainer.build_net(self._build_module, len(self.classes_), np.random.RandomState(0))
        net.module_.load_state_dict(weights)
        self._params_of_fit = self.get_params(deep=False)
        self.net_ = net

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")
