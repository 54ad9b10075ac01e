"""What the trainings and choices of a core-set experiment will take."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .._updates import epochs_of
from ..proxies import Proxy, as_proxy
from ..strategies import Evidence, count_rows, recorder_names, resolve_strategy
from ._coreset import ALL_ROWS, RS2, SAME_COST, CoresetArm, CoresetRun
from ._estimate_parts import PASSED, RANKED, estimate_line, ranking_cost, time_scoring
from ._experiment import PROXY, TARGET
from ._timed import first_rows, time_training

# Bytes of a visit in the record of a training.
_RECORDED = 8
_FOLDS = 5


def lines_of_choices(run: CoresetRun, y: np.ndarray) -> Iterator[dict[str, Any]]:
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
    evidence = Evidence(y=y[first_rows(y)[:RANKED]])
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
        yield estimate_line("proxy", name, len(y), len(run.seeds), seconds, memory, once=cost.loading)
        trained, X, labels = last[0]
        scored = [kind for kind in kinds if kind not in recorder_names()]
        seconds = time_scoring(trained, run.X_train, first_rows(y)[:PASSED], scored) * len(y)
        if run.probabilities == "out_of_fold" and "probabilities" in scored:
            seconds = seconds + _FOLDS * cost.seconds(len(y) * (_FOLDS - 1) // _FOLDS, epochs)
        evidence = trained.gather(X, kinds, y=labels)
        memory = sum(part.nbytes for part in evidence.parts.values()) / len(labels) * len(y)
        name = (" and ".join(scored) or "record") + by
        yield estimate_line("scoring", name, len(y), len(run.seeds), seconds, memory)
    n_classes = len(np.unique(y))
    for (name, size), of_seeds in _grouped(arms):
        n_kept = count_rows(size, len(y))
        rule = rules[of_seeds[0].strategy]
        # Within classes only a greedy strategy picks, one class after the other.
        apart = of_seeds[0].class_balanced and getattr(rule, "picks_greedily", False)
        seconds, memory = ranking_cost(rule, evidence, n_kept, len(y), n_classes=n_classes, apart=apart)
        yield estimate_line("ranking", name, n_kept, len(of_seeds), seconds, memory)


def lines_of_targets(run: CoresetRun, y: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield the lines of the targets, those of one number of rows together."""
    cost = time_training(run.target, run.X_train, y, lambda model, X, labels: model.fit(X, labels))
    groups: dict[tuple, list[CoresetArm]] = {}
    for arm in run.arms():
        if arm.name == ALL_ROWS and run.target_is_trained:
            # It was trained as a proxy.
            continue
        name = arm.name if arm.name in (ALL_ROWS, SAME_COST, RS2) else "chosen rows"
        groups.setdefault((name, arm.subset_size), []).append(arm)
    for (name, size), arms in groups.items():
        n_kept = count_rows(size, len(y))
        n_rows = n_kept if name == "chosen rows" else len(y)
        # What the same cost is worth follows from the other lines.
        epochs = None if name == SAME_COST else run.epochs_of(arms[0])
        seconds = cost.seconds(n_rows, epochs, n_kept)
        yield estimate_line("target", name, n_kept, len(arms), seconds, cost.peak(n_rows))


def same_cost(lines: pd.DataFrame) -> np.ndarray:
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
        groups.setdefault((arm.name, arm.subset_size), []).append(arm)
    return list(groups.items())
