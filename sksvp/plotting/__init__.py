"""Figures of results, in scikit-learn's Display convention."""

from ._coreset import CoresetDisplay, save_run_figure

__all__ = ["CoresetDisplay", "save_run_figure"]
