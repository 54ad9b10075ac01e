"""Active learning with a proxy: which rows to label next."""

# With a name repeated: for other packages, and no part of the public interface.
from ._candidates import Candidates as Candidates
from ._curve import active_learning_curve
from ._learner import ProxyActiveLearner
from ._opening import check_learner as check_learner
from ._predictions_settled import PredictionsSettled
from ._protocol import Plan as Plan
from ._protocol import make_plan as make_plan
from ._replay import replay_selection
from ._run import resolve_pool_strategy as resolve_pool_strategy
from ._speedup import selection_speedup
from ._start import make_start as make_start

__all__ = [
    "PredictionsSettled",
    "ProxyActiveLearner",
    "active_learning_curve",
    "replay_selection",
    "selection_speedup",
]
