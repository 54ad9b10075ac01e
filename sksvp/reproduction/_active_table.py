"""Tables of active learning: a proxy chooses what is labelled, round by round, and the target is trained on it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ._coreset_table import _baseline, _bold, _paper, _ratio
from ._models import Model, Network, Rows
from ._need import Need
from ._sheet import MEASURES, Sheet, cell, sheet
from ._tables import Row

if TYPE_CHECKING:
    from ._job import Job

_MEASURES = ("error", "speed_up", "selection")


def needs(job: "Job") -> Iterator[Need]:
    """Yield the targets at each budget, seed by seed, and the proxies whose error is shown."""
    for seed in job.seeds:
        for row in job.asked_rows:
            for share in job.asked_shares:
                n_rounds = job.shares.index(share) + 1
                yield Need(Model(job.target, _labelled(job, row, n_rounds, seed), seed))
                if row.selector is not None and "proxy_error" in _measures(job):
                    yield Need(_selector(job, row, n_rounds, seed))


def sheet_of(job: "Job") -> Sheet:
    """Return error, speed-up and seconds of each line at each budget."""
    lines = []
    for measure in _measures(job):
        title, factor, _ = MEASURES[measure]
        for row in job.rows:
            if measure != "error" and row.strategy == "random":
                continue
            for place, share in enumerate(job.shares):
                values, bold = _measured(job, row, place + 1, measure), (False, False)
                if measure == "speed_up":
                    baseline = _baseline(job, row)
                    if baseline is None:
                        continue
                    errors = [_measured(job, line, place + 1, "error") for line in (row, baseline)]
                    values = _ratio(
                        *(_measured(job, line, place + 1, "selection") for line in (baseline, row))
                    )
                    bold = _bold(row, baseline, place, *errors)
                paper = _paper(row, measure, place)
                lines.append(
                    cell(title, job.label(row), share, values, paper=paper, factor=factor, bold=bold)
                )
    return sheet(lines, drawn=job.table.settings.get("drawn", "table"))


def _measures(job: "Job") -> tuple[str, ...]:
    return tuple(job.table.settings.get("measures", _MEASURES))


def _network(job: "Job", row: Row) -> Network:
    return job.network(str(row.selector))


def _labelled(job: "Job", row: Row, n_rounds: int, seed: int) -> Rows:
    """Return the rows with labels after so many rounds."""
    share = job.shares[n_rounds - 1] if n_rounds else job.initial
    if n_rounds == 0 or row.strategy == "random":
        return Rows(share, seed)
    return Rows(share, strategy=row.strategy, by=_selector(job, row, n_rounds - 1, seed), grows=True)


def _selector(job: "Job", row: Row, n_rounds: int, seed: int) -> Model:
    """Return the selector that was trained on these."""
    return Model(_network(job, row), _labelled(job, row, n_rounds, seed), seed)


def _measured(job: "Job", row: Row, n_rounds: int, measure: str) -> list[float]:
    """Return a measure of the seeds that are trained."""
    found = []
    for seed in job.seeds:
        asked = Model(job.target, _labelled(job, row, n_rounds, seed), seed)
        if measure == "proxy_error":
            asked = _selector(job, row, n_rounds, seed)
        record = job.trainings.find(asked)
        if record is not None:
            found.append(
                _selection_seconds(job, row, n_rounds, seed) if measure == "selection" else record["error"]
            )
    return found


def _selection_seconds(job: "Job", row: Row, n_rounds: int, seed: int) -> float:
    """Return the seconds of all selections up to a budget: the trainings before them, inference and ranking."""
    total = 0.0
    for before in range(n_rounds):
        selector = _selector(job, row, before, seed)
        n_new = job.trainings.count(_labelled(job, row, before + 1, seed)) - job.trainings.count(
            selector.rows
        )
        choice = job.trainings.select(selector, row.strategy, n_new, grows=True)
        total += job.trainings.train(selector)["fit"][job.clock] + choice.seconds[job.clock]
    return total
