"""Histories of trainings: loss and errors of each epoch, and their table."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..proxies import as_proxy
from ._run_folder import records_of

_MEASURES = ("epoch", "seconds", "cpu_seconds", "train_loss", "train_error", "test_error")


def history_of(model: Any) -> list[dict[str, float]]:
    """Return what a trained model tells of its epochs, as plain values; empty if it tells nothing.

    The seconds are those of all epochs so far, without tests.
    """
    history = getattr(as_proxy(model).classifier, "history_", None) or []
    found: list[dict[str, float]] = []
    spent = {"dur": 0.0, "cpu_seconds": 0.0}
    for number, epoch in enumerate(history, start=1):
        line: dict[str, float] = {"epoch": number}
        for name, column in (("dur", "seconds"), ("cpu_seconds", "cpu_seconds")):
            spent[name] += epoch.get(name, np.nan)
            line[column] = spent[name]
        for name in ("train_loss", "test_error"):
            line[name] = epoch.get(name, np.nan)
        line["train_error"] = 1.0 - epoch.get("train_acc", np.nan)
        found.append({name: float(value) for name, value in line.items() if np.isfinite(value)})
    return found


def epochs_table(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """List the epochs of all trainings of a core-set run that count epochs.

    Parameters
    ----------
    records : iterable of dict
        As iterated by a `RunFolder`.

    Returns
    -------
    DataFrame
        One row per training and epoch: kind (``"proxy"`` or ``"target"``), name,
        subset_size and n_rows of the training, seed, epoch, the seconds of the training
        so far on the wall and of the processor (cpu_seconds), train_loss, train_error
        (of the visits before each update) and test_error, both between 0 and 1. NaN if
        not measured: test_error and cpu_seconds are with
        `CoresetRun(test_every_epoch=True)`.

    Raises
    ------
    ValueError
        If `records` hold no finished training of a target.
    """
    records = records_of("target", records, and_others=("proxy",))
    about = ("kind", "name", "subset_size", "n_rows", "seed")
    lines = [
        {name: record.get(name) for name in about} | line
        for record in records
        for line in record.get("history", ())
    ]
    return pd.DataFrame(lines, columns=[*about, *_MEASURES])
