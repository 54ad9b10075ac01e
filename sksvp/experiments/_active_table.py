"""Tables of an active-learning run: error and cost of choosing at each number of labels."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from .._storage._files import replacing, write_json
from ..active import selection_speedup
from ._run_folder import RunFolder
from ._seconds import CLOCKS

_PARTS = ("proxy_fit", "inference", "ranking", "target_fit")


def rounds_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """List every round of every arm.

    Parameters
    ----------
    records : iterable of dict
        As `RunFolder` yields them.

    Returns
    -------
    DataFrame
        One line an arm and round: name, strategy, chooser, seed, round,
        n_labeled, proxy_error and target_error (shares of 1; NaN where nothing
        was trained), and the seconds of proxy_fit, inference, ranking and
        target_fit, of the wall clock and, with ``_cpu``, of the processor.
    """
    lines = []
    for record in records:
        for entry in record["history"]:
            line = {name: record[name] for name in ("name", "strategy", "chooser", "seed")}
            line |= {name: entry[name] for name in ("round", "n_labeled")}
            for model in ("proxy", "target"):
                score = entry[f"{model}_score"]
                line[f"{model}_error"] = np.nan if score is None else 1.0 - score
            for part in (*_PARTS, *(f"{part}_cpu" for part in _PARTS)):
                line[part] = np.nan if entry[part] is None else entry[part]
            lines.append(line)
    return pd.DataFrame(lines).sort_values(["name", "seed", "n_labeled"]).reset_index(drop=True)


def budgets_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Average over the seeds.

    Parameters
    ----------
    records : iterable of dict
        As `RunFolder` yields them.

    Returns
    -------
    DataFrame
        One line a method and number of labels after the random start: how many
        seeds trained a target there, mean and sample standard deviation of its
        error in percent, the proxy's mean error in percent, the mean seconds and
        cpu_seconds spent on choosing so far, and how many times those of the
        target's choosing for itself are of these, speedup_seconds and
        speedup_cpu_seconds (NaN where it did not).
    """
    records = list(records)
    rounds = rounds_table(records)
    rounds = rounds[(rounds["round"] > 0) | rounds["target_error"].notna()]
    groups = rounds.groupby(["name", "n_labeled"], sort=False)
    table = groups.agg(
        seeds=("target_error", "count"),
        error=("target_error", "mean"),
        spread=("target_error", "std"),
        proxy_error=("proxy_error", "mean"),
    )
    table[["error", "spread", "proxy_error"]] *= 100
    for clock in CLOCKS:
        spent = _selection_seconds(records, clock)
        for column, source in ((clock, "seconds"), (f"speedup_{clock}", "speedup")):
            table[column] = spent[source] if len(spent) else np.nan
    return table.reset_index()


def _selection_seconds(records: list[dict[str, Any]], clock: str) -> pd.DataFrame:
    """Mean seconds of choosing of the arms that ran all rounds, and the ratio of the target's own mean to them."""
    clock = "cpu" if clock == "cpu_seconds" else "wall"
    tables = [
        selection_speedup(record["history"], record["history"], clock=clock).assign(
            **{name: record[name] for name in ("name", "strategy", "chooser")}
        )
        for record in records
        # A replay has a record for each training of the target.
        if record["chooser"] and len(record["history"]) > 1 and record["history"][0]["round"] == 0
    ]
    if not tables:
        return pd.DataFrame()
    columns = ["name", "strategy", "chooser", "n_labeled"]
    spent = pd.concat(tables).groupby(columns, as_index=False)["seconds"].mean()
    own = spent[spent["chooser"] == "target"].set_index(["strategy", "n_labeled"])["seconds"]
    # Of the means that stand in the table: seeds that are quick on one side must not weigh more.
    baseline = own.reindex(pd.MultiIndex.from_frame(spent[["strategy", "n_labeled"]])).to_numpy()
    return spent.assign(speedup=baseline / spent["seconds"]).set_index(["name", "n_labeled"])


def format_budgets(table: pd.DataFrame, *, clocks: Sequence[str] = tuple(CLOCKS)) -> str:
    """Lay the averages out for the screen: errors, then what choosing cost.

    Parameters
    ----------
    table : DataFrame
        As `budgets_table` makes it.
    clocks : sequence of {"cpu_seconds", "seconds"}
        What the cost is told in, in this order.

    Returns
    -------
    str
        Lines.
    """
    totals = sorted(table["n_labeled"].unique())
    width = max([24, *(len(name) + 2 for name in table["name"])])
    blocks = [("error of the target, % at", table["seeds"] > 0, _error)]
    for clock in clocks:
        blocks.append((f"{CLOCKS[clock]} of choosing until", table[clock].notna(), partial(_cost, clock)))
    lines: list[str] = []
    for heading, is_shown, cell in blocks:
        shown = table[is_shown]
        if shown.empty:
            continue
        lines += [""] if lines else []
        lines.append(f"{heading:{width + 2}}" + "".join(f"{f'{total:,}':>16}" for total in totals))
        for name, rows in shown.groupby("name", sort=False):
            cells = {row["n_labeled"]: cell(row) for row in _lines(rows)}
            lines.append(f"{name:{width + 2}}" + "".join(f"{cells.get(total, ''):>16}" for total in totals))
    return "\n".join(lines)


def _lines(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in line.items()} for line in table.to_dict("records")]


def _error(row: dict[str, Any]) -> str:
    return f"{row['error']:.2f}" if np.isnan(row["spread"]) else f"{row['error']:.2f} ± {row['spread']:.2f}"


def _cost(clock: str, row: dict[str, Any]) -> str:
    speedup = row[f"speedup_{clock}"]
    return f"{row[clock]:.1f}" + ("" if np.isnan(speedup) else f" ({speedup:.1f}x)")


def report_active(
    folder: RunFolder,
    *,
    clocks: Sequence[str] = tuple(CLOCKS),
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Write results.json and results.csv of all finished arms in a folder, and show the averages.

    Parameters
    ----------
    folder : RunFolder
        A run with at least one finished arm.
    clocks : sequence of {"cpu_seconds", "seconds"}
        As of `format_budgets`.
    report : callable, default=print
        Told the table.

    Returns
    -------
    DataFrame
        As `rounds_table` makes it.
    """
    records = list(folder)
    rounds, budgets = rounds_table(records), budgets_table(records)
    with replacing(folder.path / "results.csv") as part:
        rounds.to_csv(part, index=False)
    write_json(folder.path / "results.json", json.loads(budgets.to_json(orient="records")))
    report(format_budgets(budgets, clocks=clocks))
    return rounds
