"""Choosing which rows to train on with a proxy."""

from ._classifier import CoresetClassifier
from ._ranking_settled import ProxyStop, RankingSettled
from ._sampler import ProxyCoresetSampler
from ._selector import ProxyCoresetSelector

__all__ = ["CoresetClassifier", "ProxyCoresetSampler", "ProxyCoresetSelector", "ProxyStop", "RankingSettled"]
