"""Active learning with a proxy: which rows to label next."""

from ._curve import active_learning_curve
from ._learner import ProxyActiveLearner
from ._replay import replay_selection
from ._speedup import selection_speedup

__all__ = ["ProxyActiveLearner", "active_learning_curve", "replay_selection", "selection_speedup"]
