"""What both experiments have: data, networks, strategies and seeds."""

import re
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, validate_parameter_constraints

from .._inputs._labels import check_labels
from .._inputs._lengths import indexable_rows
from .._inputs._names import names
from .._inputs._parameters import ListOf, WholeNumber
from .._inputs._row_numbers import check_row_numbers
from .._storage._describe import describe, digest
from ..proxies import as_proxy
from ..strategies import named_strategy, resolve_strategy
from ._kept import keep_training, training_folder
from ._run_folder import RunFolder

# Names of models that choose: the only proxy, and the target where it chooses for itself.
PROXY, TARGET = "proxy", "target"
# Parameters of the functions that run an experiment.
OF_RUNS: dict[str, list] = {"folder": [RunFolder], "n_jobs": [WholeNumber(1)], "report": [callable]}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Base of the arms of an experiment: one way to choose rows, and one seed.

    Attributes
    ----------
    name : str
        Name in the table.
    seed : int
    strategy : str or None
        Its name, or an object as it is written in Python. None if nothing is ranked.
    ranks : Strategy, "auto" or None
        The strategy itself.
    digest : str
        Of objects and of rows chosen elsewhere, since two of them may have one name.
    chooser : str or None
        Name of the model that ranks: ``"proxy"``, the name of one of several proxies,
        or ``"target"``. None if no model is asked.
    """

    name: str
    seed: int
    strategy: str | None = None
    ranks: Any = field(default=None, repr=False, compare=False)
    digest: str = ""

    chooser: str | None = None

    @property
    def key(self) -> str:
        """File name of the arm's record."""
        parts = [_as_file(self.name), *self._distinct(), self.digest, _digest_of(self.chooser)]
        return "_".join([*filter(None, parts), f"seed{self.seed}"])

    @property
    def proxy_key(self) -> str:
        """File name of the record of the model that ranks."""
        model = "" if self.chooser == PROXY else f"-{_as_file(str(self.chooser))}"
        return "_".join([*filter(None, [f"proxy{model}", _digest_of(self.chooser)]), f"seed{self.seed}"])

    def _distinct(self) -> list[str]:
        """Return what else tells arms of one name apart."""
        return []

    def record(self) -> dict[str, Any]:
        """Return key and fields as plain values.

        Returns
        -------
        dict
            The fields by name.
        """
        return {"key": self.key} | {name: value for name, value in vars(self).items() if name != "ranks"}


def _as_file(name: str) -> str:
    """Write a name as a part of a file's name."""
    return re.sub(r"[^\w.,=-]+", "-", name).strip("-")[:80]


def _digest_of(chooser: str | None) -> str:
    """Return what tells models apart whose names are cut or changed in file names."""
    is_plain = chooser is None or re.fullmatch(r"[\w.-]{1,40}", chooser)
    return "" if is_plain else digest(str(chooser))[1:9]


def distinct(arms: list) -> list:
    """Return arms without repetitions.

    Raises
    ------
    ValueError
        If two different arms have one name in tables.
    """
    found = {arm.key: arm for arm in arms}
    digests: dict[str, str] = {}
    for arm in found.values():
        if digests.setdefault(arm.name, arm.digest) != arm.digest:
            raise ValueError(f"strategies has two that tables call {arm.name!r}: give them different reprs.")
    return list(found.values())


@dataclass
class Experiment:
    """Base of the experiments; see `CoresetRun` and `ActiveRun` for the attributes."""

    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray
    _: KW_ONLY
    proxy: BaseEstimator | dict[str, BaseEstimator]
    target: BaseEstimator
    strategies: list[Any]
    seeds: list[int]
    filenames: np.ndarray | None = None
    row_numbers: np.ndarray | None = None
    threads: int | None = None
    checkpoint_every: int = 0
    _parameter_constraints: ClassVar[dict] = {
        "proxy": [HasMethods(["fit", "get_params"]), dict],
        "target": [HasMethods(["fit", "get_params"])],
        "strategies": [ListOf(str, HasMethods("rank"), can_be_empty=True)],
        "seeds": [ListOf(WholeNumber(0, 2**32 - 1))],
        "threads": [WholeNumber(1, 1024), None],
        "checkpoint_every": [WholeNumber(0)],
    }

    def __post_init__(self):
        checked = {key: getattr(self, key) for key in self._parameter_constraints}
        validate_parameter_constraints(self._parameter_constraints, checked, type(self).__name__)
        if isinstance(self.proxy, dict):
            _check_names(self.proxy)
        for name, estimator in {**self.proxies, TARGET: self.target}.items():
            where = name if estimator is self.target or name == PROXY else f"proxy[{name!r}]"
            model = as_proxy(estimator)
            model.check_classifies(where)
            with names(where):
                model.check_params()
        indexable_rows(
            X=self.X_train, y_train=self.y_train, filenames=self.filenames, row_numbers=self.row_numbers
        )
        if (self.X_test is None) != (self.y_test is None):
            raise ValueError("X_test and y_test must be given together.")
        indexable_rows(X_test=self.X_test, y_test=self.y_test)
        for name in ("y_train", "y_test"):
            if name == "y_train" or self.y_test is not None:
                with names(name):
                    check_labels(getattr(self, name))
        if self.row_numbers is not None:
            self.row_numbers = check_row_numbers(self.row_numbers, np.iinfo(np.int64).max, "row_numbers")
        if self.filenames is not None and np.ndim(self.filenames) > 1:
            raise ValueError(f"filenames must be 1-d, got the shape {np.shape(self.filenames)}.")

    @property
    def proxies(self) -> dict[str, BaseEstimator]:
        """The proxies by name; one alone is called ``"proxy"``."""
        return dict(self.proxy) if isinstance(self.proxy, dict) else {PROXY: self.proxy}

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


def _check_names(proxies: dict[str, Any]) -> None:
    for name, model in proxies.items():
        if not isinstance(name, str) or not name.strip() or name == TARGET:
            raise ValueError(f"proxy must name each proxy by a str other than {TARGET!r}, got {name!r}.")
        if not HasMethods(["fit", "get_params"]).is_satisfied_by(model):
            raise TypeError(f"proxy[{name!r}] must be a classifier, got {model!r:.80}.")
    if not proxies:
        raise ValueError("proxy must have one proxy at least, got an empty dict.")


def described(strategy: Any) -> dict[str, Any]:
    """Return the fields of an arm that tell its strategy.

    A name becomes an object, which worker processes know without its registration.
    """
    if isinstance(strategy, str):
        ranks = named_strategy(strategy)
        # Long names may begin alike.
        told = {"digest": digest(describe(ranks))[1:17]} if ":" in strategy else {}
        return {"strategy": strategy, "ranks": ranks, **told}
    shown = " ".join(repr(resolve_strategy(strategy)).split())
    label = type(strategy).__name__ if shown.startswith("<") else shown
    return {"strategy": label, "ranks": strategy, "digest": digest(describe(strategy))[1:17]}
