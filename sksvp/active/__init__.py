"""Active learning with a proxy: which rows to label next."""

from ._curve import active_learning_curve
from ._learner import ProxyActiveLearner
from ._predictions_settled import PredictionsSettled

# With a name repeated: for other packages, and no part of the public interface.
from ._protocol import make_plan as make_plan
from ._replay import replay_selection
from ._run import resolve_pool_strategy as resolve_pool_strategy
from ._speedup import selection_speedup

__all__ = [
    "PredictionsSettled",
    "ProxyActiveLearner",
    "active_learning_curve",
    "replay_selection",
    "selection_speedup",
]
