"""How a network is built and trained."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from .._device import resolve_precision
from .._seeds import MAX_SEED
from .._storage._checkpoint import Checkpoint
from .._storage._fingerprint import fingerprint
from ..strategies import Recorder, new_recorders
from ._batches import TrainingRows, TrainingView, Visit, batch_bounds
from ._callbacks import AskAfterEpoch, EndAsAsked, EpochBar, SetLearningRate, ShowVisits, TrainHeadFirst
from ._epoch_tests import MeasureTestError, error_of
from ._fused_sgd import FusedSGD
from ._net import Callbacks, TrainingNet
from ._out_of_memory import first_with_room, is_out_of_memory
from ._resume import KeepCheckpoint, TrainingCheckpoint
from ._row_source import Rows
from ._schedule import Schedule, batch_factors
from ._scoring import score_rows
from ._seeding import seeded_torch
from ._team import Team
from ._unsafe_bf16 import has_unsafe_convolution

# Opens the folder in which a training by these processes is kept.
OpenFolder = Callable[[Team], Checkpoint]
# Returns the current evidence of training rows, by kinds and row numbers.
Gather = Callable[[tuple[str, ...], np.ndarray], dict[str, np.ndarray]]


@dataclass(kw_only=True)
class Trainer:
    """Builds a network and trains it, alone or together with other processes.

    One trainer serves one call: `build_net` for a network that is new, then `train`.

    Parameters
    ----------
    name : str
        Name of the classifier in messages and on the progress bar.
    team : Team
        The processes that train together.
    epochs : int
        Passes over the rows in `train`.
    max_epochs : int
        Value of the net's own parameter `max_epochs`.
    lr : float
        Learning rate of the net, to which the rates of its parameter groups relate.
    full_lr : float
        Learning rate that the factors of the schedule multiply.
    schedule : str or sequence of (epochs, factor)
    batch_size : int
        Number of rows of a batch, over all processes.
    sgd : mapping of str
        Options of stochastic gradient descent; an optimizer of `net_params` gets those it knows by name.
    label_smoothing : float
    class_weights : ndarray of shape (n_classes,) or None
        Weights of the classes in the loss.
    precision : {"auto", "fp32", "bf16"}
    net_params : dict or None
        Further parameters of the skorch net.
    epoch_rows : int or None
        Rows that each epoch visits, drawn anew; None for all.
    head_epochs : int
        Epochs at first in which only the head learns.
    checkpoint_every : int
        Epochs between two states of a training that is kept.
    recorder_names : sequence of str
        Recorders that see each visit of a row in `train`.
    watch : callable or None
        ``watch(gather) -> bool`` is asked after each epoch whether the training may end.
    verbose : bool or int
        Whether there is a progress bar.
    has_large_layers : bool
        Whether the update of the weights takes a noticeable part of a step.
    records_steps : bool
        See `TrainingNet`.

    Attributes
    ----------
    recorders : dict of str to Recorder
        Recorders of the last training by their names.
    earlier_seconds : tuple of float
        Seconds of a kept training in processes before this one, on the wall and of the processor.
    """

    name: str
    team: Team
    epochs: int
    max_epochs: int
    lr: float
    full_lr: float
    schedule: Schedule
    batch_size: int
    sgd: Mapping[str, Any]
    label_smoothing: float
    class_weights: np.ndarray | None
    precision: str
    net_params: dict | None
    checkpoint_every: int
    recorder_names: Sequence[str]
    watch: Callable[[Gather], bool] | None
    verbose: bool | int
    has_large_layers: bool
    records_steps: bool
    epoch_rows: int | None = None
    head_epochs: int = 0
    recorders: dict[str, Recorder] = field(init=False)
    earlier_seconds: tuple[float, float] = field(init=False, default=(0.0, 0.0))
    _folder: Checkpoint | None = field(init=False, default=None)
    _is_kept: bool = field(init=False, default=False)

    def check_same(self, X, y: np.ndarray) -> None:
        """Check that all processes that train together were given the same rows."""
        if self.team.size > 1:
            self.team.check_same("X and y", f"{len(y)} rows {fingerprint(X)} {fingerprint(y)}")

    @contextmanager
    def keeping(self, open_folder: OpenFolder | None) -> Iterator[None]:
        """Keep a training within the block in a folder; only the first process opens it."""
        folder, error = None, None
        self._is_kept = open_folder is not None
        if open_folder is not None and self.team.rank == 0:
            try:
                folder = open_folder(self.team)
            except (OSError, ValueError) as failure:
                error = failure
        # An error of the first process is raised in all, since the others would wait for it.
        error = self.team.share(error)
        if error is not None:
            raise error
        self._folder = folder
        with nullcontext() if folder is None else closing(folder):
            yield

    def build_net(
        self, build_module: Callable[[int], nn.Module], n_classes: int, random_state: np.random.RandomState
    ) -> TrainingNet:
        """Build a net with seeded weights; torch's global generators are left as they were.

        Parameters
        ----------
        build_module : callable
            ``build_module(n_classes)``, the network with weights from torch's generator.
        n_classes : int
        random_state : numpy.random.RandomState
            Decides the weights, and whatever the trainings of the net draw.
        """
        if self.team.size > 1:
            # Without a seed the processes would start from different weights.
            random_state = np.random.RandomState(self.team.share(random_state.randint(MAX_SEED)))
        batch_state = np.random.RandomState(random_state.randint(MAX_SEED))
        net_params = dict(self.net_params or {})
        callbacks = net_params.pop("callbacks", None)
        # "disable" is skorch's word for none.
        callbacks = [] if callbacks in (None, "disable") else list(callbacks)
        device = self.team.device
        with seeded_torch(random_state.randint(MAX_SEED), device, alone=True):
            module = build_module(n_classes)
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # no stub of torch has it
            try:
                net = TrainingNet(
                    module,
                    **{
                        **self._optimizer_params(net_params),
                        "criterion": nn.CrossEntropyLoss,
                        "criterion__label_smoothing": self.label_smoothing,
                        "callbacks__valid_acc": None,
                        "callbacks__print_log": None,
                        **net_params,
                        "train_split": None,
                    },
                    lr=self.lr,
                    max_epochs=self.max_epochs,
                    batch_size=self.batch_size,
                    classes=np.arange(n_classes),
                    autocast_dtype=resolve_precision(self.precision, device),
                    records_steps=self.records_steps,
                    device=str(device),
                    verbose=0,
                    callbacks=callbacks,
                )
                net.initialize()
            except (TypeError, ValueError, AttributeError) as error:
                if self.net_params is None:
                    raise
                raise ValueError(f"net_params={self.net_params!r:.200}: {error}") from error
        net.batch_state_ = batch_state
        return net

    def _optimizer_params(self, net_params: dict[str, Any]) -> dict[str, Any]:
        """Return the optimizer and its options; the user's optimizer gets the options that it knows by name."""
        device = self.team.device.type
        # The fused kernel updates all parameters in one launch of a GPU.
        fused = device == "cuda" or (device == "cpu" and self.has_large_layers)
        optimizer = net_params.get("optimizer", FusedSGD if fused else torch.optim.SGD)
        is_sgd = optimizer in (FusedSGD, torch.optim.SGD)
        known = self.sgd if is_sgd else inspect.signature(optimizer).parameters
        options = {f"optimizer__{name}": value for name, value in self.sgd.items() if name in known}
        return {"optimizer": optimizer, **options}

    def train(
        self,
        net: TrainingNet,
        rows: Rows,
        y: np.ndarray,
        view: TrainingView,
        validation: tuple[Rows, np.ndarray] | None = None,
        tests: tuple[Rows, np.ndarray] | None = None,
    ) -> None:
        """Train a net, from its kept state if there is one.

        Parameters
        ----------
        net : TrainingNet
            A net that `build_net` returned.
        rows : Rows
        y : ndarray of shape (n,)
            Encoded labels.
        view : callable
            ``view(batch, visit)``, the network's input from a raw batch.
        validation : tuple of (Rows, ndarray), optional
            Rows and encoded labels whose loss is computed after each epoch.
        tests : tuple of (Rows, ndarray), optional
            Rows and encoded labels on which the error is measured after each epoch.

        Raises
        ------
        ValueError
            For fewer rows than the processes need, or a net on another device than theirs.
        MemoryError
            Where the device has no room for a batch; the message names a size that fits.
        """
        n_visited = len(y) if self.epoch_rows is None else self.epoch_rows
        self._check_shares(net, n_visited)
        # The batch size may have changed since the first call of `partial_fit`.
        net.batch_size = self.batch_size
        net.weigh_classes(self.class_weights)
        self._avoid_unsafe_bf16(net, rows)
        self.recorders = new_recorders(self.recorder_names, len(y))
        n_batches = len(batch_bounds(n_visited, self.batch_size, least=2 * self.team.size))
        rates = [self.full_lr * factor for factor in batch_factors(self.schedule, self.epochs, n_batches)]
        scheduled = SetLearningRate(rates, n_batches)
        first, last = self._callbacks(net, rows, scheduled)
        if tests is not None:
            first.append(("tests", MeasureTestError(partial(self._test_error, tests=tests))))
        validated = None if validation is None else TrainingRows(*validation)
        epochs = self.epochs
        with seeded_torch(net.batch_state_.randint(MAX_SEED), torch.device(net.device)):
            if self._is_kept:
                state = TrainingCheckpoint(
                    self._folder, net, self.recorders, net.batch_state_, self.watch, self.team
                )
                ended = state.restore()
                self.earlier_seconds = state.earlier_seconds
                if ended:
                    return
                last.append(("checkpoint", KeepCheckpoint(state, self.checkpoint_every)))
                epochs -= len(net.history)
                if state.has_groups:
                    scheduled.go_on_after(len(net.history))
            self._run(net, rows, y, view, epochs=epochs, first=first, last=last, validation=validated)
            if self._is_kept:
                state.save(ended=True)

    def _check_shares(self, net: TrainingNet, n_rows: int) -> None:
        size = self.team.size
        if size > 1 and torch.device(net.device) != self.team.device:
            raise ValueError(
                f"distributed=True: the classifier lies on {net.device}, and this process trains on "
                f"{self.team.device}."
            )
        if min(n_rows, self.batch_size) < 2 * size:
            raise ValueError(
                f"distributed=True: {size} processes need at least {2 * size} rows in X and in a batch, got "
                f"{n_rows} and batch_size={self.batch_size}."
            )

    def _avoid_unsafe_bf16(self, net: TrainingNet, rows: Rows) -> None:
        """Train in float32 where bfloat16 would give gradients of random memory."""
        if net.autocast_dtype != torch.bfloat16 or torch.device(net.device).type != "cpu":
            return
        if not has_unsafe_convolution(net.module_, rows.clean_view(rows.read(np.arange(2)))):
            return
        if self.precision == "bf16":
            warnings.warn(
                "precision='bf16' is not safe for maps as small as those of these images on a CPU, where some "
                "gradients would be random memory: this training runs in float32.",
                UserWarning,
                stacklevel=4,
            )
        net.autocast_dtype = torch.float32

    def _callbacks(self, net: TrainingNet, rows: Rows, rate: SetLearningRate) -> tuple[Callbacks, Callbacks]:
        """Return the callbacks that run before those of the user, and those that run after them."""
        shown = ShowVisits(self.recorders, rows.n, self.team, n_visited=self.epoch_rows)
        first: Callbacks = [("visits", shown), ("learning_rate", rate)]
        last: Callbacks = []
        if self.head_epochs:
            # After the user's callbacks, which may freeze weights.
            last.append(("head", TrainHeadFirst(self.head_epochs)))
        if self.verbose and self.team.rank == 0:
            last.append(("bar", EpochBar(self.name)))
        if self.watch is not None:
            asked = AskAfterEpoch(lambda net: self._ask_watch(net, rows))
            first.append(("watch", asked))
            last.append(("end", EndAsAsked(asked)))
        return first, last

    def _test_error(self, net: TrainingNet, *, tests: tuple[Rows, np.ndarray]) -> float:
        rows, y = tests
        logits = score_rows(net, rows, np.arange(rows.n), ("logits",), batch_size=self.batch_size)["logits"]
        return error_of(logits, np.arange(logits.shape[1]), y)

    def _ask_watch(self, net: TrainingNet, rows: Rows) -> bool:
        def gather(requires: tuple[str, ...], numbers: np.ndarray) -> dict[str, np.ndarray]:
            found = {
                name: recorder.result()[numbers]
                for name, recorder in self.recorders.items()
                if name in requires
            }
            kinds = ["logits" if kind == "probabilities" else kind for kind in requires if kind not in found]
            if kinds:
                found |= score_rows(net, rows, numbers, kinds, batch_size=self.batch_size)
            return found

        # The first process decides: on a GPU the scores of the others may differ in their last bits.
        return self.watch is not None and bool(self.team.share(self.watch(gather)))

    def _run(self, net: TrainingNet, rows: Rows, y: np.ndarray, view: TrainingView, **kwargs: Any) -> None:
        """Train; if the device has no room for the batches, raise an error that names a size that fits."""
        data = TrainingRows(rows, y)
        try:
            net.train_epochs(data, view=view, team=self.team, epoch_rows=self.epoch_rows, **kwargs)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        else:
            return
        # Within the handler the exception would keep the memory of the failed batch alive.
        largest = self._largest_batch(net, data, view)
        fits = "not even two rows fit" if largest is None else f"batch_size={largest} fits"
        precision = str(net.autocast_dtype).removeprefix("torch.")
        raise MemoryError(
            f"{self.name}: {net.device} has no room to train with batch_size={self.batch_size} in {precision}; {fits}."
        )

    def _largest_batch(self, net: TrainingNet, data: TrainingRows, view: TrainingView) -> int | None:
        """Try smaller batches, and return the size of the first that there is room for."""
        device = torch.device(net.device)
        buffers = [buffer.clone() for buffer in net.network.buffers()]

        def train_on(n_rows: int) -> None:
            part = np.arange(min(-(-n_rows // self.team.size), len(data)))
            visit = Visit(part, 0, torch.Generator(device).manual_seed(0))
            net.module_.zero_grad(set_to_none=True)
            net.infer({"inputs": view(data.rows.read(part).to(device), visit)}).sum().backward()

        found = first_with_room(train_on, self.batch_size // 2, least=2)
        net.module_.zero_grad(set_to_none=True)
        for buffer, before in zip(net.network.buffers(), buffers, strict=True):
            buffer.copy_(before)
        return None if found is None else found[0]
