"""The results of a run: tables of its trainings and of their averages, as files and as text."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import WholeNumber
from .._storage._files import replacing, write_json
from .._storage._sealed import remove_seal, write_seal
from ._active_table import budgets_table, describe_stops, format_budgets, rounds_table
from ._coreset import ALL_ROWS, SAME_COST
from ._epochs import epochs_table
from ._run_folder import RunFolder
from ._seconds import CHOSEN_CLOCKS, CLOCKS
from ._table import format_summary, summary_table, trainings_table

_AS_IT_ENDS = "Each target was trained until it ended by itself."


def _describe_updates(records: list[dict]) -> str:
    """Tell for how long the targets of a run of active learning were trained."""
    records = [record for record in records if record["kind"] == "active"]
    epochs = {record["epochs"] for record in records}
    if None in epochs:
        return _AS_IT_ENDS
    updates = {record["updates"] for record in records}
    if None not in updates:
        number = " or ".join(f"{n:,}" for n in sorted(updates))
        return f"Equal updates: each target was trained for about {number}, so that fewer labels mean more epochs."
    number = " or ".join(f"{n:,}" for n in sorted(epochs))
    return f"Equal epochs: each target was trained for {number}, so that fewer labels mean fewer updates."


def _describe_protocol(trainings: pd.DataFrame) -> str:
    """Tell for how long targets were trained."""
    if trainings["updates"].isna().any():
        return _AS_IT_ENDS
    whole = trainings[trainings["name"] == ALL_ROWS]
    base = whole if len(whole) else trainings[trainings["name"] != SAME_COST]
    epochs, updates = int(base["epochs"].iloc[0]), int(base["updates"].iloc[0])
    if (trainings["protocol"] == "equal").any():
        return f"Equal updates: each target was trained for about {updates:,}, so that fewer rows mean more epochs."
    return f"Equal epochs: each target was trained for {epochs:,}, so that fewer rows mean fewer updates."


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    remove_seal(path)
    with replacing(path) as part:
        table.to_csv(part, index=False)
    write_seal(path)


@validate_params(
    {"folder": [RunFolder], "clocks": CHOSEN_CLOCKS, "report": [callable], "width": [WholeNumber(1), None]},
    prefer_skip_nested_validation=True,
)
def report_run(
    folder: RunFolder,
    *,
    clocks: Sequence[str] = tuple(CLOCKS),
    report: Callable[[str], None] = print,
    width: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write results.csv and results.json of the finished trainings in a folder, and show their averages.

    A core-set run with trainings that count epochs also gets ``epochs.csv``, the
    `epochs_table`.

    Parameters
    ----------
    folder : RunFolder
        A core-set or active-learning run with at least one finished target.
    clocks : sequence of {"cpu_seconds", "seconds"}
        The clocks whose seconds are shown, the main one first.
    report : callable, default=print
        Called with the table of averages.
    width : int, optional
        Columns of the terminal, which a core-set run's table is fitted to.

    Returns
    -------
    trainings : DataFrame
        The content of results.csv: `trainings_table` of a core-set run, or
        `rounds_table` of an active-learning run.
    averages : DataFrame
        The content of results.json: `summary_table` or `budgets_table`.

    Raises
    ------
    ValueError
        For a run without a finished target, damaged records and unknown clocks.
    """
    records = list(folder)
    if any(record["kind"] == "active" for record in records):
        trainings, averages = rounds_table(records), budgets_table(records)
        text = "\n".join(
            [format_budgets(averages, clocks=clocks), *describe_stops(records), _describe_updates(records)]
        )
    else:
        trainings = trainings_table(records)
        averages = summary_table(trainings)
        text = f"{format_summary(averages, clocks=clocks, width=width)}\n{_describe_protocol(trainings)}"
        if "warm" in trainings and trainings["warm"].eq(True).any():
            names = ", ".join(trainings.loc[trainings["warm"].eq(True), "name"].unique())
            text += f"\nFrom the weights of the proxy: targets by {names}. All others: from fresh weights."
        epochs = epochs_table(records)
        if len(epochs):
            _write_csv(epochs, folder.path / "epochs.csv")
    _write_csv(trainings, folder.path / "results.csv")
    write_json(folder.path / "results.json", json.loads(averages.to_json(orient="records")))
    report(f"{text}\nTrained {folder.hardware()}.")
    return trainings, averages
