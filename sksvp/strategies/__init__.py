"""Strategies: which rows to choose, from what a proxy says of them.

Each strategy is a small object (`Entropy`, `KCenters`, ...) beside the pure
function on arrays that does its work (`entropy`, `k_centers`, ...).
"""

from ._choose import Choice, choose
from ._entropy import Entropy, entropy
from ._evidence import Evidence
from ._forgetting_events import ForgettingCounter, ForgettingEvents, forgetting_events
from ._k_centers import KCenters, k_centers
from ._least_confidence import LeastConfidence, least_confidence
from ._margin import Margin, margin
from ._probabilities import SUM_TOLERANCE as SUM_TOLERANCE
from ._random import Random
from ._recorder import Recorder

# With a name repeated: for other packages, and no part of the public interface.
from ._recorder import is_right as is_right
from ._recorder import library_of as library_of
from ._recorder import one_hot as one_hot
from ._registry import CarriesStrategies as CarriesStrategies
from ._registry import add_strategies as add_strategies
from ._registry import new_recorders as new_recorders
from ._registry import recorder_names, register_strategy, resolve_strategy, strategy_names
from ._registry import user_strategies as user_strategies
from ._sizes import class_quotas, count_rows, fill_quotas
from ._strategy import ScoredStrategy, Strategy, rank_by_score
from ._strategy import check_n_samples as check_n_samples
from ._visit_margins import VisitMargins

__all__ = [
    "Choice",
    "Entropy",
    "Evidence",
    "ForgettingCounter",
    "ForgettingEvents",
    "KCenters",
    "LeastConfidence",
    "Margin",
    "Random",
    "Recorder",
    "ScoredStrategy",
    "Strategy",
    "VisitMargins",
    "choose",
    "class_quotas",
    "count_rows",
    "entropy",
    "fill_quotas",
    "forgetting_events",
    "k_centers",
    "least_confidence",
    "margin",
    "rank_by_score",
    "recorder_names",
    "register_strategy",
    "resolve_strategy",
    "strategy_names",
]
