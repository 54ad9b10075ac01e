"""Strategies: which rows to choose, from what a proxy says of them.

Each strategy is a small object (`Entropy`, `KCenters`, ...) beside the pure
function on arrays that does its work (`entropy`, `k_centers`, ...).
"""

from ._class_quotas import class_quotas, fill_quotas
from ._entropy import Entropy, entropy
from ._evidence import Evidence
from ._forgetting_events import ForgettingCounter, ForgettingEvents, forgetting_events
from ._k_centers import KCenters, k_centers
from ._least_confidence import LeastConfidence, least_confidence
from ._margin import Margin, margin
from ._random import Random
from ._registry import register_strategy, resolve_strategy, strategy_names
from ._strategy import ScoredStrategy, Strategy, rank_by_score

__all__ = [
    "Entropy",
    "Evidence",
    "ForgettingCounter",
    "ForgettingEvents",
    "KCenters",
    "LeastConfidence",
    "Margin",
    "Random",
    "ScoredStrategy",
    "Strategy",
    "class_quotas",
    "entropy",
    "fill_quotas",
    "forgetting_events",
    "k_centers",
    "least_confidence",
    "margin",
    "rank_by_score",
    "register_strategy",
    "resolve_strategy",
    "strategy_names",
]
