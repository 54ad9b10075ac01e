"""Tables of a core-set run: one row a training, and one a method with mean and spread over the seeds."""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd

from .._storage._files import replacing, write_json
from ._coreset import ALL_ROWS, CoresetRun
from ._run_folder import RunFolder

_SECONDS = ("proxy", "selection", "target")


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
    frame["total_seconds"] = frame[[f"{part}_seconds" for part in _SECONDS]].sum(axis=1)
    frame["total_cpu_seconds"] = frame[[f"{part}_cpu_seconds" for part in _SECONDS]].sum(axis=1)
    return frame.sort_values(["n_rows", "name", "seed"], ascending=[False, True, True]).reset_index(drop=True)


def summary_table(trainings: pd.DataFrame, *, clock: str = "cpu_seconds") -> pd.DataFrame:
    """Average the trainings over their seeds.

    Parameters
    ----------
    trainings : DataFrame
        As `trainings_table` makes it.
    clock : {"cpu_seconds", "seconds"}, default="cpu_seconds"
        Which of the two times to show.

    Returns
    -------
    DataFrame
        One row a method and size: number of seeds, mean and sample standard
        deviation of the error in percent, mean seconds of proxy, selection,
        target and total, and how many times faster than training on all rows
        (NaN where no such training is there).
    """
    groups = trainings.groupby(["name", "subset_size"], sort=False)
    table = groups.agg(
        rows=("n_rows", "first"), seeds=("seed", "nunique"), error=("error", "mean"), spread=("error", "std")
    )
    table[["error", "spread"]] *= 100
    for part in (*_SECONDS, "total"):
        table[part] = groups[f"{part}_{clock}"].mean()
    whole = trainings.loc[trainings["name"] == ALL_ROWS, f"total_{clock}"]
    table["speed_up"] = whole.mean() / table["total"]
    return table.reset_index()


def format_summary(table: pd.DataFrame) -> str:
    """Lay a summary out for the screen."""
    columns = ("rows", "seeds", "error %", "proxy s", "select s", "target s", "total s", "speed-up")
    widths = (8, 7, 15, 9, 10, 10, 9, 10)
    heading = "".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True))
    first = max([24, *(len(name) for name in table["name"])])
    lines = [f"{'chosen by':{first}}{heading}"]
    for row in table.to_dict("records"):
        cells = (
            f"{row['rows']:,}",
            f"{row['seeds']}",
            f"{row['error']:.2f}" if np.isnan(row["spread"]) else f"{row['error']:.2f} ± {row['spread']:.2f}",
            f"{row['proxy']:.1f}",
            f"{row['selection']:.2f}",
            f"{row['target']:.1f}",
            f"{row['total']:.1f}",
            "" if np.isnan(row["speed_up"]) else f"{row['speed_up']:.2f}x",
        )
        lines.append(
            f"{row['name']:{first}}"
            + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)


def report_run(folder: RunFolder, *, report: Callable[[str], None] = print) -> pd.DataFrame:
    """Write results.json and results.csv of all trainings in a folder, and show their summary.

    Parameters
    ----------
    folder : RunFolder
        A run with at least one finished training.
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
    report(format_summary(summary))
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
