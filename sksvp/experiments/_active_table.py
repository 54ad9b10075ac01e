"""Tables of an active-learning run: error and cost of choosing at each number of labels."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import TableWith
from ..active import selection_speedup
from ._run_folder import records_of
from ._seconds import CHOSEN_CLOCKS, CLOCKS
from ._table import mean_and_spread

_OF_RULE = ("proxy_change", "target_change", "settled")
_PARTS = ("proxy_fit", "inference", "ranking", "target_fit")


def rounds_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """List every round of every arm.

    Parameters
    ----------
    records : iterable of dict
        As iterated by a `RunFolder`.

    Returns
    -------
    DataFrame
        One row per arm and round: name, strategy, chooser, seed, round,
        n_labeled, proxy_error and target_error (between 0 and 1; NaN if nothing
        was trained), and the seconds of proxy_fit, inference, ranking and
        target_fit, of the wall clock and, with ``_cpu``, of the processor. With a
        stopping rule proxy_change, target_change and settled, as in `history_`.

    Raises
    ------
    ValueError
        If `records` hold no finished arm of active learning.
    """
    lines = []
    for record in records_of("active", records):
        for entry in record["history"]:
            line = {name: record[name] for name in ("name", "strategy", "chooser", "seed")}
            line |= {name: entry[name] for name in ("round", "n_labeled")}
            for model in ("proxy", "target"):
                score = entry[f"{model}_score"]
                line[f"{model}_error"] = np.nan if score is None else 1.0 - score
            for part in (*_PARTS, *(f"{part}_cpu" for part in _PARTS)):
                line[part] = np.nan if entry[part] is None else entry[part]
            lines.append(line | {name: entry[name] for name in _OF_RULE if name in entry})
    return pd.DataFrame(lines).sort_values(["name", "seed", "n_labeled"]).reset_index(drop=True)


def budgets_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Average the rounds over the seeds.

    Parameters
    ----------
    records : iterable of dict
        As iterated by a `RunFolder`.

    Returns
    -------
    DataFrame
        One row per method and number of labels after the random start: the number of
        seeds with a target trained there, mean and sample standard deviation of its
        error in percent, the proxy's mean error in percent, the mean seconds and
        cpu_seconds of choosing so far, and speedup_seconds and speedup_cpu_seconds:
        the seconds of the target choosing for itself, divided by these (NaN if it
        did not).

    Raises
    ------
    ValueError
        If `records` hold no finished arm of active learning.
    """
    records = records_of("active", records)
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
    """Return the mean seconds of choosing, and the ratio of the target's own mean to them."""
    clock = "cpu" if clock == "cpu_seconds" else "wall"
    tables = [
        selection_speedup(record["history"], record["history"], clock=clock).assign(
            **{name: record[name] for name in ("name", "strategy", "chooser")}
        )
        for record in records
        # Replays, which chose nothing, have a record for each training of the target.
        if record["chooser"] and len(record["history"]) > 1 and record["history"][0]["round"] == 0
    ]
    if not tables:
        return pd.DataFrame()
    columns = ["name", "strategy", "chooser", "n_labeled"]
    spent = pd.concat(tables).groupby(columns, as_index=False)["seconds"].mean()
    own = spent[spent["chooser"] == "target"].set_index(["strategy", "n_labeled"])["seconds"]
    # The ratio of the means in the table: a mean of ratios would weigh quick seeds more.
    baseline = own.reindex(pd.MultiIndex.from_frame(spent[["strategy", "n_labeled"]])).to_numpy()
    return spent.assign(speedup=baseline / spent["seconds"]).set_index(["name", "n_labeled"])


@validate_params(
    {"table": [TableWith(("name", "n_labeled", "seeds", "error", "spread"))], "clocks": CHOSEN_CLOCKS},
    prefer_skip_nested_validation=True,
)
def format_budgets(table: pd.DataFrame, *, clocks: Sequence[str] = tuple(CLOCKS)) -> str:
    """Write the averages as text: errors, then the seconds of choosing.

    Parameters
    ----------
    table : DataFrame
        As returned by `budgets_table`.
    clocks : sequence of {"cpu_seconds", "seconds"}
        The clocks whose seconds are shown, in this order.

    Returns
    -------
    str
    """
    totals = sorted(table["n_labeled"].unique())
    width = max([26, *(len(name) + 4 for name in table["name"])])
    blocks = [("error of the target, % at", table["seeds"] > 0, mean_and_spread)]
    for clock in clocks:
        blocks.append((f"{CLOCKS[clock]} of choosing until", table[clock].notna(), partial(_cost, clock)))
    texts = []
    for heading, is_shown, cell in blocks:
        lines = [f"{heading:{width}}" + "".join(f"{total:>16,}" for total in totals)]
        for name, rows in table[is_shown].groupby("name", sort=False):
            cells = {row["n_labeled"]: cell(row) for row in rows.to_dict("records")}
            lines.append(f"{name:{width}}" + "".join(f"{cells.get(total, ''):>16}" for total in totals))
        texts += ["\n".join(lines)] if len(lines) > 1 else []
    return "\n\n".join(texts)


def describe_stops(records: list[dict[str, Any]]) -> list[str]:
    """Tell where the stopping rule of a run was met, with the target's error there and after the last round."""
    judged = [record for record in records if record.get("kind") == "active" and record.get("stop")]
    if not judged:
        return []
    rule = judged[0]["stop"]
    lines = [
        f"Stopping rule: {rule['measure']} within {rule['tolerance']} for {rule['patience']} rounds"
        + (", which ends the rounds." if rule["ends_run"] else ", noted only.")
    ]
    for name in dict.fromkeys(record["name"] for record in judged):
        histories = [record["history"] for record in judged if record["name"] == name]
        stops = [next((entry for entry in history if entry["settled"]), None) for history in histories]
        met = [
            (stop, history[-1]) for stop, history in zip(stops, histories, strict=True) if stop is not None
        ]
        told = f"  {name}: met in {len(met)} of {len(histories)} runs"
        if met:
            told += f", after {np.mean([stop['n_labeled'] for stop, _ in met]):,.0f} labels"
            if not rule["ends_run"]:
                told += f" of {np.mean([last['n_labeled'] for _, last in met]):,.0f}"
        scores = [(stop["target_score"], last["target_score"]) for stop, last in met]
        if scores and not any(score is None for pair in scores for score in pair):
            there, end = 100 * (1 - np.mean(scores, axis=0))
            told += f"; target error {there:.2f} %" + (
                "" if rule["ends_run"] else f", {end:.2f} % at the end"
            )
        lines.append(f"{told}.")
    return lines


def _cost(clock: str, row: dict[Any, Any]) -> str:
    speedup = row[f"speedup_{clock}"]
    return f"{row[clock]:.1f}" + ("" if np.isnan(speedup) else f" ({speedup:.1f}x)")
