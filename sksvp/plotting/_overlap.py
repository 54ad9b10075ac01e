"""Overlap of the rows that two models choose, against the share that is kept."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import TableWith
from ._look import AXES_OR_NONE, COLOURS, GREYS, axes_or_new

_COLUMNS = ("share", "overlap", "chance", "chance_std")
_LABELS = {
    "overlap": "proxy and target",
    "proxy_overlap": "two runs of the proxy",
    "target_overlap": "two runs of the target",
}


class OverlapDisplay:
    """Share of the chosen rows that another score chooses too, beside what chance gives.

    Parameters
    ----------
    table : DataFrame
        One line per share that is kept, with the columns `share`, `overlap`, `chance`
        and `chance_std`, as `sksvp.agreement.overlap` makes it. With the columns
        `proxy_overlap` and `target_overlap` of `sksvp.agreement.ProxyAgreement`, the
        overlaps of two runs of one model are drawn as well.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib.lines.Line2D
        Lines by the name of the column.
    chance_band_ : matplotlib.collections.FillBetweenPolyCollection
        Two standard deviations of the overlap of random choices, on both sides.

    Examples
    --------
    >>> from sksvp.agreement import overlap
    >>> from sksvp.plotting import OverlapDisplay
    >>> display = OverlapDisplay(overlap([9, 8, 2, 1], [8, 1, 9, 2], shares=[0.5])).plot()  # doctest: +SKIP
    """

    @validate_params({"table": [TableWith(_COLUMNS)]}, prefer_skip_nested_validation=True)
    def __init__(self, table: pd.DataFrame):
        self.table = table

    @classmethod
    @validate_params({"ax": AXES_OR_NONE}, prefer_skip_nested_validation=False)
    def from_scores(cls, a: Any, b: Any, *, shares: Any = None, ax: Any = None) -> "OverlapDisplay":
        """Measure the overlap of two scores and plot it.

        Parameters
        ----------
        a, b : array-like of shape (n_rows,)
            Scores of the same rows; the highest are chosen first.
        shares : sequence of float or int, default=None
            Shares of the rows that are kept; 5 %, 10 %, ..., 95 % if None.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.

        Returns
        -------
        OverlapDisplay
        """
        from ..agreement import overlap

        shares = np.arange(1, 20) / 20 if shares is None else shares
        return cls(overlap(a, b, shares)).plot(ax)

    @validate_params({"ax": AXES_OR_NONE}, prefer_skip_nested_validation=True)
    def plot(self, ax: Any = None) -> "OverlapDisplay":
        """Plot the overlaps against the share that is kept.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.

        Returns
        -------
        self : OverlapDisplay
        """

        ax = axes_or_new(ax)
        self.ax_, self.figure_ = ax, ax.figure
        table = self.table.sort_values("share")
        kept = 100 * table["share"]
        self.lines_: dict[str, Any] = {}
        of_models = "target_overlap" in table
        for (column, label), colour in zip(_LABELS.items(), COLOURS, strict=False):
            if column in table and table[column].notna().any():
                (self.lines_[column],) = ax.plot(
                    kept,
                    100 * table[column],
                    label=label if of_models else "both scores",
                    color=colour,
                    marker="o",
                    markersize=5,
                    linestyle="-" if column == "overlap" else "--",
                )
        chance, spread = 100 * table["chance"], 200 * table["chance_std"]
        (self.lines_["chance"],) = ax.plot(
            kept, chance, color=GREYS["random"], linestyle=":", label="random choices"
        )
        self.chance_band_ = ax.fill_between(
            kept, chance - spread, chance + spread, color=GREYS["random"], alpha=0.2, linewidth=0
        )
        ax.set(xlabel="kept rows, %", ylabel="kept rows that both choose, %", xlim=(0, 100), ylim=(0, 102))
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
        return self
