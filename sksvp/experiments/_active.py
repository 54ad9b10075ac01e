"""The active-learning experiment: proxy, target or chance chooses what is labelled, and the target is trained on it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from ..active import ProxyActiveLearner, make_plan, replay_selection, resolve_pool_strategy
from ..coreset import describe_empty_classes
from ._kept import forget_training, keep_training, training_folder
from ._run_folder import RunFolder, RunRecords
from ._threads import limited_threads
from ._workers import in_workers


@dataclass(frozen=True)
class ActiveArm:
    """One way to choose what is labelled.

    Attributes
    ----------
    strategy : str
    chooser : {"proxy", "target", None}
        Who ranks the pool; None where nobody does.
    seed : int
    """

    strategy: str
    chooser: str | None
    seed: int

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return self.strategy if self.chooser is None else f"{self.strategy} by {self.chooser}"

    @property
    def key(self) -> str:
        """File name of the arm's record."""
        return f"{self.name.replace(' ', '-')}_seed{self.seed}"


@dataclass
class ActiveRun:
    """What an active-learning experiment trains, and on what.

    Attributes
    ----------
    X_train, y_train, X_test, y_test : array-like
        The pool with all its labels, which are bought, and test rows; X may be lazy.
    proxy, target : estimators
        Cloned for every training; their seeds come from the run's.
    strategies : list of str
        Names of strategies.
    rounds, initial_size, target_at
        As of `ProxyActiveLearner`.
    seeds : list of int
    with_target, with_random : bool
        Whether the target chooses for itself as well, which is what a proxy saves,
        and whether rows are drawn at random.
    filenames : ndarray of str, optional
        Of the training rows, for the lists of chosen ones.
    row_numbers : ndarray of int, optional
        Of the training rows in the data they are a part of; None: they are all of it.
    threads : int, optional
        torch threads of each worker.
    checkpoint_every : int
        Epochs after which a training in progress is kept; 0: never.
    """

    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray
    proxy: BaseEstimator
    target: BaseEstimator
    strategies: list[str]
    rounds: list[int] | list[float]
    initial_size: int | float
    target_at: str | list[int]
    seeds: list[int]
    with_target: bool = True
    with_random: bool = True
    filenames: np.ndarray | None = None
    row_numbers: np.ndarray | None = None
    threads: int | None = None
    checkpoint_every: int = 0

    def check(self) -> None:
        """Find what no arm could run on, before anything is trained or written.

        Raises
        ------
        ValueError
            For strategies that cannot rank a pool, more labels than it has, or
            totals that never occur.
        """
        for name in self.strategies:
            resolve_pool_strategy(name)
        make_plan(self.rounds, self.initial_size, self.target_at, len(self.y_train))

    def arms(self) -> list[ActiveArm]:
        """List every way to choose, seed by seed, so that a run stopped early has whole seeds."""
        choosers = ["proxy", "target"] if self.with_target else ["proxy"]
        ranked = [name for name in self.strategies if name != "random"]
        arms = []
        for seed in self.seeds:
            arms += [ActiveArm(name, chooser, seed) for name in ranked for chooser in choosers]
            if self.with_random or "random" in self.strategies:
                arms.append(ActiveArm("random", None, seed))
        return arms

    def learner(self, arm: ActiveArm, folder: RunFolder) -> ProxyActiveLearner:
        """Build the learner of an arm."""
        chooser, target = (
            keep_training(clone(network), training_folder(folder.path, arm.key), self.checkpoint_every)
            for network in (self.target if arm.chooser == "target" else self.proxy, self.target)
        )
        return ProxyActiveLearner(
            chooser,
            target,
            strategy=arm.strategy,
            rounds=self.rounds,
            initial_size=self.initial_size,
            target_at=self.target_at,
            checkpoint=folder.path / "checkpoints",
            random_state=arm.seed,
        )


