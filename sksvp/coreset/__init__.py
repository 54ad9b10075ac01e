"""Choosing which rows to train on with a proxy."""

from ._by_chance import ByChanceWarning
from ._classifier import CoresetClassifier
from ._memorised import MemorisedProxyWarning
from ._ranking_settled import ProxyStop, RankingSettled
from ._risky_choice import RiskyChoiceWarning
from ._sampler import ProxyCoresetSampler
from ._selector import ProxyCoresetSelector

__all__ = [
    "ByChanceWarning",
    "CoresetClassifier",
    "MemorisedProxyWarning",
    "ProxyCoresetSampler",
    "ProxyCoresetSelector",
    "ProxyStop",
    "RankingSettled",
    "RiskyChoiceWarning",
]
