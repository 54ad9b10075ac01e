"""Error of the target against the number or the cost of its training rows."""

import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._parameters import TableWith
from .._inputs._paths import as_path
from .._storage._sealed import check_seal
from ._look import AXES_OR_NONE, COLOURS, GREYS, MARKERS, axes_or_new, finish_curves, save_panels

_AXES = {
    "rows": "training rows of the target",
    "total_cpu_seconds": "CPU seconds: proxy, selection and target",
    "total_seconds": "seconds by the wall: proxy, selection and target",
}
_COLUMNS = ("name", "rows", "error", "spread")


class CoresetDisplay:
    """Error of a target trained on chosen rows, by method.

    Parameters
    ----------
    table : DataFrame
        A summary with the columns name, rows, error and spread (both in
        percent; NaN for a single seed), total_cpu_seconds and total_seconds, as
        `sksvp.experiments.summary_table` makes it.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    errorbars_ : dict of str to matplotlib.container.ErrorbarContainer
        Error bars of each method.

    Examples
    --------
    >>> import pandas as pd
    >>> from sksvp.plotting import CoresetDisplay
    >>> table = pd.DataFrame({"name": ["random", "all rows"], "rows": [500, 1000], "error": [5.0, 2.0],
    ...                       "spread": [0.5, 0.2]})
    >>> display = CoresetDisplay(table).plot()  # doctest: +SKIP
    """

    @validate_params({"table": [TableWith(_COLUMNS)]}, prefer_skip_nested_validation=True)
    def __init__(self, table: pd.DataFrame):
        self.table = table

    @classmethod
    @validate_params({"ax": AXES_OR_NONE, "x": [StrOptions(set(_AXES))]}, prefer_skip_nested_validation=True)
    def from_run(cls, folder, *, ax=None, x: str = "rows") -> "CoresetDisplay":
        """Summarise the trainings in a run folder and plot them.

        Parameters
        ----------
        folder : str or path-like
            A folder written by ``sksvp coreset``, with a results.csv.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        x : {"rows", "total_cpu_seconds", "total_seconds"}, default="rows"
            As of `plot`.

        Returns
        -------
        CoresetDisplay

        Raises
        ------
        ValueError
            If results.csv does not agree with the checksum beside it.
        """
        from ..experiments import summary_table

        path = as_path(folder, "folder") / "results.csv"
        check_seal(path)
        return cls(summary_table(pd.read_csv(path))).plot(ax, x=x)

    @validate_params({"ax": AXES_OR_NONE, "x": [StrOptions(set(_AXES))]}, prefer_skip_nested_validation=True)
    def plot(self, ax=None, *, x: str = "rows") -> "CoresetDisplay":
        """Plot the mean error with its spread; training on all rows is a dashed line.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        x : {"rows", "total_cpu_seconds", "total_seconds"}, default="rows"
            Rows of the target's training, or seconds in all, of the processor or by
            the wall.

        Returns
        -------
        self : CoresetDisplay

        Raises
        ------
        ValueError
            If the table lacks the column `x`.
        """

        if x not in self.table:
            raise ValueError(f"x={x!r} needs this column in the table, got {list(self.table)}.")
        ax = axes_or_new(ax)
        self.ax_, self.figure_, self.errorbars_ = ax, ax.figure, {}
        colours = iter(COLOURS * len(self.table))
        for number, (name, rows) in enumerate(self.table.astype({"name": str}).groupby("name", sort=False)):
            name = str(name)
            rows = rows.sort_values(x)
            if name == "all rows":
                self._plot_all_rows(rows, x)
                continue
            self.errorbars_[name] = ax.errorbar(
                rows[x],
                rows["error"],
                yerr=None if rows["spread"].isna().all() else rows["spread"].fillna(0.0),
                label=name.replace("_", " "),
                color=GREYS.get(name) or next(colours),
                marker=MARKERS[number % len(MARKERS)],
                capsize=3,
            )
        finish_curves(ax, _AXES[x], "test error of the target, %")
        return self

    def _plot_all_rows(self, rows: pd.DataFrame, x: str) -> None:
        mean, spread = float(rows["error"].iloc[0]), float(rows["spread"].fillna(0.0).iloc[0])
        self.ax_.axhline(mean, color="black", linestyle="--", linewidth=1, label="all rows")
        self.ax_.axhspan(mean - spread, mean + spread, color="black", alpha=0.08)
        self.ax_.plot(rows[x], [mean], color="black", marker="*", markersize=10, linestyle="none")


@validate_params(
    {"table": [TableWith(_COLUMNS)], "clock": [StrOptions({"cpu_seconds", "seconds"})]},
    prefer_skip_nested_validation=True,
)
def save_run_figure(table: pd.DataFrame, path, *, clock: str = "cpu_seconds") -> None:
    """Draw error against rows and against seconds of a clock side by side, into a PNG file.

    Parameters
    ----------
    table : DataFrame
        As returned by `sksvp.experiments.summary_table`.
    path : str or path-like
        The PNG file.
    clock : {"cpu_seconds", "seconds"}, default="cpu_seconds"
        CPU seconds or wall-clock seconds.
    """
    display = CoresetDisplay(table)
    save_panels(lambda ax, x: display.plot(ax, x=x), ("rows", f"total_{clock}"), as_path(path, "path"))
