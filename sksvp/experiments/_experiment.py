"""What both experiments have: data, networks, strategies and seeds."""

import re
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, Interval, validate_parameter_constraints
from sklearn.utils.validation import _num_samples

from .._storage._describe import describe, digest
from ..strategies import resolve_strategy
from ._kept import keep_training, training_folder
from ._run_folder import RunFolder

_SEED = [Interval(Integral, 0, 2**32 - 1, closed="both")]


# Parameters of the functions that run an experiment.
OF_RUNS: dict[str, list] = {
    "folder": [RunFolder],
    "n_jobs": [Interval(Integral, 1, None, closed="left")],
    "report": [callable],
}


@dataclass
class Experiment:
    """Base of the experiments; see `CoresetRun` and `ActiveRun` for the attributes."""

    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray
    _: KW_ONLY
    proxy: BaseEstimator
    target: BaseEstimator
    strategies: list[Any]
    seeds: list[int]
    filenames: np.ndarray | None = None
    row_numbers: np.ndarray | None = None
    threads: int | None = None
    checkpoint_every: int = 0
    _parameter_constraints: ClassVar[dict] = {
        "proxy": [HasMethods(["fit", "get_params"])],
        "target": [HasMethods(["fit", "get_params"])],
        "strategies": [list, tuple],
        "seeds": [list, tuple, range],
        "threads": [Interval(Integral, 1, None, closed="left"), None],
        "checkpoint_every": [Interval(Integral, 0, None, closed="left")],
    }

    def __post_init__(self):
        name = type(self).__name__
        checked = {key: getattr(self, key) for key in self._parameter_constraints}
        validate_parameter_constraints(self._parameter_constraints, checked, name)
        for seed in self.seeds:
            validate_parameter_constraints({"seeds": _SEED}, {"seeds": seed}, name)
        for X, y in (("X_train", "y_train"), ("X_test", "y_test")):
            lengths = [
                None if part is None else _num_samples(part) for part in (getattr(self, X), getattr(self, y))
            ]
            if lengths[0] != lengths[1] or (X == "X_train" and lengths[0] is None):
                raise ValueError(
                    f"{X} and {y} must have the same number of rows, got {lengths[0]} and {lengths[1]}."
                )

    def prepared(self, network: BaseEstimator, folder: RunFolder, key: str, **params: Any) -> BaseEstimator:
        """Return a clone of a network that keeps its training in the folder until its record is there.

        Parameters
        ----------
        network : estimator
            Proxy or target.
        folder : RunFolder
            Folder of the run.
        key : str
            Name of the training.
        **params : object
            Further parameters of the network.

        Returns
        -------
        estimator
            A clone with its parameters set.
        """
        network = clone(network).set_params(**params)
        return keep_training(network, training_folder(folder.path, key), self.checkpoint_every)

    def list_rows(self, rows: np.ndarray, **columns: Any) -> pd.DataFrame:
        """List rows by their numbers in the whole data, with other columns and, if known, file names.

        Parameters
        ----------
        rows : ndarray of int
            Positions in the training rows.
        **columns : array-like of shape (len(rows),)
            Further columns of the table by name.

        Returns
        -------
        DataFrame
            One line for each row.
        """
        table = {"row": rows if self.row_numbers is None else self.row_numbers[rows], **columns}
        if self.filenames is not None:
            table["file"] = np.asarray(self.filenames)[rows]
        return pd.DataFrame(table)


def described(strategy: Any) -> dict[str, Any]:
    """Return the fields of an arm that tell its strategy.

    A name becomes an object, which worker processes know without its registration.
    """
    if isinstance(strategy, str):
        return {"strategy": strategy, "ranks": strategy if strategy == "auto" else resolve_strategy(strategy)}
    shown = " ".join(repr(resolve_strategy(strategy)).split())
    label = type(strategy).__name__ if shown.startswith("<") else shown
    return {"strategy": label, "ranks": strategy, "digest": digest(describe(strategy))[1:17]}


def file_name(name: str, *more: str) -> str:
    """Return a file name of an arm's name and what else tells it apart."""
    return "_".join([re.sub(r"[^\w.,=-]+", "-", name).strip("-")[:80], *(part for part in more if part)])
