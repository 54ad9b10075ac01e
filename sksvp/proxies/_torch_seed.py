"""Seeding torch for trainings in which a skorch net takes part, without loading torch for others."""

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
    return is_skorch_net(estimator) or any(map(is_skorch_net, estimator.get_params(deep=True).values()))


def torch_seed(estimator: BaseEstimator, seed: int | None) -> AbstractContextManager:
    """Seed torch for the while of a training in which a skorch net takes part."""
    if not holds_skorch_net(estimator):
        return nullcontext()
    from ._skorch_nets import forked_torch_seed

    return forked_torch_seed(seed)
