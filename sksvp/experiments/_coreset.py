"""The core-set experiment: choose rows with a proxy, train the target on them, compare."""

import os
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import StrOptions

from .._inputs._parameters import ListOf, WholeNumber
from .._inputs._paths import as_path
from .._inputs._row_numbers import check_row_numbers
from .._storage._fingerprint import fingerprint
from .._updates import all_updates, check_has_epochs, epochs_with, has_epochs
from ..coreset import ProxyCoresetSelector
from ..proxies import as_proxy
from ..strategies import count_rows, recorder_names
from ._experiment import PROXY, TARGET, Arm, Experiment, described, distinct
from ._run_folder import RunFolder
from ._seconds import clocks_in_order

ALL_ROWS = "all rows"
SAME_COST = "all rows, same cost"
RS2 = "rs2"
# Before the name of a strategy it asks for quotas by class.
_BALANCED = "class-balanced "


@dataclass(frozen=True, kw_only=True)
class CoresetArm(Arm):
    """One way to choose the target's training rows: by a strategy, all rows, or rows chosen elsewhere.

    Parameters
    ----------
    name : str
        Name in the table.
    seed : int
        Seed of the run.
    strategy : str or None
        Its name, or an object as it is written in Python. None for all rows and for
        rows chosen elsewhere.
    ranks : Strategy, "auto" or None
        The strategy itself.
    digest : str
        Digest of rows chosen elsewhere, or of a strategy object, since several may
        have the same name.
    chooser : str or None
        The model that ranks: ``"proxy"``, the name of one of several proxies, or
        ``"target"``; None where the strategy asks none.
    subset_size : float or int
        Share or number of the rows.
    class_balanced : bool
        Whether classes keep their shares.
    """

    subset_size: float
    class_balanced: bool = False

    def _distinct(self) -> list[str]:
        return [str(self.subset_size)]


