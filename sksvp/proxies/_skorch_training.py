"""Seeing a skorch net while it trains: each visit of a row, and each epoch. Loaded with skorch."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.dataset import unpack_data
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from ..strategies import Recorder, new_recorders
from ..training import EndAsAsked
from ._proxy import Proxy, Watch

Callbacks = list[tuple[str, Callback]]


class RecordingSampler(Sampler):
    """Another sampler, which notes the row numbers it yields."""

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
    """The user's training iterator, whose row numbers are noted in the order of the batches."""

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
    """Show the rows of each training batch, as they were before the update, to recorders."""

    def __init__(self, recorders: Mapping[str, Recorder], rows: deque):
        self.recorders = recorders
        self.rows = rows

    def on_epoch_begin(self, net, **kwargs):
        # A loader that drops its last batch has noted rows that never came.
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
            _note(recorder, rows, recorder.judge(logits, y).cpu().numpy())


class WatchEpochs(Callback):
    """Ask after each epoch whether the training may end, which `EndAsAsked` then does.

    Two callbacks: this one runs before the user's and sees every epoch; the other
    runs after them, so that they see the last epoch too.
    """

    def __init__(self, proxy: Proxy, watch: Watch, recorders: Mapping[str, Recorder]):
        self.proxy = proxy
        self.watch = watch
        self.recorders = recorders

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.X_ = X

    def on_epoch_end(self, net, **kwargs):
        def gather(requires: tuple[str, ...], rows: np.ndarray) -> dict[str, np.ndarray]:
            # A loader draws a seed from torch's generator, which the training is to find as it was.
            with torch.random.fork_rng(devices=[]):
                return self.proxy.gather_in_training(self.X_, requires, rows, self.recorders)

        self.ends_ = self.watch(gather)

    def on_train_end(self, net, **kwargs):
        del self.X_


@contextmanager
def recording(net: NeuralNet, names: tuple[str, ...], n_rows: int) -> Iterator[dict[str, Recorder]]:
    """Have recorders see the net's next `fit`; afterwards the net is as it was before.

    Parameters
    ----------
    net : skorch net
        Not yet initialized; changed in place for the while.
    names : tuple of str
        Of the recorders.
    n_rows : int
        Rows it will be trained on.
    """
    recorders = new_recorders(names, n_rows)
    if not recorders:
        yield recorders
        return
    rows: deque[int] = deque()
    iterator_train = net.iterator_train
    net.iterator_train = RecordingLoader(iterator_train, rows)
    try:
        with _with_callbacks(net, [("show_visits", ShowVisits(recorders, rows))], []):
            yield recorders
    finally:
        net.iterator_train = iterator_train


@contextmanager
def watching(proxy: Proxy, watch: Watch | None, recorders: Mapping[str, Recorder]) -> Iterator[None]:
    """Have the next `fit` of a proxy that is a net asked after each epoch; afterwards it is as it was before."""
    if watch is None:
        yield
        return
    watching = WatchEpochs(proxy, watch, recorders)
    with _with_callbacks(
        proxy.estimator, [("watch_epochs", watching)], [("end_as_watched", EndAsAsked(watching))]
    ):
        yield


@contextmanager
def _with_callbacks(net: NeuralNet, first: Callbacks, last: Callbacks) -> Iterator[None]:
    """Put callbacks before and after the user's for a while."""
    callbacks = net.callbacks
    names = {name for name, _ in (*first, *last)}
    if callbacks == "disable":
        # skorch runs no callback at all then; run these alone.
        net.get_default_callbacks = list
    users: list[Any] = [] if callbacks == "disable" else list(callbacks or [])
    net.callbacks = [*first, *users, *last]
    try:
        yield
    finally:
        net.callbacks = callbacks
        net.__dict__.pop("get_default_callbacks", None)
        net.callbacks_ = [item for item in getattr(net, "callbacks_", []) if item[0] not in names]


def can_be_recorded(net: NeuralNet) -> bool:
    """Tell whether the net's training iterator is sure to draw its rows in a way that can be noted."""
    loader = net.iterator_train
    own_batches = net.get_params(deep=False).get("iterator_train__batch_sampler")
    return isinstance(loader, type) and issubclass(loader, DataLoader) and own_batches is None


def _as_logits(net: NeuralNet, y_pred, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits of a batch, one column a class, and the columns of its labels."""
    scores = (y_pred[0] if isinstance(y_pred, tuple | list) else y_pred).detach()
    # skorch's classifier takes the logarithm of the module's output for this loss.
    is_probability = isinstance(net, NeuralNetClassifier) and isinstance(net.criterion_, nn.NLLLoss)
    if scores.ndim == 1 or scores.shape[1] == 1:
        # One number for two classes: a logit, or the probability of the second.
        second = scores.reshape(len(scores))
        is_probability = not isinstance(net.criterion_, nn.BCEWithLogitsLoss)
        scores = torch.stack([1 - second if is_probability else torch.zeros_like(second), second], dim=1)
        y = y.reshape(len(y)).bool().long()
    return scores.log() if is_probability else scores, y.to(scores.device)


def _note(recorder: Recorder, rows: np.ndarray, values: np.ndarray) -> None:
    """Note a batch in which a sampler with replacement may have drawn a row twice."""
    while len(rows):
        first = np.unique(rows, return_index=True)[1]
        recorder.note(rows[first], values[first])
        rows, values = np.delete(rows, first), np.delete(values, first)
