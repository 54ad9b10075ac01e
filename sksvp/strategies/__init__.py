"""Strategies: which rows to choose, from what a proxy says of them.

Each strategy is a small object (`Entropy`, `KCenters`, ...) beside the pure
function on arrays that does its work (`entropy`, `k_centers`, ...).
"""

from ._area_under_margin import AreaUnderMargin, area_under_margin
from ._auto import Auto, Decision
from ._auto_query import AutoQuery
from ._badge import BADGE, badge
from ._badge import class_probabilities as class_probabilities
from ._bait import BAIT, bait
from ._beta_sample import BetaSample
from ._cartography import Variability, confidence, correctness, variability
from ._choose import Choice, choose
from ._cluster_margin import ClusterMargin, cluster_margin
from ._cost import Cost, estimate_cost
from ._d2 import D2, d2
from ._dual import Dual, dual
from ._dynamic_uncertainty import DynamicUncertainty, dynamic_uncertainty
from ._el2n import EL2N, el2n
from ._entropy import Entropy, entropy
from ._evidence import Evidence
from ._facility_location import FacilityLocation, facility_location
from ._forgetting_events import ForgettingCounter, ForgettingEvents, forgetting_events
from ._grand import GraNd
from ._growth import DataSize, Growth
from ._herding import Herding, herding
from ._k_centers import KCenters, k_centers
from ._label_issues import LABEL_ISSUE_WAYS as LABEL_ISSUE_WAYS
from ._label_issues import label_suspicion
from ._label_issues import mark_highest as mark_highest
from ._label_issues import mark_most_suspicious as mark_most_suspicious
from ._label_issues import own_columns as own_columns
from ._least_confidence import LeastConfidence, least_confidence
from ._loss_correlation import LossCorrelation, loss_correlation
from ._margin import Margin, margin
from ._moderate import Moderate, centre_distances, moderate
from ._named_strategy import named_strategy as named_strategy
from ._named_strategy import read_parameters as read_parameters
from ._picking import PickingStrategy
from ._probabilities import SUM_TOLERANCE as SUM_TOLERANCE
from ._random import Random
from ._record_changes import RecordChanges
from ._record_feature_norms import RecordFeatureNorms
from ._record_visits import RecordVisits
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
from ._sampler import Sampler
from ._several_proxies import choose_together as choose_together
from ._several_proxies import mean_evidence as mean_evidence
from ._sizes import class_quotas, count_rows, fill_quotas
from ._soft import Soft
from ._strategy import ScoredStrategy, Strategy, rank_by_score
from ._strategy import check_n_samples as check_n_samples
from ._stratified import Stratified
from ._tdds import Tdds, tdds
from ._top import Top
from ._training_record import TrainingRecord
from ._training_record import log_probabilities as log_probabilities
from ._typiclust import TypiClust, typiclust
from ._window import Window

__all__ = [
    "BADGE",
    "BAIT",
    "D2",
    "EL2N",
    "AreaUnderMargin",
    "Auto",
    "AutoQuery",
    "BetaSample",
    "Choice",
    "ClusterMargin",
    "Cost",
    "DataSize",
    "Decision",
    "Dual",
    "DynamicUncertainty",
    "Entropy",
    "Evidence",
    "FacilityLocation",
    "ForgettingCounter",
    "ForgettingEvents",
    "GraNd",
    "Growth",
    "Herding",
    "KCenters",
    "LeastConfidence",
    "LossCorrelation",
    "Margin",
    "Moderate",
    "PickingStrategy",
    "Random",
    "RecordChanges",
    "RecordFeatureNorms",
    "RecordVisits",
    "Recorder",
    "Sampler",
    "ScoredStrategy",
    "Soft",
    "Strategy",
    "Stratified",
    "Tdds",
    "Top",
    "TrainingRecord",
    "TypiClust",
    "Variability",
    "Window",
    "area_under_margin",
    "badge",
    "bait",
    "centre_distances",
    "choose",
    "class_quotas",
    "cluster_margin",
    "confidence",
    "correctness",
    "count_rows",
    "d2",
    "dual",
    "dynamic_uncertainty",
    "el2n",
    "entropy",
    "estimate_cost",
    "facility_location",
    "fill_quotas",
    "forgetting_events",
    "herding",
    "k_centers",
    "label_suspicion",
    "least_confidence",
    "loss_correlation",
    "margin",
    "moderate",
    "rank_by_score",
    "recorder_names",
    "register_strategy",
    "resolve_strategy",
    "strategy_names",
    "tdds",
    "typiclust",
    "variability",
]
