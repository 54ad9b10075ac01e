"""Figures of rank correlations by epoch: how early a network ranks the rows as the finished target does."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..agreement import rank_correlation
from ._follow import ALWAYS_FOLLOWED
from ._models import Model
from ._need import Need
from ._sheet import Sheet, cell, sheet

if TYPE_CHECKING:
    from ._job import Job


def needs(job: "Job") -> Iterator[Need]:
    """Yield the networks on all rows, whose scores are kept after each epoch, and the rankings of the targets."""
    strategies = tuple(job.table.settings["strategies"])
    for seed in job.seeds:
        for row in job.asked_rows:
            is_target = row.selector == job.target_name
            yield Need(_followed(job, str(row.selector), seed), ordered=strategies if is_target else ())


def sheet_of(job: "Job") -> Sheet:
    """Return the correlation of each network after each epoch with the finished target of another seed."""
    lines = []
    for strategy in job.table.settings["strategies"]:
        for row in job.rows:
            by_epoch: dict[int, list[float]] = {}
            for place, seed in enumerate(job.seeds):
                # Not with itself, where there is another run.
                other = job.seeds[(place + 1) % len(job.seeds)]
                model = _followed(job, str(row.selector), seed)
                target = _followed(job, job.target_name, other)
                if job.trainings.has(model) and job.trainings.has(target):
                    final = job.trainings.order(target, strategy)
                    for epoch, scores in enumerate(job.trainings.followed(model, strategy), start=1):
                        by_epoch.setdefault(epoch, []).append(_correlate(scores, final))
            panel = strategy.replace("_", " ")
            lines += [cell(panel, job.label(row), epoch, values) for epoch, values in by_epoch.items()]
            lines += [] if by_epoch else [cell(panel, job.label(row), 1, [])]
    return sheet(lines, drawn="lines", x_label="epoch")


def _followed(job: "Job", network: str, seed: int) -> Model:
    model = job.on_all_rows(network, seed)
    beside = (name for name in job.table.settings["strategies"] if name != ALWAYS_FOLLOWED)
    return replace(model, followed=tuple(beside))


def _correlate(scores, final) -> float:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*same score for all rows", UserWarning)
        return rank_correlation(scores, final)
