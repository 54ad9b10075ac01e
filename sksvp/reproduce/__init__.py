"""Experiments of the method: runs that can be stopped and resumed, and their tables."""

from ._coreset import Arm, CoresetRun, run_coreset, selected_rows
from ._run_folder import RunFolder
from ._table import first_selection, format_summary, report_run, summary_table, trainings_table

__all__ = [
    "Arm",
    "CoresetRun",
    "RunFolder",
    "first_selection",
    "format_summary",
    "report_run",
    "run_coreset",
    "selected_rows",
    "summary_table",
    "trainings_table",
]
