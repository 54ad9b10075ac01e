"""Correlation of a training's ranking with another, against the epoch."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import RealNumber, TableWith
from ._look import AXES_OR_NONE, COLOURS, MARKERS, axes_or_new

_COLUMNS = ("epoch", "correlation")
_TABLE = TableWith(_COLUMNS)
_PLOT: dict = {"ax": AXES_OR_NONE, "ceiling": [RealNumber(-1, 1, closed="both"), None]}


class AgreementByEpochDisplay:
    """Correlation with a finished training's ranking after each epoch.

    Parameters
    ----------
    tables : DataFrame or dict of str to DataFrame
        One line per epoch, with the columns `epoch` and `correlation`, as
        `sksvp.agreement.agreement_by_epoch` makes it; several by names.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib.lines.Line2D
        Lines by the names of the tables; the empty name for a single one.
    ceiling_line_ : matplotlib.lines.Line2D or None
        The line of the ceiling.

    Examples
    --------
    >>> from sksvp.plotting import AgreementByEpochDisplay
    >>> from sksvp.strategies import TrainingRecord
    >>> record = TrainingRecord.from_losses([[0.7, 0.6, 0.8], [0.5, 0.1, 0.8], [0.4, 0.1, 0.9]])
    >>> display = AgreementByEpochDisplay.from_records(record, record, "variability")  # doctest: +SKIP
    """

    @validate_params({"tables": [_TABLE, Mapping]}, prefer_skip_nested_validation=True)
    def __init__(self, tables: pd.DataFrame | Mapping[str, pd.DataFrame]):
        self.tables = tables
        if not isinstance(tables, Mapping):
            return
        if not tables:
            raise ValueError("tables must hold at least one table, got none.")
        for name, table in tables.items():
            if not _TABLE.is_satisfied_by(table):
                raise TypeError(f"tables[{name!r}] must be {_TABLE}, got {table!r:.80}.")

    @classmethod
    @validate_params(_PLOT, prefer_skip_nested_validation=False)
    def from_records(
        cls,
        record: Any,
        reference: Any,
        strategy: Any = "aum",
        *,
        y: Any = None,
        epochs: Any = None,
        method: str = "spearman",
        ceiling: float | None = None,
        ax: Any = None,
    ) -> "AgreementByEpochDisplay":
        """Follow a training by its record and plot its agreement with another.

        Parameters
        ----------
        record : TrainingRecord
            The training that is followed.
        reference : TrainingRecord or array-like of shape (n_rows,)
            The other training, whole, or its scores.
        strategy : str or strategy, default="aum"
            What scores the rows, as of `sksvp.agreement.agreement_by_epoch`.
        y : array-like of shape (n_rows,), default=None
            Labels, for strategies that read them.
        epochs : sequence of int, default=None
            Epochs after which the scores are compared; all if None.
        method : {"spearman", "pearson", "kendall"}, default="spearman"
            See `sksvp.agreement.rank_correlation`.
        ceiling : float, default=None
            As of `plot`.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.

        Returns
        -------
        AgreementByEpochDisplay
        """
        from ..agreement import agreement_by_epoch

        table = agreement_by_epoch(record, reference, strategy, y=y, epochs=epochs, method=method)
        return cls(table).plot(ax, ceiling=ceiling)

    @validate_params(_PLOT, prefer_skip_nested_validation=True)
    def plot(self, ax: Any = None, *, ceiling: float | None = None) -> "AgreementByEpochDisplay":
        """Plot the correlations against the epoch.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        ceiling : float, default=None
            Correlation between two whole trainings of the other model, which is drawn
            as a line.

        Returns
        -------
        self : AgreementByEpochDisplay
        """
        from matplotlib.ticker import MaxNLocator

        ax = axes_or_new(ax)
        self.ax_, self.figure_ = ax, ax.figure
        tables = self.tables if isinstance(self.tables, Mapping) else {"": self.tables}
        self.lines_ = {}
        for place, (name, table) in enumerate(tables.items()):
            (self.lines_[name],) = ax.plot(
                table["epoch"],
                table["correlation"],
                label=str(name).replace("_", " "),
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                markersize=4,
            )
        self.ceiling_line_ = None
        if ceiling is not None:
            self.ceiling_line_ = ax.axhline(
                ceiling, color="black", linestyle="--", linewidth=1, label="two trainings of the other model"
            )
        ax.set(xlabel="epoch", ylabel="correlation")
        ax.set_ylim(top=1.02)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
        if len(tables) > 1 or ceiling is not None:
            ax.legend(framealpha=0.8, edgecolor="none")
        return self
