"""Figures of results, in scikit-learn's Display convention."""

from ._active import ActiveLearningDisplay, save_active_figure
from ._coreset import CoresetDisplay, save_run_figure
from ._data_map import DataMapDisplay
from ._training_record import TrainingRecordDisplay

__all__ = [
    "ActiveLearningDisplay",
    "CoresetDisplay",
    "DataMapDisplay",
    "TrainingRecordDisplay",
    "save_active_figure",
    "save_run_figure",
]
