"""Errors of a pilot's candidates beside class-balanced random rows."""

from typing import Any

import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import TableWith
from ._look import AXES_OR_NONE, COLOURS, GREYS, axes_or_new

_COLUMNS = ("candidate", "error", "difference", "standard_error")
# A lead of so many standard errors makes a pilot name a candidate.
_SURE = 2


class PilotDisplay:
    """Difference of each candidate of a pilot to class-balanced random rows, with twice its standard error.

    Parameters
    ----------
    table : DataFrame
        One line per candidate, with the columns `candidate`, `error`, `difference` and
        `standard_error`, all but the first between 0 and 1: `table_` of
        `sksvp.coreset.PilotResult`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    bars_ : dict of str to matplotlib.container.ErrorbarContainer
        Point and interval of each candidate.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sksvp import pilot
    >>> from sksvp.plotting import PilotDisplay
    >>> X, y = np.random.RandomState(0).normal(size=(90, 3)), np.arange(90) % 3
    >>> found = pilot(SGDClassifier(), X, y, subset_size=0.3, random_state=0)  # doctest: +SKIP
    >>> display = PilotDisplay(found.table_).plot()  # doctest: +SKIP
    """

    @validate_params({"table": [TableWith(_COLUMNS)]}, prefer_skip_nested_validation=True)
    def __init__(self, table: pd.DataFrame):
        self.table = table

    @validate_params({"ax": AXES_OR_NONE}, prefer_skip_nested_validation=True)
    def plot(self, ax: Any = None) -> "PilotDisplay":
        """Plot the differences in percentage points, the lowest error on top.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.

        Returns
        -------
        self : PilotDisplay
        """
        ax = axes_or_new(ax)
        self.ax_, self.figure_ = ax, ax.figure
        table = self.table.sort_values("error", ascending=False, kind="stable", ignore_index=True)
        self.bars_: dict[str, Any] = {}
        for place, (candidate, _, difference, standard_error) in enumerate(table[[*_COLUMNS]].to_numpy()):
            reach = _SURE * standard_error
            self.bars_[candidate] = ax.errorbar(
                100 * difference,
                place,
                xerr=100 * reach,
                fmt="o",
                capsize=3,
                color=_colour(difference, reach),
            )
        ax.axvline(0, color=GREYS["random"], linestyle=":")
        ax.set_yticks(range(len(table)), table["candidate"])
        ax.set_xlabel("error beside class-balanced random rows, points")
        ax.grid(axis="x", alpha=0.3)
        return self


def _colour(difference: float, reach: float) -> str:
    """Blue for what is surely better than random rows, red for what is surely worse, grey for the rest."""
    if abs(difference) <= reach:
        return GREYS["class-balanced random"]
    return COLOURS[0] if difference < 0 else COLOURS[1]
