"""The skorch net behind our classifiers."""

import warnings
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.utils import data_from_dataset
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .._interrupt import heeding_ctrl_c
from ._batches import CleanBatches, ShuffledBatches, TrainingRows, TrainingView
from ._compiling import CompiledBlocks, may_compile
from ._denormals import denormals_as_zero
from ._recorded_step import RecordedStep, can_record
from ._team import Team

# Parameters of skorch that the estimators set themselves; net_params holds the others.
_OWNED = (
    "module, max_epochs, lr, batch_size, device, verbose, iterator_train, iterator_valid, dataset, criterion, "
    "warm_start, classes, autocast_dtype, records_steps"
)
# Callbacks that skorch runs before the user's.
_SKORCHS = ("epoch_timer", "train_loss", "valid_loss", "valid_acc")

# Callbacks with their names.
Callbacks = list[tuple[str, Callback]]


class TrainingNet(NeuralNetClassifier):
    """skorch's classifier with whole batches as input, run under autocast.

    The batches of `ShuffledBatches` hold row numbers beside the inputs, so that
    callbacks can count per row. The module receives only the inputs.

    Parameters
    ----------
    module : class or torch.nn.Module
        The network. It needs the attribute `n_features` if features are requested.
    autocast_dtype : torch.dtype
        bfloat16 for mixed precision, float32 for none.
    records_steps : bool
        Whether a GPU may record the kernel launches of a batch and replay them. The
        network must run the same kernels for all batches of one shape, whatever
        their values.
    **kwargs
        Further parameters of skorch's classifier.

    Attributes
    ----------
    batch_state_ : numpy.random.RandomState
        Draws the order of the rows and the augmentation in all trainings of this net.
    """

    callbacks_: list
    module_: nn.Module
    batch_state_: np.random.RandomState
    # Shape of all batches of a training except the last of an epoch.
    _usual_shape: torch.Size | None = None
    _compiled: CompiledBlocks | None = None

    def __init__(
        self,
        module,
        *,
        autocast_dtype: torch.dtype = torch.float32,
        records_steps: bool = False,
        **kwargs,
    ):
        super().__init__(module, **kwargs)
        self.autocast_dtype = autocast_dtype
        self.records_steps = records_steps

    def train_epochs(
        self,
        rows: TrainingRows,
        *,
        epochs: int,
        first: Callbacks,
        last: Callbacks,
        view: TrainingView,
        team: Team,
        validation: TrainingRows | None = None,
        epoch_rows: int | None = None,
    ) -> None:
        """Continue training; the processes, the view of the rows and the callbacks are for this call only.

        The callbacks run before and after the user's. Unlike in skorch's `fit`,
        Ctrl-C is raised, so that the caller does not mistake a half-trained network
        for a trained one. The loss on the rows of a validation is computed after each
        epoch. An epoch visits all rows, or `epoch_rows` of them, drawn anew.
        """
        own_callbacks = list(self.callbacks_)
        self._batches: dict[str, Any] = {
            "prepare": view,
            "random_state": self.batch_state_,
            "device": torch.device(self.device),
            "first_epoch": len(self.history),
            "rank": team.rank,
            "n_ranks": team.size,
            "epoch_rows": epoch_rows,
        }
        self._team = team
        self._validation = validation
        self._recorded_step: RecordedStep | None = None
        try:
            for _, callback in (*first, *last):
                callback.initialize()
            # These callbacks run after skorch's timer and mean loss and before the user's.
            place = sum(name in _SKORCHS for name, _ in own_callbacks)
            self.callbacks_ = [*own_callbacks[:place], *first, *own_callbacks[place:], *last]
            if self.compile and may_compile():
                # All batches have one shape.
                options = {"dynamic": False, **self.get_params_for("compile")}
                self._compiled = CompiledBlocks(self.module_, **options)
            if team.size == 1:
                self._recorded_step = self._record_steps(epochs * (len(rows) // self.batch_size))
            self.notify("on_train_begin", X=rows, y=None)
            self._train_epochs(rows, epochs)
        finally:
            self.callbacks_ = own_callbacks
            self._usual_shape = self._compiled = None
            del self._batches, self._team, self._validation, self._recorded_step

    def _train_epochs(self, rows: TrainingRows, epochs: int) -> None:
        own_module = self.module_
        try:
            with (
                heeding_ctrl_c(),
                denormals_as_zero(),
                self._team.training(own_module) as self.module_,
                # One of our callbacks, or skorch's EarlyStopping, ended the training.
                suppress(KeyboardInterrupt),
            ):
                self.fit_loop(rows, None, epochs=epochs)
        finally:
            self.module_ = own_module
            self.notify("on_train_end", X=rows, y=None)

    def weigh_classes(self, weights: np.ndarray | None) -> None:
        """Set the weights of the classes in the loss; None means no weights."""
        self.criterion_.weight = None if weights is None else torch.from_numpy(weights).to(self.device)

    def is_finite(self) -> bool:
        """Tell whether all numbers of the network are finite."""
        return all(bool(values.isfinite().all()) for values in self.network.state_dict().values())

    @property
    def n_features(self) -> int:
        """Length of the network's final hidden features."""
        return int(self.network.n_features)  # type: ignore[arg-type]

    @property
    def network(self) -> nn.Module:
        """The network itself, without the wrapper that several processes train."""
        return self.module_.module if isinstance(self.module_, DistributedDataParallel) else self.module_

    def get_split_datasets(self, X, y=None, **fit_params):
        return X, self._validation

    def get_iterator(self, dataset: TrainingRows, training: bool = False) -> ShuffledBatches | CleanBatches:
        if not isinstance(dataset, TrainingRows):
            raise TypeError("This net reads rows through its classifier: call predict and score of that one.")
        if training:
            return ShuffledBatches(dataset, batch_size=self.batch_size, **self._batches)
        return CleanBatches(dataset, batch_size=self.batch_size, device=torch.device(self.device))

    def save_params(self, *args, use_safetensors=False, **kwargs):
        """Save as skorch does; a safetensors file gets copies of the weights, as it needs contiguous ones."""
        if not use_safetensors:
            super().save_params(*args, **kwargs)
            return
        weights = {name: values.contiguous() for name, values in self.module_.state_dict().items()}
        vars(self.module_)["state_dict"] = lambda: weights
        try:
            super().save_params(*args, use_safetensors=True, **kwargs)
        finally:
            # Deleting the attribute restores the method of the class.
            del self.module_.state_dict

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run skorch's loop, but leave the losses on the device until the end of the epoch.

        skorch reads the loss of each batch, which makes the host wait for the device.
        """
        if iterator is None:
            return
        losses = []
        if training and self._recorded_step is not None:
            self._recorded_step.begin_epoch(self.module_, self.criterion_, self.autocast_dtype)
        for batch in iterator:
            self._usual_shape = self._usual_shape or batch[0]["inputs"].shape
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            losses.append(step["loss"].detach())
            # Callbacks may read the loss; on a CPU it is a number, since reading it does not wait.
            on_cpu = losses[-1].device.type == "cpu"
            self.history.record_batch(prefix + "_loss", losses[-1].item() if on_cpu else losses[-1])
            self.history.record_batch(prefix + "_batch_size", batch[0]["n_batch"])
            self.notify("on_batch_end", batch=batch, training=training, **step)
        means = self._team.mean(torch.stack(losses)).tolist()
        # The batches of a validation follow those of the training.
        for entry, loss in zip(self.history[-1]["batches"][-len(means) :], means, strict=True):
            entry[prefix + "_loss"] = loss
        if training:
            self._team.align(self.network)
        self.history.record(prefix + "_batch_count", len(losses))

    def train_step_single(self, batch, **fit_params):
        """Compute the gradients of a batch as skorch does, or replay the recorded step of its shape."""
        if self._recorded_step is None or fit_params:
            return super().train_step_single(batch, **fit_params)
        X, y = batch
        logits, loss = self._recorded_step(X["inputs"], y)
        return {"loss": loss, "y_pred": logits}

    def _record_steps(self, n_steps: int) -> RecordedStep | None:
        """Return a recorder of steps, or None if recording is not possible or of no use."""
        if not (self.records_steps and can_record(torch.device(self.device))):
            return None
        if self._compiled is not None and self._compiled.records:
            return None

        def forward(inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            # skorch also sets the training mode before each batch, as a callback may have changed it.
            self._set_training(True)
            logits = self.infer({"inputs": inputs})
            return logits, self.get_loss(logits, y, training=True)

        return RecordedStep(next(self.module_.parameters()).device, forward, n_steps=n_steps)

    def torch_compile(self, module, name):
        """Return the module unchanged; `train_epochs` compiles the network for its batches."""
        return module

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the loss, scaled so that the mean over the processes is that of the whole batch."""
        loss = super().get_loss(y_pred, y_true, X=X, training=training)
        if self._team.size == 1 or not training:
            return loss
        # The processes' shares may differ by one row, and in the weights of their classes.
        weight = getattr(self.criterion_, "weight", None)
        if weight is None:
            return loss * (len(y_true) * self._team.size / X["n_batch"])
        return loss * (weight[y_true].sum() * self._team.size / weight[X["y_batch"]].sum())

    def infer(self, x: dict[str, Tensor], **fit_params) -> Tensor:
        inputs = x["inputs"]
        if not self.module_.training:
            # Scores are in float32 for every precision of the training.
            return self.module_(inputs, **fit_params)
        # The last, smaller batch of an epoch is not worth compiling.
        compiled = self._compiled if inputs.shape == self._usual_shape else None
        device_type, dtype = torch.device(self.device).type, self.autocast_dtype
        with (
            torch.autocast(device_type, dtype, enabled=dtype != torch.float32),
            compiled.in_use() if compiled else nullcontext(),
        ):
            logits = self.module_(inputs, **fit_params)
        return logits.float()


def check_net_params(net_params: dict | None) -> None:
    """Check the parameters for skorch that the user gave beside ours.

    Raises
    ------
    ValueError
        If one of them, or the object it belongs to, is already set by our parameters,
        or callbacks are no list.
    """
    net_params = net_params or {}
    if not all(isinstance(name, str) for name in net_params):
        raise ValueError(f"net_params must have names as keys, got {list(net_params)!r}.")
    callbacks = net_params.get("callbacks")
    if callbacks not in (None, "disable") and not isinstance(callbacks, list | tuple):
        raise ValueError(f"net_params['callbacks'] must be a list of callbacks, got {callbacks!r}.")
    clash = sorted(name for name in net_params if name.partition("__")[0] in _OWNED.split(", "))
    if clash:
        raise ValueError(f"net_params must not set {clash}: the estimator's own parameters decide them.")


def validation_data(net_params: dict | None) -> tuple[Any, Any] | None:
    """Return X and y of the validation that `net_params` asks for by ``predefined_split(Dataset(X, y))``, or None.

    Raises
    ------
    ValueError
        If the dataset of the split has no X and y.

    Warns
    -----
    UserWarning
        If `train_split` is anything else, which would remove rows from the training.
    """
    split = (net_params or {}).get("train_split")
    if split is None:
        return None
    if not (isinstance(split, partial) and "valid_ds" in split.keywords):
        warnings.warn(
            f"net_params['train_split']={split!r} would take rows from training and is set to None. For a validation "
            "loss use skorch.helper.predefined_split(skorch.dataset.Dataset(X_val, y_val)).",
            UserWarning,
            stacklevel=4,
        )
        return None
    try:
        return data_from_dataset(split.keywords["valid_ds"])
    except AttributeError as error:
        raise ValueError(
            "net_params['train_split'] must be predefined_split(skorch.dataset.Dataset(X_val, y_val)), "
            f"got {split!r}."
        ) from error
