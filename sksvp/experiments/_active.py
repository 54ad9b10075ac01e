"""The active-learning experiment: proxy, target or chance chooses what is labelled, and the target is trained on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions, validate_params

from .._inputs._parameters import ListOf, WholeNumber
from .._updates import all_updates, check_has_epochs, epochs_of
from ..active import (
    Candidates,
    Plan,
    PredictionsSettled,
    ProxyActiveLearner,
    check_learner,
    make_plan,
    resolve_pool_strategy,
)
from ..coreset import describe_empty_classes
from ..strategies import named_strategy
from ._experiment import OF_RUNS, TARGET, Arm, Experiment, described, distinct
from ._run_folder import RunFolder
from ._workers import in_workers


@dataclass(frozen=True, kw_only=True)
class ActiveArm(Arm):
    """One way to choose what is labelled.

    Parameters
    ----------
    name : str
        Name in the table.
    seed : int
        Seed of the run.
    strategy : str or None
        Its name, or an object as it is written in Python.
    ranks : Strategy, "auto" or None
        The strategy itself.
    digest : str
        Digest of a strategy object, since several may have the same name.
    chooser : str or None
        The model that ranks the pool: ``"proxy"``, the name of one of several proxies, or
        ``"target"``; None for rows drawn at random.
    """


@dataclass(kw_only=True)
class ActiveRun(Experiment):
    """Data, networks and settings of an active-learning experiment.

    Parameters
    ----------
    X_train, y_train, X_test, y_test : array-like
        The pool with all its labels, which the rounds reveal, and test rows; X may
        be lazy.
    proxy : estimator, or dict of str to estimator
        The proxy, or several by name; cloned for every training, with a seed drawn from
        the run's.
    target : estimator
        Likewise.
    strategies : list of str or Strategy
        Strategies of the proxy and of the target.
    seeds : list of int
        One seed for each repetition.
    filenames : ndarray of str, optional
        File names of the training rows, for the lists of chosen rows.
    row_numbers : ndarray of int, optional
        Numbers of the training rows in the whole data; None means 0, 1, ...
    threads : int, optional
        Threads of torch in each worker.
    checkpoint_every : int
        Epochs after which an unfinished training is kept; 0 means never.
    rounds, initial_size, target_at : list, float, str
        As in `ProxyActiveLearner`.
    start : str, Strategy or None
        As in `ProxyActiveLearner`. All ways to choose begin with the same rows.
    start_features : array-like of shape (n_rows, n_features), optional
        As in `ProxyActiveLearner.fit`.
    max_candidates, candidates : int, str
        As in `ProxyActiveLearner`.
    stop : PredictionsSettled, optional
        As in `ProxyActiveLearner`, of each way to choose.
    updates : {"epochs", "equal"}
        Whether targets are trained for equal epochs, so that fewer labels mean fewer
        updates, or each for as many updates as its epochs have on the labels of the last
        round, in whole epochs.
    warm_target : bool
        As in `ProxyActiveLearner`. Beside random rows the first proxy is trained too.
    with_target, with_random : bool
        Whether the target also chooses for itself, and whether rows are also drawn
        at random.

    Raises
    ------
    ValueError
        For strategies that cannot rank a pool, more labels than it has, totals
        that never occur, and other parameters that no arm could run with.
    """

    rounds: list[int] | list[float]
    initial_size: int | float
    target_at: str | list[int]
    start: Any = None
    start_features: Any = None
    max_candidates: int | None = None
    candidates: str = "random"
    stop: PredictionsSettled | None = None
    updates: str = "epochs"
    warm_target: bool = False
    with_target: bool = True
    with_random: bool = True

    _parameter_constraints: ClassVar[dict] = {
        **Experiment._parameter_constraints,
        "rounds": [ListOf(Real)],
        "initial_size": [Interval(RealNotInt, 0, 1, closed="right"), WholeNumber(1)],
        "target_at": [StrOptions({"all", "last"}), ListOf(WholeNumber(1))],
        "start": [str, HasMethods("rank"), None],
        "max_candidates": [WholeNumber(1), None],
        "candidates": [StrOptions({"random", "neighbors"})],
        "stop": [PredictionsSettled, None],
        "updates": [StrOptions({"epochs", "equal"})],
        "warm_target": ["boolean"],
        "with_target": ["boolean"],
        "with_random": ["boolean"],
    }

    def __post_init__(self):
        super().__post_init__()
        for strategy in self.strategies:
            # Messages show a plain name as it was given.
            has_parameters = isinstance(strategy, str) and ":" in strategy
            resolve_pool_strategy(named_strategy(strategy) if has_parameters else strategy)
        plan = self.plan()
        for arm in (arm for arm in self.arms() if arm.seed == self.seeds[0]):
            # What no arm could run with shows before any of them is trained; a seed changes nothing.
            check_learner(
                self._learner(arm, self._chooser(arm), self.target), self.X_train, self.start_features
            )
        Candidates(self.max_candidates).check(max(plan.sizes[1:]))
        if self.updates == "equal":
            check_has_epochs(self.target, "updates='equal'")

    def plan(self) -> Plan:
        """Return the numbers of labels, and when targets are trained.

        Returns
        -------
        Plan
            Labels of the start and of each round, and the totals with a target.
        """
        return make_plan(self.rounds, self.initial_size, self.target_at, len(self.y_train))

    @property
    def n_updates(self) -> int | None:
        """Updates of each target; None for those of its own epochs."""
        return all_updates(self.target, sum(self.plan().sizes)) if self.updates == "equal" else None

    def arms(self) -> list[ActiveArm]:
        """List every way to choose, seed by seed: a run that is stopped early has whole seeds.

        Returns
        -------
        list of ActiveArm
            The ways to choose.
        """
        choosers = [*self.proxies, *([TARGET] if self.with_target else [])]
        told = [described(strategy) for strategy in self.strategies]
        ranked = [strategy for strategy in told if strategy["strategy"] != "random"]
        arms = []
        for seed in self.seeds:
            for strategy, chooser in product(ranked, choosers):
                name = f"{strategy['strategy']} by {chooser}"
                arms.append(ActiveArm(name=name, seed=seed, chooser=chooser, **strategy))
            if self.with_random or len(ranked) < len(told):
                arms.append(ActiveArm(name="random", seed=seed, chooser=None, **described("random")))
        return distinct(arms)

    def _chooser(self, arm: ActiveArm) -> BaseEstimator:
        """Return the network that ranks; the first proxy stands beside random rows."""
        return self.target if arm.chooser == TARGET else self.proxies[arm.chooser or next(iter(self.proxies))]

    def learner(self, arm: ActiveArm, folder: RunFolder) -> ProxyActiveLearner:
        """Build the learner of an arm.

        Parameters
        ----------
        arm : ActiveArm
            One way to choose.
        folder : RunFolder
            Folder of the run.

        Returns
        -------
        ProxyActiveLearner
            The learner, not fitted.
        """
        chooser, target = (
            self.prepared(network, folder, arm.key) for network in (self._chooser(arm), self.target)
        )
        learner = self._learner(arm, chooser, target)
        # Arms of equal networks differ by nothing else.
        return learner.set_params(checkpoint=folder.path / "checkpoints" / arm.key)

    def _learner(self, arm: ActiveArm, chooser: Any, target: Any) -> ProxyActiveLearner:
        return ProxyActiveLearner(
            chooser,
            target,
            strategy=arm.ranks,
            rounds=self.rounds,
            initial_size=self.initial_size,
            start=self.start,
            target_at=self.target_at,
            n_updates=self.n_updates,
            max_candidates=self.max_candidates,
            candidates=self.candidates,
            stop=self.stop,
            warm_target=self.warm_target,
            random_state=arm.seed,
        )


@validate_params({**OF_RUNS, "run": [ActiveRun]}, prefer_skip_nested_validation=True)
def run_active(
    run: ActiveRun, folder: RunFolder, *, n_jobs: int = 1, report: Callable[[str], None] = print
) -> None:
    """Run the arms that the folder does not hold yet. After a kill each arm continues in its last round.

    The rows that the first arm had labelled become ``selected.csv``.

    Parameters
    ----------
    run : ActiveRun
        The experiment.
    folder : RunFolder
        Where records are written.
    n_jobs : int, default=1
        Arms that run at the same time. With several, only seconds of the processor
        can be compared.
    report : callable, default=print
        Called with a line about each finished arm.

    Raises
    ------
    ValueError
        If another process works in the folder.
    """
    with folder.alone():
        arms = [arm for arm in run.arms() if not folder.has(arm.key)]
        calls = [partial(_run_arm, run, folder, arm) for arm in arms]
        for line in in_workers(calls, n_jobs, threads=run.threads):
            report(line)
        for hint in _hints(run, folder, arms):
            report(hint)
        folder.show_selection(run.arms()[0].key)


def _hints(run: ActiveRun, folder: RunFolder, arms: list[ActiveArm]) -> Iterator[str]:
    """Yield a hint, once per way to choose, if hardly a row of a class was labelled."""
    for arm in {arm.name: arm for arm in reversed(arms) if arm.chooser is not None}.values():
        labelled = np.zeros(len(run.y_train), dtype=bool)
        for entry in folder.get(arm.key)["history"]:
            labelled[entry["rows"]] = True
        for found in describe_empty_classes(run.y_train, labelled):
            yield (
                f"hint: {arm.name}: of the {labelled.sum()} rows that were labelled {found}. Take another strategy or "
                "a larger initial_size."
            )


def _run_arm(run: ActiveRun, folder: RunFolder, arm: ActiveArm) -> str:
    learner = run.learner(arm, folder)
    learner.fit(
        run.X_train, run.y_train, X_val=run.X_test, y_val=run.y_test, start_features=run.start_features
    )
    history = learner.history_
    rows = [entry["rows"] for entry in history]
    rounds = np.repeat([entry["round"] for entry in history], [len(of_round) for of_round in rows])
    folder.add_selection(arm.key, run.list_rows(np.concatenate(rows), round=rounds))
    plain = [{**entry, "rows": entry["rows"].tolist()} for entry in history]
    record = {"kind": "active", **arm.record(), **protocol_of(run), "history": plain}
    folder.add(arm.key, record)
    return finished_line(arm.name, arm.seed, history)


def protocol_of(run: ActiveRun) -> dict[str, Any]:
    """Return for how long the targets of a run are trained, and its stopping rule, for records."""
    rule = None if run.stop is None else run.stop.get_params(deep=False)
    return {"epochs": epochs_of(run.target), "updates": run.n_updates, "stop": rule}


def finished_line(name: str, seed: int, history: list[dict[str, Any]]) -> str:
    """Return the line about a finished arm or replay."""
    errors = [
        f"{100 * (1 - entry['target_score']):.2f} % at {entry['n_labeled']:,}"
        for entry in history
        if entry["target_score"] is not None
    ]
    return f"{name}, seed {seed}: target error {', '.join(errors)}"
