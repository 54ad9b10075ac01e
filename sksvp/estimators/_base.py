"""The scikit-learn face of the networks that `sksvp.training` trains."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from .._device import resolve_device, resolve_precision, warn_if_emulated
from .._epoch_tests import epoch_tests, less_tests
from .._inputs._labels import check_labels
from .._inputs._parameters import RealNumber, WholeNumber
from .._inputs._paths import as_path
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
    validation_data,
)
from ._class_weights import check_class_weight, class_weights
from ._classifier import LARGEST, MOST_EPOCHS, Classifier, ScoresOfLogits
from ._epoch_rows import EpochRows
from ._observed import Observed


class TorchClassifier(Observed, EpochRows, ScoresOfLogits, Classifier):
    """Base of the neural networks: a `Trainer` trains them, in `fit` and `partial_fit`.

    A child defines its rows (`_validate`, `_reader`), how a batch becomes the input of
    the network (`_training_view`, `_clean_view`), and the network (`_build_module`).

    Parameters
    ----------
    max_epochs : int
        Number of passes over the rows.
    lr : float
        Full learning rate; the factors of the schedule multiply it.
    scale_lr : bool
        Whether `lr` changes in proportion to `batch_size`.
    schedule : str or sequence of (epochs, factor)
        Piecewise-constant learning rate, scaled to `max_epochs`: a name as in
        `ResNetClassifier`, or the segments themselves. ``"NAME:EPOCHS"`` is scaled to
        so many epochs, of which the training has the first `max_epochs`.
    momentum : float
        Momentum of stochastic gradient descent.
    weight_decay : float
        Weight decay of all weights.
    label_smoothing : float
        Share of the target that is spread over all classes.
    batch_size : int
        Number of rows of a training batch; the last, smaller batch is kept.
    precision : {"auto", "fp32", "bf16"}
        Precision of the training. "auto" uses bfloat16 if the hardware multiplies
        it faster than float32: GPUs, ARM CPUs with such arithmetic, and x86 CPUs
        with AMX. Scores are always computed in float32.
    distributed : bool
        Whether all processes that ``torchrun`` or ``accelerate launch`` started train
        this network together, each on its own GPU and its own share of every batch
        of `batch_size` rows. All are given the same X and y and end with the same
        fitted classifier.
    net_params : dict
        Further parameters of the skorch net: `callbacks`, `optimizer`,
        `optimizer__nesterov`, `compile`, ...
    checkpoint : path-like
        Folder below which the state of a training is kept every `checkpoint_every`
        epochs, in a folder of its own. If the process ends, the same call of `fit`
        continues from there, on a CPU to the same bits. For a finished training it
        returns at once. The states of the user's callbacks are not kept.
    checkpoint_every : int
        Number of epochs between two checkpoints.
    random_state : int, RandomState instance or None
        Seed of the weights and of the order of the rows.

    Attributes
    ----------
    net_ : skorch.NeuralNetClassifier
        The trained net.
    history_ : skorch.history.History
        Loss, accuracy and seconds of each epoch.
    """

    _parameter_constraints: dict = {
        "max_epochs": [WholeNumber(1, MOST_EPOCHS)],
        "lr": [RealNumber(0, None, closed="neither")],
        "momentum": [RealNumber(0, 1, closed="left")],
        "weight_decay": [RealNumber(0, None, closed="left")],
        "label_smoothing": [RealNumber(0, 1, closed="left")],
        "schedule": [str, list, tuple],
        "batch_size": [WholeNumber(2, LARGEST)],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "fp32", "bf16"})],
        "distributed": ["boolean"],
        "net_params": [dict, None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [WholeNumber(1, LARGEST)],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Size of the batch that `lr` is meant for, if `scale_lr` is a parameter.
    _reference_batch: int | None = None
    # Whether the update of the weights takes a noticeable part of a step.
    _has_large_layers = False
    # See `TrainingNet`.
    _records_steps = True

    # What a child provides ------------------------------------------------------------------

    def _reader(self, X) -> Callable[[np.ndarray], Tensor]:
        """Return ``read(indices)``, which cuts the raw batch of those rows from a checked X."""
        raise NotImplementedError(type(self).__name__)

    def _reader_anew(self, X) -> Callable[[int], Read] | None:
        """Return ``read_anew(seed)`` of `Rows` if every epoch reads other raw batches."""
        return None

    def _training_view(self, X, random_state: np.random.RandomState) -> TrainingView:
        """Return ``view(batch, visit)`` for one training: it augments a raw batch into the module's input."""
        raise NotImplementedError(type(self).__name__)

    def _clean_view(self, batch: Tensor) -> Tensor:
        """Convert a raw batch into the module's input, without any augmentation."""
        raise NotImplementedError(type(self).__name__)

    def _build_module(self, n_classes: int) -> nn.Module:
        """Build the network with fresh weights from torch's generator."""
        raise NotImplementedError(type(self).__name__)

    def _start_module(self, module: Any, rows: Rows, random_state: np.random.RandomState) -> None:
        """Set what a new network computes from the training rows; nothing by default."""

    @property
    def _base_lr(self) -> float:
        """The learning rate that the factors of the schedule multiply."""
        scales = self._reference_batch is not None and self.scale_lr
        return self.lr * self.batch_size / self._reference_batch if scales else self.lr

    def _sgd_params(self) -> dict[str, Any]:
        """Return the options of the optimizer; one that is not SGD gets those it knows by name."""
        return {"momentum": float(self.momentum), "weight_decay": float(self.weight_decay)}

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
        keep = None
        if self.checkpoint is not None:
            root = as_path(self.checkpoint, "checkpoint")
            keep = partial(training_folder, root, self, X, encoded, self._watch)
        with trainer.keeping(keep):
            net = self._new_net(trainer, X)
            view = self._training_view(X, net.batch_state_)
            trainer.train(net, self._rows(X), encoded, view, self._validation(), self._tests())
        # The user may have removed skorch's callback that records the loss.
        last_loss = net.history[-1].get("train_loss", 0.0)
        if not np.isfinite(last_loss):
            self._warn_of_divergence(f"its last loss is {last_loss}")
        elif not net.is_finite():
            self._warn_of_divergence("not all its weights are finite")
        self.net_ = net
        self.records_ = {name: recorder.result() for name, recorder in trainer.recorders.items()}
        self._earlier_seconds = less_tests(trainer.earlier_seconds, net.history)
        return self

    def partial_fit(self, X, y, classes=None):
        """Train the network for one more epoch on the given rows, at the constant rate `lr`.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Rows of this call. The rows of the first call determine the normalisation.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that may occur in any call; needed at the first call.

        Returns
        -------
        self : object
        """
        self.check_params()
        first = not hasattr(self, "net_")
        if first and classes is None:
            raise ValueError("classes must be given at the first call of partial_fit.")
        if classes is not None:
            classes = _read_classes(classes)
        X, y = self._check_training(X, y, reset=first)
        if first:
            self.classes_ = classes
            if len(self.classes_) < 2:
                raise ValueError(f"classes must name at least two classes, got {self.classes_!r}.")
        elif classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(f"classes={classes!r} differ from those of the first call, {self.classes_!r}.")
        encoded = self._encode(y, "y")
        trainer = self._trainer(
            join_team(self.distributed, self.device), encoded, schedule="constant", epochs=1
        )
        trainer.check_same(X, encoded)
        net = self._new_net(trainer, X) if first else self.net_
        view = self._training_view(X, net.batch_state_)
        trainer.train(net, self._rows(X), encoded, view, self._validation())
        self.net_ = net
        return self

    def check_params(self) -> None:
        """Check the parameters, as `fit` does before it reads the data.

        Raises
        ------
        ValueError
            If a parameter is invalid. The message names it.
        """
        self._validate_params()
        check_schedule(self.schedule, self.max_epochs)
        device = resolve_device(self.device)
        resolve_precision(self.precision, device)
        warn_if_emulated(self.precision, device)
        check_net_params(self.net_params)
        if self.net_params:
            # skorch checks its parameters when a net is built. The user's callbacks are not started for that.
            checked = {
                name: value for name, value in self.net_params.items() if not name.startswith("callbacks")
            }
            trainer = self._trainer(Team("cpu"), net_params=checked)
            trainer.build_net(partial(nn.Linear, 1), 2, np.random.RandomState(0))
        check_class_weight(self.class_weight)
        if self.checkpoint is not None:
            as_path(self.checkpoint, "checkpoint")

    def _trainer(self, team: Team, encoded: np.ndarray | None = None, **changed: Any) -> Trainer:
        """Create the trainer of this call from the parameters, some of which may be `changed`."""
        weights = None
        if encoded is not None and self.class_weight is not None:
            weights = class_weights(self.class_weight, self.classes_, encoded)
        params = self.get_params(deep=False)
        # Parameters that the trainer has under the same name.
        shared = {name: params[name] for name in Trainer.__dataclass_fields__.keys() & params.keys()}
        return Trainer(
            **{"epochs": self.max_epochs, **shared, **changed},
            name=type(self).__name__,
            team=team,
            full_lr=self._base_lr,
            sgd=self._sgd_params(),
            class_weights=weights,
            recorder_names=self._recorder_names,
            watch=self._watch,
            has_large_layers=self._has_large_layers,
            records_steps=self._records_steps,
            epoch_rows=None if encoded is None else self._rows_per_epoch(len(encoded)),
        )

    def _validation(self) -> tuple[Rows, np.ndarray] | None:
        """Return the rows and encoded labels of the validation, if `net_params` has one."""
        data = validation_data(self.net_params)
        if data is None:
            return None
        X = self._validate(data[0], reset=False)
        y = check_labels(data[1])
        return self._rows(X), self._encode(y, "net_params['train_split']: y")

    def _tests(self) -> tuple[Rows, np.ndarray] | None:
        """Return the test rows of `measuring_test_error`, and their labels as numbers; -1 for one that is no class."""
        data = epoch_tests()
        if data is None:
            return None
        X, y = data
        numbers = {label: number for number, label in enumerate(self.classes_.tolist())}
        encoded = np.array([numbers.get(label, -1) for label in y.tolist()])
        return self._rows(self._validate(X, reset=False)), encoded

    def _new_net(self, trainer: Trainer, X) -> TrainingNet:
        """Build the net of a first training."""
        self._params_of_fit = self.get_params(deep=False)
        net = trainer.build_net(self._build_module, len(self.classes_), check_random_state(self.random_state))
        self._start_module(net.module_, self._rows(X), net.batch_state_)
        return net

    # Scoring --------------------------------------------------------------------------------

    def predict_logits(self, X) -> np.ndarray:
        """Compute the raw outputs of the network, in float32 for every precision of the training.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Rows of the same form as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
        """
        return self._score(X, "logits")["logits"]

    def transform(self, X) -> np.ndarray:
        """Compute the final hidden features.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Rows of the same form as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            Input of the network's last layer.
        """
        return self._score(X, "features")["features"]

    def predict_outputs(self, X) -> tuple[np.ndarray, np.ndarray]:
        """Compute the logits and the features in one forward pass; see `predict_logits` and `transform`.

        Parameters
        ----------
        X : array-like or lazy rows of length n_samples
            Rows of the same form as in `fit`.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), float32
            As of `predict_logits`.
        features : ndarray of shape (n_samples, n_features), float32
            As of `transform`.
        """
        scores = self._score(X, "logits", "features")
        return scores["logits"], scores["features"]

    def _score(self, X, *kinds: str) -> dict[str, np.ndarray]:
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return score_rows(self.net_, self._rows(X), np.arange(len(X)), kinds, batch_size=self.batch_size)

    def _rows(self, X) -> Rows:
        return Rows(len(X), self._reader(X), self._clean_view, is_slow_to_read(X), self._reader_anew(X))

    @property
    def _n_features_out(self) -> int:
        return self.net_.n_features

    @property
    def history_(self):
        """History of the training, as skorch keeps it: a list of dicts, one for each epoch."""
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


def _read_classes(classes: Any) -> np.ndarray:
    """Return the classes that `partial_fit` was given, sorted."""
    try:
        return np.unique(check_labels(classes))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"classes must be the labels of all classes, got {classes!r:.80}: {error}"
        ) from error
