"""Figures of results, in scikit-learn's Display convention."""

from ._coreset import CoresetDisplay

__all__ = ["CoresetDisplay"]
