"""Counting the forgetting events of a skorch net while it trains, row by row. Loaded with skorch."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.dataset import unpack_data
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from ..strategies import ForgettingCounter

_NAME = "count_forgetting_events"


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
                "Forgetting events of a skorch net need an iterator_train that draws its batches in order "
                "through a batch_sampler with a sampler, as torch's DataLoader does; "
                f"{type(loader).__name__} does not."
            )
        batch_sampler.sampler = RecordingSampler(sampler, self.rows)
        return loader


class CountForgettingEvents(Callback):
    """Note for every row of a training batch whether it was right before the update."""

    def __init__(self, n_rows: int, rows: deque):
        self.n_rows = n_rows
        self.rows = rows

    def initialize(self):
        self.counter_ = ForgettingCounter(self.n_rows)
        return self

    def on_epoch_begin(self, net, **kwargs):
        # A loader that drops its last batch has noted rows that never came.
        self.rows.clear()

    def on_batch_end(self, net, batch, training, y_pred=None, **kwargs):
        if not training:
            return
        y = unpack_data(batch)[1]
        correct = _is_correct(net, y_pred, y)
        if len(self.rows) < len(correct):
            raise ValueError(
                "The proxy's batch_sampler does not draw its rows from its own sampler attribute."
            )
        rows = np.array([self.rows.popleft() for _ in correct])
        _update(self.counter_, rows, correct)


@contextmanager
def counting(net: NeuralNet, n_rows: int) -> Iterator[CountForgettingEvents]:
    """Count forgetting events in the net's next `fit`; afterwards the net is as it was before.

    Parameters
    ----------
    net : skorch net
        Not yet initialized; changed in place for the while.
    n_rows : int
        Rows it will be trained on.
    """
    rows: deque[int] = deque()
    counter = CountForgettingEvents(n_rows, rows)
    iterator_train, callbacks = net.iterator_train, net.callbacks
    net.iterator_train = RecordingLoader(iterator_train, rows)
    if callbacks == "disable":
        # skorch runs no callback at all then; run this one alone.
        net.get_default_callbacks = list
        net.callbacks = [(_NAME, counter)]
    else:
        net.callbacks = [(_NAME, counter), *(callbacks or [])]
    try:
        yield counter
    finally:
        net.iterator_train, net.callbacks = iterator_train, callbacks
        net.__dict__.pop("get_default_callbacks", None)
        net.callbacks_ = [item for item in getattr(net, "callbacks_", []) if item[0] != _NAME]


def can_be_counted(net: NeuralNet) -> bool:
    """Tell whether the net's training iterator is sure to draw its rows in a way that can be noted."""
    loader = net.iterator_train
    own_batches = net.get_params(deep=False).get("iterator_train__batch_sampler")
    return isinstance(loader, type) and issubclass(loader, DataLoader) and own_batches is None


def _is_correct(net: NeuralNet, y_pred, y: Tensor) -> np.ndarray:
    scores = y_pred[0] if isinstance(y_pred, tuple | list) else y_pred
    if scores.ndim == 1 or scores.shape[1] == 1:
        threshold = 0.0 if isinstance(net.criterion_, nn.BCEWithLogitsLoss) else 0.5
        predicted = scores.reshape(len(scores)) > threshold
        return (predicted == y.reshape(len(y)).to(predicted.device).bool()).cpu().numpy()
    return (scores.argmax(dim=1) == y.to(scores.device)).cpu().numpy()


def _update(counter: ForgettingCounter, rows: np.ndarray, correct: np.ndarray) -> None:
    """Count a batch in which a sampler with replacement may have drawn a row twice."""
    while len(rows):
        first = np.unique(rows, return_index=True)[1]
        counter.update(rows[first], correct[first])
        rows, correct = np.delete(rows, first), np.delete(correct, first)
