"""Error after every epoch of a training."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._parameters import TableWith
from .._inputs._paths import as_path
from ._look import AXES_OR_NONE, COLOURS, GREYS, axes_or_new, finish_curves, save_panels

_AXES = {
    "epoch": "epochs of the training",
    "seconds": "seconds of the training, by the wall",
    "cpu_seconds": "CPU seconds of the training",
}
_COLUMNS = ("kind", "name", "n_rows", "seed", "epoch", "test_error")
# Labels of trainings that rank.
_PROXIES = {"proxy": "proxy", "target": "target, all rows"}
_STYLES = {"target": "-", "proxy": "--"}


class EpochErrorDisplay:
    """Mean test error after every epoch, or second, of each training, with the spread over the seeds.

    Parameters
    ----------
    table : DataFrame
        As returned by `sksvp.experiments.epochs_table`, of a run with
        ``test_every_epoch=True``.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib.lines.Line2D
        Lines of the means, by label. Those of proxies are dashed.

    Examples
    --------
    >>> import pandas as pd
    >>> from sksvp.plotting import EpochErrorDisplay
    >>> table = pd.DataFrame({"kind": "target", "name": "all rows", "n_rows": 100, "seed": [0, 0, 1, 1],
    ...                       "epoch": [1, 2, 1, 2], "test_error": [0.4, 0.2, 0.5, 0.3]})
    >>> display = EpochErrorDisplay(table).plot()  # doctest: +SKIP
    """

    @validate_params({"table": [TableWith(_COLUMNS)]}, prefer_skip_nested_validation=True)
    def __init__(self, table: pd.DataFrame):
        self.table = table

    @validate_params({"ax": AXES_OR_NONE, "x": [StrOptions(set(_AXES))]}, prefer_skip_nested_validation=True)
    def plot(self, ax=None, *, x: str = "epoch") -> "EpochErrorDisplay":
        """Plot the mean error after each epoch, and a band of one standard deviation over the seeds.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        x : {"epoch", "seconds", "cpu_seconds"}, default="epoch"
            Epochs, or the mean seconds of the training up to the end of each.

        Returns
        -------
        self : EpochErrorDisplay

        Raises
        ------
        ValueError
            If the table lacks the column `x`, or has no test error.
        """
        if x not in self.table:
            raise ValueError(f"x={x!r} needs this column in the table, got {list(self.table)}.")
        # One training of the target on all rows may serve as both.
        has_all = bool(self.table["name"].eq("all rows").any())
        is_double = self.table["kind"].eq("proxy") & self.table["name"].eq("target") & has_all
        tested = self.table[self.table["test_error"].notna() & ~is_double]
        if tested.empty:
            raise ValueError("table has no test_error: run with test_every_epoch=True.")
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        self.lines_: dict[str, Any] = {}
        colours = {kind: iter(COLOURS * len(tested)) for kind in tested["kind"].unique()}
        for (kind, name, n_rows), lines in tested.groupby(["kind", "name", "n_rows"], sort=False):
            label = _PROXIES.get(str(name), f"proxy {name}") if kind == "proxy" else str(name)
            if kind == "target" and tested.loc[tested["name"] == name, "n_rows"].nunique() > 1:
                label += f", {n_rows:,} rows"
            colour = "black" if name == "all rows" else GREYS.get(str(name)) or next(colours[kind])
            self._plot_training(label.replace("_", " "), str(kind), lines, x, colour)
        finish_curves(self.ax_, _AXES[x], "test error, %")
        return self

    def _plot_training(self, label: str, kind: str, lines: pd.DataFrame, x: str, colour: str) -> None:
        epochs = lines.groupby("epoch")
        errors = 100 * epochs["test_error"].agg(["mean", "std"])
        places = epochs[x].mean() if x != "epoch" else errors.index.to_series()
        (self.lines_[label],) = self.ax_.plot(
            places, errors["mean"], label=label, linestyle=_STYLES.get(kind, "-"), color=colour
        )
        spread = np.nan_to_num(errors["std"])
        if spread.any():
            low, high = errors["mean"] - spread, errors["mean"] + spread
            self.ax_.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)


@validate_params(
    {"table": [TableWith(_COLUMNS)], "clock": [StrOptions({"cpu_seconds", "seconds"})]},
    prefer_skip_nested_validation=True,
)
def save_epochs_figure(table: pd.DataFrame, path, *, clock: str = "cpu_seconds") -> None:
    """Draw test error against epochs and against seconds of a clock side by side, into a PNG file.

    Parameters
    ----------
    table : DataFrame
        As returned by `sksvp.experiments.epochs_table`.
    path : str or path-like
        The PNG file.
    clock : {"cpu_seconds", "seconds"}, default="cpu_seconds"
        CPU seconds or wall-clock seconds.
    """
    display = EpochErrorDisplay(table)
    save_panels(lambda ax, x: display.plot(ax, x=x), ("epoch", clock), as_path(path, "path"))
