"""Figures of results, in scikit-learn's Display convention."""

from ._active import ActiveLearningDisplay, save_active_figure
from ._coreset import CoresetDisplay, save_run_figure

__all__ = ["ActiveLearningDisplay", "CoresetDisplay", "save_active_figure", "save_run_figure"]
