"""The result of a layout: the paper's figures beside ours, one line for each cell."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = ("panel", "row", "column", "paper", "ours", "spread", "seeds", "paper_bold", "bold")
# Names of the measures, their factors, and the digits after the point.
MEASURES = {
    "error": ("error %", 100.0, 2),
    "proxy_error": ("error % of the proxy", 100.0, 2),
    "selection": ("seconds of selection (paper: minutes)", 1.0, 1),
    "total": ("seconds of selection and training (paper: minutes)", 1.0, 1),
    "seconds": ("seconds of a training", 1.0, 1),
    "speed_up": ("times faster selection than the baseline", 1.0, 1),
    "total_speed_up": ("times faster, end to end, than the baseline", 1.0, 1),
    "all_speed_up": ("times faster, end to end, than all rows", 1.0, 1),
}


@dataclass
class Sheet:
    """All cells of a table or figure.

    Attributes
    ----------
    frame : DataFrame
        One line for each cell: panel (what is measured), row, column, paper (as it is
        printed, "" where it shows none), ours (mean, NaN where nothing is trained yet), spread
        (standard deviation over seeds), seeds (how many), and whether the paper's rule
        prints each of them bold.
    drawn : {"table", "lines", "heat"}
        What its figure is.
    x_label : str
        What the columns are.
    """

    frame: pd.DataFrame
    drawn: str = "table"
    x_label: str = "share of the rows"

    @property
    def panels(self) -> list[str]:
        """The panels in their order."""
        return list(dict.fromkeys(self.frame["panel"]))

    @property
    def n_missing(self) -> int:
        """Number of cells without a result."""
        return int(self.frame["ours"].isna().sum())

    def panel(self, name: str) -> pd.DataFrame:
        """Return the lines of a panel."""
        return self.frame[self.frame["panel"] == name]


def cell(
    panel: str,
    row: str,
    column: Any,
    values: Iterable[float | None],
    *,
    paper: str = "",
    factor: float = 1.0,
    bold: tuple[bool, bool] = (False, False),
) -> dict[str, Any]:
    """Return a line of a sheet from the values of the seeds, those without a result left out."""
    known = np.array([value for value in values if value is not None], dtype=float) * factor
    return {
        "panel": panel,
        "row": row,
        "column": column,
        "paper": paper,
        "ours": known.mean() if len(known) else np.nan,
        "spread": known.std(ddof=1) if len(known) > 1 else np.nan,
        "seeds": len(known),
        "paper_bold": bold[0],
        "bold": bold[1],
    }


def sheet(lines: Sequence[dict[str, Any]], **settings: Any) -> Sheet:
    """Return a sheet of lines."""
    return Sheet(pd.DataFrame(list(lines), columns=list(COLUMNS)), **settings)


def printed(text: str) -> tuple[float, float]:
    """Return mean and standard deviation of a printed figure such as "8.9±0.29", NaN where there is none."""
    found = re.fullmatch(r"([0-9.]+)(?:±([0-9.]+))?", text.strip())
    if found is None:
        return np.nan, np.nan
    return float(found[1]), float(found[2]) if found[2] else np.nan


def is_as_good(error: float, baseline: float, spread: float) -> bool:
    """Tell whether a speed-up is bold: no error more than a standard deviation above the baseline's mean."""
    return bool(error <= baseline + spread + 1e-9)
