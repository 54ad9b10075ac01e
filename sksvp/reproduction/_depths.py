"""Figures of error and time by depth, and of the error during the training of a proxy."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ._need import Need
from ._sheet import MEASURES, Sheet, cell, sheet

if TYPE_CHECKING:
    from ._job import Job


def needs(job: "Job") -> Iterator[Need]:
    """Yield the networks, each trained on all rows."""
    for seed in job.seeds:
        for row in job.asked_rows:
            yield Need(job.on_all_rows(str(row.selector), seed))


def sheet_of(job: "Job") -> Sheet:
    """Return error and seconds of each depth, and the error of the followed network by its seconds."""
    lines = []
    for measure in ("error", "seconds"):
        title, factor, _ = MEASURES[measure]
        for row in job.rows:
            records = _records(job, str(row.selector))
            values = [
                record["error"] if measure == "error" else record["fit"][job.clock] for record in records
            ]
            lines.append(cell(title, "networks", job.label(row), values, factor=factor))
    followed = next(row for row in job.rows if row.selector == job.table.settings["followed"])
    records = [record for record in _records(job, str(followed.selector)) if record["epochs"]]
    title = f"error % of {job.label(followed)} by seconds of its training"
    for epoch in range(min((record["epochs"] for record in records), default=0)):
        seconds = np.mean([record["fit"][job.clock] * (epoch + 1) / record["epochs"] for record in records])
        errors = [record["history"][epoch].get("test_error") for record in records]
        lines.append(cell(title, job.label(followed), round(float(seconds), 2), errors, factor=100.0))
    return sheet(lines, drawn="lines", x_label="network or seconds")


def _records(job: "Job", network: str) -> list[dict]:
    found = [job.trainings.find(job.on_all_rows(network, seed)) for seed in job.seeds]
    return [record for record in found if record is not None]
