"""What all displays share: their colours, and the axes that they are drawn on."""

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
AXES_OR_NONE = [HasMethods(["plot", "get_figure"]), None]


def axes_or_new(ax: Any) -> Any:
    """Return the given axes, or those of a new figure for None."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]
