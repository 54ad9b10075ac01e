"""Heat map of how alike models rank the same rows."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import TableWith
from ._look import AXES_OR_NONE, axes_or_new

_PLOT: dict = {"ax": AXES_OR_NONE, "colorbar": ["boolean"]}


class AgreementMatrixDisplay:
    """Mean correlations between the scores of models, as a heat map.

    The diagonal, with frames, has the correlation between runs of one model, which
    bounds the others: that of two models is at most the geometric mean of both their
    diagonal numbers, apart from chance, as far as their scores are a common signal and
    independent noise.

    Parameters
    ----------
    matrix : DataFrame of shape (n_models, n_models)
        Correlations with the names of the models as index and columns, such as from
        `sksvp.agreement.agreement_matrix`. NaN is left empty.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    image_ : matplotlib.image.AxesImage
        The heat map.
    texts_ : ndarray of matplotlib.text.Text of shape (n_models, n_models)
        The numbers in the cells, None in empty ones.

    Examples
    --------
    >>> from sksvp.agreement import agreement_matrix
    >>> from sksvp.plotting import AgreementMatrixDisplay
    >>> matrix = agreement_matrix({"small": [[1, 2, 3], [2, 1, 3]], "large": [[3, 2, 1], [3, 1, 2]]})
    >>> display = AgreementMatrixDisplay(matrix).plot()  # doctest: +SKIP
    """

    @validate_params({"matrix": [TableWith(())]}, prefer_skip_nested_validation=True)
    def __init__(self, matrix: pd.DataFrame):
        if matrix.empty or list(matrix.index) != list(matrix.columns):
            raise ValueError(
                "matrix must be square, with the same names as index and columns, "
                f"got index {list(matrix.index)} and columns {list(matrix.columns)}."
            )
        self.matrix = matrix

    @classmethod
    @validate_params(_PLOT, prefer_skip_nested_validation=False)
    def from_runs(
        cls, runs: Any, *, method: str = "spearman", ax: Any = None, colorbar: bool = True
    ) -> "AgreementMatrixDisplay":
        """Correlate the scores of several models and plot the correlations.

        Parameters
        ----------
        runs : dict of str to array-like of shape (n_runs, n_rows)
            Scores of the same rows by the name of the model, as of `agreement_matrix`.
        method : {"spearman", "pearson", "kendall"}, default="spearman"
            See `sksvp.agreement.rank_correlation`.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        colorbar : bool, default=True
            As of `plot`.

        Returns
        -------
        AgreementMatrixDisplay
        """
        from ..agreement import agreement_matrix

        return cls(agreement_matrix(runs, method=method)).plot(ax, colorbar=colorbar)

    @validate_params(_PLOT, prefer_skip_nested_validation=True)
    def plot(self, ax: Any = None, *, colorbar: bool = True) -> "AgreementMatrixDisplay":
        """Plot the heat map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        colorbar : bool, default=True
            Whether to draw the scale of the colours beside the map.

        Returns
        -------
        self : AgreementMatrixDisplay
        """
        from matplotlib.patches import Rectangle

        ax = axes_or_new(ax)
        self.ax_, self.figure_ = ax, ax.figure
        values = self.matrix.to_numpy(dtype=np.float64)
        lowest = min(0.0, float(np.nanmin(values, initial=0.0)))
        self.image_ = ax.imshow(values, vmin=lowest, vmax=1.0, cmap="viridis")
        self.texts_ = np.full(values.shape, None, dtype=object)
        for (line, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                # Dark cells have white numbers.
                colour = "white" if value < (1.0 + lowest) / 2 + 0.1 else "black"
                self.texts_[line, column] = ax.text(
                    column, line, f"{value:.2f}", ha="center", va="center", color=colour
                )
        for place in range(len(values)):
            ax.add_patch(
                Rectangle((place - 0.47, place - 0.47), 0.94, 0.94, fill=False, edgecolor="#D55E00", lw=2)
            )
        names = [str(name).replace("_", " ") for name in self.matrix.columns]
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), names)
        ax.set_title("framed: runs of one model", fontsize="small")
        if colorbar:
            ax.figure.colorbar(self.image_, ax=ax, label="mean correlation")
        return self
