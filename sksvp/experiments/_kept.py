"""States of unfinished trainings, from which a stopped run continues."""

import shutil
from contextlib import suppress
from pathlib import Path

from sklearn.base import BaseEstimator

from .._storage._run_mark import IN_PROGRESS


def training_folder(run: Path, key: str) -> Path:
    """Return the folder of a training's states, which exists until its record is written."""
    return run / IN_PROGRESS / key


def keep_training(estimator: BaseEstimator, path: Path, every: int) -> BaseEstimator:
    """Set an estimator of ours to write states below `path` every so many epochs; 0 means never.

    Models of other kinds are trained anew after a stop.
    """
    if every and "checkpoint" in estimator.get_params(deep=False):
        estimator.set_params(checkpoint=path, checkpoint_every=every)
    return estimator


def forget_training(path: Path) -> None:
    """Remove the states of a training."""
    shutil.rmtree(path, ignore_errors=True)
    # The parent folder is removed with the last training in it.
    with suppress(OSError):
        path.parent.rmdir()
