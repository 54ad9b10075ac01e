"""The core-set experiment: choose rows with a proxy, train the target on them, compare."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing

from .._clock import Clock
from .._storage._fingerprint import fingerprint
from ..coreset import FAR_BELOW, HARDLY_AN_ERROR, ByChanceWarning, MemorisedProxyWarning, ProxyCoresetSelector
from ..estimators import BagOfNgramsClassifier, FastTextClassifier
from ..strategies import ForgettingCounter, count_rows
from ._hints import Found, Hints, collecting
from ._kept import forget_training, keep_training, training_folder
from ._run_folder import RunFolder
from ._seconds import clocks_in_order, in_words
from ._threads import limited_threads
from ._workers import in_workers

ALL_ROWS = "all rows"
# Of the error of one who always names the commonest class.
_HARDLY_BETTER = 0.75


@dataclass(frozen=True)
class Arm:
    """One way to come to the target's training rows.

    Attributes
    ----------
    name : str
        As it stands in the table.
    strategy : str or None
        None where nothing is ranked: all rows, or rows chosen elsewhere.
    subset_size : float or int
    class_balanced : bool
    seed : int
    digest : str
        Of rows chosen elsewhere, so that two choices of one name stay apart.
    """

    name: str
    strategy: str | None
    subset_size: float
    class_balanced: bool
    seed: int
    digest: str = ""

    @property
    def key(self) -> str:
        """File name of the arm's record."""
        digest = f"_{self.digest}" if self.digest else ""
        return f"{self.name.replace(' ', '-')}_{self.subset_size}{digest}_seed{self.seed}"

    @property
    def needs_proxy(self) -> bool:
        return self.strategy not in (None, "random")


@dataclass
class CoresetRun:
    """What a core-set experiment trains, and on what.

    Attributes
    ----------
    X_train, y_train, X_test, y_test : array-like
        Rows and labels; X may be lazy. Without test rows (None) a proxy's error
        is unknown and no target can be compared.
    proxy, target : estimators
        Cloned for every training, with the run's seed as `random_state`.
    strategies : list of str
        Names of strategies; "class-balanced NAME" fills quotas by class.
    subset_sizes : list of float or int
    seeds : list of int
    with_all : bool
        Whether the target is trained on all rows as well.
    probabilities : {"in_sample", "out_of_fold"}
        As of `ProxyCoresetSelector`.
    given : dict of str to ndarray
        Rows chosen elsewhere, by the name they have in the table.
    filenames : ndarray of str
        Of the training rows, for the lists of chosen ones.
    row_numbers : ndarray of int
        Of the training rows in the data they are a part of, for the same lists; None: they are all of it.
    threads : int
        torch threads of each worker.
    memory : str
        Folder of the trained proxies.
    checkpoint_every : int
        Epochs after which a training in progress is kept; 0: never.
    """

    X_train: object
    y_train: np.ndarray
    X_test: object
    y_test: np.ndarray
    proxy: BaseEstimator
    target: BaseEstimator
    strategies: list[str]
    subset_sizes: list[float | int]
    seeds: list[int]
    with_all: bool = True
    probabilities: str = "in_sample"
    given: dict[str, np.ndarray] = field(default_factory=dict)
    filenames: np.ndarray | None = None
    row_numbers: np.ndarray | None = None
    threads: int | None = None
    memory: str | None = None
    checkpoint_every: int = 0

    def arms(self) -> list[Arm]:
        """List every training of a target, seed by seed, so that a run stopped early has whole seeds."""
        arms = []
        for seed in self.seeds:
            for size in self.subset_sizes:
                for name in self.strategies:
                    balanced = name.startswith("class-balanced ")
                    arms.append(Arm(name, name.removeprefix("class-balanced "), size, balanced, seed))
            for name, rows in self.given.items():
                arms.append(Arm(name, None, len(rows), False, seed, fingerprint(np.sort(rows))))
            if self.with_all:
                arms.append(Arm(ALL_ROWS, None, 1.0, False, seed))
        return arms

    def first_arm(self, seed: int) -> Arm:
        """Return the arm of a seed whose selector trains the proxy for all of them."""
        return next(arm for arm in self.arms() if arm.seed == seed and arm.needs_proxy)

    def selector(self, arm: Arm) -> ProxyCoresetSelector:
        """Build the selector of an arm."""
        return ProxyCoresetSelector(
            clone(self.proxy).set_params(random_state=arm.seed),
            strategy=arm.strategy,
            subset_size=arm.subset_size,
            class_balanced=arm.class_balanced,
            probabilities=self.probabilities,
            memory=self.memory,
            random_state=arm.seed,
        )


