"""Choosing which rows to train on with a proxy."""

from ._by_chance import ByChanceWarning
from ._classifier import CoresetClassifier

# With a name repeated: for other packages, and no part of the public interface.
from ._memorised import FAR_BELOW as FAR_BELOW
from ._memorised import HARDLY_AN_ERROR as HARDLY_AN_ERROR
from ._memorised import MemorisedProxyWarning
from ._pilot import PilotResult, pilot
from ._ranking_settled import ProxyStop, RankingSettled
from ._risky_choice import RiskyChoiceWarning
from ._risky_choice import describe_empty_classes as describe_empty_classes
from ._sampler import ProxyCoresetSampler
from ._selector import ProxyCoresetSelector

__all__ = [
    "ByChanceWarning",
    "CoresetClassifier",
    "MemorisedProxyWarning",
    "PilotResult",
    "ProxyCoresetSampler",
    "ProxyCoresetSelector",
    "ProxyStop",
    "RankingSettled",
    "RiskyChoiceWarning",
    "pilot",
]
