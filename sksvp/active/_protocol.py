"""The protocol of an experiment: a random start, then rounds that buy labels; targets at some totals."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._inputs._labels import read_labels
from .._inputs._shares import exact_share
from ._labels import LabelTable, check_validation_labels
from ._run import Run, seconds_of
from ._stopping import is_settled, proxy_is_settled


@dataclass(frozen=True)
class Plan:
    """Number of labels of each round, and when a target is trained.

    Attributes
    ----------
    sizes : list of int
        Labels of the random start, then of each round.
    due : frozenset of int
        Total numbers of labels at which the target is trained.
    ends_with_target : bool
        Whether the target is trained at the end, also if a rule ends the run before.
    """

    sizes: list[int]
    due: frozenset[int]
    ends_with_target: bool


def make_plan(rounds: Any, initial_size: float, target_at: Any, n_rows: int) -> Plan:
    """Turn the parameters into numbers of rows.

    Raises
    ------
    ValueError
        If rounds are empty, not positive, of both kinds or ask for more rows than
        the pool has, or a total never occurs.
    """
    if not initial_size > 0:
        raise ValueError(
            f"initial_size must be a number of rows or a share of the pool above 0, got {initial_size!r}."
        )
    start = (
        int(initial_size)
        if isinstance(initial_size, Integral)
        else max(1, round(exact_share(initial_size, n_rows)))
    )
    sizes = [start, *_round_sizes(rounds, n_rows)]
    sizes[-1] -= _rounded_up(sizes, [initial_size, *rounds], n_rows)
    totals = np.cumsum(sizes).tolist()
    if totals[-1] > n_rows:
        raise ValueError(
            f"initial_size={initial_size!r} and rounds={list(rounds)!r} ask for {totals[-1]} labels of a pool of "
            f"{n_rows} rows."
        )
    return Plan(sizes, target_totals(target_at, totals), isinstance(target_at, str))


def _rounded_up(sizes: list[int], shares: list[float], n_rows: int) -> int:
    """Return by how many rows shares of at most the whole pool exceed it because each is rounded."""
    beyond = sum(sizes) - n_rows
    if any(isinstance(share, Integral) for share in shares) or not 0 < beyond < sizes[-1]:
        return 0
    # Decimal fractions are added as written: the floats 0.1 + 0.2 + 0.7 add up to more than 1.
    return beyond if sum(Fraction(str(float(share))) for share in shares) <= 1 else 0


def _round_sizes(rounds: Any, n_rows: int) -> list[int]:
    rounds = list(rounds)
    if not rounds:
        raise ValueError("rounds=[] must hold at least one number of labels to buy, or be None.")
    if all(isinstance(size, Integral) and not isinstance(size, bool) for size in rounds):
        sizes = [int(size) for size in rounds]
    elif all(isinstance(size, Real) and not isinstance(size, Integral) for size in rounds):
        if not all(0 < size <= 1 for size in rounds):
            raise ValueError(f"rounds as floats are shares of the pool, in (0, 1], got {rounds!r}.")
        sizes = [round(exact_share(float(size), n_rows)) for size in rounds]
    else:
        raise ValueError(f"rounds must be all ints or all floats, got {rounds!r}.")
    if min(sizes) < 1:
        raise ValueError(
            f"rounds={rounds!r} must each buy one label at least, of a pool of {n_rows} samples."
        )
    return sizes


def target_totals(target_at: Any, totals: list[int]) -> frozenset[int]:
    """Return the totals that `target_at` names, out of those that occur."""
    if isinstance(target_at, str):
        return frozenset(totals[1:] if target_at == "all" else totals[-1:])
    wanted = list(target_at)
    if not all(isinstance(total, Integral) and not isinstance(total, bool) for total in wanted):
        raise ValueError(
            f"target_at must be 'last', 'all' or a list of numbers of labels, got {target_at!r}."
        )
    never = [int(total) for total in wanted if total not in totals]
    if never:
        raise ValueError(
            f"target_at={[int(total) for total in wanted]} names totals that never occur: "
            f"{', '.join(map(str, never))}; the totals are {', '.join(map(str, totals))}."
        )
    return frozenset(map(int, wanted))


class Answers:
    """Source of the labels: y, and an oracle for the rows that y leaves open.

    Parameters
    ----------
    table : LabelTable
        The labels of y.
    oracle : callable or None
        Function that returns the labels of rows, given their numbers.
    missing_label : int, str or None
        See `read_labels`.

    Raises
    ------
    ValueError
        If rows have no label and there is no oracle.
    """

    def __init__(self, table: LabelTable, oracle: Callable | None, missing_label: Any):
        n_missing = int((~table.labelled).sum())
        if n_missing and oracle is None:
            raise ValueError(
                f"rounds needs the label of every row, or an oracle that is asked for the missing ones: y lacks "
                f"{n_missing} of {len(table.codes)} (missing_label={missing_label!r})."
            )
        self._table = table
        self._oracle = oracle
        self._missing_label = missing_label

    def give(self, run: Run) -> None:
        """Record the labels of the waiting rows: those in y, then those of the oracle, in one call.

        Raises
        ------
        ValueError
            If the oracle does not return one label for each row.
        """
        known = self._table.labelled[run.state.waiting]
        if known.any():
            rows = run.state.waiting[known]
            run.record(rows, self._table.labels_of(rows))
        rows = run.state.waiting
        if len(rows) == 0 or self._oracle is None:
            return
        # The waiting rows are saved before this call: an exception in the oracle loses nothing.
        told = self._oracle(rows.copy())
        if not hasattr(told, "__len__") or isinstance(told, dict | str):
            raise ValueError(
                f"oracle must return one label for each of the {len(rows)} rows it is asked for, as a list or an "
                f"array, got {type(told).__name__}."
            )
        found, labels = read_labels(told, missing_label=self._missing_label)
        n_told = len(told)
        if n_told != len(rows) or len(found) != len(rows):
            raise ValueError(
                f"oracle must return one label for each of the {len(rows)} rows it is asked for, got {n_told} "
                f"values, {len(found)} of them labels."
            )
        run.record(rows, labels)
        # The oracle may have changed the pool; its labels are kept.
        run.check_pool()


def run_protocol(
    run: Run, plan: Plan, answers: Answers, X_val: Any, y_val: np.ndarray | None, *, verbose: int = 0
) -> None:
    """Run the rounds of a plan, or continue with them.

    Parameters
    ----------
    run : Run
        A run at any point of the plan. At the end it has the model that predicts,
        unless the plan trains no target.
    plan : Plan
        Numbers of rows.
    answers : Answers
        Source of the labels.
    X_val, y_val : rows and labels, or None
        Proxies and targets are scored on them.
    verbose : int
        If above 0, a progress bar is printed on stderr.
    """
    from tqdm.auto import tqdm

    for number, size in enumerate(tqdm(plan.sizes, desc="rounds", unit="round", disable=not verbose)):
        if run.state.n_selections == number:
            run.select(size)
        if number < run.state.n_selections - 1:
            continue  # done before the process ended
        answers.give(run)
        if number == 0:
            check_validation_labels(y_val, run.state.table)
        _score_proxy(run, X_val, y_val)
        train_due_target(run, plan.due, X_val, y_val)
        if _has_settled(run, X_val, y_val):
            if plan.ends_with_target:
                train_due_target(run, frozenset([run.state.n_labeled]), X_val, y_val)
            break
    if run.target is None or plan.due:
        run.predictor()


def _has_settled(run: Run, X_val: Any, y_val: np.ndarray | None) -> bool:
    """Tell whether the stopping rule ends the run with the labels so far."""
    if run.stop is None or run.state.table.n_classes < 2:
        return False
    run.official_proxy()
    if proxy_is_settled(run.stop, run) and run.has_own_target:
        # The target is asked only once the proxy has settled: it costs more.
        train_due_target(run, frozenset([run.state.n_labeled]), X_val, y_val)
    run.save()
    return run.stop.ends_run and is_settled(run.stop, run)


def _score_proxy(run: Run, X_val: Any, y_val: np.ndarray | None) -> None:
    """Score the proxy that was trained on the labels of this round and chooses in the next one."""
    entry = run.state.history[-1]
    if y_val is None or entry["proxy_score"] is not None or run.state.table.n_classes < 2:
        return
    if not (run.strategy.requires or run.target is None or run.is_shared):
        # This proxy neither chooses nor predicts.
        return
    entry["proxy_score"] = run.official_proxy().accuracy(X_val, y_val)
    run.save()


def train_due_target(run: Run, due: frozenset[int], X_val: Any, y_val: np.ndarray | None) -> None:
    """Train and score the target if the present number of labels is one of `due`."""
    entry = run.state.history[-1]
    if run.target is None or entry["n_labeled"] not in due or entry["target_fit"] is not None:
        return
    target = run.train_target()
    if y_val is not None:
        entry["target_score"] = target.accuracy(X_val, y_val)
    entry |= seconds_of("target_fit", target.seconds)
    run.save()
