"""Choosing which rows to train on with a proxy."""

from ._classifier import CoresetClassifier
from ._sampler import ProxyCoresetSampler
from ._selector import ProxyCoresetSelector

__all__ = ["CoresetClassifier", "ProxyCoresetSampler", "ProxyCoresetSelector"]
