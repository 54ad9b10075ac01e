"""Experiments of the method: runs that can be stopped and resumed, and their tables."""

from ._active import ActiveArm, ActiveRun, run_active
from ._active_table import budgets_table, format_budgets, rounds_table
from ._coreset import CoresetArm, CoresetRun
from ._coreset_trainings import run_coreset
from ._epochs import epochs_table
from ._estimate import estimate, format_estimate

# With a name repeated: for other packages, and no part of the public interface.
from ._hardware import hardware_name as hardware_name
from ._kept import forget_training as forget_training
from ._kept import keep_training as keep_training
from ._kept import training_folder as training_folder
from ._replay import former_arms as former_arms
from ._replay import former_run, replay_run
from ._report import report_run
from ._run_folder import RunFolder
from ._seconds import clocks_in_order as clocks_in_order
from ._seconds import in_words as in_words
from ._table import format_summary, summary_table, trainings_table
from ._timed import time_training as time_training

__all__ = [
    "ActiveArm",
    "ActiveRun",
    "CoresetArm",
    "CoresetRun",
    "RunFolder",
    "budgets_table",
    "epochs_table",
    "estimate",
    "format_budgets",
    "format_estimate",
    "format_summary",
    "former_run",
    "replay_run",
    "report_run",
    "rounds_table",
    "run_active",
    "run_coreset",
    "summary_table",
    "trainings_table",
]
