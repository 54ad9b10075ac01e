"""Error of proxy and target against the number of labels."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._parameters import ListOf, TableWith, WholeNumber
from .._inputs._paths import as_path
from ._look import AXES_OR_NONE, COLOURS, GREYS, MARKERS, axes_or_new, finish_curves

_STYLES = {"target": "-", "proxy": "--"}
_MODELS = [StrOptions(set(_STYLES)), ListOf(StrOptions(set(_STYLES)))]
_ERRORS = ("n_labeled", "target_error", "proxy_error")


class ActiveLearningDisplay:
    """Mean error of the target and of the proxy against the number of labels, with the spread over repeats.

    Parameters
    ----------
    curve : DataFrame
        Result of `active_learning_curve`: one line per repeat and round, with
        ``n_labeled``, ``target_error`` and ``proxy_error`` (shares of the test
        rows; NaN if nothing was trained); a column ``settled`` shows where a stopping
        rule was met, in each ``repeat`` or ``seed``. To plot several curves in one figure, concatenate them and add a
        column ``name``.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib.lines.Line2D
        Lines of the means, by label.
    bands_ : dict of str to matplotlib.collections.FillBetweenPolyCollection
        Bands of one standard deviation on each side, if there are repeats.
    stops_ : dict of str to matplotlib.lines.Line2D
        Vertical lines where the learner's rule `stop` was met, in the mean of the repeats
        that met it, by name of the curve.

    Examples
    --------
    >>> import pandas as pd
    >>> from sksvp.plotting import ActiveLearningDisplay
    >>> curve = pd.DataFrame({"repeat": [0, 0, 1, 1], "n_labeled": [10, 20, 10, 20],
    ...                       "proxy_error": [0.5, 0.3, 0.4, 0.2], "target_error": [0.4, 0.2, 0.3, 0.1]})
    >>> display = ActiveLearningDisplay(curve).plot()  # doctest: +SKIP
    """

    @validate_params({"curve": [TableWith(_ERRORS)]}, prefer_skip_nested_validation=True)
    def __init__(self, curve: pd.DataFrame):
        self.curve = curve

    @classmethod
    @validate_params(
        {"n_repeats": [WholeNumber(1)], "ax": AXES_OR_NONE, "models": _MODELS},
        prefer_skip_nested_validation=False,
    )
    def from_estimator(
        cls, learner, X, y, X_test, y_test, *, n_repeats: int = 3, ax=None, models=("target", "proxy")
    ) -> "ActiveLearningDisplay":
        """Run a learner's rounds several times and plot its errors.

        Parameters
        ----------
        learner : ProxyActiveLearner
            A learner with `rounds`.
        X, y : rows and labels
            The pool.
        X_test, y_test : rows and labels
            Test rows and their labels.
        n_repeats : int, default=3
            Number of repeats, see `active_learning_curve`.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on; new axes if None.
        models : tuple of str, default=("target", "proxy")
            Models whose errors are plotted.

        Returns
        -------
        ActiveLearningDisplay
        """
        from ..active import active_learning_curve

        curve = active_learning_curve(learner, X, y, X_test, y_test, n_repeats=n_repeats)
        return cls(curve).plot(ax, models=models)

    @validate_params({"ax": AXES_OR_NONE, "models": _MODELS}, prefer_skip_nested_validation=True)
    def plot(self, ax=None, *, models=("target", "proxy")) -> "ActiveLearningDisplay":
        """Plot the mean error with its standard deviation.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on; new axes if None.
        models : tuple of str, default=("target", "proxy")
            Models whose errors are plotted: the target as a solid line, the proxy
            as a dashed one. A model that was never scored is left out.

        Returns
        -------
        self : ActiveLearningDisplay

        Raises
        ------
        ValueError
            If a model is not one of these.
        """

        models = (models,) if isinstance(models, str) else tuple(models)
        ax = axes_or_new(ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_: dict[str, Any] = {}
        self.bands_: dict[str, Any] = {}
        colours = iter(COLOURS * (len(self.curve) + 1))
        self.stops_: dict[str, Any] = {}
        for number, (name, lines) in enumerate(self._methods()):
            look = {
                "color": GREYS.get(name) or next(colours),
                "marker": MARKERS[number % len(MARKERS)],
                "markersize": 5,
            }
            for model in models:
                label = f"{name}, {model}" if name and len(models) > 1 else name or model
                self._plot_model(label.replace("_", " "), model, lines, look)
            self._mark_stop(name, lines, look["color"])
        finish_curves(ax, "labelled rows", "test error, %")
        return self

    def _methods(self) -> list[tuple[str, pd.DataFrame]]:
        if "name" not in self.curve:
            return [("", self.curve)]
        groups = self.curve.astype({"name": str}).groupby("name", sort=False)
        return [(str(name), lines) for name, lines in groups]

    def _mark_stop(self, name: str, lines: pd.DataFrame, colour: Any) -> None:
        """Draw a vertical line at the mean number of labels at which the stopping rule was met first."""
        if "settled" not in lines:
            return
        met = lines[lines["settled"].eq(True)]
        if met.empty:
            return
        repeat = next((column for column in ("repeat", "seed") if column in met), None)
        runs = met.groupby(repeat or (lambda _: 0))
        labels = float(runs["n_labeled"].min().mean())
        label = f"{name}, predictions settled" if name else "predictions settled"
        self.stops_[name] = self.ax_.axvline(labels, color=colour, linestyle=":", label=label)

    def _plot_model(self, label: str, model: str, lines: pd.DataFrame, look: dict[str, Any]) -> None:
        errors = 100 * lines.groupby("n_labeled")[f"{model}_error"].agg(["mean", "std"]).dropna(subset="mean")
        if errors.empty:
            return
        totals = errors.index.to_numpy()
        (self.lines_[label],) = self.ax_.plot(
            totals, errors["mean"].to_numpy(), label=label, linestyle=_STYLES[model], **look
        )
        spread = errors["std"].to_numpy()
        if np.isfinite(spread).any():
            # The spread of a number of labels that only one repeat has is not defined.
            spread = np.nan_to_num(spread)
            mean = errors["mean"].to_numpy()
            self.bands_[label] = self.ax_.fill_between(
                totals, mean - spread, mean + spread, color=look["color"], alpha=0.15, linewidth=0
            )


@validate_params({"rounds": [TableWith((*_ERRORS, "chooser"))]}, prefer_skip_nested_validation=True)
def save_active_figure(rounds: pd.DataFrame, path) -> None:
    """Draw the errors of the target and, in a second panel, of the proxy that chose, into a PNG file.

    Parameters
    ----------
    rounds : DataFrame
        As returned by `sksvp.experiments.rounds_table`.
    path : str or path-like
        The PNG file.
    """
    from matplotlib.figure import Figure

    path = as_path(path, "path")
    # A target that chose its own rows is already in the left panel.
    is_proxy = rounds["chooser"].notna() & (rounds["chooser"] != "target")
    chose = rounds.assign(proxy_error=rounds["proxy_error"].where(is_proxy))
    models = ["target"] if chose["proxy_error"].isna().all() else ["target", "proxy"]
    figure = Figure(figsize=(5 * len(models), 4), layout="constrained")
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for ax, model in zip(panels, models, strict=True):
        ActiveLearningDisplay(chose).plot(ax, models=model)
        ax.set_title(model)
    # Each display sets its own upper limit; the shared axis needs the larger of both.
    panels[0].autoscale(axis="y")
    panels[0].set_ylim(bottom=0)
    figure.savefig(path, dpi=150, format="png")