def run_coreset(
    run: CoresetRun,
    folder: RunFolder,
    *,
    only_select: bool = False,
    n_jobs: int = 1,
    report: Callable[[str], None] = print,
) -> None:
    """Train whatever the folder does not hold yet; every finished training is kept at once.

    Proxies come first, one a seed, then the targets. Times are in seconds, of
    the wall clock and of the processor: with several workers on one machine only
    the latter compare.

    Parameters
    ----------
    run : CoresetRun
        The experiment.
    folder : RunFolder
        Where records go.
    only_select : bool, default=False
        Whether to stop when the rows are chosen, before any target is trained.
    n_jobs : int, default=1
        Trainings side by side.
    report : callable, default=print
        Told a line about each finished training.
    """
    arms = [arm for arm in run.arms() if not folder.has(arm.key)]
    if only_select:
        arms = [arm for arm in arms if arm.strategy is not None]
    seeds = dict.fromkeys(arm.seed for arm in arms if arm.needs_proxy)
    proxies = [seed for seed in seeds if not folder.has(f"proxy_seed{seed}")]
    hints = Hints(report)

    def side_by_side(work: Callable, tasks: list) -> Iterator[tuple[Arm, list[Found]]]:
        calls = [partial(_with_hints, work, run, folder, task) for task in tasks]
        for arm, line, found in in_workers(calls, n_jobs):
            report(line)
            yield arm, found

    with folder.alone():
        of_proxies = list(side_by_side(train_proxy, proxies))
        for category, hint in _hints(run, folder, proxies) if proxies else ():
            report(hint)
            hints.leave_out(category)
        for arm, found in of_proxies:
            hints.tell(found, arm.name, arm.subset_size)
        for arm, found in side_by_side(select_only if only_select else train_target, arms):
            hints.tell(found, arm.name, arm.subset_size)


def _hints(run: CoresetRun, folder: RunFolder, seeds: list[int]) -> Iterator[tuple[type[Warning], str]]:
    """Say what the proxies' errors show, before targets are trained on their choice.

    Yields
    ------
    category : type
        Of the selector's warnings that need not be told beside it.
    hint : str
    """
    records = [folder.get(f"proxy_seed{seed}") for seed in seeds]
    found = _describe_unlearned(run, records)
    linear = isinstance(run.proxy, BagOfNgramsClassifier | FastTextClassifier)
    example = "; for a few thousand texts proxy_lr=0.5 and proxy_epochs=10" if linear else ""
    if found:
        yield (
            ByChanceWarning,
            f"hint: {found}: train it longer or at a higher rate (proxy_epochs, proxy_lr{example}).",
        )
    found = _describe_memorised(run, records)
    if found:
        yield (
            MemorisedProxyWarning,
            f"hint: {found}: take probabilities='out_of_fold', which ranks rows by models that have not seen them.",
        )


def _describe_unlearned(run: CoresetRun, records: list[dict]) -> str:
    """Say where proxies have learned too little to choose by, "" where not."""
    never_learned = np.mean([record.get("never_learned", 0.0) for record in records])
    fewest = min(count_rows(size, len(run.y_train)) for size in run.subset_sizes)
    if run.X_test is not None:
        error = np.mean([record["error"] for record in records])
        guessing = 1.0 - np.max(np.unique(run.y_test, return_counts=True)[1]) / len(run.y_test)
        if error > _HARDLY_BETTER * guessing:
            return f"the proxy is hardly better than guessing (error {error:.0%}, guessing {guessing:.0%})"
    if never_learned > 0.5:
        return f"most rows were never learned ({never_learned:.0%})"
    if never_learned * len(run.y_train) > fewest / 2 and any(
        arm.strategy in (ForgettingCounter.name, "auto") for arm in run.arms()
    ):
        return f"most of the {fewest:,} rows that are chosen first were never learned ({never_learned:.0%} of all)"
    return ""


def _describe_memorised(run: CoresetRun, records: list[dict]) -> str:
    """Say where test rows show that the proxy knows its training rows by heart, "" where not."""
    errors = [
        (record["training_error"], record["error"])
        for record in records
        if record.get("training_error") is not None and record["error"] is not None
    ]
    if not errors or run.probabilities == "out_of_fold":
        return ""
    within, held_out = np.mean(errors, axis=0)
    if within > HARDLY_AN_ERROR or held_out <= within + FAR_BELOW:
        return ""
    return f"the proxy has memorised its training rows (error {within:.1%}, on the test rows {held_out:.1%})"


def _with_hints(work: Callable, run: CoresetRun, folder: RunFolder, task) -> tuple[Arm, str, list[Found]]:
    """Do one training, in any process; return whose it was, a line about it, and what the selector warned of."""
    with collecting() as found:
        line = work(run, folder, task)
    return (task if isinstance(task, Arm) else run.first_arm(task)), line, found


