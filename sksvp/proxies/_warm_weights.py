"""Weights to start from, as a skorch callback. Imported only if a proxy starts warm, since it needs skorch."""

from typing import Any

from skorch.callbacks import Callback

from ..networks import load_nested


class WarmWeights(Callback):
    """Puts weights into the module before the first epoch.

    Parameters
    ----------
    weights : dict of str to Tensor
        State of the same module, or of one that it nests. It is dropped once it is loaded.
    """

    def __init__(self, weights: dict[str, Any]):
        self.weights = weights

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        # A training that continues, from its checkpoint or by partial_fit, has its own weights.
        if not net.history:
            load_nested(net.module_, self.weights)
        self.weights = {}
