"""What a fitted skorch net says of each row. Loaded with skorch only where a proxy is such a net."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from skorch import NeuralNet
from skorch.classifier import NeuralNetBinaryClassifier
from skorch.dataset import unpack_data
from skorch.utils import to_tensor
from torch import Tensor, nn
from torch.utils.data import RandomSampler

from ..strategies import SUM_TOLERANCE
from ._features import NoFeatures


def net_logits(net: NeuralNet, X) -> np.ndarray | None:
    """Compute float32 logits (n, k) where the net's loss takes logits, else None.

    Two classes with one output z (``BCEWithLogitsLoss``) become the logits (0, z).
    """
    criterion = _criterion(net)
    if net.predict_nonlinearity != "auto" or not isinstance(
        criterion, nn.CrossEntropyLoss | nn.BCEWithLogitsLoss
    ):
        return None
    logits = _collect(_first(output).float() for output in _outputs(net, X))
    if isinstance(criterion, nn.BCEWithLogitsLoss):
        logits = np.column_stack([np.zeros(len(logits), dtype=np.float32), logits.reshape(len(logits))])
    return logits


def net_probabilities(net: NeuralNet, X) -> np.ndarray:
    """Compute what the net's own `predict_proba` says, shape (n, k).

    Raises
    ------
    ValueError
        For something else under `NLLLoss`, skorch's default, which takes the
        module's output for probabilities.
    """
    _check_scoring_order(net, X)
    with torch.random.fork_rng([]):
        probabilities = net.predict_proba(X)
    if isinstance(_criterion(net), nn.NLLLoss) and not _are_probabilities(probabilities):
        raise ValueError(
            "The proxy's module gives something else than probabilities, and its criterion NLLLoss, skorch's default, "
            "takes its output for them. Build the net with criterion=torch.nn.CrossEntropyLoss for a module that "
            "gives logits, or let the module end in a softmax (not a log-softmax)."
        )
    return probabilities


def _criterion(net: NeuralNet) -> nn.Module:
    return getattr(net.criterion_, "_orig_mod", net.criterion_)  # as torch.compile wraps it


def _are_probabilities(values: np.ndarray) -> bool:
    # NaN is none, and compares as false.
    sums = values.sum(axis=1)
    return bool((values >= 0).all() and (np.abs(sums - 1) <= SUM_TOLERANCE).all())


def net_features(net: NeuralNet, X) -> np.ndarray:
    """Compute the final hidden vectors (n, d) of a net's module.

    Taken, in this order, from a method ``features(x)``, from timm's
    ``forward_head(..., pre_logits=True)``, or from what enters the linear layer
    that runs last. An attribute `features` that is itself a module, as in
    torchvision's networks, is a stack of convolutions and not meant.

    Raises
    ------
    NoFeatures, a ValueError
        Where the module has none of these.
    """
    module = getattr(net.module_, "_orig_mod", net.module_)
    if inspect.ismethod(getattr(module, "features", None)):
        batches = _calls(net, X, module.features)
    elif _has_timm_head(module):
        batches = _calls(net, X, lambda x: module.forward_head(module.forward_features(x), pre_logits=True))
    else:
        batches = _last_linear_inputs(net, module, X)
    features = _collect(_first(batch).float() for batch in batches)
    return features.reshape(len(features), -1)


def _has_timm_head(module: nn.Module) -> bool:
    head = getattr(module, "forward_head", None)
    return (
        hasattr(module, "forward_features")
        and head is not None
        and "pre_logits" in inspect.signature(head).parameters
    )


def _outputs(net: NeuralNet, X) -> Iterator[Tensor]:
    """Run the net over X batch by batch, in order and in evaluation mode."""
    _check_scoring_order(net, X)
    yield from net.forward_iter(X, training=False)


def _calls(net: NeuralNet, X, function: Callable) -> Iterator[Tensor]:
    """Call a function of the module in place of its forward."""
    _check_scoring_order(net, X)
    net._set_training(False)
    with torch.no_grad():
        for batch in net.get_iterator(net.get_dataset(X), training=False):
            x = to_tensor(unpack_data(batch)[0], device=net.device)
            yield function(**x) if isinstance(x, Mapping) else function(x)


def _last_linear_inputs(net: NeuralNet, module: nn.Module, X) -> Iterator[Tensor]:
    """Catch what enters the linear layer that runs last in each forward pass."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    if not layers:
        raise NoFeatures(
            f"The module {type(module).__name__} has no final hidden features to find: give it a method "
            "features(x), timm's forward_features and forward_head, or a last nn.Linear."
        )
    caught: list[Tensor] = []

    def keep_input(layer, args):
        caught[:] = args[:1]

    hooks = [layer.register_forward_pre_hook(keep_input) for layer in layers]
    try:
        for _ in _outputs(net, X):
            yield caught[0]
    finally:
        for hook in hooks:
            hook.remove()


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


def _collect(batches: Iterator[Tensor]) -> np.ndarray:
    # A DataLoader draws from the global generator even where it does not shuffle.
    with torch.random.fork_rng([]):
        return np.concatenate([batch.cpu().numpy() for batch in batches])


# Training -----------------------------------------------------------------------------------


def keep_all_rows(net: NeuralNet) -> None:
    """Set, in place, a `train_split` that takes rows away from training to None, with one warning."""
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
    """Give labels the form a torch loss takes.

    Integers from 0 on stay the numbers they are, as int64; strings, floats and
    negative numbers are numbered in sorted order. A binary net gets float32.
    """
    if isinstance(net, NeuralNetBinaryClassifier):
        return np.unique(y, return_inverse=True)[1].astype(np.float32)
    if y.dtype.kind in "biu" and y.min() >= 0:
        return y.astype(np.int64)
    return np.unique(y, return_inverse=True)[1].astype(np.int64)


@contextmanager
def forked_torch_seed(seed: int | None) -> Iterator[None]:
    """Seed torch's generators, CUDA ones too, for a while and give them back as they were."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
