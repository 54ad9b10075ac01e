"""The scikit-learn face over a skorch net that all our classifiers share."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d
from torch import Tensor, nn

from .._device import resolve_device, resolve_precision, warn_if_emulated
from .._inputs._missing import check_complete
from .._storage._checkpoint import Checkpoint
from .._storage._fingerprint import fingerprint
from ..training._batches import TrainingRows, TrainingView, Visit, batch_bounds
from ..training._callbacks import AskAfterEpoch, CountForgetting, EndAsAsked, EpochBar, SetLearningRate
from ..training._fused_sgd import FusedSGD
from ..training._net import Callbacks, TrainingNet, check_net_params, for_optimizer, without_train_split
from ..training._out_of_memory import first_with_room, is_out_of_memory
from ..training._resume import KeepCheckpoint, TrainingCheckpoint, training_folder
from ..training._row_source import is_slow_to_read
from ..training._schedule import Schedule, batch_factors, check_schedule
from ..training._scoring import score_rows
from ..training._seeding import seeded_torch
from ..training._team import Team, join_team
from ..training._unsafe_bf16 import has_unsafe_convolution
from ._class_weights import class_weights
from ._persistence import load_classifier, save_classifier

_MAX_SEED = 2**31 - 1
# What our own parameters say to skorch; net_params has the rest.
_OWNED = (
    "module",
    "max_epochs",
    "lr",
    "batch_size",
    "device",
    "verbose",
    "iterator_train",
    "criterion",
    "warm_start",
    "classes",
    "autocast_dtype",
    "records_steps",
)


class TorchClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator):
    """Base of the classifiers: builds a skorch net in `fit`, trains it and scores in batches.

    A child says what its rows are (`_learn_format`, `_read_rows`), how a batch
    enters the network (`_prepare_training`, `_prepare_clean`) and which network
    it is (`_build_module`).
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

    # The dataclass of what `_validate` learns of the training rows, kept as `format_`.
    _format_type: type
    # Whether a step of gradient descent is worth counting beside the gradients.
    _has_large_layers = False
    # Whether the network does the same with every batch of one shape, see `TrainingNet`.
    _records_steps = True
    # See `watch_epochs`.
    _watch: Callable[[Callable], bool] | None = None

    @property
    def _base_lr(self) -> float:
        """The full learning rate, which the schedule's factors multiply."""
        return self.lr

    # What a child provides ------------------------------------------------------------------

    def _validate(self, X, *, reset: bool):
        """Check X; on `reset` learn its form, else hold it against the form of the training."""
        raise NotImplementedError(type(self).__name__)

    def _reader(self, X) -> Callable[[np.ndarray], Tensor]:
        """Return ``read(indices)``, which cuts the raw batch of those rows from a checked X."""
        raise NotImplementedError(type(self).__name__)

    def _training_view(self, n_rows: int) -> TrainingView:
        """Return ``view(batch, visit)``, which augments a raw batch and makes it the module's input.

        One function serves one training, of `n_rows` rows.
        """
        raise NotImplementedError(type(self).__name__)

    def _clean_view(self, batch: Tensor) -> Tensor:
        """Make a raw batch the module's input, without any augmentation."""
        raise NotImplementedError(type(self).__name__)

    def _build_module(self, n_classes: int) -> nn.Module:
        """Build the network with fresh weights from torch's generator."""
        raise NotImplementedError(type(self).__name__)

    def _start_module(self, module, X) -> None:
        """Give a fresh network what it takes from the training rows: nothing, unless a child says so."""

    def _optimizer_params(self) -> dict:
        """Return what goes to skorch for gradient descent; of it another optimizer gets what it knows by name."""
        # A GPU launches one kernel for all parameters then.
        fused = self._has_large_layers or self.device_.type == "cuda"
        return {
            "optimizer": FusedSGD if fused and self.device_.type in ("cpu", "cuda") else torch.optim.SGD,
            "optimizer__momentum": self.momentum,
            "optimizer__weight_decay": self.weight_decay,
        }

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
        for name in ("net_", "_earlier_seconds"):
            self.__dict__.pop(name, None)
        X, y = self._check_training(X, y, reset=True)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes in y, got one class: {self.classes_.tolist()[0]!r}."
            )
        team = join_team(self.distributed, self.device)
        self._check_same(team, X, encoded)
        counter = CountForgetting(len(encoded), team)
        with self._open_checkpoint(X, encoded, team) as folder:
            net = self._build_net(check_random_state(self.random_state), team)
            self._start_module(net.module_, X)
            self._train(
                net,
                X,
                encoded,
                schedule=self.schedule,
                epochs=self.max_epochs,
                counter=counter,
                folder=folder,
                is_kept=self.checkpoint is not None,
            )
        last_loss = net.history[-1, "train_loss"]
        if not (np.isfinite(last_loss) and _is_finite(net.network)):
            told = (
                "not all its weights are finite"
                if np.isfinite(last_loss)
                else f"its last loss is {last_loss}"
            )
            warnings.warn(
                f"The training of {type(self).__name__} diverged: {told}. Lower lr={self.lr!r}.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.net_ = net
        self.forgetting_events_ = counter.counter.events()
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
        team = join_team(self.distributed, self.device)
        first = not hasattr(self, "net_")
        if first and classes is None:
            raise ValueError("classes must be given at the first call of partial_fit.")
        X, y = self._check_training(X, y, reset=first)
        if first:
            self.classes_ = np.unique(column_or_1d(classes))
            if len(self.classes_) < 2:
                raise ValueError(f"classes must name at least two classes, got {self.classes_!r}.")
            net = self._build_net(check_random_state(self.random_state), team)
            self._start_module(net.module_, X)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes!r} differ from those of the first call, {self.classes_!r}.")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has labels that are not in classes: {unknown[:5]!r}.")
        encoded = np.searchsorted(self.classes_, y)
        if not first:
            net = self.net_
            if team.size > 1 and torch.device(net.device) != team.device:
                raise ValueError(
                    f"distributed=True: the classifier lies on {net.device}, and this process trains on {team.device}."
                )
        self._check_same(team, X, encoded)
        counter = CountForgetting(len(encoded), team)
        self._train(net, X, encoded, schedule="constant", epochs=1, counter=counter)
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
        check_net_params(self.net_params, _OWNED)

    def _check_training(self, X, y, *, reset: bool):
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        X = self._validate(X, reset=reset)
        y = column_or_1d(y, warn=True)
        check_complete(y)
        check_classification_targets(y)
        if len(X) != len(y):
            raise ValueError(f"X and y must have the same number of rows, got {len(X)} and {len(y)}.")
        if len(X) < 2:
            raise ValueError(f"X needs at least two rows to train on, got {len(X)} sample.")
        return X, y

    def _build_net(self, random_state: np.random.RandomState, team: Team) -> TrainingNet:
        """Build the net with seeded weights, without touching torch's global generator."""
        self.device_ = team.device
        self._params_of_fit = self.get_params(deep=False)
        if team.size > 1:
            # Without a seed the processes would begin apart.
            random_state = np.random.RandomState(team.share(random_state.randint(_MAX_SEED)))
        self._batch_state = np.random.RandomState(random_state.randint(_MAX_SEED))
        net_params = without_train_split(self.net_params)
        callbacks = net_params.pop("callbacks", None)
        # skorch's word for none. Those that train are not the user's.
        callbacks = [] if callbacks in (None, "disable") else list(callbacks)
        with seeded_torch(random_state.randint(_MAX_SEED), self.device_, alone=True):
            module = self._build_module(len(self.classes_))
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # no stub of torch has it
            self._n_features_out = int(module.n_features)  # type: ignore[arg-type]
            net = TrainingNet(
                module,
                **{
                    **for_optimizer(self._optimizer_params(), net_params),
                    "criterion": nn.CrossEntropyLoss,
                    "criterion__label_smoothing": self.label_smoothing,
                    "callbacks__valid_acc": None,
                    "callbacks__print_log": None,
                    **net_params,
                },
                lr=self.lr,
                max_epochs=self.max_epochs,
                batch_size=self.batch_size,
                train_split=None,
                classes=np.arange(len(self.classes_)),
                autocast_dtype=resolve_precision(self.precision, self.device_),
                records_steps=self._records_steps,
                device=str(self.device_),
                verbose=0,
                callbacks=callbacks,
            )
            return net.initialize()

    def _train(
        self,
        net: TrainingNet,
        X,
        y: np.ndarray,
        *,
        schedule: Schedule,
        epochs: int,
        counter: CountForgetting,
        folder: Checkpoint | None = None,
        is_kept: bool = False,
    ) -> None:
        team = counter.team
        if min(len(y), self.batch_size) < 2 * team.size:
            raise ValueError(
                f"distributed=True: {team.size} processes need at least {2 * team.size} rows in X and in a batch, got "
                f"{len(y)} and batch_size={self.batch_size}."
            )
        # Of a net that is trained further, the first call's may be another.
        net.batch_size = self.batch_size
        net.criterion_.weight = None
        if self.class_weight is not None:
            weights = class_weights(self.class_weight, self.classes_, y)
            net.criterion_.weight = torch.from_numpy(weights).to(self.device_)
        n_batches = len(batch_bounds(len(y), self.batch_size, least=2 * team.size))
        rates = [self._base_lr * factor for factor in batch_factors(schedule, epochs, n_batches)]
        # What the user's callbacks find done, and what is done when they have had their say.
        scheduled = SetLearningRate(rates, n_batches)
        first: Callbacks = [("count_forgetting", counter), ("learning_rate", scheduled)]
        last: Callbacks = []
        if self.verbose and team.rank == 0:
            last.append(("bar", EpochBar(type(self).__name__)))
        self._avoid_unsafe_bf16(net, X)
        if self._watch is not None:
            asked = AskAfterEpoch(partial(self._ask_watch, X=X, counter=counter))
            first.append(("watch", asked))
            last.append(("end", EndAsAsked(asked)))
        batches: dict[str, Any] = {
            "random_state": self._batch_state,
            "prepare": self._training_view(len(y)),
            "device": self.device_,
        }
        rows = TrainingRows(self._reader(X), y, is_slow=is_slow_to_read(X))
        with seeded_torch(self._batch_state.randint(_MAX_SEED), self.device_):
            if is_kept:
                recorders = {"forgetting_events": counter.counter}
                state = TrainingCheckpoint(folder, net, recorders, self._batch_state, self._watch, team)
                ended = state.restore()
                self._earlier_seconds = state.earlier_seconds
                if ended:
                    return
                last.append(("checkpoint", KeepCheckpoint(state, self.checkpoint_every)))
                epochs -= len(net.history)
                if state.has_groups:
                    scheduled.go_on_after(len(net.history))
            try:
                net.train_epochs(rows, epochs=epochs, first=first, last=last, batches=batches, team=team)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            else:
                if is_kept:
                    state.save(ended=True)
                return
            # Outside of the handler, which holds what the failed batch took.
            raise self._no_room(net, rows, batches["prepare"], team)

    def _avoid_unsafe_bf16(self, net: TrainingNet, X) -> None:
        """Train in float32 where bfloat16 would give gradients of random memory."""
        if not net.trains_in_bf16_on_cpu():
            return
        if not has_unsafe_convolution(net.module_, self._clean_view(self._reader(X)(np.arange(2)))):
            return
        if self.precision == "bf16":
            warnings.warn(
                "precision='bf16' is not safe for maps as small as those of these images on a CPU, where some "
                "gradients would be random memory: this training runs in float32.",
                UserWarning,
                stacklevel=4,
            )
        net.autocast_dtype = torch.float32

    def _no_room(
        self, net: TrainingNet, rows: TrainingRows, prepare: TrainingView, team: Team
    ) -> MemoryError:
        """Say that a batch is too large, and try which one is not."""
        buffers = [buffer.clone() for buffer in net.network.buffers()]

        def train_on(n_rows: int) -> None:
            part = np.arange(min(-(-n_rows // team.size), len(rows)))
            visit = Visit(part, 0, torch.Generator(self.device_).manual_seed(0))
            net.module_.zero_grad(set_to_none=True)
            net.infer({"inputs": prepare(rows.read(part).to(self.device_), visit)}).sum().backward()

        largest = first_with_room(train_on, self.batch_size // 2, least=2)
        net.module_.zero_grad(set_to_none=True)
        for buffer, before in zip(net.network.buffers(), buffers, strict=True):
            buffer.copy_(before)
        precision = str(net.autocast_dtype).removeprefix("torch.")
        fits = "not even two rows fit" if largest is None else f"batch_size={largest[0]} fits"
        return MemoryError(
            f"{type(self).__name__}: {self.device_} has no room to train with batch_size={self.batch_size} in "
            f"{precision}; {fits}."
        )

    def _check_same(self, team: Team, X, y: np.ndarray) -> None:
        """Check that all processes that train together were given the same rows."""
        if team.size > 1:
            team.check_same("X and y", f"{len(y)} rows {fingerprint(X)} {fingerprint(y)}")

    @contextmanager
    def _open_checkpoint(self, X, y: np.ndarray, team: Team) -> Iterator[Checkpoint | None]:
        """Hold the folder of this training; None where none is kept, and in all processes but the first."""
        folder, error = None, None
        if self.checkpoint is not None and team.rank == 0:
            try:
                folder = training_folder(self.checkpoint, self, X, y, self._watch, team)
            except (OSError, ValueError) as failure:
                error = failure
        # What fails in the first process fails in all: the others would wait for it.
        error = team.share(error)
        if error is not None:
            raise error
        if folder is None:
            yield None
            return
        with closing(folder):
            yield folder

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

    def _ask_watch(self, net: TrainingNet, *, X, counter: CountForgetting) -> bool:
        def gather(kind: str, rows: np.ndarray) -> dict[str, np.ndarray]:
            if kind == "forgetting_events":
                return {kind: counter.counter.events()[rows]}
            name = "logits" if kind == "probabilities" else kind
            return {name: self._score_rows(net, X, rows, name)}

        # One decides: on a GPU the others' scores may differ in their last bits.
        return self._watch is not None and bool(counter.team.share(self._watch(gather)))

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

    def predict_proba(self, X) -> np.ndarray:
        """Compute class probabilities, the softmax of the logits: (n_samples, n_classes), float64."""
        return softmax(self.predict_logits(X).astype(np.float64), axis=1)

    def predict_log_proba(self, X) -> np.ndarray:
        """Compute log-probabilities from the logits, finite where probabilities saturate."""
        return log_softmax(self.predict_logits(X).astype(np.float64), axis=1)

    def decision_function(self, X) -> np.ndarray:
        """Compute the logits; for two classes their difference, positive for the second: (n_samples,)."""
        logits = self.predict_logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X) -> np.ndarray:
        """Name the most probable class of each row, shape (n_samples,)."""
        logits = self.predict_logits(X)
        return self.classes_[logits.argmax(axis=1)]

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

    def _score(self, X, what: str) -> np.ndarray:
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._score_rows(self.net_, X, np.arange(len(X)), what)

    def _score_rows(self, net: TrainingNet, X, rows: np.ndarray, what: str) -> np.ndarray:
        module = net.network.eval()
        score: Callable = module.features if what == "features" else module  # type: ignore[assignment]
        return score_rows(
            lambda batch: score(self._clean_view(batch)),
            self._reader(X),
            rows,
            n_columns=self._n_features_out if what == "features" else len(self.classes_),
            batch_size=self.batch_size,
            device=self.device_,
            is_slow=is_slow_to_read(X),
        )

    # Persistence ----------------------------------------------------------------------------

    def save(self, path) -> None:
        """Write the fitted classifier to one file: weights as safetensors, the rest as JSON in its header.

        Parameters
        ----------
        path : str or path-like
            File to write, by custom ``.safetensors``; replaced in one step.

        Raises
        ------
        TypeError
            Where a parameter, such as an object in `net_params`, has no JSON form.
        """
        check_is_fitted(self)
        save_classifier(self, path)

    @classmethod
    def load(cls, path, *, device: str = "auto"):
        """Read a classifier written by `save`; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            File to read.
        device : str, default="auto"
            Where the network goes.

        Returns
        -------
        estimator : object of this class
            Fitted; `net_` has the weights but no training history.

        Raises
        ------
        ValueError
            For a file that is no saved classifier, or one of another class.
        """
        return load_classifier(cls, path, device=device)

    def _weights(self) -> dict[str, Tensor]:
        """Return the tensors that `save` writes."""
        return {name: tensor.contiguous().cpu() for name, tensor in self.net_.module_.state_dict().items()}

    def _restore_network(self, form, weights: dict[str, Tensor], *, device: str) -> None:
        """Build the net of a saved classifier and give it its weights."""
        self.device = device
        self.format_ = form
        self.net_ = self._build_net(np.random.RandomState(0), Team(device))
        self.net_.module_.load_state_dict(weights)

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "net_"):
            # skorch brings a network that was trained on a GPU to the CPU where there is no GPU.
            self.device_ = torch.device(self.net_.device)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    @property
    def history_(self):
        """skorch's history of the training: a list of dicts, one an epoch."""
        check_is_fitted(self)
        return self.net_.history


def _is_finite(network: nn.Module) -> bool:
    return all(bool(values.isfinite().all()) for values in network.state_dict().values())