def run_active(
    run: ActiveRun, folder: RunFolder, *, n_jobs: int = 1, report: Callable[[str], None] = print
) -> None:
    """Run whatever the folder does not hold yet; after a kill each arm goes on in the round it was in.

    Parameters
    ----------
    run : ActiveRun
        The experiment.
    folder : RunFolder
        Where records go.
    n_jobs : int, default=1
        Arms side by side. Seconds are then those of the processor only where they
        say so: the wall clock does not compare.
    report : callable, default=print
        Told a line about each finished arm.
    """
    with folder.alone():
        arms = [arm for arm in run.arms() if not folder.has(arm.key)]
        for line in in_workers((partial(_run_arm, run, folder, arm) for arm in arms), n_jobs):
            report(line)
        for hint in _hints(run, folder, arms):
            report(hint)


def _hints(run: ActiveRun, folder: RunFolder, arms: list[ActiveArm]) -> Iterator[str]:
    """Say once of each way to choose where it bought hardly a label of a class."""
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
    with limited_threads(run.threads):
        learner = run.learner(arm, folder)
        learner.fit(run.X_train, run.y_train, X_val=run.X_test, y_val=run.y_test)
    history = [{**entry, "rows": entry["rows"].tolist()} for entry in learner.history_]
    folder.add_selection(arm.key, labelled_rows(history, run.filenames, run.row_numbers))
    folder.add(arm.key, {"kind": "active", "name": arm.name, **asdict(arm), "history": history})
    forget_training(training_folder(folder.path, arm.key))
    return _told(arm.name, arm.seed, history)


def first_labelled(run: ActiveRun, folder: RunFolder) -> None:
    """Write what the first arm had labelled as selected.csv."""
    folder.show_selection(run.arms()[0].key)


def replay_run(
    run: ActiveRun,
    folder: RunFolder,
    former: Iterable[dict[str, Any]],
    *,
    n_jobs: int = 1,
    report: Callable[[str], None] = print,
) -> None:
    """Train the target of this run on what a former run has chosen, at each of its budgets.

    Every training is kept at once, in a record of its own.

    Parameters
    ----------
    run : ActiveRun
        Of the same pool; its target is trained, the rest of its settings is not read.
    folder : RunFolder
        Where records go.
    former : iterable of dict
        The former run, as `former_run` opens it, or some of its records.
    n_jobs : int, default=1
        Trainings side by side.
    report : callable, default=print
        Told a line about each finished training.

    Raises
    ------
    ValueError
        Where the former run has no finished arm, or chose among other rows.
    """
    arms = [record for record in former if record["kind"] == "active"]
    if not arms:
        raise ValueError("former holds no finished selection.")
    with folder.alone():
        for line in in_workers(_replays(run, folder, arms), n_jobs):
            report(line)


def _replays(run: ActiveRun, folder: RunFolder, arms: list[dict[str, Any]]) -> list:
    """List the trainings that are not there yet, as calls."""
    work = []
    for arm in arms:
        totals = [entry["n_labeled"] for entry in arm["history"]]
        wanted = {"all": totals[1:], "last": totals[-1:]}.get(str(run.target_at), run.target_at)
        for total in wanted:
            key = f"{arm['name'].replace(' ', '-')}_seed{arm['seed']}_at{total}"
            if not folder.has(key):
                work.append(partial(_replay_one, run, folder, arm, int(total), key))
    return work


def former_run(path: Path, settings: dict[str, Any]) -> tuple[RunRecords, dict[str, Any]]:
    """Open a former run whose choice is to be replayed; return it and its settings.

    Raises
    ------
    ValueError
        Where the folder holds no run of `sksvp active`, or one of other rows.
    """
    if not (path / "config.json").exists():
        raise ValueError(f"precomputed={str(path)!r} holds no run: it has no config.json.")
    former = RunRecords(path)
    known = former.settings()
    if "rounds" not in known:
        raise ValueError(f"precomputed={str(path)!r} is no run of active learning.")
    if known.get("precomputed") is not None:
        raise ValueError(
            f"precomputed={str(path)!r} chose nothing itself: take {known['precomputed']}, which did."
        )
    if known.get("train_rows") != settings["train_rows"]:
        raise ValueError(
            f"precomputed={str(path)!r} chose among other rows: train_rows={known.get('train_rows')!r} there, "
            f"{settings['train_rows']!r} here."
        )
    # The test rows, whose digests come after those of the training rows, had no part in the choice.
    digests = [str(found.get("content of the data")).split("-")[:2] for found in (known, settings)]
    if digests[0] != digests[1]:
        raise ValueError(f"precomputed={str(path)!r} chose among other rows than there are here.")
    return former, known


