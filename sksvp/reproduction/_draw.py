"""The figure of a result: lines over the columns, or heat maps of correlations."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._storage._files import replacing
from ..plotting import COLOURS, MARKERS, AgreementMatrixDisplay
from ._sheet import Sheet, printed


def draw(result: Sheet, heading: str, folder: Path) -> list[Path]:
    """Draw the panels, where matplotlib is installed and there is something to draw, and return the files."""
    # Of a table, the errors.
    panels = result.panels if result.drawn != "table" else result.panels[:1]
    if find_spec("matplotlib") is None or result.frame["ours"].isna().all():
        return []
    from matplotlib.figure import Figure

    views = [(panel, in_paper) for panel in panels for in_paper in _views(result.panel(panel))]
    figure = Figure(figsize=(max(7.0, 5.5 * len(views)), 5.0), layout="constrained")
    for ax, (panel, in_paper) in zip(np.atleast_1d(figure.subplots(1, len(views))), views, strict=True):
        frame = result.panel(panel)
        if result.drawn == "heat":
            AgreementMatrixDisplay(_square(frame)).plot(ax, colorbar=False)
            ax.set_title(f"{panel}; framed: runs of one network", fontsize="small")
        else:
            _draw_lines(ax, frame, in_paper=in_paper)
            ax.set(xlabel=result.x_label, ylabel=f"{panel}, in the paper" if in_paper else panel)
    figure.suptitle(heading)
    paths = [folder / f"figure.{kind}" for kind in ("svg", "png")]
    for path in paths:
        with replacing(path) as part:
            figure.savefig(part, dpi=150)
    return paths


def _views(frame: pd.DataFrame) -> tuple[bool, ...]:
    """Return which views a panel has: ours, and the paper's, whose errors may be many times lower."""
    return (False, True) if (frame["paper"] != "").any() else (False,)


def _draw_lines(ax: Any, frame: pd.DataFrame, *, in_paper: bool) -> None:
    """Draw a line with its spread for each row that has a result of ours."""
    for place, (name, rows) in enumerate(frame.groupby("row", sort=False)):
        if rows["ours"].isna().all():
            continue
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place // len(COLOURS) % len(MARKERS)]
        values, spread = rows["ours"].to_numpy(), rows["spread"].to_numpy()
        if in_paper:
            values, spread = np.array([printed(text) for text in rows["paper"]]).T
        if np.isnan(values).all():
            continue
        bars = None if np.isnan(spread).all() else np.nan_to_num(spread)
        there = ~np.isnan(values)
        ax.errorbar(
            rows["column"][there],
            values[there],
            None if bars is None else bars[there],
            color=colour,
            marker=marker,
            ms=4,
            label=name,
        )
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize="x-small")


def _square(frame: pd.DataFrame) -> pd.DataFrame:
    names = list(dict.fromkeys(frame["row"]))
    return frame.pivot(index="row", columns="column", values="ours").loc[names, names]
