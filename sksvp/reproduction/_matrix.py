"""Figures of rank correlations: between networks, and between the runs of one network."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..agreement import agreement_matrix
from ._need import Need
from ._sheet import Sheet, cell, sheet

if TYPE_CHECKING:
    import pandas as pd

    from ._job import Job


def needs(job: "Job") -> Iterator[Need]:
    """Yield the networks, each trained on all rows."""
    settings = job.table.settings
    for seed in job.seeds:
        for row in job.asked_rows:
            model = job.on_all_rows(str(row.selector), seed)
            yield Need(
                model,
                ordered=tuple(settings["strategies"]),
                shared_start=settings.get("shared_start", False),
            )


def sheet_of(job: "Job") -> Sheet:
    """Return the mean correlation of each pair of networks, with its deviation over the pairs of runs."""
    lines = []
    names = [job.label(row) for row in job.rows]
    for strategy in job.table.settings["strategies"]:
        runs = {
            name: _runs(job, str(row.selector), strategy) for name, row in zip(names, job.rows, strict=True)
        }
        runs = {name: scores for name, scores in runs.items() if scores}
        mean, deviation = (_correlate(job, runs, statistic) for statistic in ("mean", "std"))
        for first in names:
            for second in names:
                line = cell(strategy.replace("_", " "), first, second, [])
                if first in runs and second in runs:
                    n_runs = min(len(runs[first]), len(runs[second]))
                    line |= {
                        "ours": mean.loc[first, second],
                        "spread": deviation.loc[first, second],
                        "seeds": n_runs,
                    }
                lines.append(line)
    return sheet(lines, drawn="heat", x_label="network")


def _runs(job: "Job", network: str, strategy: str) -> list:
    shared = job.table.settings.get("shared_start", False)
    models = [job.on_all_rows(network, seed) for seed in job.seeds]
    return [
        job.trainings.order(model, strategy, shared_start=shared)
        for model in models
        if job.trainings.has(model)
    ]


def _correlate(job: "Job", runs: dict[str, list], statistic: str) -> "pd.DataFrame":
    with warnings.catch_warnings():
        # After a few epochs all rows may have the same score: NaN in the table.
        warnings.filterwarnings("ignore", ".*same score for all rows", UserWarning)
        if not runs:
            return None  # type: ignore[return-value]
        return agreement_matrix(runs, method=job.table.settings["method"], statistic=statistic)
