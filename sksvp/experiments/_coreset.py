"""The core-set experiment: choose rows with a proxy, train the target on them, compare."""

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import StrOptions, validate_params

from .._clock import Clock
from .._inputs._parameters import ListOf, WholeNumber
from .._inputs._paths import as_path
from .._inputs._row_numbers import check_row_numbers
from .._storage._fingerprint import fingerprint
from .._updates import all_updates, check_has_epochs, count_batches, epochs_with, has_epochs
from ..coreset import ProxyCoresetSelector
from ..strategies import ForgettingCounter, count_rows, recorder_names
from ._experiment import OF_RUNS, Arm, Experiment, described, distinct
from ._hints import Hints, collecting
from ._kept import keep_training, training_folder
from ._proxy_hints import proxy_hints
from ._run_folder import RunFolder
from ._seconds import clocks_in_order, in_words
from ._workers import in_workers

ALL_ROWS = "all rows"
SAME_COST = "all rows, same cost"
RS2 = "rs2"
_OF_ALL_ROWS = (ALL_ROWS, SAME_COST, RS2)
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
    subset_size : float or int
        Share or number of the rows.
    class_balanced : bool
        Whether classes keep their shares.
    """

    subset_size: float
    class_balanced: bool = False

    @property
    def needs_proxy(self) -> bool:
        """Whether the strategy reads what a proxy says."""
        return self.strategy == "auto" or bool(getattr(self.ranks, "requires", ()))

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
    proxy, target : estimators
        Cloned for every training, with the run's seed as `random_state`.
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
    n_proxies : int
        As of `ProxyCoresetSelector`.
    with_same_cost : bool
        Whether the target is also trained on all rows for as many updates as the
        dearest choice of the size costs, its proxy included. The seconds of this run
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
    n_proxies: int = 1
    with_same_cost: bool = False
    with_rs2: bool = False
    updates: str = "epochs"
    probabilities: str = "in_sample"
    given: dict[str, np.ndarray] = field(default_factory=dict)
    memory: Any = None
    _parameter_constraints: ClassVar[dict] = {
        **Experiment._parameter_constraints,
        "subset_sizes": [ListOf(Real)],
        "with_all": ["boolean"],
        "n_proxies": [WholeNumber(1, 1000)],
        "with_same_cost": ["boolean"],
        "with_rs2": ["boolean"],
        "updates": [StrOptions({"epochs", "equal"})],
        "probabilities": [StrOptions({"in_sample", "out_of_fold"})],
        "given": [dict],
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
        """Check that the target can be trained as the rivals and the updates ask for."""
        if self.updates == "equal":
            check_has_epochs(self.target, "updates='equal'")
        if self.with_same_cost:
            check_has_epochs(self.target, "with_same_cost=True")
        if self.with_rs2 and not hasattr(self.target, "drawing_rows"):
            raise ValueError(
                "with_rs2=True needs a target whose epochs can draw rows anew, a network of sksvp.estimators or "
                f"BagOfNgramsClassifier, got {type(self.target).__name__}."
            )
        if not any(arm.needs_proxy for arm in self.arms()) and self.with_same_cost:
            raise ValueError(
                "with_same_cost=True needs one of strategies to train a proxy, whose cost counts."
            )

    def arms(self) -> list[CoresetArm]:
        """List every training of a target, seed by seed: a run that is stopped early has whole seeds.

        Returns
        -------
        list of CoresetArm
            The trainings of targets.
        """
        arms = []
        for seed in self.seeds:
            for size in self.subset_sizes:
                for strategy in self.strategies:
                    is_balanced = isinstance(strategy, str) and strategy.startswith(_BALANCED)
                    told = described(strategy.removeprefix(_BALANCED) if is_balanced else strategy)
                    name = strategy if is_balanced else told["strategy"]
                    arms.append(
                        CoresetArm(name=name, seed=seed, subset_size=size, class_balanced=is_balanced, **told)
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

    def first_arm(self, seed: int) -> CoresetArm:
        """Return the arm of a seed whose selector trains the proxy of all arms.

        Parameters
        ----------
        seed : int
            Seed of the arm.

        Returns
        -------
        CoresetArm
            The arm.
        """
        arms = [arm for arm in self.arms() if arm.seed == seed and arm.needs_proxy]
        # The training that records most serves the others too.
        return max(arms, key=lambda arm: len(set(getattr(arm.ranks, "requires", ())) & {*recorder_names()}))

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
            if (arm.seed, arm.subset_size) == (rival.seed, rival.subset_size) and arm.needs_proxy:
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
        return ProxyCoresetSelector(
            clone(self.proxy).set_params(random_state=arm.seed),
            strategy=arm.ranks,
            subset_size=arm.subset_size,
            class_balanced=arm.class_balanced,
            n_proxies=self.n_proxies,
            probabilities=self.probabilities,
            memory=self.memory,
            random_state=arm.seed,
        )


@validate_params(
    {**OF_RUNS, "run": [CoresetRun], "only_select": ["boolean"]}, prefer_skip_nested_validation=True
)
def run_coreset(
    run: CoresetRun,
    folder: RunFolder,
    *,
    only_select: bool = False,
    n_jobs: int = 1,
    report: Callable[[str], None] = print,
) -> None:
    """Train what the folder does not hold yet. Each training is kept as soon as it is finished.

    The proxies, one per seed, are trained before the targets. The choice of the first
    strategy, size and seed becomes ``selected.csv``. Times are in seconds of
    the wall clock and of the processor. With several workers on one machine only
    the latter can be compared.

    Parameters
    ----------
    run : CoresetRun
        The experiment.
    folder : RunFolder
        Where records are written.
    only_select : bool, default=False
        Whether to choose rows without training targets.
    n_jobs : int, default=1
        Trainings that run at the same time.
    report : callable, default=print
        Called with a line about each finished training.

    Raises
    ------
    ValueError
        If another process works in the folder, or targets are wanted without test rows.
    """
    if run.X_test is None and not only_select:
        raise ValueError("X_test=None: targets cannot be compared without test rows; set only_select=True.")
    if run.memory is None:
        run = replace(run, memory=folder.path / "proxies")
    arms = [arm for arm in run.arms() if not folder.has(arm.key)]
    if only_select:
        arms = [arm for arm in arms if arm.strategy is not None]
    seeds = dict.fromkeys(arm.seed for arm in arms if arm.needs_proxy)
    proxies = [seed for seed in seeds if not folder.has(f"proxy_seed{seed}")]
    hints = Hints(report)

    def side_by_side(work: Callable[..., str], tasks: list) -> Iterator[list]:
        """Report each training, and yield the hints of its selector."""
        calls = [partial(_with_hints, work, run, folder, task) for task in tasks]
        for line, found in in_workers(calls, n_jobs, threads=run.threads):
            report(line)
            yield found

    with folder.alone():
        of_proxies = list(side_by_side(train_proxy, proxies))
        # The run's own hints come first: selectors need not repeat them.
        for category, hint in proxy_hints(run, [folder.get(f"proxy_seed{seed}") for seed in proxies]):
            report(hint)
            hints.leave_out(category)
        for found in of_proxies:
            hints.tell(found)
        work = select_only if only_select else train_target
        # What the others cost is known when they are there.
        last = [arm for arm in arms if arm.name == SAME_COST]
        for part in ([arm for arm in arms if arm not in last], last):
            for found in side_by_side(work, part):
                hints.tell(found)
        chosen = [arm.key for arm in run.arms() if arm.strategy is not None]
        # Rows that were chosen elsewhere have a file of their own.
        if chosen and not run.given:
            folder.show_selection(chosen[0])


def _with_hints(
    work: Callable[..., str], run: CoresetRun, folder: RunFolder, task: CoresetArm | int
) -> tuple[str, list]:
    """Return the line about one training, and the hints of its selector."""
    arm = task if isinstance(task, CoresetArm) else run.first_arm(task)
    with collecting(arm.name, arm.subset_size) as found:
        line = work(run, folder, task)
    return line, found


def train_proxy(run: CoresetRun, folder: RunFolder, seed: int) -> str:
    """Train the proxy of one seed into the run's memory, and record its error and cost."""
    key = f"proxy_seed{seed}"
    selector = run.selector(run.first_arm(seed))
    keep_training(selector.proxy, training_folder(folder.path, key), run.checkpoint_every)
    selector.fit(run.X_train, run.y_train)
    error = None if run.X_test is None else 1.0 - selector.proxy_.score(run.X_test, run.y_test)
    training = Clock()
    training.wall, training.cpu = selector.timings_["proxy_fit"], selector._cpu_timings["proxy_fit"]
    record = {
        "kind": "proxy",
        "seed": seed,
        "n_rows": len(run.y_train),
        "error": error,
        "proxy_seconds": training.wall,
        "proxy_cpu_seconds": training.cpu,
        "training_error": selector._training_error,
        **_regime(selector.proxy_),
    }
    folder.add(key, record)
    line = f"proxy, seed {seed}: {in_words(training, clocks_in_order(run.proxy))}"
    if error is not None:
        line += f", error {100 * error:.2f} %"
    if "never_forgotten" in record:
        line += f"; {record['never_forgotten']:.0%} of the rows never forgotten"
        line += f", {record['never_learned']:.0%} never learned"
    return line


