"""A mark in the folders that a command writes, so that no loader reads them as data."""

from pathlib import Path

_NAME = ".sksvp-run"
# The folder with the states of unfinished trainings.
IN_PROGRESS = "trainings-in-progress"


def mark_run_folder(folder: Path) -> None:
    """Mark a folder as written by a command."""
    (folder / _NAME).touch()


def is_run_folder(folder: Path) -> bool:
    """Tell whether a folder has the mark."""
    return (folder / _NAME).exists()
