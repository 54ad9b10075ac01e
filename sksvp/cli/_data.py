"""The data of a command: a known set, image folders or the user's own arrays."""

import warnings
from pathlib import Path

import numpy as np
import typer
from sklearn.utils import Bunch

DATASETS = ("digits", "cifar10", "cifar100", "folder")


def load_data(
    dataset: str | None,
    data: Path | None,
    data_dir: Path,
    *,
    download: bool,
    image_size: int,
    on_error: str,
    n_rows: int | None,
    needs_test: bool,
) -> Bunch:
    """Load training and test rows.

    Raises
    ------
    ValueError
        For an unknown set, both or neither of `dataset` and `data`, or fewer
        rows than asked for.
    """
    from .. import datasets

    if (dataset is None) == (data is None):
        raise ValueError("give either --dataset NAME or --data FILE.")
    if data is not None:
        bunch = datasets.load_arrays(data)
    elif dataset == "digits":
        bunch = datasets.load_digits()
    elif dataset == "cifar10":
        bunch = datasets.load_cifar10(data_dir, download=download)
    elif dataset == "cifar100":
        bunch = datasets.load_cifar100(data_dir, download=download)
    elif dataset == "folder":
        with warnings.catch_warnings():
            # Its warning says how many were skipped; the list says which.
            warnings.simplefilter("ignore", UserWarning)
            bunch = datasets.load_image_folder(data_dir, image_size=image_size, on_error=on_error)
        for file, reason in bunch.skipped:
            typer.echo(f"skipped, unreadable: {file} ({reason})", err=True)
    else:
        raise ValueError(f"--dataset must be one of {', '.join(DATASETS)}, got {dataset!r}.")
    if needs_test and bunch.X_test is None:
        raise ValueError(
            "there are no test rows to measure errors on: add X_test and y_test, or take --only-select."
        )
    if n_rows is not None:
        _thin(bunch, n_rows)
    return bunch


def _thin(bunch: Bunch, n_rows: int) -> None:
    """Keep a random part of the training rows, the same one in every run."""
    n = len(bunch.y_train)
    if not 2 <= n_rows <= n:
        raise ValueError(f"--train-rows must lie between 2 and {n}, the rows there are, got {n_rows}.")
    rows = np.sort(np.random.RandomState(0).permutation(n)[:n_rows])
    bunch.row_numbers = rows
    bunch.X_train, bunch.y_train = bunch.X_train[rows], np.asarray(bunch.y_train)[rows]
    if "filenames_train" in bunch:
        bunch.filenames_train = np.asarray(bunch.filenames_train)[rows]
