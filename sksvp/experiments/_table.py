"""Tables of a core-set run: its trainings, and the mean and spread of each method over the seeds."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import TableWith, WholeNumber
from ._coreset import ALL_ROWS
from ._run_folder import records_of
from ._seconds import CHOSEN_CLOCKS, CLOCKS

_PARTS = ("proxy", "selection", "target")
# Heads of the parts in a printed table.
_HEADS = {"proxy": "proxy", "select": "selection", "target": "target"}
# Of what chose, beside the columns; with them a line has 80 characters.
_LONGEST_NAME = 34
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
        (of the training, or of each of its epochs), protocol, epochs, updates, warm
        (whether it began from the weights of the proxy), seed, error (between 0 and 1), and
        the seconds of proxy, selection, target and total, of the wall clock and, as
        cpu_seconds, of the processor.

    Raises
    ------
    ValueError
        If `records` hold no finished training of a target.
    """
    frame = pd.DataFrame(records_of("target", records)).drop(columns="history", errors="ignore")
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
        The clocks whose seconds are shown: of proxy, selection and target, their sum
        under the name of the clock, and the speed-up. The seconds of the first stand
        beside the errors, those of the others below.
    width : int, optional
        Columns of the terminal. In a narrower one than the table all seconds stand below
        the errors.

    Returns
    -------
    str
    """
    rows = table.to_dict("records")
    blocks = [
        [
            ("rows", 8, [f"{row['rows']:,}" for row in rows]),
            ("seeds", 6, [f"{row['seeds']}" for row in rows]),
            ("error %", 15, [mean_and_spread(row) for row in rows]),
        ],
        *(_seconds_of(rows, clock) for clock in clocks),
    ]
    names = [str(row["name"]) for row in rows]
    first = min(max([24, *map(len, names)]), _LONGEST_NAME)
    together = [[*blocks[0], *blocks[1]], *blocks[2:]]
    fits = width is None or first + sum(cells for _, cells, _ in together[0]) <= width
    text = [line for block in (together if fits else blocks) for line in _lines(block, names, first)]
    heads = " and ".join(CLOCKS[clock] for clock in clocks)
    text.append(f"{heads} sum up proxy, select and target; the speed-up is of the sum.")
    return "\n".join(text)


def _seconds_of(rows: list[dict], clock: str) -> list[tuple[str, int, list[str]]]:
    """Return the columns of a clock: head, width and cells."""
    speed_ups = [row[f"speed_up_{clock}"] for row in rows]
    return [
        *(
            (head, 9, [f"{row[f'{part}_{clock}']:.{2 if part == 'selection' else 1}f}" for row in rows])
            for head, part in _HEADS.items()
        ),
        (CLOCKS[clock], 9, [f"{row[f'total_{clock}']:.1f}" for row in rows]),
        ("speed-up", 10, ["" if np.isnan(ratio) else f"{ratio:.2f}x" for ratio in speed_ups]),
    ]


def _lines(block: list[tuple[str, int, list[str]]], names: list[str], first: int) -> Iterator[str]:
    """Yield the lines of some columns. A name that is too long has a line of its own."""
    for place, name in enumerate(["chosen by", *names]):
        cells = "".join(f"{[head, *column][place]:>{width}}" for head, width, column in block)
        if len(name) > first:
            yield name
            name = ""
        yield f"{name:{first}}{cells}"


def mean_and_spread(row: dict[Any, Any]) -> str:
    """Write the error of a row as "2.10 ± 0.30", without a spread for a single seed."""
    return f"{row['error']:.2f}" + ("" if np.isnan(row["spread"]) else f" ± {row['spread']:.2f}")
