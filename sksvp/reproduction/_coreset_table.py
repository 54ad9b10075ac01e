"""Tables of core-sets: a proxy is trained on all rows, the target on those it chooses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ._models import Model, Rows
from ._need import Need
from ._sheet import MEASURES, Sheet, cell, is_as_good, printed, sheet
from ._tables import Row

if TYPE_CHECKING:
    from ._job import Job

_MEASURES = ("error", "selection", "total", "total_speed_up", "all_speed_up")


def needs(job: "Job") -> Iterator[Need]:
    """Yield the targets, seed by seed: a run that is stopped early has whole seeds."""
    for seed in job.seeds:
        for row in job.asked_rows:
            for share in _shares(job, row):
                if share in job.asked_shares:
                    yield Need(_target(job, row, share, seed))


def sheet_of(job: "Job") -> Sheet:
    """Return error, seconds and speed-up of each line at each share."""
    found = {id(row): {share: _measured(job, row, share) for share in _shares(job, row)} for row in job.rows}
    on_all = _on_all_rows(job)
    lines = []
    for measure in job.table.settings.get("measures", _MEASURES):
        title, factor, _ = MEASURES[measure]
        for row in job.rows:
            baseline = _baseline(job, row)
            if measure not in _of_random_rows(row) or (measure == "total_speed_up" and baseline is None):
                continue
            for place, share in enumerate(_shares(job, row)):
                ours, paper, bold = found[id(row)][share], _paper(row, measure, place), (False, False)
                values = ours.get(measure, [])
                if measure == "total_speed_up" and baseline is not None:
                    theirs = found[id(baseline)][share]
                    values = _ratio(theirs["total"], ours["total"])
                    paper = _paper_ratio(baseline, row, place)
                    bold = _bold(row, baseline, place, ours["error"], theirs["error"])
                if measure == "all_speed_up":
                    values = _ratio(on_all["total"], ours["total"])
                    bold = (False, share < 1 and _is_as_good(ours["error"], on_all["error"]))
                lines.append(
                    cell(title, job.label(row), share, values, paper=paper, factor=factor, bold=bold)
                )
    return sheet(lines, drawn=job.table.settings.get("drawn", "table"))


def _of_random_rows(row: Row) -> tuple[str, ...]:
    """Return the measures of a line; nothing is selected where the rows are random."""
    return ("error", "all_speed_up") if row.strategy == "random" else _MEASURES


def _shares(job: "Job", row: Row) -> list[float]:
    """Return the columns of a line; all rows are trained on once, in the line of random rows."""
    return [share for share in job.shares if share < 1 or row.strategy == "random"]


def _selector(job: "Job", row: Row, seed: int) -> Model:
    return job.on_all_rows(str(row.selector), seed, row.epochs)


def _target(job: "Job", row: Row, share: float, seed: int) -> Model:
    if row.strategy == "random":
        return job.at_random(job.target, share, seed)
    return Model(job.target, Rows(share, strategy=row.strategy, by=_selector(job, row, seed)), seed)


def _measured(job: "Job", row: Row, share: float) -> dict[str, list[float]]:
    """Return error and seconds of the seeds that are trained."""
    found: dict[str, list[float]] = {"error": [], "selection": [], "total": []}
    for seed in job.seeds:
        model = _target(job, row, share, seed)
        record = job.trainings.find(model)
        if record is None:
            continue
        found["error"].append(record["error"])
        spent = 0.0
        if row.strategy != "random":
            selector = _selector(job, row, seed)
            choice = job.trainings.select(selector, row.strategy, job.trainings.count(model.rows))
            spent = job.trainings.train(selector)["fit"][job.clock] + choice.seconds[job.clock]
            found["selection"].append(spent)
        found["total"].append(spent + record["fit"][job.clock])
    return found


def _on_all_rows(job: "Job") -> dict[str, list[float]]:
    """Return error and seconds of the targets that are trained on all rows."""
    records = [job.trainings.find(job.on_all_rows(job.target_name, seed)) for seed in job.seeds]
    known = [record for record in records if record is not None]
    return {
        "error": [record["error"] for record in known],
        "total": [record["fit"][job.clock] for record in known],
    }


def _baseline(job: "Job", row: Row) -> Row | None:
    """Return the line whose target chooses for itself by the same strategy."""
    lines = [other for other in job.rows if other.strategy == row.strategy]
    return next((other for other in lines if other.selector == job.target_name), None)


def _paper(row: Row, measure: str, place: int) -> str:
    figures = row.published.get(measure, [])
    return figures[place] if place < len(figures) else ""


def _paper_ratio(baseline: Row, row: Row, place: int) -> str:
    theirs, ours = (printed(_paper(line, "total", place))[0] for line in (baseline, row))
    return "" if np.isnan(theirs / ours) else f"{theirs / ours:.1f}"


def _ratio(baseline: list[float], values: list[float]) -> list[float]:
    return [float(np.mean(baseline) / np.mean(values))] if baseline and values and np.mean(values) > 0 else []


def _bold(row: Row, baseline: Row, place: int, ours: Any, theirs: Any) -> tuple[bool, bool]:
    """Tell whether the paper's rule prints the speed-up bold: in the paper, and here."""
    if row is baseline:
        return False, False
    paper = printed(_paper(row, "error", place))[0], *printed(_paper(baseline, "error", place))
    return is_as_good(*paper), _is_as_good(ours, theirs)


def _is_as_good(ours: list[float], theirs: list[float]) -> bool:
    known = len(ours) > 0 and len(theirs) > 1
    return known and is_as_good(float(np.mean(ours)), float(np.mean(theirs)), float(np.std(theirs, ddof=1)))
