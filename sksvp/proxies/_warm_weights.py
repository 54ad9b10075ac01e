"""Weights to start from, as a skorch callback. Imported only if a proxy starts warm, since it needs skorch."""

from typing import Any

from skorch.callbacks import Callback


class WarmWeights(Callback):
    """Puts weights into the module before the first epoch.

    Parameters
    ----------
    weights : dict of str to Tensor
        State of the same module. It is dropped once it is loaded.
    """

    def __init__(self, weights: dict[str, Any]):
        self.weights = weights

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        # A training that continues, from its checkpoint or by partial_fit, has its own weights.
        if not net.history:
            net.module_.load_state_dict(self.weights)
        self.weights = {}
