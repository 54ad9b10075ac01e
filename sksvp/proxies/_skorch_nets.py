"""What a fitted skorch net says of each row. Loaded with skorch only where a proxy is such a net."""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.classifier import NeuralNetBinaryClassifier
from torch import Tensor, nn
from torch.utils.data import RandomSampler

from ..strategies import SUM_TOLERANCE
from ..training import alone_with_torch
from ._features import NoFeatures


def net_logits(net: NeuralNet, X) -> np.ndarray | None:
    """Compute float32 logits (n, k) if the net's loss takes logits, else return None.

    Two classes with one output z (``BCEWithLogitsLoss``) become the logits (0, z).
    """
    criterion = _not_compiled(net.criterion_)
    if net.predict_nonlinearity != "auto" or not isinstance(
        criterion, nn.CrossEntropyLoss | nn.BCEWithLogitsLoss
    ):
        return None
    logits = _outputs(net, X)
    if isinstance(criterion, nn.BCEWithLogitsLoss):
        logits = np.column_stack([np.zeros(len(logits), dtype=np.float32), logits.reshape(len(logits))])
    return logits


def net_probabilities(net: NeuralNet, X) -> np.ndarray:
    """Compute what the net's own `predict_proba` says, shape (n, k).

    Raises
    ------
    ValueError
        If the module gives no probabilities under `NLLLoss`, skorch's default, which takes
        its output for them.
    """
    _check_scoring_order(net, X)
    probabilities = net.predict_proba(X)
    if isinstance(_not_compiled(net.criterion_), nn.NLLLoss) and not _are_probabilities(probabilities):
        raise ValueError(
            "The proxy's module gives something else than probabilities, and its criterion NLLLoss, skorch's default, "
            "takes its output for them. Build the net with criterion=torch.nn.CrossEntropyLoss for a module that "
            "gives logits, or let the module end in a softmax (not a log-softmax)."
        )
    return probabilities


def _are_probabilities(values: np.ndarray) -> bool:
    # NaN is none, and compares as false.
    sums = values.sum(axis=1)
    return bool((values >= 0).all() and (np.abs(sums - 1) <= SUM_TOLERANCE).all())


def net_features(net: NeuralNet, X) -> np.ndarray:
    """Compute the final hidden vectors (n, d) of a net's module.

    They come, in this order, from a method ``features(x)``, from timm's
    ``forward_head(..., pre_logits=True)``, or from the input of the linear layer
    that runs last. An attribute `features` that is itself a module, as in
    torchvision's networks, is a stack of convolutions and is not used.

    Raises
    ------
    NoFeatures, a ValueError
        If the module has none of these.
    """
    module: Any = _not_compiled(net.module_)
    if inspect.ismethod(getattr(module, "features", None)):
        forward: Callable = module.features
    elif _has_timm_head(module):

        def forward(x):
            return module.forward_head(module.forward_features(x), pre_logits=True)
    else:
        forward = partial(_last_linear_input, module)
    before = vars(net)["module_"]
    vars(net)["module_"] = _Calls(module, forward)
    try:
        features = _outputs(net, X)
    finally:
        vars(net)["module_"] = before
    return features.reshape(len(features), -1)


def _not_compiled(module: nn.Module) -> nn.Module:
    """Return the module that torch.compile has wrapped: hooks inside the compiled one do not run."""
    return getattr(module, "_orig_mod", module)


class _Calls(nn.Module):
    """Stands in for a net's module and calls a function of it in place of its forward."""

    def __init__(self, module: nn.Module, function: Callable):
        super().__init__()
        self.module = module
        self.forward = function


def _has_timm_head(module: nn.Module) -> bool:
    head = getattr(module, "forward_head", None)
    return (
        hasattr(module, "forward_features")
        and head is not None
        and "pre_logits" in inspect.signature(head).parameters
    )


def _last_linear_input(module: nn.Module, *args, **kwargs) -> Tensor:
    """Return what enters the linear layer that runs last in a forward pass."""
    last = LastLinearInput(module)
    try:
        with _not_compiling():
            output = _first(module(*args, **kwargs))
    finally:
        last.close()
    return last.features(output)


