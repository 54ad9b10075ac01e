"""Looking at a skorch net while it trains. Loaded with skorch."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from sklearn.utils import _safe_indexing
from skorch import NeuralNet
from skorch.callbacks import Callback

from ..training import EndAsAsked
from ._skorch_counting import CountForgettingEvents
from ._watching import Watch

_NAMES = ("watch_epochs", "end_as_watched")


class WatchEpochs(Callback):
    """Ask after each epoch whether the training may end, which `EndAsAsked` then does.

    Apart, as what is asked must see each epoch, also one that a callback of the user's
    ends the training in, and those are to see the last epoch too.
    """

    def __init__(self, watch: Watch, counter: CountForgettingEvents | None):
        self.watch = watch
        self.counter = counter

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.X_ = X

    def on_epoch_end(self, net, **kwargs):
        def gather(kind: str, rows: np.ndarray) -> dict[str, np.ndarray]:
            if kind == "forgetting_events" and self.counter is not None:
                return {kind: self.counter.counter_.events()[rows]}
            from ._gather import gather_kind

            # A loader draws a seed from torch's generator, which the training is to find as it was.
            with torch.random.fork_rng(devices=[]):
                return gather_kind(net, _safe_indexing(self.X_, rows), None, kind)

        self.ends_ = self.watch(gather)

    def on_train_end(self, net, **kwargs):
        del self.X_


@contextmanager
def watching(
    net: NeuralNet, watch: Watch | None, counter: CountForgettingEvents | None = None
) -> Iterator[None]:
    """Have the net's next `fit` asked after each epoch; afterwards the net is as it was before."""
    if watch is None:
        yield
        return
    callbacks = net.callbacks
    watching = WatchEpochs(watch, counter)
    first, last = zip(_NAMES, (watching, EndAsAsked(watching)), strict=True)
    if callbacks == "disable":
        net.get_default_callbacks = list
        net.callbacks = [first, last]
    else:
        net.callbacks = [first, *(callbacks or []), last]
    try:
        yield
    finally:
        net.callbacks = callbacks
        net.__dict__.pop("get_default_callbacks", None)
        net.callbacks_ = [item for item in getattr(net, "callbacks_", []) if item[0] not in _NAMES]
