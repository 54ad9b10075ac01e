"""What an experiment will take, before anything long starts."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._containers import take_rows
from .._inputs._labels import check_labels
from .._inputs._parameters import TableWith
from .._updates import epochs_of
from ..proxies import Proxy, as_proxy
from ..strategies import Evidence, count_rows, recorder_names, resolve_strategy
from ._coreset import ALL_ROWS, RS2, SAME_COST, CoresetArm, CoresetRun
from ._experiment import PROXY, TARGET
from ._seconds import CHOSEN_CLOCKS, CLOCKS
from ._timed import POWERS, first_rows, resident_bytes, time_pass, time_training, watching_peak

# Rows on which a pass, and on which a ranking is timed.
_PASSED, _RANKED = 2000, 4000
# Bytes of a visit in the record of a training.
_RECORDED = 8
_FOLDS = 5
_COLUMNS = ("part", "name", "n_rows", "times", "seconds", "cpu_seconds", "memory")


@validate_params({"run": [CoresetRun], "only_select": ["boolean"]}, prefer_skip_nested_validation=True)
def estimate(run: CoresetRun, *, only_select: bool = False) -> pd.DataFrame:
    """Estimate the seconds and the memory of a core-set experiment from a few timed steps on this machine.

    Proxy and target are trained for a few steps on some of the rows, and the proxy
    passes over some and ranks them. What an epoch and a row take is carried on to all
    of them. This takes some seconds, or a few steps of a network whose steps are longer.

    Parameters
    ----------
    run : CoresetRun
        The experiment.
    only_select : bool, default=False
        Whether rows are chosen without training targets.

    Returns
    -------
    DataFrame
        One line for each kind of work: part (``"proxy"``, ``"scoring"``, ``"ranking"``
        or ``"target"``), name, n_rows, times (how often it is done, over all seeds),
        the seconds and cpu_seconds of all these times, and memory, the bytes of the
        process at the peak with the rows that are in memory now (NaN where the system
        does not tell; not of a GPU). The last line is the total.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.experiments import CoresetRun, estimate
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression()
    >>> run = CoresetRun(
    ...     X, y, X, y, proxy=model, target=model, strategies=["entropy"], seeds=[0, 1], subset_sizes=[0.5]
    ... )
    >>> estimate(run)[["part", "n_rows", "times"]]
          part  n_rows  times
    0    proxy     150      2
    1  scoring     150      2
    2  ranking      75      2
    3   target      75      2
    4   target     150      2
    5    total     150      1
    """
    y = check_labels(run.y_train)
    found = [*_choosing_lines(run, y), *([] if only_select else _target_lines(run, y))]
    lines = pd.DataFrame(found, columns=_COLUMNS)
    rival = lines["name"] == SAME_COST
    if rival.any():
        lines.loc[rival, ["seconds", "cpu_seconds"]] = _same_cost(run, lines)
    total = {"part": "total", "name": "", "n_rows": len(y), "times": 1, "memory": lines["memory"].max()}
    total |= {name: lines[name].sum() for name in ("seconds", "cpu_seconds")}
    return pd.concat([lines, pd.DataFrame([total])], ignore_index=True)


@validate_params(
    {"table": [TableWith(_COLUMNS)], "clocks": CHOSEN_CLOCKS}, prefer_skip_nested_validation=True
)
def format_estimate(table: pd.DataFrame, *, clocks: Sequence[str] = tuple(CLOCKS)) -> str:
    """Write an estimate as text.

    Parameters
    ----------
    table : DataFrame
        As returned by `estimate`.
    clocks : sequence of {"cpu_seconds", "seconds"}
        The clocks whose seconds are shown, in this order.

    Returns
    -------
    str
    """
    columns = ("rows", "times", *(CLOCKS[clock] for clock in clocks), "memory")
    widths = (11, 7, *[9] * len(clocks), 10)
    first = max([30, *(len(name) + 10 for name in table["name"])])
    lines = [
        "".join([f"{'estimate':{first}}", *(f"{name:>{n}}" for name, n in zip(columns, widths, strict=True))])
    ]
    for row in table.to_dict("records"):
        memory = "" if np.isnan(row["memory"]) else f"{row['memory'] / 1e9:,.2f} GB"
        cells = (
            f"{row['n_rows']:,}",
            f"{row['times']:,}",
            *(f"{row[clock]:,.{1 if row[clock] < 100 else 0}f}" for clock in clocks),
            memory,
        )
        name = f"{row['part']:9} {row['name']}"
        lines.append(
            "".join([f"{name:{first}}", *(f"{cell:>{n}}" for cell, n in zip(cells, widths, strict=True))])
        )
    return "\n".join(lines)


def _choosing_lines(run: CoresetRun, y: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield the lines of each model that chooses, and of the rankings that ask none."""
    arms = [arm for arm in run.arms() if arm.strategy is not None]
    for chooser in run.choosers:
        yield from _proxy_lines(run, chooser, [arm for arm in arms if arm.chooser == chooser], y)
    yield from _proxy_lines(run, None, [arm for arm in arms if arm.chooser is None], y)


