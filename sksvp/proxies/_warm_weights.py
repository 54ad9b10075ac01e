"""Weights to start from, as a skorch callback. Loaded with skorch only where a proxy starts warm."""

from typing import Any

from skorch.callbacks import Callback


class WarmWeights(Callback):
    """Puts weights into the module before the first epoch.

    Parameters
    ----------
    weights : dict of str to Tensor
        A state of the same module. Forgotten once it is loaded.
    """

    def __init__(self, weights: dict[str, Any]):
        self.weights = weights

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        # A training that goes on, from its checkpoint or by partial_fit, has its own weights by now.
        if not net.history:
            net.module_.load_state_dict(self.weights)
        self.weights = {}