class LastLinearInput:
    """Keeps what enters the linear layer that runs last in each forward pass of a module, until it is closed."""

    def __init__(self, module: nn.Module):
        self._name = type(module).__name__
        self._caught: list[Any] = []
        self._hooks = [
            layer.register_forward_pre_hook(self._keep_input)
            for layer in module.modules()
            if isinstance(layer, nn.Linear)
        ]

    def _keep_input(self, layer: nn.Module, inputs: tuple) -> None:
        self._caught[:] = layer, *inputs

    def features(self, output: Tensor) -> Tensor:
        """Return the input of the last pass, whose output this is; `NoFeatures` if there was no such layer."""
        # If its size is not that of the output, a later layer was not called as one.
        if not self._caught or (
            output.ndim > 1 and self._caught[0].out_features not in (1, output.shape[-1])
        ):
            raise NoFeatures(
                f"The module {self._name} has no final hidden features to find: give it a method "
                "features(x), timm's forward_features and forward_head, or a last nn.Linear that it calls as a layer."
            )
        return self._caught[1].detach()

    def close(self) -> None:
        """Watch no more."""
        for hook in self._hooks:
            hook.remove()


def _not_compiling() -> AbstractContextManager:
    """Run compiled parts of a module as they are written: compiled, they would run no hooks."""
    # torch before 2.6 cannot.
    return (
        torch.compiler.set_stance("force_eager") if hasattr(torch.compiler, "set_stance") else nullcontext()
    )


def _outputs(net: NeuralNet, X) -> np.ndarray:
    """Run the net over X batch by batch, in order and in evaluation mode; float32."""
    _check_scoring_order(net, X)
    batches = net.forward_iter(X, training=False)
    return np.concatenate([_first(batch).float().cpu().numpy() for batch in batches])


def _check_scoring_order(net: NeuralNet, X) -> None:
    """Refuse a scoring iterator that shuffles: scores would belong to other rows."""
    iterator = net.get_iterator(net.get_dataset(X), training=False)
    if isinstance(getattr(iterator, "sampler", None), RandomSampler):
        raise ValueError(
            "The proxy's iterator_valid shuffles (iterator_valid__shuffle=True), so scores have no rows."
        )


def _first(output) -> Tensor:
    """Return the main output of a module that returns several."""
    return output[0] if isinstance(output, tuple | list) else output


# Training -----------------------------------------------------------------------------------


def keep_all_rows(net: NeuralNet) -> None:
    """Set a `train_split` that takes rows away from training to None, in place and with one warning."""
    split = net.train_split
    # skorch.helper.predefined_split validates on other data and takes no row.
    if split is None or (isinstance(split, partial) and "valid_ds" in split.keywords):
        return
    warnings.warn(
        f"train_split={split!r} of the proxy would take rows away from training and is set to None, so that "
        "every row is learned. Callbacks that watch valid_loss need skorch.helper.predefined_split.",
        UserWarning,
        stacklevel=2,
    )
    net.train_split = None


def encode_labels(net: NeuralNet, y: np.ndarray) -> np.ndarray:
    """Give labels the form that a torch loss takes.

    Integers from 0 on stay the numbers they are, as int64; strings, floats and
    negative numbers are numbered in sorted order. A binary net gets float32.
    """
    if isinstance(net, NeuralNetBinaryClassifier):
        return np.unique(y, return_inverse=True)[1].astype(np.float32)
    if y.dtype.kind in "biu" and y.min() >= 0:
        return y.astype(np.int64)
    return np.unique(y, return_inverse=True)[1].astype(np.int64)


@contextmanager
def forked_torch(seed: int | None, devices: Iterable[int] = ()) -> Iterator[None]:
    """Lend torch's generators, seeded if there is a seed, and give them back as they were; other threads wait."""
    with alone_with_torch(), torch.random.fork_rng(devices):
        if seed is not None:
            torch.manual_seed(seed)
        yield
