"""What all displays share: their colours, and the axes that they are drawn on."""

from collections.abc import Sequence
from typing import Any

from sklearn.utils._param_validation import HasMethods

# Okabe and Ito's colours, which colour-blind readers can distinguish; baselines are grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREYS = {
    "random": "#555555",
    "class-balanced random": "#999999",
    "rs2": "#777777",
    "all rows, same cost": "black",
}
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Characters of a legend below two panels.
_LEGEND_WIDTH = 110
AXES_OR_NONE = [HasMethods(["plot", "get_figure"]), None]


def axes_or_new(ax: Any) -> Any:
    """Return the given axes, or those of a new figure for None."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def finish_curves(ax: Any, x_label: str, y_label: str) -> None:
    """Label axes of errors, which begin at 0, and add a grid and the legend."""
    ax.set(xlabel=x_label, ylabel=y_label)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)


def save_panels(draw: Any, xs: Sequence[str], path: Any) -> None:
    """Draw one panel for each x side by side, with one legend below them, into a PNG file.

    Parameters
    ----------
    draw : callable
        ``draw(ax, x)`` plots a panel with a legend.
    xs : sequence of str
    path : Path
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, len(xs))
    for ax, x in zip(panels, xs, strict=True):
        draw(ax, x)
        handles, labels = ax.get_legend_handles_labels()
        ax.get_legend().remove()
    columns = max(1, _LEGEND_WIDTH // (max(map(len, labels)) + 8))
    figure.set_figheight(4 + 0.2 * -(-len(labels) // columns))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    figure.savefig(path, dpi=150, format="png")