def _proxy_lines(
    run: CoresetRun, chooser: str | None, arms: list[CoresetArm], y: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Yield the lines of a proxy, of its passes and of the rankings."""
    if not arms:
        return
    model = run.choosers.get(str(chooser))
    proxy = as_proxy(model)
    by = "" if chooser in (None, PROXY) else f" by {chooser}"
    rules = {arm.strategy: resolve_strategy(arm.ranks, proxy.gives) for arm in arms}
    kinds = list(dict.fromkeys(kind for rule in rules.values() for kind in rule.requires))
    evidence = Evidence(y=y[first_rows(y)[:_RANKED]])
    if kinds:
        needed = [kind for kind in kinds if kind in proxy.recorders]
        recorders = tuple(dict.fromkeys([*needed, *proxy.free_recorders(needed, is_kept=True)]))
        last: list[tuple[Proxy, Any, np.ndarray]] = []

        def train(model: Any, X: Any, labels: np.ndarray) -> None:
            last[:] = [(as_proxy(model).train(X, labels, recorders=recorders, random_state=0), X, labels)]

        cost = time_training(model, run.X_train, y, train)
        epochs = epochs_of(model)
        memory = cost.peak(len(y)) + len(y) * len(recorders) * _RECORDED * (epochs or 1)
        seconds = cost.seconds(len(y), epochs)
        name = type(model).__name__ if chooser == PROXY else str(chooser)
        yield _line("proxy", name, len(y), len(run.seeds), seconds, memory, once=cost.loading)
        trained, X, labels = last[0]
        scored = [kind for kind in kinds if kind not in recorder_names()]
        seconds = _time_scoring(trained, run.X_train, first_rows(y)[:_PASSED], scored) * len(y)
        if run.probabilities == "out_of_fold" and "probabilities" in scored:
            seconds = seconds + _FOLDS * cost.seconds(len(y) * (_FOLDS - 1) // _FOLDS, epochs)
        evidence = trained.gather(X, kinds, y=labels)
        memory = sum(part.nbytes for part in evidence.parts.values()) / len(labels) * len(y)
        name = (" and ".join(scored) or "record") + by
        yield _line("scoring", name, len(y), len(run.seeds), seconds, memory)
    for (strategy, size), of_seeds in _grouped(arms):
        n_kept = count_rows(size, len(y))
        seconds, memory = _time_ranking(rules[strategy], evidence, n_kept, len(y))
        yield _line("ranking", strategy + by, n_kept, len(of_seeds), seconds, memory)


def _time_ranking(rule: Any, evidence: Evidence, n_kept: int, n_rows: int) -> tuple[np.ndarray, float]:
    """Rank some rows, and carry seconds and memory on to all of them by their growth between two sizes."""
    large = min(evidence.n_rows, _RANKED)
    small = max(2, large // 2)

    def rank(size: int) -> None:
        kept = max(1, size * n_kept // n_rows)
        rule.rank(evidence, kept, candidates=np.arange(size), random_state=0)

    before = resident_bytes()
    first = time_pass(lambda: rank(small))
    with watching_peak() as peak:
        second = time_pass(lambda: rank(large))
    growth = np.log(max(second[1], 1e-6) / max(first[1], 1e-6)) / np.log(max(large / small, 1.01))
    carried = (n_rows / large) ** float(np.clip(growth, *POWERS))
    return second * carried, max(0.0, peak[0] - before) * n_rows / large


def _target_lines(run: CoresetRun, y: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield the lines of the targets, those of one number of rows together."""
    cost = time_training(run.target, run.X_train, y, lambda model, X, labels: model.fit(X, labels))
    groups: dict[tuple, list[CoresetArm]] = {}
    for arm in run.arms():
        name = arm.name if arm.name in (ALL_ROWS, SAME_COST, RS2) else "chosen rows"
        groups.setdefault((name, arm.subset_size), []).append(arm)
    for (name, size), arms in groups.items():
        n_kept = count_rows(size, len(y))
        n_rows = n_kept if name == "chosen rows" else len(y)
        # What the same cost is worth follows from the other lines.
        epochs = None if name == SAME_COST else run.epochs_of(arms[0])
        seconds = cost.seconds(n_rows, epochs, n_kept)
        yield _line("target", name, n_kept, len(arms), seconds, cost.peak(n_rows))


def _same_cost(run: CoresetRun, lines: pd.DataFrame) -> np.ndarray:
    """Return the seconds of each rival of the same cost: those of the dearest choice of its size."""
    clocks = ["seconds", "cpu_seconds"]
    each = lines.assign(**{clock: lines[clock] / lines["times"] for clock in clocks})
    by_target = lines["name"].str.match(f"(.* by )?{TARGET}$") & (lines["part"] != "target")
    each = each[~by_target]
    proxy = each[each["part"].isin(["proxy", "scoring"])].groupby("part")[clocks].max().sum()
    found = []
    for rival in each[each["name"] == SAME_COST].to_dict("records"):
        same_size = each[each["n_rows"] == rival["n_rows"]]
        ranking = same_size[same_size["part"] == "ranking"][clocks].max()
        target = same_size[same_size["name"] == "chosen rows"][clocks].max()
        found.append((proxy + ranking + target).to_numpy() * rival["times"])
    return np.array(found)


def _grouped(arms: list[CoresetArm]) -> list[tuple[tuple[str, float], list[CoresetArm]]]:
    groups: dict[tuple[str, float], list[CoresetArm]] = {}
    for arm in arms:
        groups.setdefault((str(arm.strategy), arm.subset_size), []).append(arm)
    return list(groups.items())


def _time_scoring(proxy: Proxy, X: Any, rows: np.ndarray, kinds: list[str]) -> np.ndarray:
    """Return the seconds that a pass takes for each row."""
    if not kinds:
        return np.zeros(2)
    part = take_rows(X, np.sort(rows))
    return time_pass(lambda: proxy.gather(part, kinds)) / len(rows)


def _line(
    part: str,
    name: str,
    n_rows: int,
    times: int,
    seconds: np.ndarray,
    memory: float,
    once: np.ndarray | float = 0.0,
) -> dict[str, Any]:
    """Return a line of the table; `seconds` are those of one time, and `once` comes to all of them."""
    wall, cpu = (seconds * times + once).tolist()
    known = resident_bytes()
    peak = known + memory if known else np.nan
    return dict(zip(_COLUMNS, (part, name, n_rows, times, wall, cpu, peak), strict=True))