def train_proxy(run: CoresetRun, folder: RunFolder, seed: int) -> str:
    """Train the proxy of one seed into the run's memory and record what it cost."""
    with limited_threads(run.threads):
        selector = run.selector(run.first_arm(seed))
        kept = training_folder(folder.path, f"proxy_seed{seed}")
        keep_training(selector.proxy, kept, run.checkpoint_every)
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
        "cpu_seconds": training.cpu,
        "training_error": selector._training_error,
        **_regime(selector.proxy_),
    }
    folder.add(f"proxy_seed{seed}", record)
    forget_training(kept)
    line = f"proxy, seed {seed}: {in_words(training, clocks_in_order(run.proxy))}"
    if error is not None:
        line += f", error {100 * error:.2f} %"
    if "never_forgotten" in record:
        line += f"; {record['never_forgotten']:.0%} of the rows never forgotten"
        line += f", {record['never_learned']:.0%} never learned"
    return line


def train_target(run: CoresetRun, folder: RunFolder, arm: Arm) -> str:
    """Choose the rows of one arm, train the target on them and record error and cost."""
    with limited_threads(run.threads):
        rows, seconds, cpu_seconds = choose_rows(run, folder, arm)
        X, y = (_safe_indexing(part, rows) for part in (run.X_train, run.y_train))
        target, kept = (
            clone(run.target).set_params(random_state=arm.seed),
            training_folder(folder.path, arm.key),
        )
        keep_training(target, kept, run.checkpoint_every)
        one_class = len(np.unique(y)) < 2
        with Clock() as training:
            if not one_class:
                target.fit(X, y)
        if one_class:
            # Which classes are chosen is only known here; the run's other trainings go on.
            error = float(np.mean(np.asarray(run.y_test) != y[0]))
        else:
            training.add_earlier(target)
            error = 1.0 - target.score(run.X_test, run.y_test)
    record = {
        "kind": "target",
        **asdict(arm),
        "n_rows": len(rows),
        "error": error,
        **_proxy_cost(folder, arm),
        "selection_seconds": seconds,
        "selection_cpu_seconds": cpu_seconds,
        "target_seconds": training.wall,
        "target_cpu_seconds": training.cpu,
    }
    folder.add(arm.key, record)
    forget_training(kept)
    cost = f"error {100 * error:.2f} %, {in_words(training, clocks_in_order(run.target))}"
    if one_class:
        cost += "; all of one class, which is the answer to every test row: nothing was trained"
    return f"{arm.name}, {len(rows):,} rows, seed {arm.seed}: {cost}"


def choose_rows(run: CoresetRun, folder: RunFolder, arm: Arm) -> tuple[np.ndarray, float, float]:
    """Return the rows of an arm, ascending, and the seconds of choosing beside the proxy's training.

    The seconds are those of the clock and of the processor, of inference and
    ranking; of an inference pass that an earlier arm needed too, they are its.
    """
    if arm.name == ALL_ROWS:
        return np.arange(len(run.y_train)), 0.0, 0.0
    if arm.name in run.given:
        return np.sort(run.given[arm.name]), 0.0, 0.0
    selector = run.selector(arm).fit(run.X_train, run.y_train)
    folder.add_selection(arm.key, selected_rows(selector, run.filenames, run.row_numbers))
    wall, cpu = (
        seconds["inference"] + seconds["ranking"] for seconds in (selector.timings_, selector._cpu_timings)
    )
    return selector.indices_, wall, cpu


def select_only(run: CoresetRun, folder: RunFolder, arm: Arm) -> str:
    """Choose the rows of one arm and write them down."""
    with limited_threads(run.threads):
        rows, _, _ = choose_rows(run, folder, arm)
    return f"{arm.name}, seed {arm.seed}: {len(rows):,} of {len(run.y_train):,} rows chosen"


def _proxy_cost(folder: RunFolder, arm: Arm) -> dict[str, float]:
    if not arm.needs_proxy:
        return {"proxy_seconds": 0.0, "proxy_cpu_seconds": 0.0}
    proxy = folder.get(f"proxy_seed{arm.seed}")
    return {"proxy_seconds": proxy["proxy_seconds"], "proxy_cpu_seconds": proxy["cpu_seconds"]}


def selected_rows(
    selector: ProxyCoresetSelector,
    filenames: np.ndarray | None = None,
    row_numbers: np.ndarray | None = None,
) -> pd.DataFrame:
    """List the chosen rows, best first: row number, rank from 1, score, and file name where there is one."""
    order = selector.order_[selector.support_[selector.order_]]
    table = pd.DataFrame(
        {
            "row": order if row_numbers is None else row_numbers[order],
            "rank": np.arange(1, len(order) + 1),
            "score": selector.scores_[order],
        }
    )
    if filenames is not None:
        table["file"] = np.asarray(filenames)[order]
    return table


def _regime(proxy) -> dict[str, float]:
    """Tell how redundant the data is: hard rows are worth keeping where many rows are never forgotten."""
    events = getattr(proxy, "records_", {}).get(ForgettingCounter.name)
    if events is None:
        return {}
    return {"never_forgotten": float(np.mean(events == 0)), "never_learned": float(np.mean(np.isinf(events)))}