def train_target(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> str:
    """Choose the rows of one arm, train the target on them, and record its error and cost."""
    rows, choosing, reason = choose_rows(run, folder, arm)
    X, y = (_safe_indexing(part, rows) for part in (run.X_train, run.y_train))
    epochs = run.epochs_of(arm, folder)
    lasting = {} if epochs is None else {"max_epochs": epochs}
    target = run.prepared(run.target, folder, arm.key, random_state=arm.seed, **lasting)
    training = Clock()
    note = ""
    n_visited = count_rows(arm.subset_size, len(y)) if arm.name == RS2 else len(rows)
    if len(np.unique(y)) > 1:
        with training, target.drawing_rows(n_visited) if arm.name == RS2 else nullcontext():
            target.fit(X, y)
        training.add_earlier(target)
        error = 1.0 - target.score(run.X_test, run.y_test)
    else:
        # The run's other trainings go on.
        error = float(np.mean(np.asarray(run.y_test) != y[0]))
        note = "; all of one class, which is the answer to every test row: nothing was trained"
    proxy = folder.get(f"proxy_seed{arm.seed}") if arm.needs_proxy else {}
    record = {
        "kind": "target",
        **arm.record(),
        "n_subset": count_rows(arm.subset_size, len(run.y_train)),
        "n_rows": n_visited,
        "protocol": run.updates,
        "epochs": epochs,
        "updates": None if epochs is None else epochs * count_batches(target, n_visited),
        "error": error,
        **{name: proxy[name] if proxy else 0.0 for name in ("proxy_seconds", "proxy_cpu_seconds")},
        "selection_seconds": choosing.wall,
        "selection_cpu_seconds": choosing.cpu,
        "target_seconds": training.wall,
        "target_cpu_seconds": training.cpu,
    }
    folder.add(arm.key, record)
    cost = f"error {100 * error:.2f} %, {in_words(training, clocks_in_order(run.target))}"
    rows_of = f"{n_visited:,} rows{' an epoch' if arm.name == RS2 else ''}"
    return f"{arm.name}, {rows_of}, seed {arm.seed}: {cost}{note}{reason}"


def select_only(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> str:
    """Choose the rows of one arm and write them down."""
    rows, _, reason = choose_rows(run, folder, arm)
    return f"{arm.name}, seed {arm.seed}: {len(rows):,} of {len(run.y_train):,} rows chosen{reason}"


def choose_rows(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> tuple[np.ndarray, Clock, str]:
    """Return the rows of an arm, ascending, the seconds of inference and ranking, and why "auto" took them.

    The seconds of an inference pass that several arms need count for the first of them.
    """
    choosing = Clock()
    if arm.name in _OF_ALL_ROWS:
        return np.arange(len(run.y_train)), choosing, ""
    if arm.name in run.given:
        return np.sort(run.given[arm.name]), choosing, ""
    selector = run.selector(arm).fit(run.X_train, run.y_train)
    order = selector.order_[selector.support_[selector.order_]]
    chosen = run.list_rows(order, rank=np.arange(1, len(order) + 1), score=selector.scores_[order])
    folder.add_selection(arm.key, chosen)
    choosing.wall, choosing.cpu = (
        seconds["inference"] + seconds["ranking"] for seconds in (selector.timings_, selector._cpu_timings)
    )
    reason = f"; {arm.name}: {selector.strategy_reason_}" if selector.strategy_reason_ else ""
    return selector.indices_, choosing, reason


def _regime(proxy) -> dict[str, float]:
    """Return the shares of rows that were never forgotten and never learned, which tell how redundant data is."""
    events = getattr(proxy, "records_", {}).get(ForgettingCounter.name)
    if events is None:
        return {}
    return {"never_forgotten": float(np.mean(events == 0)), "never_learned": float(np.mean(np.isinf(events)))}