def former_arms(
    former: RunRecords,
    *,
    strategies: Sequence[str] | None = None,
    baselines: Sequence[str] | None = None,
    n_seeds: int | None = None,
) -> list[dict[str, Any]]:
    """Pick the arms of a former run that are to be replayed.

    Parameters
    ----------
    former : RunRecords
        As `former_run` opens it.
    strategies : list of str, optional
        Names of strategies; None: all that are there.
    baselines : list of {"random", "target"}, optional
        What to compare with; None: what is there.
    n_seeds : int, optional
        Take the seeds below it; None: all that are there.

    Returns
    -------
    list of dict
        Records of finished arms.

    Raises
    ------
    ValueError
        Where the former run has no finished arm, or lacks what is asked for.
    """
    arms = [record for record in former if record["kind"] == "active"]
    if not arms:
        raise ValueError(f"precomputed={str(former.path)!r} holds no finished selection of active learning.")
    choosers = {arm["chooser"] or "random" for arm in arms}
    for name, wanted, there in (
        ("strategy=", strategies, {arm["strategy"] for arm in arms}),
        ("baseline=", baselines, choosers - {"proxy"}),
        ("seed ", None if n_seeds is None else range(n_seeds), {arm["seed"] for arm in arms}),
    ):
        missing = [] if wanted is None else [value for value in wanted if value not in there]
        if missing:
            found = ", ".join(map(str, sorted(there))) or "none"
            raise ValueError(f"precomputed={str(former.path)!r} has no {name}{missing[0]}; there: {found}.")
    chosen = [
        arm
        for arm in arms
        if (n_seeds is None or arm["seed"] < n_seeds) and _is_wanted(arm, strategies, baselines)
    ]
    if not chosen:
        raise ValueError(
            f"precomputed={str(former.path)!r} has nothing beside its baselines: name one to replay."
        )
    return chosen


def _is_wanted(
    arm: dict[str, Any], strategies: Sequence[str] | None, baselines: Sequence[str] | None
) -> bool:
    if arm["chooser"] is None:
        return baselines is None or "random" in (*baselines, *(strategies or ()))
    if strategies is not None and arm["strategy"] not in strategies:
        return False
    return arm["chooser"] == "proxy" or baselines is None or "target" in baselines


def _replay_one(run: ActiveRun, folder: RunFolder, arm: dict[str, Any], total: int, key: str) -> str:
    kept = training_folder(folder.path, key)
    with limited_threads(run.threads):
        history = replay_selection(
            arm["history"],
            keep_training(clone(run.target), kept, run.checkpoint_every),
            run.X_train,
            run.y_train,
            target_at=[total],
            X_val=run.X_test,
            y_val=run.y_test,
            random_state=arm["seed"],
        )
    trained = [entry for entry in history if entry["n_labeled"] == total]
    folder.add(key, {**arm, "history": trained})
    forget_training(kept)
    return _told(arm["name"], arm["seed"], trained)


def _told(name: str, seed: int, history: list[dict[str, Any]]) -> str:
    errors = [
        f"{100 * (1 - entry['target_score']):.2f} % at {entry['n_labeled']:,}"
        for entry in history
        if entry["target_score"] is not None
    ]
    return f"{name}, seed {seed}: target error {', '.join(errors)}"


def labelled_rows(
    history: list[dict[str, Any]],
    filenames: np.ndarray | None = None,
    row_numbers: np.ndarray | None = None,
) -> pd.DataFrame:
    """List the labelled rows in the order they were asked for: row number, round, and file name where there is one."""
    rows = np.concatenate([np.asarray(entry["rows"], dtype=np.intp) for entry in history])
    table = pd.DataFrame(
        {
            "row": rows if row_numbers is None else row_numbers[rows],
            "round": np.repeat(
                [entry["round"] for entry in history], [len(entry["rows"]) for entry in history]
            ),
        }
    )
    if filenames is not None:
        table["file"] = np.asarray(filenames)[rows]
    return table
