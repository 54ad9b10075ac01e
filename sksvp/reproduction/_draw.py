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

    figure = Figure(figsize=(max(7.0, 5.5 * len(panels)), 5.0), layout="constrained")
    for ax, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        frame = result.panel(panel)
        if result.drawn == "heat":
            AgreementMatrixDisplay(_square(frame)).plot(ax, colorbar=False)
            ax.set_title(f"{panel}; framed: runs of one network", fontsize="small")
        else:
            _draw_lines(ax, frame)
            ax.set(xlabel=result.x_label, ylabel=panel)
    figure.suptitle(heading)
    paths = [folder / f"figure.{kind}" for kind in ("svg", "png")]
    for path in paths:
        with replacing(path) as part:
            figure.savefig(part, dpi=150)
    return paths


def _draw_lines(ax: Any, frame: pd.DataFrame) -> None:
    """Draw a line with its spread for each row, and the paper's figures as hollow points."""
    for place, (name, rows) in enumerate(frame.groupby("row", sort=False)):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place // len(COLOURS) % len(MARKERS)]
        spread = None if rows["spread"].isna().all() else rows["spread"].fillna(0.0)
        ax.errorbar(rows["column"], rows["ours"], spread, color=colour, marker=marker, ms=4, label=name)
        paper = [printed(text)[0] for text in rows["paper"]]
        if not np.isnan(paper).all():
            ax.plot(rows["column"], paper, color=colour, marker=marker, mfc="none", ls=":", alpha=0.6)
    if (frame["paper"] != "").any():
        ax.plot([], [], color="grey", marker="o", mfc="none", ls=":", label="the paper's")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize="x-small")


def _square(frame: pd.DataFrame) -> pd.DataFrame:
    names = list(dict.fromkeys(frame["row"]))
    return frame.pivot(index="row", columns="column", values="ours").loc[names, names]
