"""Trainings of a run in progress, kept so that a stopped run goes on in the middle of them."""

import shutil
from contextlib import suppress
from pathlib import Path

from sklearn.base import BaseEstimator


def training_folder(run: Path, key: str) -> Path:
    """Return where, in a run's folder, the training of a record is kept until the record is there."""
    return run / "trainings-in-progress" / key


def keep_training(estimator: BaseEstimator, path: Path, every: int) -> BaseEstimator:
    """Have an estimator of ours keep its training below `path`, every so many epochs; 0: never.

    Models of other kinds train anew after a stop.
    """
    if every and "checkpoint" in estimator.get_params(deep=False):
        estimator.set_params(checkpoint=path, checkpoint_every=every)
    return estimator


def forget_training(path: Path) -> None:
    """Remove what was kept of a training, once its record is there."""
    shutil.rmtree(path, ignore_errors=True)
    # The last one takes the folder of all along; it stays while other workers' trainings are in it.
    with suppress(OSError):
        path.parent.rmdir()
