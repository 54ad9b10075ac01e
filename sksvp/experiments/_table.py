"""Tables of a core-set run: its trainings, and the mean and spread of each method over the seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import TableWith, WholeNumber
from ._coreset import ALL_ROWS
from ._run_folder import records_of
from ._seconds import CHOSEN_CLOCKS, CLOCKS

_PARTS = ("proxy", "selection", "target")
# Columns of a printed table up to the error.
_N_OF_ERRORS = 3
_COLUMNS = ["name", "subset_size", "n_rows", "seed", "error"]


def trainings_table(records) -> pd.DataFrame:
    """List the trainings of targets.

    Parameters
    ----------
    records : iterable of dict
        As iterated by a `RunFolder`.

    Returns
    -------
    DataFrame
        One row per training: name, subset_size, n_subset (rows of this size), n_rows
        (of the training, or of each of its epochs), protocol, epochs, updates, seed,
        error (between 0 and 1), and the seconds of proxy, selection, target and total, of the wall clock
        and, as cpu_seconds, of the processor.

    Raises
    ------
    ValueError
        If `records` hold no finished training of a target.
    """
    frame = pd.DataFrame(records_of("target", records))
    for clock in CLOCKS:
        frame[f"total_{clock}"] = frame[[f"{part}_{clock}" for part in _PARTS]].sum(axis=1)
    # Beside a size stands what is compared with it, though it may be trained on all rows.
    order = frame.sort_values(["n_subset", "name", "seed"], ascending=[False, True, True])
    return order.reset_index(drop=True)


@validate_params({"trainings": [TableWith(_COLUMNS)]}, prefer_skip_nested_validation=True)
def summary_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """Average the trainings over their seeds.

    Parameters
    ----------
    trainings : DataFrame
        As returned by `trainings_table`.

    Returns
    -------
    DataFrame
        One row per method and size: number of seeds, mean and sample standard
        deviation of the error in percent, mean seconds and cpu_seconds of proxy,
        selection, target and total, and speed_up_seconds and speed_up_cpu_seconds:
        the seconds of training on all rows, divided by those of the method (NaN
        without a training on all rows).
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


@validate_params(
    {
        "table": [TableWith(("name", "rows", "seeds", "error", "spread"))],
        "clocks": CHOSEN_CLOCKS,
        "width": [WholeNumber(1), None],
    },
    prefer_skip_nested_validation=True,
)
def format_summary(
    table: pd.DataFrame, *, clocks: Sequence[str] = tuple(CLOCKS), width: int | None = None
) -> str:
    """Write a summary as text.

    Parameters
    ----------
    table : DataFrame
        As returned by `summary_table`.
    clocks : sequence of {"cpu_seconds", "seconds"}
        The first one is used for the parts and the speed-up, and comes first in the
        totals.
    width : int, optional
        Columns of the terminal. In a narrower one than the table the errors come
        first, and the seconds below them.

    Returns
    -------
    str
    """
    first_clock = clocks[0]
    totals = [CLOCKS[clock] for clock in clocks]
    columns = ("rows", "seeds", "error %", "proxy", "select", "target", *totals, "speed-up")
    widths = (8, 6, 15, 8, 8, 8, *[8] * len(totals), 9)
    first = max([24, *(len(name) for name in table["name"])])
    lines = [("chosen by", columns)]
    for row in table.to_dict("records"):
        speed_up = row[f"speed_up_{first_clock}"]
        cells = (
            f"{row['rows']:,}",
            f"{row['seeds']}",
            mean_and_spread(row),
            f"{row[f'proxy_{first_clock}']:.1f}",
            f"{row[f'selection_{first_clock}']:.2f}",
            f"{row[f'target_{first_clock}']:.1f}",
            *(f"{row[f'total_{clock}']:.1f}" for clock in clocks),
            "" if np.isnan(speed_up) else f"{speed_up:.2f}x",
        )
        lines.append((str(row["name"]), cells))
    fits = width is None or first + sum(widths) <= width
    blocks = [slice(None)] if fits else [slice(_N_OF_ERRORS), slice(_N_OF_ERRORS, None)]
    text = [
        f"{name:{first}}" + "".join(f"{cell:>{n}}" for cell, n in zip(cells[part], widths[part], strict=True))
        for part in blocks
        for name, cells in lines
    ]
    text.append(f"{totals[0]} are the sum of proxy, select and target, and the speed-up is theirs.")
    return "\n".join(text)


def mean_and_spread(row: dict[Any, Any]) -> str:
    """Write the error of a row as "2.10 ± 0.30", without a spread for a single seed."""
    return f"{row['error']:.2f}" + ("" if np.isnan(row["spread"]) else f" ± {row['spread']:.2f}")
