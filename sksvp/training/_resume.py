"""Keep the state of a training in a folder every few epochs, and continue from it in another process."""

import os
import time
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import Tensor

from .._clock import processor_seconds
from .._storage._checkpoint import Checkpoint, open_checkpoint
from .._storage._describe import IGNORED, in_words, with_content
from .._storage._fingerprint import fingerprint
from ._net import TrainingNet
from ._team import Team


class TrainingFolder(Checkpoint):
    """The folder of one training."""

    kind = "training state 1"
    _in_use = (
        "Wait for it, or end it; workers of a parallel search share a proxy through the selector's memory."
    )


class TrainingCheckpoint:
    """The state of one training: weights, optimizer, random generators, recorders, history.

    Scheduled learning rates follow from the number of epochs in the history. Changes
    that callbacks made to the rates are kept. A seeded training that is restored on
    the CPU ends with the same bits as one that was not interrupted.

    Parameters
    ----------
    folder : Checkpoint or None
        The folder; None in all processes but the first, which alone reads and writes.
    net : TrainingNet
    recorders : dict of str to object
        Recorders of the training by name. The arrays that ``state()`` returns are
        kept for ``restore(arrays)``.
    batch_state : numpy.random.RandomState
        Generator of the order of the rows and of the augmentation.
    watch : object or None
        Rule that may end the training after an epoch. Its state is kept if it has
        `state` and `restore`. Its `key`, if it has one, is part of the identity of
        the training.
    team : Team
        The processes that train together.
    """

    def __init__(
        self,
        folder: Checkpoint | None,
        net: TrainingNet,
        recorders: dict[str, Any],
        batch_state: np.random.RandomState,
        watch: Any,
        team: Team,
    ):
        self._team = team
        self._folder = folder
        self._net = net
        self._recorders = recorders
        self._batch_state = batch_state
        self._watch = watch if hasattr(watch, "restore") else None
        self._is_new = True
        # Wall and processor seconds of the training in earlier processes.
        self.earlier_seconds = (0.0, 0.0)
        self._groups: list[dict[str, Any]] | None = None
        self._began = _seconds()

    def restore(self) -> bool:
        """Restore the newest state, and return whether the training had ended.

        Raises
        ------
        ValueError
            If the folder holds another training, or nothing that can be read.

        Warns
        -----
        UserWarning
            If the newest state is damaged and the one before it is used.
        """
        saved, error = None, None
        if self._folder is not None:
            try:
                saved = self._folder.load()
            except (OSError, ValueError) as failure:
                error = failure
        # An error of the first process is raised in all, since the others would wait for it.
        saved, error = self._team.share((saved, error))
        if error is not None:
            raise error
        if saved is None:
            return False
        self._is_new = False
        self._began = _seconds()
        told, arrays = saved.told, saved.arrays
        if told["recorders"] != list(self._recorders):
            raise ValueError(
                f"checkpoint: the training there has the recorders {told['recorders']}, this one {[*self._recorders]}."
            )
        net = self._net
        # Copied, so that the arrays of a file do not become the memory of the weights.
        weights = {name: torch.tensor(array) for name, array in _below("module", arrays).items()}
        net.network.load_state_dict(weights)
        _restore_optimizer(net.optimizer_, _below("optimizer", arrays), told["optimizer"])
        self._groups = told["groups"]
        self.restore_groups()
        self.earlier_seconds = tuple(told["seconds"])
        for epoch in told["history"]:
            net.history.append({**epoch, "batches": []})
        self._batch_state.set_state(("MT19937", arrays["order"], *told["order"]))
        torch.set_rng_state(torch.tensor(arrays["torch/cpu"]))
        if "torch/cuda" in arrays and net.device.startswith("cuda"):
            torch.cuda.set_rng_state(torch.tensor(arrays["torch/cuda"]), net.device)
        for name, recorder in self._recorders.items():
            recorder.restore(_below(f"recorders/{name}", arrays))
        if self._watch is not None:
            self._watch.restore(_below("watch", arrays))
        return told["ended"]

    @property
    def has_groups(self) -> bool:
        """Whether the rates of the optimizer's groups have been restored."""
        return self._groups is not None

    def restore_groups(self) -> None:
        """Restore the rates and other numbers of the optimizer's groups."""
        for group, numbers in zip(self._net.optimizer_.param_groups, self._groups or [], strict=False):
            group.update(numbers)

    def save(self, *, ended: bool) -> None:
        """Write a state; the one before it stays until the next."""
        if self._folder is None:
            return
        net = self._net
        tensors, numbers = _optimizer_state(net.optimizer_)
        order = self._batch_state.get_state(legacy=False)
        told = {
            "ended": ended,
            "seconds": [
                earlier + now - began
                for earlier, now, began in zip(self.earlier_seconds, _seconds(), self._began, strict=True)
            ],
            "recorders": list(self._recorders),
            "optimizer": numbers,
            "groups": [
                {name: value for name, value in group.items() if isinstance(value, bool | int | float)}
                for group in net.optimizer_.param_groups
            ],
            "order": [order["state"]["pos"], order["has_gauss"], order["gauss"]],
            "history": [_plain(epoch) for epoch in net.history],
        }
        generators = {"cpu": torch.get_rng_state()}
        if net.device.startswith("cuda"):
            generators["cuda"] = torch.cuda.get_rng_state(net.device)
        arrays: dict[str, np.ndarray] = {"order": order["state"]["key"]}
        arrays |= _named("module", net.network.state_dict())
        arrays |= _named("optimizer", tensors)
        arrays |= _named("torch", generators)
        for name, recorder in self._recorders.items():
            arrays |= _named(f"recorders/{name}", recorder.state())
        if self._watch is not None:
            arrays |= _named("watch", self._watch.state())
        if self._is_new:
            self._folder.begin(told, arrays)
            self._is_new = False
        else:
            self._folder.save(told, arrays)


