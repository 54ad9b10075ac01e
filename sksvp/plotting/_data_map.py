"""Data map: how sure a training was of each row, and how much that varied."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import TableWith, WholeNumber
from ..strategies import TrainingRecord, confidence, correctness, variability
from ._look import AXES_OR_NONE, axes_or_new
from ._records import SELECTOR, check_record, record_of

_PLOT: dict = {"ax": AXES_OR_NONE, "max_rows": [WholeNumber(1)], "colorbar": ["boolean"]}
_COLUMNS = ("confidence", "variability", "correctness")


class DataMapDisplay:
    """Data map of a training: variability against confidence, coloured by correctness.

    Rows at the top are easy to learn, rows at the right ambiguous, rows at the bottom
    left hard to learn and often mislabelled.

    Parameters
    ----------
    table : DataFrame
        One line per row, with the columns `confidence`, `variability` and
        `correctness`. With a column `kept` of bools, the rows that were left out are
        grey.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    points_ : matplotlib.collections.PathCollection
        The rows that are drawn, without those that were left out.
    left_out_ : matplotlib.collections.PathCollection or None
        The rows that were left out, if the table tells which were kept.

    References
    ----------
    Swayamdipta et al., Dataset Cartography: Mapping and Diagnosing Datasets with
    Training Dynamics, EMNLP 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sksvp import ProxyCoresetSelector
    >>> from sksvp.plotting import DataMapDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = ProxyCoresetSelector(MLPClassifier(), strategy="el2n", class_balanced=True).fit(X, y)
    >>> display = DataMapDisplay.from_selector(selector)  # doctest: +SKIP
    """

    @validate_params({"table": [TableWith(_COLUMNS)]}, prefer_skip_nested_validation=True)
    def __init__(self, table: pd.DataFrame):
        self.table = table

    @classmethod
    @validate_params(_PLOT, prefer_skip_nested_validation=True)
    def from_record(
        cls, record: TrainingRecord, *, ax=None, max_rows: int = 20_000, colorbar: bool = True
    ) -> "DataMapDisplay":
        """Compute the map of a training record and plot it.

        Parameters
        ----------
        record : TrainingRecord
            Such as the `record_` of a selector, or one of another training.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        max_rows : int, default=20_000
            As of `plot`.
        colorbar : bool, default=True
            As of `plot`.

        Returns
        -------
        DataMapDisplay

        Raises
        ------
        TypeError
            If `record` is no training record.
        """
        return cls(_map_of(check_record(record))).plot(ax, max_rows=max_rows, colorbar=colorbar)

    @classmethod
    @validate_params({**_PLOT, "selector": SELECTOR}, prefer_skip_nested_validation=True)
    def from_selector(
        cls, selector, *, ax=None, max_rows: int = 20_000, colorbar: bool = True
    ) -> "DataMapDisplay":
        """Plot the map of a selector's training; the rows that it left out are grey.

        Parameters
        ----------
        selector : ProxyCoresetSelector or ProxyCoresetSampler
            A fitted one, whose proxy's training kept a record.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        max_rows : int, default=20_000
            As of `plot`.
        colorbar : bool, default=True
            As of `plot`.

        Returns
        -------
        DataMapDisplay

        Raises
        ------
        ValueError
            If the training kept no record.
        """
        table = _map_of(record_of(selector)).assign(kept=selector.get_support())
        return cls(table).plot(ax, max_rows=max_rows, colorbar=colorbar)

    @validate_params(_PLOT, prefer_skip_nested_validation=True)
    def plot(self, ax=None, *, max_rows: int = 20_000, colorbar: bool = True) -> "DataMapDisplay":
        """Plot the map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        max_rows : int, default=20_000
            Draw at most so many rows, at random, always the same ones.
        colorbar : bool, default=True
            Whether to draw the scale of the colours beside the map.

        Returns
        -------
        self : DataMapDisplay
        """

        rows = np.random.RandomState(0).permutation(len(self.table))[:max_rows]
        drawn = self.table.iloc[rows]
        is_kept = drawn["kept"] if "kept" in drawn else pd.Series(True, index=drawn.index)
        ax = axes_or_new(ax)
        self.ax_, self.figure_ = ax, ax.figure
        look = {"s": float(np.clip(2e4 / len(drawn), 2, 25)), "linewidths": 0}
        self.left_out_ = None if is_kept.all() else _scatter(ax, drawn[~is_kept], color="#cccccc", **look)
        kept = drawn[is_kept]
        self.points_ = _scatter(
            ax, kept, c=kept["correctness"], vmin=0.0, vmax=1.0, cmap="viridis", alpha=0.7, **look
        )
        if colorbar:
            bar = ax.figure.colorbar(self.points_, ax=ax)
            bar.set_label("share of visits at which the row was right")
            bar.solids.set_alpha(1.0)
        ax.set(
            xlabel="variability: standard deviation of the own class's probability",
            ylabel="confidence: mean probability of the own class",
        )
        ax.set_xlim(left=0)
        ax.set_ylim(0, 1.02)
        ax.grid(alpha=0.3)
        return self


def _map_of(record: TrainingRecord) -> pd.DataFrame:
    losses = record.require("loss")
    # Without margins, a row counts as right where its own class has more than half.
    margins = record.channels.get("margin", np.log(2.0) - losses)
    columns = (confidence(losses), variability(losses), correctness(margins))
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def _scatter(ax: Any, rows: pd.DataFrame, **look: Any) -> Any:
    return ax.scatter(rows["variability"], rows["confidence"], **look)
