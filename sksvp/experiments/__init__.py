"""Experiments of the method: runs that can be stopped and resumed, and their tables."""

from ._active import (
    ActiveArm,
    ActiveRun,
    first_labelled,
    former_run,
    labelled_rows,
    replay_run,
    run_active,
)

# With a name repeated: for other packages, and no part of the public interface.
from ._active import former_arms as former_arms
from ._active_table import budgets_table, format_budgets, report_active, rounds_table
from ._coreset import Arm, CoresetRun, run_coreset, selected_rows
from ._kept import forget_training as forget_training
from ._kept import keep_training as keep_training
from ._kept import training_folder as training_folder
from ._run_folder import RunFolder
from ._seconds import clocks_in_order as clocks_in_order
from ._seconds import in_words as in_words
from ._table import first_selection, format_summary, report_run, summary_table, trainings_table

__all__ = [
    "ActiveArm",
    "ActiveRun",
    "Arm",
    "CoresetRun",
    "RunFolder",
    "budgets_table",
    "first_labelled",
    "first_selection",
    "format_budgets",
    "format_summary",
    "former_run",
    "labelled_rows",
    "replay_run",
    "report_active",
    "report_run",
    "rounds_table",
    "run_active",
    "run_coreset",
    "selected_rows",
    "summary_table",
    "trainings_table",
]
