"""The trainings of a core-set experiment: proxies, the choice of rows, targets."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import validate_params

from .._clock import Clock
from .._updates import count_batches
from ..estimators import measuring_test_error
from ..proxies import as_proxy
from ..strategies import ForgettingCounter, count_rows
from ._coreset import ALL_ROWS, RS2, SAME_COST, CoresetArm, CoresetRun
from ._epochs import history_of
from ._experiment import OF_RUNS, PROXY, TARGET
from ._hints import Hints, collecting
from ._kept import keep_training, training_folder
from ._proxy_hints import proxy_hints
from ._run_folder import RunFolder
from ._seconds import clocks_in_order, in_words
from ._workers import in_workers

_OF_ALL_ROWS = (ALL_ROWS, SAME_COST, RS2)


class Choice(NamedTuple):
    """Rows of an arm, ascending; seconds of inference and ranking; why "auto" took them; the proxy, if there is one."""

    rows: np.ndarray
    seconds: Clock
    reason: str = ""
    proxy: Any = None


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

    The proxies, each once for a seed, are trained before the targets. The choice of the first
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
    proxies = [arm for arm in run.training_arms(arms) if not folder.has(arm.proxy_key)]
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
        for name in dict.fromkeys(str(arm.chooser) for arm in proxies):
            records = [folder.get(arm.proxy_key) for arm in proxies if arm.chooser == name]
            for category, hint in proxy_hints(run, name, records):
                report(hint)
                hints.leave_out(category, name)
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
    work: Callable[..., str], run: CoresetRun, folder: RunFolder, arm: CoresetArm
) -> tuple[str, list]:
    """Return the line about one training, and the hints of its selector."""
    with collecting(arm.name, arm.chooser, arm.subset_size) as found:
        line = work(run, folder, arm)
    return line, found


def train_proxy(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> str:
    """Train the model that ranks in an arm into the run's memory, and record its error and cost."""
    selector = run.selector(arm)
    keep_training(selector.proxy, training_folder(folder.path, arm.proxy_key), run.checkpoint_every)
    with _tests(run):
        selector.fit(run.X_train, run.y_train)
    error = None if run.X_test is None else 1.0 - selector.proxy_.score(run.X_test, run.y_test)
    training = Clock()
    training.wall, training.cpu = selector.timings_["proxy_fit"], selector._cpu_timings["proxy_fit"]
    record = {
        "kind": "proxy",
        "name": arm.chooser,
        "seed": arm.seed,
        "n_rows": len(run.y_train),
        "error": error,
        "proxy_seconds": training.wall,
        "proxy_cpu_seconds": training.cpu,
        "training_error": selector._training_error,
        **_regime(selector.proxy_),
        "history": history_of(selector.proxy_),
    }
    folder.add(arm.proxy_key, record)
    told = arm.chooser if arm.chooser in (PROXY, TARGET) else f"proxy {arm.chooser}"
    line = f"{told}, seed {arm.seed}: {in_words(training, clocks_in_order(selector.proxy))}"
    if error is not None:
        line += f", error {100 * error:.2f} %"
    if "never_forgotten" in record:
        line += f"; {record['never_forgotten']:.0%} of the rows never forgotten"
        line += f", {record['never_learned']:.0%} never learned"
    return line


