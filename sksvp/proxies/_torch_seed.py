"""Torch's generators while a skorch net takes part, without loading torch for other proxies."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sklearn.base import BaseEstimator


def is_skorch_net(thing: Any) -> bool:
    """Tell whether something is a net of skorch's own, without loading skorch."""
    skorch = sys.modules.get("skorch")
    return skorch is not None and isinstance(thing, skorch.NeuralNet)


def holds_skorch_net(estimator: BaseEstimator) -> bool:
    """Tell whether an estimator or one among its parameters is a skorch net."""
    if "skorch" not in sys.modules:
        return False
    return is_skorch_net(estimator) or any(map(is_skorch_net, estimator.get_params(deep=True).values()))


def training_torch(estimator: BaseEstimator, seed: int | None) -> AbstractContextManager:
    """Seed torch for a training in which a skorch net takes part; without a seed its draws are left as they are.

    skorch draws from torch's generators, which all threads share: other threads wait.
    """
    if not holds_skorch_net(estimator):
        return nullcontext()
    import torch

    from ..training import alone_with_torch
    from ._skorch_nets import forked_torch

    return alone_with_torch() if seed is None else forked_torch(seed, range(torch.cuda.device_count()))


def scoring_torch(estimator: BaseEstimator) -> AbstractContextManager:
    """Keep torch's generator as it is while a skorch net scores: its DataLoader draws even if it does not shuffle."""
    if not holds_skorch_net(estimator):
        return nullcontext()
    from ._skorch_nets import forked_torch

    return forked_torch(None)
