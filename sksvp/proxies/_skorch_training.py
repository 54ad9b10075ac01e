"""Callbacks that see each visit of a row and each epoch of a skorch net's training. Imported only with skorch."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.dataset import unpack_data
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from ..strategies import Recorder, new_recorders
from ..training import EndAsAsked
from ._proxy import Proxy
from ._skorch_nets import LastLinearInput
from ._training import Watch

Callbacks = list[tuple[str, Callback]]


class RecordingSampler(Sampler):
    """Wraps a sampler and notes the row numbers that it yields."""

    def __init__(self, sampler, rows: deque):
        self.sampler = sampler
        self.rows = rows

    def __iter__(self) -> Iterator[int]:
        for row in self.sampler:
            self.rows.append(int(row))
            yield row

    def __len__(self) -> int:
        return len(self.sampler)


class RecordingLoader:
    """Wraps the user's training iterator and notes its row numbers in the order of the batches."""

    def __init__(self, iterator_train: Callable, rows: deque):
        self.iterator_train = iterator_train
        self.rows = rows

    def __call__(self, dataset, **kwargs):
        loader = self.iterator_train(dataset, **kwargs)
        batch_sampler = getattr(loader, "batch_sampler", None)
        sampler = getattr(batch_sampler, "sampler", None)
        if batch_sampler is None or sampler is None or not getattr(loader, "in_order", True):
            raise ValueError(
                "Records of a skorch net's training, such as forgetting events, need an iterator_train that draws its "
                "batches in order through a batch_sampler with a sampler, as torch's DataLoader does; "
                f"{type(loader).__name__} does not."
            )
        batch_sampler.sampler = RecordingSampler(sampler, self.rows)
        return loader


class ShowVisits(Callback):
    """Shows the outputs of each training batch before its update to recorders.

    Recorders of the features see the input of the linear layer that runs last.
    """

    def __init__(self, recorders: Mapping[str, Recorder], rows: deque):
        self.recorders = recorders
        self.rows = rows

    def on_train_begin(self, net, **kwargs):
        self.watch_: LastLinearInput | None = None
        if any(recorder.needs_features for recorder in self.recorders.values()):
            self.watch_ = LastLinearInput(net.module_)

    def on_train_end(self, net, **kwargs):
        if self.watch_ is not None:
            self.watch_.close()

    def on_epoch_begin(self, net, **kwargs):
        # A loader that drops its last batch has noted rows that it never gave.
        self.rows.clear()

    def on_batch_end(self, net, batch, training, y_pred=None, **kwargs):
        if not training:
            return
        logits, y = _as_logits(net, y_pred, unpack_data(batch)[1])
        if len(self.rows) < len(y):
            raise ValueError(
                "The proxy's batch_sampler does not draw its rows from its own sampler attribute."
            )
        rows = np.array([self.rows.popleft() for _ in range(len(y))])
        for recorder in self.recorders.values():
            seen = logits
            if recorder.needs_features and self.watch_ is not None:
                output = y_pred[0] if isinstance(y_pred, tuple | list) else y_pred
                seen = self.watch_.features(output).reshape(len(y), -1)
            _note(recorder, rows, recorder.judge(seen, y).cpu().numpy())


class WatchEpochs(Callback):
    """Asks after each epoch whether the training may end.

    This callback runs before the user's and sees every epoch. `EndAsAsked`, which ends
    the training, runs after them, so that they see the last epoch too.
    """

    def __init__(self, proxy: Proxy, watch: Watch, recorders: Mapping[str, Recorder]):
        self.proxy = proxy
        self.watch = watch
        self.recorders = recorders

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.X_ = X

    def on_epoch_end(self, net, **kwargs):
        def gather(requires: tuple[str, ...], rows: np.ndarray) -> dict[str, np.ndarray]:
            return self.proxy.gather_in_training(self.X_, requires, rows, self.recorders)

        self.ends_ = self.watch(gather)

    def on_train_end(self, net, **kwargs):
        del self.X_


@contextmanager
def observed(
    proxy: Proxy, names: tuple[str, ...], watch: Watch | None, n_rows: int
) -> Iterator[dict[str, Recorder]]:
    """Have recorders and a watch see the next `fit` of a proxy that is a net. Afterwards the net is as before.

    Parameters
    ----------
    proxy : Proxy
        Its net is not yet initialized, and changed in place within the block.
    names : tuple of str
        Names of the recorders.
    watch : callable or None
        Asked after each epoch whether the training may end.
    n_rows : int
        Rows it will be trained on.
    """
    net, recorders = proxy.estimator, new_recorders(names, n_rows)
    iterator_train, callbacks = net.iterator_train, net.callbacks
    first: Callbacks = []
    last: Callbacks = []
    if recorders:
        rows: deque[int] = deque()
        net.iterator_train = RecordingLoader(iterator_train, rows)
        first.append(("show_visits", ShowVisits(recorders, rows)))
    if watch is not None:
        watching = WatchEpochs(proxy, watch, recorders)
        first.append(("watch_epochs", watching))
        last.append(("end_as_watched", EndAsAsked(watching)))
    if callbacks == "disable" and first:
        # skorch runs no callback at all then; run these alone.
        net.get_default_callbacks = list
    if first:
        net.callbacks = [*first, *([] if callbacks == "disable" else callbacks or []), *last]
    try:
        yield recorders
    finally:
        net.iterator_train, net.callbacks = iterator_train, callbacks
        net.__dict__.pop("get_default_callbacks", None)
        names_of_ours = {name for name, _ in (*first, *last)}
        net.callbacks_ = [item for item in getattr(net, "callbacks_", []) if item[0] not in names_of_ours]


def can_be_recorded(net: NeuralNet) -> bool:
    """Tell whether the rows that the net's training iterator draws can certainly be noted."""
    loader = net.iterator_train
    own_batches = net.get_params(deep=False).get("iterator_train__batch_sampler")
    return isinstance(loader, type) and issubclass(loader, DataLoader) and own_batches is None


def _as_logits(net: NeuralNet, y_pred, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits of a batch, one column a class, and the columns of its labels."""
    scores = (y_pred[0] if isinstance(y_pred, tuple | list) else y_pred).detach()
    # skorch's classifier takes the logarithm of the module's output for this loss.
    is_probability = isinstance(net, NeuralNetClassifier) and isinstance(net.criterion_, nn.NLLLoss)
    if scores.ndim == 1 or scores.shape[1] == 1:
        # One number for two classes: a logit, or the probability of the second class.
        second = scores.reshape(len(scores))
        is_probability = not isinstance(net.criterion_, nn.BCEWithLogitsLoss)
        scores = torch.stack([1 - second if is_probability else torch.zeros_like(second), second], dim=1)
        y = y.reshape(len(y)).bool().long()
    return scores.log() if is_probability else scores, y.to(scores.device)


def _note(recorder: Recorder, rows: np.ndarray, values: np.ndarray) -> None:
    """Note a batch. A sampler with replacement may have drawn a row twice."""
    while len(rows):
        first = np.unique(rows, return_index=True)[1]
        recorder.note(rows[first], values[first])
        rows, values = np.delete(rows, first), np.delete(values, first)