class KeepCheckpoint(Callback):
    """Save the training every so many epochs."""

    def __init__(self, checkpoint: TrainingCheckpoint, every: int):
        self.checkpoint = checkpoint
        self.every = every

    def on_train_begin(self, net, **kwargs):
        # A scheduler of the user changes the rates when it is created.
        self.checkpoint.restore_groups()

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) % self.every == 0:
            self.checkpoint.save(ended=False)


def training_folder(
    root: str | os.PathLike, estimator: Any, X: Any, y: np.ndarray, watch: Any, team: Team
) -> Checkpoint:
    """Open the folder of an estimator's training on some rows, which is the root folder or lies below it."""
    identity = {
        "estimator": type(estimator).__name__,
        "X": f"{len(X)} rows {fingerprint(X)}",
        "y": fingerprint(y),
    }
    for name, value in estimator.get_params(deep=False).items():
        if name not in IGNORED:
            identity[name] = in_words(with_content(name, value))
    dtype = getattr(X, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "fiu" and dtype != np.uint8:
        # Equal pixels of another type are rounded differently.
        identity["X"] += f" {dtype}"
    if team.size > 1:
        identity["processes"] = str(team.size)
    if estimator._epoch_rows is not None:
        identity["rows of an epoch"] = str(estimator._epoch_rows)
    if watch is not None:
        identity["watch"] = watch.key() if hasattr(watch, "key") else in_words(watch)
    return open_checkpoint(root, identity, TrainingFolder)


def _seconds() -> tuple[float, float]:
    return time.perf_counter(), processor_seconds()


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of an optimizer's state, and its other values, by ``PARAMETER/NAME``."""
    entries = {
        f"{parameter}/{name}": value
        for parameter, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }
    tensors = {name: value for name, value in entries.items() if isinstance(value, Tensor)}
    return tensors, {name: value for name, value in entries.items() if name not in tensors}


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, np.ndarray], numbers: dict[str, Any]
) -> None:
    state: dict[int, dict[str, Any]] = {}
    for name, array in tensors.items():
        parameter, _, entry = name.partition("/")
        state.setdefault(int(parameter), {})[entry] = torch.tensor(array)
    for name, value in numbers.items():
        parameter, _, entry = name.partition("/")
        state.setdefault(int(parameter), {})[entry] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    for weights, entries in optimizer.state.items():
        for name, value in entries.items():
            if isinstance(value, Tensor) and value.shape == weights.shape:
                # Fused kernels need the memory layout of the weights.
                entries[name] = torch.empty_like(weights, dtype=value.dtype).copy_(value)


def _plain(epoch: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers and strings of an epoch's history; other values of callbacks are not kept."""
    entries = {
        name: value.item() if isinstance(value, np.generic) else value for name, value in epoch.items()
    }
    return {name: value for name, value in entries.items() if isinstance(value, str | int | float | None)}


def _named(first: str, entries: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        f"{first}/{name}": value.cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        for name, value in entries.items()
    }


def _below(first: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays that `_named` put below a name."""
    first += "/"
    return {name.removeprefix(first): array for name, array in arrays.items() if name.startswith(first)}
