"""Data map: how sure a training was of each row, and how much that varied."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import HasMethods, validate_params

from .._inputs._parameters import WholeNumber
from ..strategies import TrainingRecord, confidence, correctness, variability

_PLOT = {"ax": [HasMethods(["plot", "get_figure"]), None], "max_rows": [WholeNumber(1)]}
_COLUMNS = ("confidence", "variability", "correctness")


class DataMapDisplay:
    """Data map of a training: variability against confidence, coloured by correctness.

    Rows at the top are easy to learn, rows at the right ambiguous, rows at the bottom
    left hard to learn and often mislabelled.

    Parameters
    ----------
    table : DataFrame
        One line per row, with the columns `confidence`, `variability` and
        `correctness`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    points_ : matplotlib.collections.PathCollection
        The rows that are drawn.

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
    >>> display = DataMapDisplay.from_record(selector.record_)  # doctest: +SKIP
    """

    def __init__(self, table: pd.DataFrame):
        self.table = table

    @classmethod
    @validate_params(_PLOT, prefer_skip_nested_validation=True)
    def from_record(cls, record: TrainingRecord, *, ax=None, max_rows: int = 20_000) -> "DataMapDisplay":
        """Compute the map of a training record and plot it.

        Parameters
        ----------
        record : TrainingRecord
            Such as the `record_` of a selector, or one of another training.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        max_rows : int, default=20_000
            As of `plot`.

        Returns
        -------
        DataMapDisplay

        Raises
        ------
        TypeError
            If `record` is no training record.
        """
        if not isinstance(record, TrainingRecord):
            raise TypeError(f"record must be a TrainingRecord, got {record!r:.80}.")
        losses = record.require("loss")
        # Without margins, a row counts as right where its own class has more than half.
        margins = record.channels.get("margin", np.log(2.0) - losses)
        columns = (confidence(losses), variability(losses), correctness(margins))
        return cls(pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))).plot(ax, max_rows=max_rows)

    @validate_params(_PLOT, prefer_skip_nested_validation=True)
    def plot(self, ax=None, *, max_rows: int = 20_000) -> "DataMapDisplay":
        """Plot the map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        max_rows : int, default=20_000
            Draw at most so many rows, at random, always the same ones.

        Returns
        -------
        self : DataMapDisplay

        Raises
        ------
        ValueError
            If the table has not the columns, or `max_rows` is below 1.
        """
        import matplotlib.pyplot as plt

        drawn = self._drawn(max_rows)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.points_ = ax.scatter(
            drawn["variability"],
            drawn["confidence"],
            c=drawn["correctness"],
            vmin=0.0,
            vmax=1.0,
            cmap="viridis",
            s=np.clip(4000 / len(drawn), 3, 25),
            alpha=0.7,
            linewidths=0,
        )
        bar = ax.figure.colorbar(self.points_, ax=ax)
        bar.set_label("share of visits at which the row was classified right")
        bar.solids.set_alpha(1.0)
        ax.set(
            xlabel="variability: standard deviation of the own class's probability",
            ylabel="confidence: mean probability of the own class",
        )
        ax.set_xlim(left=0)
        ax.set_ylim(0, 1.02)
        ax.grid(alpha=0.3)
        return self

    def _drawn(self, max_rows: int) -> Any:
        columns = getattr(self.table, "columns", ())
        missing = [name for name in _COLUMNS if name not in columns]
        if missing:
            raise ValueError(
                f"table must be a DataFrame with the columns {', '.join(_COLUMNS)}; it lacks {missing}."
            )
        rows = np.random.RandomState(0).permutation(len(self.table))[:max_rows]
        return self.table.iloc[rows]