@dataclass(kw_only=True)
class CoresetRun(Experiment):
    """Data, networks and settings of a core-set experiment.

    Parameters
    ----------
    X_train, y_train, X_test, y_test : array-like
        Rows and labels; X may be lazy. Without test rows (None) the proxy's error
        is unknown and targets cannot be compared.
    proxy : estimator, or dict of str to estimator
        The proxy, or several by the names that tables have for them; cloned for every
        training, with the run's seed as `random_state`. Each is trained once for a
        seed and serves all strategies that it can serve. Rows that no model chooses are
        chosen once for all proxies.
    target : estimator
        Cloned likewise.
    strategies : list of str or Strategy
        Strategies; "class-balanced NAME" fills quotas by class.
    seeds : list of int
        One seed for each repetition.
    filenames : ndarray of str
        File names of the training rows, for the lists of chosen rows.
    row_numbers : ndarray of int
        Numbers of the training rows in the whole data; None means 0, 1, ...
    threads : int
        Threads of torch in each worker.
    checkpoint_every : int
        Epochs after which an unfinished training is kept; 0 means never.
    subset_sizes : list of float or int
        Shares or numbers of rows.
    with_all : bool
        Whether the target is also trained on all rows.
    with_target : bool
        Whether the target also chooses its own rows, after a training on all of them:
        the baseline that a proxy is to match in a part of the time.
    n_proxies : int
        As of `ProxyCoresetSelector`.
    with_same_cost : bool
        Whether the target is also trained on all rows for as many updates as the
        dearest choice of the size by a proxy costs, the proxy included. The seconds of this run
        are turned into updates, so that the number differs between machines.
    with_rs2 : bool
        Whether the target is also trained with as many rows in each epoch as the
        subsets have, drawn at random anew for each epoch (RS2).
    updates : {"epochs", "equal"}
        Whether targets are trained for equal epochs, so that fewer rows mean fewer
        updates, or all for as many updates as their epochs have on all rows, in whole
        epochs.
    probabilities : {"in_sample", "out_of_fold"}
        As of `ProxyCoresetSelector`.
    given : dict of str to ndarray
        Rows chosen elsewhere, by their name in the table.
    test_every_epoch : bool
        Whether the error on the test rows is measured after every epoch of every
        training; see `sksvp.estimators.measuring_test_error`.
    warm_target : bool
        Whether targets on rows that a proxy chose begin from the weights of that proxy;
        see `CoresetClassifier`. Rows without a proxy, and rows that lack a class of it,
        train a target from fresh weights.
    memory : str or path-like
        Folder of the trained proxies, one for each seed that serves all strategies;
        None means ``proxies`` in the folder of the run.

    Raises
    ------
    ValueError
        For parameters that no arm could run with; the message names the parameter.
    """

    subset_sizes: list[float | int]
    with_all: bool = True
    with_target: bool = False
    n_proxies: int = 1
    with_same_cost: bool = False
    with_rs2: bool = False
    updates: str = "epochs"
    probabilities: str = "in_sample"
    given: dict[str, np.ndarray] = field(default_factory=dict)
    test_every_epoch: bool = False
    warm_target: bool = False
    memory: Any = None
    _parameter_constraints: ClassVar[dict] = {
        **Experiment._parameter_constraints,
        "subset_sizes": [ListOf(Real)],
        "with_all": ["boolean"],
        "with_target": ["boolean"],
        "n_proxies": [WholeNumber(1, 1000)],
        "with_same_cost": ["boolean"],
        "with_rs2": ["boolean"],
        "updates": [StrOptions({"epochs", "equal"})],
        "probabilities": [StrOptions({"in_sample", "out_of_fold"})],
        "given": [dict],
        "test_every_epoch": ["boolean"],
        "warm_target": ["boolean"],
        "memory": [str, os.PathLike, None],
    }

    def __post_init__(self):
        super().__post_init__()
        for size in self.subset_sizes:
            count_rows(size, len(self.y_train))
        self._check_protocol()
        for name, rows in self.given.items():
            check_row_numbers(rows, len(self.y_train), f"given[{name!r}]")
        if self.memory is not None:
            self.memory = str(as_path(self.memory, "memory").absolute())

    def _check_protocol(self) -> None:
        """Check that the target can be trained as the rivals, the updates and the tests ask for."""
        if self.test_every_epoch and self.X_test is None:
            raise ValueError("test_every_epoch=True needs X_test and y_test.")
        if self.updates == "equal":
            check_has_epochs(self.target, "updates='equal'")
        if self.with_same_cost:
            check_has_epochs(self.target, "with_same_cost=True")
        if self.with_rs2 and not hasattr(self.target, "drawing_rows"):
            raise ValueError(
                "with_rs2=True needs a target whose epochs can draw rows anew, a network of sksvp.estimators or "
                f"BagOfNgramsClassifier, got {type(self.target).__name__}."
            )
        choosers = {arm.chooser for arm in self.arms() if arm.chooser}
        if not choosers and self.with_same_cost:
            raise ValueError(
                "with_same_cost=True needs one of strategies to train a proxy, whose cost counts."
            )
        if self.warm_target:
            if not choosers:
                raise ValueError("warm_target=True needs one of strategies to train a proxy.")
            for name in choosers:
                as_proxy(self.choosers[name]).check_nests_in(as_proxy(self.target))

    @property
    def choosers(self) -> dict[str, BaseEstimator]:
        """The models that choose, by name."""
        return {**self.proxies, **({TARGET: self.target} if self.with_target else {})}

    @property
    def target_is_trained(self) -> bool:
        """Whether the target is trained on all rows to choose its own, just as `fit` would train it."""
        # Recorders only look on at the trainings of our networks.
        is_ours = has_epochs(self.target) and hasattr(self.target, "observe")
        return is_ours and self.n_proxies == 1 and any(arm.chooser == TARGET for arm in self.arms())

    def target_key(self, seed: int) -> str:
        """Return the file name of the record of the target that chooses its own rows.

        Parameters
        ----------
        seed : int
            Seed of the training.

        Returns
        -------
        str
            A `proxy_key`.
        """
        return next(arm.proxy_key for arm in self.arms() if (arm.chooser, arm.seed) == (TARGET, seed))

    def arms(self) -> list[CoresetArm]:
        """List every training of a target, seed by seed: a run that is stopped early has whole seeds.

        Returns
        -------
        list of CoresetArm
            The trainings of targets.
        """
        arms = []
        gives = {name: as_proxy(model).gives for name, model in self.choosers.items()}
        for seed in self.seeds:
            for size in self.subset_sizes:
                for strategy in self.strategies:
                    is_balanced = isinstance(strategy, str) and strategy.startswith(_BALANCED)
                    told = described(strategy.removeprefix(_BALANCED) if is_balanced else strategy)
                    name = strategy if is_balanced else told["strategy"]
                    for chooser in _choosers_of(told["ranks"], gives):
                        arms.append(
                            CoresetArm(
                                name=name if chooser in (None, PROXY) else f"{name} by {chooser}",
                                seed=seed,
                                subset_size=size,
                                class_balanced=is_balanced,
                                chooser=chooser,
                                **told,
                            )
                        )
                rivals = {RS2: self.with_rs2, SAME_COST: self.with_same_cost}
                for name in (name for name, is_wanted in rivals.items() if is_wanted):
                    arms.append(CoresetArm(name=name, seed=seed, subset_size=size))
            for name, rows in self.given.items():
                digest = fingerprint(np.sort(rows))
                arms.append(CoresetArm(name=name, seed=seed, subset_size=len(rows), digest=digest))
            if self.with_all:
                arms.append(CoresetArm(name=ALL_ROWS, seed=seed, subset_size=1.0))
        return distinct(arms)

    def training_arms(self, arms: list[CoresetArm]) -> list[CoresetArm]:
        """Return the arms whose selectors train the models that some arms need, one for each model and seed.

        Parameters
        ----------
        arms : list of CoresetArm
            The arms that need trained models.

        Returns
        -------
        list of CoresetArm
            One for each `proxy_key`.
        """
        needed = {arm.proxy_key for arm in arms if arm.chooser}
        found: dict[str, CoresetArm] = {}
        # The training that records most serves the others too.
        for arm in sorted(self.arms(), key=lambda arm: -len(_records_of(arm))):
            if arm.chooser and arm.proxy_key in needed:
                found.setdefault(arm.proxy_key, arm)
        return [found[key] for key in dict.fromkeys(arm.proxy_key for arm in self.arms()) if key in found]

    def epochs_of(self, arm: CoresetArm, folder: RunFolder | None = None) -> int | None:
        """Return the epochs of the target in an arm; None if it counts none.

        Parameters
        ----------
        arm : CoresetArm
            One training of a target.
        folder : RunFolder, optional
            Folder of the run, with the trainings whose cost counts for the rival of the
            same cost.

        Returns
        -------
        int or None
            The epochs.
        """
        if not has_epochs(self.target):
            return None
        n_rows = len(self.y_train)
        if arm.name == SAME_COST and folder is not None:
            return epochs_with(self.target, n_rows, self._same_cost(arm, folder))
        n_visited = n_rows if arm.name == ALL_ROWS else count_rows(arm.subset_size, n_rows)
        n_updates = all_updates(self.target, n_rows if self.updates == "equal" else n_visited)
        return epochs_with(self.target, n_visited, n_updates)

    def _same_cost(self, rival: CoresetArm, folder: RunFolder) -> float:
        """Return the updates that cost as much as the dearest choice of the size, its proxy included."""
        clock = clocks_in_order(self.target)[0]
        found = []
        for arm in self.arms():
            is_rival = (arm.seed, arm.subset_size) == (rival.seed, rival.subset_size)
            if is_rival and arm.chooser not in (None, TARGET):
                record = folder.get(arm.key)
                spent = sum(record[f"{part}_{clock}"] for part in ("proxy", "selection", "target"))
                if record[f"target_{clock}"] > 0:
                    found.append(record["updates"] * spent / record[f"target_{clock}"])
        # Where nothing was trained, since each choice was of one class, the size itself counts.
        return max(found, default=all_updates(self.target, count_rows(rival.subset_size, len(self.y_train))))

    def selector(self, arm: CoresetArm) -> ProxyCoresetSelector:
        """Build the selector of an arm.

        Parameters
        ----------
        arm : CoresetArm
            One way to choose rows.

        Returns
        -------
        ProxyCoresetSelector
            The selector, not fitted.
        """
        model = self.choosers[arm.chooser or next(iter(self.choosers))]
        return ProxyCoresetSelector(
            clone(model).set_params(random_state=arm.seed),
            strategy=arm.ranks,
            subset_size=arm.subset_size,
            class_balanced=arm.class_balanced,
            n_proxies=self.n_proxies,
            probabilities=self.probabilities,
            memory=self.memory,
            random_state=arm.seed,
        )


def _choosers_of(ranks: Any, gives: dict[str, tuple[str, ...]]) -> list[str | None]:
    """Return the models that can serve a strategy; None for one that asks no model, all if none can."""
    requires = set(getattr(ranks, "requires", ()))
    if not requires and ranks != "auto":
        return [None]
    return [name for name, kinds in gives.items() if requires <= set(kinds)] or list(gives)


def _records_of(arm: CoresetArm) -> set[str]:
    """Return the records of a training that the strategy of an arm reads."""
    return set(getattr(arm.ranks, "requires", ())) & {*recorder_names()}
