"""The skorch net behind our classifiers."""

import inspect
import warnings

import torch
from skorch import NeuralNetClassifier
from torch import Tensor

from ._batches import ShuffledBatches, TrainingRows
from ._callbacks import TrainingEnds


class TrainingNet(NeuralNetClassifier):
    """skorch's classifier, fed with whole batches and run under autocast.

    The batches of `ShuffledBatches` carry their row numbers beside the inputs,
    so that a callback can count by row; the module sees the inputs alone.
    """

    callbacks_: list

    def __init__(self, module, *, autocast_dtype: torch.dtype = torch.float32, **kwargs):
        super().__init__(module, **kwargs)
        self.autocast_dtype = autocast_dtype

    def train_epochs(self, rows: TrainingRows, *, epochs: int, callbacks: list, batches: dict) -> None:
        """Train on, with callbacks and batches that serve this training alone.

        Unlike skorch's `fit`, an interruption is not swallowed: the caller must
        not take a half-trained network for a trained one.
        """
        own = list(self.callbacks_)
        self.callbacks_ = [*own, *((name, callback.initialize()) for name, callback in callbacks)]
        self._batches = batches
        self.notify("on_train_begin", X=rows, y=None)
        try:
            self.fit_loop(rows, None, epochs=epochs)
        except TrainingEnds:
            # Somebody who watches it has seen enough.
            pass
        finally:
            self.notify("on_train_end", X=rows, y=None)
            self.callbacks_ = own
            del self._batches

    def get_iterator(self, dataset: TrainingRows, training: bool = False) -> ShuffledBatches:
        return ShuffledBatches(dataset, batch_size=self.batch_size, **self._batches)

    def infer(self, x: dict[str, Tensor], **fit_params) -> Tensor:
        with self.autocast():
            logits = self.module_(x["inputs"], **fit_params)
        return logits.float()

    def trains_in_bf16_on_cpu(self) -> bool:
        return self.autocast_dtype == torch.bfloat16 and torch.device(self.device).type == "cpu"

    def autocast(self) -> torch.autocast:
        """Mixed precision where the training asked for it."""
        device_type = torch.device(self.device).type
        return torch.autocast(device_type, self.autocast_dtype, enabled=self.autocast_dtype != torch.float32)


def check_net_params(net_params: dict | None, owned: tuple[str, ...]) -> None:
    """Check what goes to skorch beside our own parameters.

    Raises
    ------
    ValueError
        For a name that one of our parameters sets already.
    """
    clash = sorted(set(net_params or {}) & set(owned))
    if clash:
        raise ValueError(f"net_params must not set {clash}: the estimator's own parameters decide them.")


def without_train_split(net_params: dict | None) -> dict:
    """Copy skorch's parameters without the split that would hold rows back from training."""
    net_params = dict(net_params or {})
    if net_params.pop("train_split", None) is not None:
        warnings.warn(
            "net_params['train_split'] would take rows from training and is set to None.",
            UserWarning,
            stacklevel=4,
        )
    return net_params


def for_optimizer(params: dict, net_params: dict) -> dict:
    """Keep what the optimizer of `net_params` takes of the parameters meant for stochastic gradient descent."""
    optimizer = net_params.get("optimizer", torch.optim.SGD)
    if optimizer is torch.optim.SGD:
        return params
    known = {f"optimizer__{name}" for name in inspect.signature(optimizer).parameters}
    return {name: value for name, value in params.items() if name in known}
