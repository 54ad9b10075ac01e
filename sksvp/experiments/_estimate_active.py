"""What the rounds of an active-learning experiment will take."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .._updates import epochs_of, epochs_with
from ..active import make_start, resolve_pool_strategy
from ..proxies import as_proxy
from ..strategies import AutoQuery, Evidence
from ._active import ActiveArm, ActiveRun
from ._estimate_parts import PASSED, RANKED, estimate_line, ranking_cost, time_scoring
from ._experiment import PROXY, TARGET
from ._timed import TrainingCost, first_rows, time_training


class _Chooser:
    """A model that chooses, timed: its training, its passes over rows, and evidence of some of them."""

    def __init__(self, run: ActiveRun, y: np.ndarray, model: Any, arms: list[ActiveArm]):
        proxy = as_proxy(model)
        self.epochs, self.arms = epochs_of(model), arms
        self.rules = [resolve_pool_strategy(arm.ranks, proxy.gives) for arm in arms]
        last: list[Any] = []

        def train(network: Any, X: Any, labels: np.ndarray) -> None:
            last[:] = [as_proxy(network).train(X, labels, random_state=0)]

        self.cost = time_training(model, run.X_train, y, train)
        rows = first_rows(y)
        kinds = {kind for rule in self.rules for kind in rule.requires}
        self.evidence: Evidence = last[0].gather(run.X_train, tuple(kinds), rows=np.sort(rows[:RANKED]))
        self.seconds_of_row = {
            kinds: time_scoring(last[0], run.X_train, rows[:PASSED], list(kinds))
            for kinds in {tuple(rule.requires) for rule in self.rules}
        }


class _Step(NamedTuple):
    """A choice of one round.

    Parameters
    ----------
    rule : Strategy
    n_scored : int
        Rows that the model says something of.
    n_samples : int
        Rows to choose.
    """

    rule: Any
    n_scored: int
    n_samples: int


def lines_of_rounds(run: ActiveRun, y: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield the lines of each round: its choices, then the proxies and the targets that its labels train."""
    plan, n_seeds = run.plan(), len(run.seeds)
    totals = np.cumsum(plan.sizes).tolist()
    of_seed = [arm for arm in run.arms() if arm.seed == run.seeds[0]]
    models = {**run.proxies, TARGET: run.target}
    choosers = {
        kind: _Chooser(run, y, models[kind], arms)
        for kind in models
        if (arms := [arm for arm in of_seed if arm.chooser == kind])
    }
    # A target that chooses for itself is one model in both parts.
    n_targets = sum(arm.chooser != TARGET for arm in of_seed)
    target = None
    if plan.due and n_targets:
        target = time_training(run.target, run.X_train, y, lambda model, X, labels: model.fit(X, labels))
    rounds: list[list[dict[str, Any]]] = [[] for _ in totals]
    for chooser in choosers.values():
        for arm, rule in zip(chooser.arms, chooser.rules, strict=True):
            steps = list(_steps(run, rule, totals, plan.sizes, len(np.unique(y))))
            costs = _ranking_costs(chooser, steps, len(np.unique(y)))
            for number, (step, (seconds, memory)) in enumerate(zip(steps, costs, strict=True), 1):
                by = f"{arm.name}, round {number}"
                passed = step.n_scored * chooser.seconds_of_row[tuple(rule.requires)]
                rounds[number] += [
                    estimate_line("scoring", by, step.n_scored, n_seeds, passed, 0.0),
                    estimate_line("ranking", by, step.n_samples, n_seeds, seconds, memory),
                ]
    yield from _lines_of_start(run, plan.sizes[0], n_seeds * len(of_seed))
    for number, total in enumerate(totals):
        yield from rounds[number]
        after = "after the start" if number == 0 else f"after round {number}"
        of_target = (
            epochs_of(run.target) if run.n_updates is None else epochs_with(run.target, total, run.n_updates)
        )
        for kind, chooser in choosers.items():
            epochs = of_target if kind == TARGET else chooser.epochs
            times = n_seeds * len(chooser.arms)
            name = {PROXY: after, TARGET: f"the target itself, {after}"}.get(kind, f"{kind}, {after}")
            yield _training("proxy", name, chooser.cost, total, epochs, times, is_first=number == 0)
        if target is not None and total in plan.due:
            is_first = total == min(plan.due)
            yield _training("target", after, target, total, of_target, n_seeds * n_targets, is_first=is_first)


def _lines_of_start(run: ActiveRun, n_samples: int, times: int) -> Iterator[dict[str, Any]]:
    """Yield the line of a start that reads features."""
    start = make_start(run.start, run.X_train, run.start_features)
    if start is None or not start.strategy.requires:
        return
    rows = np.arange(min(RANKED, len(run.y_train)))
    table = run.X_train if start.features is None else start.features
    evidence = as_proxy(None).gather(table, start.strategy.requires, rows=rows)
    n_rows = len(run.y_train) if run.max_candidates is None else min(run.max_candidates, len(run.y_train))
    seconds, memory = ranking_cost(start.strategy, evidence, n_samples, n_rows, n_classes=2)
    yield estimate_line("ranking", "start", n_samples, times, seconds, memory)


def _training(
    part: str, name: str, cost: TrainingCost, n_rows: int, epochs: int | None, times: int, *, is_first: bool
) -> dict[str, Any]:
    """Return the line of a training. The first one of a model also loads and compiles."""
    seconds, once = cost.seconds(n_rows, epochs), cost.loading if is_first else 0.0
    return estimate_line(part, name, n_rows, times, seconds, cost.peak(n_rows), once=once)


def _steps(run: ActiveRun, rule: Any, totals: list[int], sizes: list[int], n_classes: int) -> Iterator[_Step]:
    """Yield the choice of each round."""
    n_rows = len(run.y_train)
    for n_labels, n_samples in zip(totals, sizes[1:], strict=False):
        took = rule
        if isinstance(rule, AutoQuery):
            took = rule.decide(n_rows=n_rows, n_labels=n_labels + n_samples, n_classes=n_classes).strategy
        n_free = n_rows - n_labels
        if took.requires and run.max_candidates is not None:
            n_free = min(n_free, run.max_candidates)
        # A strategy that does not score each row by itself reads the labelled rows too.
        n_scored = n_free if getattr(took, "scores_each_row", False) else n_free + n_labels
        yield _Step(took, n_scored, n_samples)


def _ranking_costs(chooser: _Chooser, steps: list[_Step], n_classes: int) -> list[tuple[np.ndarray, float]]:
    """Return seconds and bytes of each ranking.

    The first and the last one of a strategy are estimated, and the others lie between.
    """
    costs: list[tuple[np.ndarray, float]] = [(np.zeros(2), 0.0)] * len(steps)
    for rule in dict.fromkeys(str(step.rule) for step in steps):
        numbers = [number for number, step in enumerate(steps) if str(step.rule) == rule]
        ends = sorted({numbers[0], numbers[-1]})
        told = [
            ranking_cost(
                steps[end].rule,
                chooser.evidence,
                steps[end].n_samples,
                steps[end].n_scored,
                n_classes=n_classes,
            )
            for end in ends
        ]
        table = np.array([[*seconds, memory] for seconds, memory in told])
        for number in numbers:
            wall, cpu, memory = (float(np.interp(number, ends, column)) for column in table.T)
            costs[number] = (np.array([wall, cpu]), memory)
    return costs
