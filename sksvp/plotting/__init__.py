"""Figures of results, in scikit-learn's Display convention."""

from ._active import ActiveLearningDisplay, save_active_figure
from ._agreement_by_epoch import AgreementByEpochDisplay
from ._agreement_matrix import AgreementMatrixDisplay
from ._coreset import CoresetDisplay, save_run_figure
from ._data_map import DataMapDisplay
from ._epochs import EpochErrorDisplay, save_epochs_figure

# With a name repeated: for other packages, and no part of the public interface.
from ._look import COLOURS as COLOURS
from ._look import MARKERS as MARKERS
from ._overlap import OverlapDisplay
from ._pilot import PilotDisplay
from ._training_record import TrainingRecordDisplay

__all__ = [
    "ActiveLearningDisplay",
    "AgreementByEpochDisplay",
    "AgreementMatrixDisplay",
    "CoresetDisplay",
    "DataMapDisplay",
    "EpochErrorDisplay",
    "OverlapDisplay",
    "PilotDisplay",
    "TrainingRecordDisplay",
    "save_active_figure",
    "save_epochs_figure",
    "save_run_figure",
]
