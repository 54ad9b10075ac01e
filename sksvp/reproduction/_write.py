"""A result as files: markdown, HTML, CSV, and a figure."""

from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from .._storage._files import make_folder
from ._draw import draw
from ._sheet import MEASURES, Sheet
from ._store import write_text

if TYPE_CHECKING:
    from ._job import Job

_DIGITS = {title: digits for title, _, digits in MEASURES.values()}
_STYLE = (
    "body{font-family:sans-serif;max-width:75em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}"
    "td,th{border-bottom:1px solid #ccc;padding:.3em .7em;text-align:right}td:first-child,th:first-child"
    "{text-align:left}small{color:#666}img{max-width:100%}"
)


def write_report(job: "Job", result: Sheet, folder: Path) -> list[Path]:
    """Write all files of a result, and return them."""
    make_folder(folder)
    heading = f"{job.table.settings['title']} ({job.trainings.data.name}, {job.scale})"
    files = {
        "report.md": as_markdown(job, result),
        "report.html": as_html(job, result),
        "results.csv": result.frame.to_csv(index=False),
    }
    for name, text in files.items():
        write_text(folder / name, text)
    return [*(folder / name for name in files), *draw(result, heading, folder)]


def as_markdown(job: "Job", result: Sheet) -> str:
    """Return a result as markdown: one table for each measure, the paper's figure above ours."""
    parts = [f"# {job.table.name}: {job.table.settings['title']}", *_about(job, result)]
    for panel in result.panels:
        head, lines = shown(result, panel)
        parts.append(f"## {panel}")
        rule = ["---", *["---:"] * (len(head) - 1)]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines]))
    return "\n\n".join(parts) + "\n"


def as_html(job: "Job", result: Sheet) -> str:
    """Return a result as a page of its own."""
    title = f"{job.table.name}: {job.table.settings['title']}"
    parts = [f"<h1>{escape(title)}</h1>", *(f"<p>{escape(line)}</p>" for line in _about(job, result))]
    for panel in result.panels:
        head, lines = shown(result, panel)
        parts.append(
            f"<h2>{escape(panel)}</h2><table><tr>{''.join(f'<th>{escape(c)}</th>' for c in head)}</tr>"
        )
        for line in lines:
            parts.append(f"<tr>{''.join(f'<td>{_html(text)}</td>' for text in line)}</tr>")
        parts.append("</table>")
    if find_spec("matplotlib") is not None:
        parts.append('<img src="figure.svg" alt="The same as a figure">')
    fits = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    about = f'<meta charset="utf-8">{fits}<title>{escape(title)}</title><style>{_STYLE}</style>'
    return f"<!doctype html><html lang=en><head>{about}</head><body>{''.join(parts)}</body></html>\n"


def shown(result: Sheet, panel: str) -> tuple[list[str], list[list[str]]]:
    """Return the head and the lines of a panel as text; each cell has the paper's figure, then ours."""
    frame = result.panel(panel)
    columns = list(dict.fromkeys(frame["column"]))
    cells = {(line["row"], line["column"]): line for line in frame.to_dict("records")}
    lines = []
    for row in dict.fromkeys(frame["row"]):
        lines.append([str(row), *(_cell(cells.get((row, column)), panel) for column in columns)])
    return [result.x_label, *(_column(column, result.x_label) for column in columns)], lines


def _cell(line: dict[Any, Any] | None, panel: str) -> str:
    if line is None:
        return ""
    digits = _DIGITS.get(panel, 2)
    ours = "·"
    if not np.isnan(line["ours"]):
        ours = f"{line['ours']:.{digits}f}"
        ours += "" if np.isnan(line["spread"]) else f"±{line['spread']:.{digits}f}"
        ours = f"**{ours}**" if line["bold"] else ours
    paper = f"**{line['paper']}**" if line["paper_bold"] and line["paper"] else line["paper"]
    return f"{paper} / {ours}" if paper else ours


def _column(column: Any, x_label: str) -> str:
    return f"{column:.0%}" if x_label.startswith("share") else str(column)


def _html(text: str) -> str:
    bold = escape(text).split("**")
    return "".join(f"<b>{part}</b>" if place % 2 else part for place, part in enumerate(bold))


def _about(job: "Job", result: Sheet) -> list[str]:
    """Return the lines above the tables: what is compared, and how."""
    data, clock = job.trainings.data, "CPU seconds" if job.clock == "cpu_seconds" else "seconds by the wall"
    counts = f"{len(data.y_train):,} training rows, {len(data.y_test):,} test rows"
    paper = f"Coleman et al., Selection via Proxy, ICLR 2020, {job.table.settings['place']}"
    lines = [
        f"Paper: {paper}, {job.paper_data}. Here: {data.name}, {counts}; scale {job.scale}; seeds "
        f"{', '.join(map(str, job.seeds))}; target {job.target.name}.",
    ]
    epochs = getattr(job.target.build(), "max_epochs", None)
    if epochs is not None and job.asked_shares:
        lines.append(
            f"Each target is trained for {epochs} epochs, so that half of the rows mean half of the updates."
        )
    if (result.frame["paper"] != "").any():
        lines.append("Each cell: the paper's figure / ours, as mean±standard deviation over the seeds.")
    else:
        lines.append(
            "Each cell: our mean±standard deviation over the seeds. The paper shows a figure without numbers."
        )
    if (
        result.frame["panel"]
        .isin([MEASURES[name][0] for name in ("speed_up", "total_speed_up", "all_speed_up")])
        .any()
    ):
        lines.append(
            "Bold speed-ups: the mean error is at most one standard deviation above that of the baseline (B), or of "
            "all rows."
        )
    lines.append(f"Our seconds are {clock}, measured with sksvp {__version__} on {_hardware(job)}.")
    if result.n_missing:
        cells = f"{result.n_missing} of {len(result.frame)} cells (·)"
        lines.append(f"{cells} have no result: they are not trained yet, or need two seeds.")
    if job.scale == "smoke":
        lines.append("Scale smoke shows that all runs: its numbers say nothing of the method.")
    return lines


def _hardware(job: "Job") -> str:
    data = job.trainings.data.fingerprint
    found = {record["hardware"] for record in job.trainings.store if record["data"] == data}
    return "; ".join(sorted(found)) or "no machine yet"
