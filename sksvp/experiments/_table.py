"""Tables of a core-set run: one row a training, and one a method with mean and spread over the seeds."""

import json
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from .._storage._files import replacing, write_json
from ._coreset import ALL_ROWS, CoresetRun
from ._run_folder import RunFolder
from ._seconds import CLOCKS

_PARTS = ("proxy", "selection", "target")


def trainings_table(records) -> pd.DataFrame:
    """List the trainings of targets, one a row, with seconds of the wall clock and of the processor.

    Parameters
    ----------
    records : iterable of dict
        As `RunFolder` yields them.

    Returns
    -------
    DataFrame
        Columns name, subset_size, n_rows, seed, error (a share of 1), seconds
        and cpu_seconds of proxy, selection, target and total.
    """
    frame = pd.DataFrame([record for record in records if record["kind"] == "target"])
    for clock in CLOCKS:
        frame[f"total_{clock}"] = frame[[f"{part}_{clock}" for part in _PARTS]].sum(axis=1)
    return frame.sort_values(["n_rows", "name", "seed"], ascending=[False, True, True]).reset_index(drop=True)


def summary_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """Average the trainings over their seeds.

    Parameters
    ----------
    trainings : DataFrame
        As `trainings_table` makes it.

    Returns
    -------
    DataFrame
        One row a method and size: number of seeds, mean and sample standard
        deviation of the error in percent, mean seconds and cpu_seconds of proxy,
        selection, target and total, and how many times faster than training on
        all rows by each, speed_up_seconds and speed_up_cpu_seconds (NaN where no
        such training is there).
    """
    groups = trainings.groupby(["name", "subset_size"], sort=False)
    table = groups.agg(
        rows=("n_rows", "first"), seeds=("seed", "nunique"), error=("error", "mean"), spread=("error", "std")
    )
    table[["error", "spread"]] *= 100
    for clock in CLOCKS:
        for part in (*_PARTS, "total"):
            table[f"{part}_{clock}"] = groups[f"{part}_{clock}"].mean()
        whole = trainings.loc[trainings["name"] == ALL_ROWS, f"total_{clock}"]
        table[f"speed_up_{clock}"] = whole.mean() / table[f"total_{clock}"]
    return table.reset_index()


def format_summary(table: pd.DataFrame, *, clocks: Sequence[str] = tuple(CLOCKS)) -> str:
    """Lay a summary out for the screen.

    Parameters
    ----------
    table : DataFrame
        As `summary_table` makes it.
    clocks : sequence of {"cpu_seconds", "seconds"}
        The parts and the speed-up are by the first, which comes first in the totals too.

    Returns
    -------
    str
        Lines.
    """
    first_clock, other = clocks
    totals = [CLOCKS[clock] for clock in clocks]
    columns = ("rows", "seeds", "error %", "proxy", "select", "target", *totals, "speed-up")
    widths = (8, 6, 15, 8, 8, 8, 8, 8, 9)
    heading = "".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True))
    first = max([24, *(len(name) for name in table["name"])])
    lines = [f"{'chosen by':{first}}{heading}"]
    for row in table.to_dict("records"):
        speed_up = row[f"speed_up_{first_clock}"]
        cells = (
            f"{row['rows']:,}",
            f"{row['seeds']}",
            f"{row['error']:.2f}" if np.isnan(row["spread"]) else f"{row['error']:.2f} ± {row['spread']:.2f}",
            f"{row[f'proxy_{first_clock}']:.1f}",
            f"{row[f'selection_{first_clock}']:.2f}",
            f"{row[f'target_{first_clock}']:.1f}",
            f"{row[f'total_{first_clock}']:.1f}",
            f"{row[f'total_{other}']:.1f}",
            "" if np.isnan(speed_up) else f"{speed_up:.2f}x",
        )
        lines.append(
            f"{row['name']:{first}}"
            + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    lines.append(f"{totals[0]} are the sum of proxy, select and target, and the speed-up is theirs.")
    return "\n".join(lines)


def report_run(
    folder: RunFolder,
    *,
    clocks: Sequence[str] = tuple(CLOCKS),
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Write results.json and results.csv of all trainings in a folder, and show their summary.

    Parameters
    ----------
    folder : RunFolder
        A run with at least one finished training.
    clocks : sequence of {"cpu_seconds", "seconds"}
        As of `format_summary`.
    report : callable, default=print
        Told the table.

    Returns
    -------
    DataFrame
        As `summary_table` makes it.
    """
    trainings = trainings_table(folder)
    summary = summary_table(trainings)
    with replacing(folder.path / "results.csv") as part:
        trainings.to_csv(part, index=False)
    write_json(folder.path / "results.json", json.loads(summary.to_json(orient="records")))
    report(format_summary(summary, clocks=clocks))
    return summary


def first_selection(run: CoresetRun, folder: RunFolder) -> None:
    """Write the first strategy's choice, of its first size and seed, as selected.csv.

    Not where rows chosen elsewhere were trained on: those are in their own file.
    """
    if run.given:
        return
    chosen = [arm.key for arm in run.arms() if arm.strategy is not None]
    if chosen:
        folder.show_selection(chosen[0])