def train_target(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> str:
    """Choose the rows of one arm, train the target on them, and record its error and cost."""
    if arm.name == ALL_ROWS and run.target_is_trained:
        return _take_over(run, folder, arm)
    choice = choose_rows(run, folder, arm)
    X, y = (_safe_indexing(part, choice.rows) for part in (run.X_train, run.y_train))
    epochs = run.epochs_of(arm, folder)
    lasting = {} if epochs is None else {"max_epochs": epochs}
    target = run.prepared(run.target, folder, arm.key, random_state=arm.seed, **lasting)
    training = Clock()
    start, note = _start(run, choice, y)
    n_visited = count_rows(arm.subset_size, len(y)) if arm.name == RS2 else len(choice.rows)
    if len(np.unique(y)) > 1:
        drawing = target.drawing_rows(n_visited) if arm.name == RS2 else nullcontext()
        with _tests(run), drawing, training:
            if start is None:
                target.fit(X, y)
            else:
                target = as_proxy(target).train(X, y, start=as_proxy(start)).estimator
        training.add_earlier(target)
        error = 1.0 - target.score(run.X_test, run.y_test)
        history = history_of(target)
    else:
        # The run's other trainings go on.
        error = float(np.mean(np.asarray(run.y_test) != y[0]))
        note = "; all of one class, which is the answer to every test row: nothing was trained"
        history = []
    _add_target(
        run, folder, arm, n_visited, epochs, error, choice.seconds, training, history, warm=start is not None
    )
    cost = f"error {100 * error:.2f} %, {in_words(training, clocks_in_order(run.target))}"
    rows_of = f"{n_visited:,} rows{' an epoch' if arm.name == RS2 else ''}"
    return f"{arm.name}, {rows_of}, seed {arm.seed}: {cost}{note}{choice.reason}"


def _start(run: CoresetRun, choice: Choice, y: np.ndarray) -> tuple[Any, str]:
    """Return the proxy whose weights a target begins from, or None, and a note why not."""
    if not run.warm_target or choice.proxy is None:
        return None, ""
    if not np.array_equal(choice.proxy.classes_, np.unique(y)):
        return None, "; from fresh weights, since the rows lack a class of the proxy"
    return choice.proxy, ""


def _take_over(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> str:
    """Record the training on all rows that the target had to choose its own rows."""
    known = folder.get(run.target_key(arm.seed))
    training = Clock()
    training.wall, training.cpu = known["proxy_seconds"], known["proxy_cpu_seconds"]
    epochs = run.epochs_of(arm, folder)
    _add_target(
        run, folder, arm, len(run.y_train), epochs, known["error"], Clock(), training, known["history"]
    )
    return f"{arm.name}, seed {arm.seed}: error {100 * known['error']:.2f} %, of the target that chose"


def _add_target(
    run: CoresetRun,
    folder: RunFolder,
    arm: CoresetArm,
    n_visited: int,
    epochs: int | None,
    error: float,
    choosing: Clock,
    training: Clock,
    history: list[dict[str, float]],
    *,
    warm: bool = False,
) -> None:
    """Write the record of a target."""
    proxy = folder.get(arm.proxy_key) if arm.chooser else {}
    record = {
        "kind": "target",
        **arm.record(),
        "n_subset": count_rows(arm.subset_size, len(run.y_train)),
        "n_rows": n_visited,
        "protocol": run.updates,
        "epochs": epochs,
        "updates": None if epochs is None else epochs * count_batches(run.target, n_visited),
        "warm": warm,
        "error": error,
        **{name: proxy[name] if proxy else 0.0 for name in ("proxy_seconds", "proxy_cpu_seconds")},
        "selection_seconds": choosing.wall,
        "selection_cpu_seconds": choosing.cpu,
        "target_seconds": training.wall,
        "target_cpu_seconds": training.cpu,
        "history": history,
    }
    folder.add(arm.key, record)


def select_only(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> str:
    """Choose the rows of one arm and write them down."""
    choice = choose_rows(run, folder, arm)
    chosen = f"{len(choice.rows):,} of {len(run.y_train):,} rows chosen"
    return f"{arm.name}, seed {arm.seed}: {chosen}{choice.reason}"


def choose_rows(run: CoresetRun, folder: RunFolder, arm: CoresetArm) -> Choice:
    """Choose the rows of an arm.

    The seconds of an inference pass that several arms need count for the first of them.
    """
    choosing = Clock()
    if arm.name in _OF_ALL_ROWS:
        return Choice(np.arange(len(run.y_train)), choosing)
    if arm.name in run.given:
        return Choice(np.sort(run.given[arm.name]), choosing)
    selector = run.selector(arm).fit(run.X_train, run.y_train)
    order = selector.order_[selector.support_[selector.order_]]
    chosen = run.list_rows(order, rank=np.arange(1, len(order) + 1), score=selector.scores_[order])
    folder.add_selection(arm.key, chosen)
    choosing.wall, choosing.cpu = (
        seconds["inference"] + seconds["ranking"] for seconds in (selector.timings_, selector._cpu_timings)
    )
    reason = f"; {arm.name}: {selector.strategy_reason_}" if selector.strategy_reason_ else ""
    return Choice(selector.indices_, choosing, reason, selector.proxy_)


def _tests(run: CoresetRun) -> AbstractContextManager:
    return measuring_test_error(run.X_test, run.y_test) if run.test_every_epoch else nullcontext()


def _regime(proxy) -> dict[str, float]:
    """Return the shares of rows that were never forgotten and never learned, which tell how redundant data is."""
    events = getattr(proxy, "records_", {}).get(ForgettingCounter.name)
    if events is None:
        return {}
    return {"never_forgotten": float(np.mean(events == 0)), "never_learned": float(np.mean(np.isinf(events)))}
