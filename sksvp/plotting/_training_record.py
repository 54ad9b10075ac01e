"""A training record over its visits: quantiles of all rows or of groups, and single rows."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._missing import missing_mask
from .._inputs._parameters import ListOf, RealNumber
from .._inputs._row_numbers import check_row_numbers
from ..strategies import TrainingRecord
from ._look import AXES_OR_NONE, COLOURS, GREYS, axes_or_new
from ._records import SELECTOR, check_record, record_of

_MEASURES = {
    "probability": "probability of the own class",
    "loss": "loss of the own class, nats",
    "margin": "margin: logit of the own class minus the next",
}
_MOST_GROUPS, _MOST_ROWS = 40, 20
_CONSTRAINTS = {
    "measure": [StrOptions(set(_MEASURES))],
    "ax": AXES_OR_NONE,
    "bands": [ListOf(RealNumber(0, 1, closed="neither"), can_be_empty=True), None],
}


class TrainingRecordDisplay:
    """Loss, margin or probability of the own class at each visit of a training.

    A line is the median of a group of rows. A band around it holds a share of the
    group's rows. Single rows are drawn as thin lines.

    Parameters
    ----------
    record : TrainingRecord
        Such as the `record_` of a selector, or one of another training.
    groups : array-like of shape (n_rows,), default=None
        Group of each row: a class, whether it was chosen, whether its label is
        suspected. At most 40 groups. All rows are one group if None.
    measure : {"probability", "loss", "margin"}, default="probability"
        What is plotted.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the last plot.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    lines_ : dict of matplotlib.lines.Line2D
        Medians, by group.
    bands_ : dict of list of matplotlib.collections.FillBetweenPolyCollection
        Bands by group, the widest first.
    row_lines_ : dict of int to matplotlib.lines.Line2D
        Lines of single rows, by row number.

    See Also
    --------
    DataMapDisplay : Every row as a point.

    Examples
    --------
    >>> from sksvp.plotting import TrainingRecordDisplay
    >>> from sksvp.strategies import TrainingRecord
    >>> record = TrainingRecord.from_losses([[0.7, 0.7, 0.7], [0.1, 0.6, 0.9], [0.0, 0.2, 1.5]])
    >>> display = TrainingRecordDisplay(record, groups=["clean", "clean", "suspect"]).plot()  # doctest: +SKIP
    """

    @validate_params({"measure": _CONSTRAINTS["measure"]}, prefer_skip_nested_validation=True)
    def __init__(
        self, record: TrainingRecord, *, groups: ArrayLike | None = None, measure: str = "probability"
    ):
        self.record = check_record(record)
        self.groups = groups
        self.measure = measure
        record.require("margin" if measure == "margin" else "loss")
        self._members = _members(groups, record.n_rows)

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
    def from_record(
        cls,
        record: TrainingRecord,
        *,
        groups: ArrayLike | None = None,
        measure: str = "probability",
        rows: ArrayLike | None = None,
        bands: Any = None,
        ax: Any = None,
    ) -> "TrainingRecordDisplay":
        """Plot a training record.

        Parameters
        ----------
        record : TrainingRecord
            Such as the `record_` of a selector, or one of another training.
        groups : array-like of shape (n_rows,), default=None
            As of the class.
        measure : {"probability", "loss", "margin"}, default="probability"
            As of the class.
        rows : array-like of int, default=None
            As of `plot`.
        bands : sequence of float, default=None
            As of `plot`.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.

        Returns
        -------
        TrainingRecordDisplay

        Raises
        ------
        TypeError
            If `record` is no training record.
        ValueError
            If it lacks what is to be plotted, or if there is not one group for each row.
        """
        return cls(record, groups=groups, measure=measure).plot(ax, rows=rows, bands=bands)

    @classmethod
    @validate_params({**_CONSTRAINTS, "selector": SELECTOR}, prefer_skip_nested_validation=True)
    def from_selector(
        cls,
        selector,
        *,
        groups: ArrayLike | None = None,
        measure: str = "probability",
        rows: ArrayLike | None = None,
        bands: Any = None,
        ax: Any = None,
    ) -> "TrainingRecordDisplay":
        """Plot the training of a selector's proxy, by default for the rows that it chose and for the others.

        Parameters
        ----------
        selector : ProxyCoresetSelector or ProxyCoresetSampler
            A fitted one, whose proxy's training kept a record.
        groups : array-like of shape (n_rows,), default=None
            Group of each row, such as y; ``"chosen"`` and ``"left out"`` if None.
        measure : {"probability", "loss", "margin"}, default="probability"
            As of the class.
        rows : array-like of int, default=None
            As of `plot`.
        bands : sequence of float, default=None
            As of `plot`.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.

        Returns
        -------
        TrainingRecordDisplay

        Raises
        ------
        ValueError
            If the training kept no record, or if there is not one group for each row.
        """
        record = record_of(selector)
        if groups is None:
            groups = np.where(selector.get_support(), "chosen", "left out")
        return cls(record, groups=groups, measure=measure).plot(ax, rows=rows, bands=bands)

    @validate_params(
        {"ax": _CONSTRAINTS["ax"], "bands": _CONSTRAINTS["bands"]}, prefer_skip_nested_validation=True
    )
    def plot(
        self, ax: Any = None, *, rows: ArrayLike | None = None, bands: Any = None
    ) -> "TrainingRecordDisplay":
        """Plot medians, bands and single rows against the visits.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.
        rows : array-like of int, default=None
            Row numbers that get a line of their own, up to 20.
        bands : sequence of float, default=None
            Shares of the rows in the bands, such as ``(0.5, 0.9)``, which is the default
            for one group. Two and three groups have ``(0.5,)``, and more have no bands.

        Returns
        -------
        self : TrainingRecordDisplay

        Raises
        ------
        ValueError, TypeError
            If rows do not exist or are too many, or a share is not between 0 and 1.
        """
        from matplotlib.ticker import MaxNLocator

        numbers = check_row_numbers([] if rows is None else rows, self.record.n_rows)
        if len(numbers) > _MOST_ROWS:
            raise ValueError(f"rows must be at most {_MOST_ROWS} rows, got {len(numbers)}.")
        if bands is None:
            bands = {1: (0.5, 0.9), 2: (0.5,), 3: (0.5,)}.get(len(self._members), ())
        ax = axes_or_new(ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_: dict[Any, Any] = {}
        self.bands_: dict[Any, list[Any]] = {}
        visits = np.arange(1, self.record.n_visits + 1)
        shares = sorted(bands, reverse=True)
        levels = [0.5, *((1 + side * share) / 2 for share in shares for side in (-1, 1))]
        for (group, members), colour in zip(self._members.items(), self._colours(), strict=True):
            median, *edges = self._quantiles(members, levels)
            self.bands_[group] = [
                ax.fill_between(visits, low, high, color=colour, alpha=0.18, linewidth=0)
                for low, high in zip(edges[::2], edges[1::2], strict=True)
            ]
            (self.lines_[group],) = ax.plot(
                visits, median, color=colour, linewidth=2, label=f"{group} ({len(members):,} rows)"
            )
            if len(visits) == 1:
                self.lines_[group].set_marker("o")
        self.row_lines_: dict[int, Any] = {}
        for row in dict.fromkeys(numbers.tolist()):
            values = self._values(slice(None), [row])[:, 0]
            (self.row_lines_[row],) = ax.plot(visits, values, color="black", linewidth=0.8, alpha=0.6)
        ax.set(xlabel="visit of the training", ylabel=_MEASURES[self.measure])
        if self.measure != "margin":
            ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
        _name_lines(self.row_lines_)
        beside = {"loc": "upper left", "bbox_to_anchor": (1.0 + 0.08 * bool(self.row_lines_), 1.0)}
        many = len(self._members) > len(COLOURS)
        ax.legend(
            frameon=False, fontsize="small", ncols=1 + (len(self._members) > 20), **beside if many else {}
        )
        return self

    def _colours(self) -> list[Any]:
        """Return a colour for each group; rows that were left out are grey."""
        import matplotlib

        n_groups = len(self._members)
        free = iter(
            COLOURS
            if n_groups <= len(COLOURS)
            else matplotlib.colormaps["tab10"](np.arange(n_groups))
            if n_groups <= 10
            else matplotlib.colormaps["turbo"](np.linspace(0.05, 0.95, n_groups))
        )
        return [GREYS["random"] if group == "left out" else next(free) for group in self._members]

    def _quantiles(self, members: np.ndarray, levels: list[float]) -> np.ndarray:
        """Return the quantiles of a group's rows, which are values of rows, (n_levels, n_visits)."""
        visits = range(self.record.n_visits)
        values = (self._values(visit, members) for visit in visits)
        return np.stack([np.quantile(part, levels, method="inverted_cdf") for part in values], axis=1)

    def _values(self, visit: int | slice, rows: ArrayLike) -> np.ndarray:
        """Return what is plotted of some rows."""
        channel = self.record.require("margin" if self.measure == "margin" else "loss")
        values = channel[visit][..., np.asarray(rows)].astype(np.float64)
        return np.exp(-values) if self.measure == "probability" else values


def _name_lines(lines: dict[int, Any]) -> None:
    """Write the row number beside the end of each line, one above the other where lines end alike."""
    lowest = -np.inf
    for row, line in sorted(lines.items(), key=lambda item: item[1].get_ydata()[-1]):
        bottom, top = line.axes.get_ylim()
        end = line.get_ydata()[-1]
        place = max(end, lowest + 0.035 * (top - bottom))
        lowest = place
        line.axes.annotate(
            str(row),
            (line.get_xdata()[-1], place),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=7,
            va="center",
            annotation_clip=False,
        )


def _members(groups: ArrayLike | None, n_rows: int) -> dict[Any, np.ndarray]:
    """Return the row numbers of each group, sorted by the groups."""
    if groups is None:
        return {"all": np.arange(n_rows)}
    try:
        values = np.asarray(groups)
    except ValueError as error:
        raise ValueError(f"groups must be a 1-D array, one group a row: {error}") from error
    if values.shape != (n_rows,):
        raise ValueError(f"groups must have the shape ({n_rows},), one group a row, got {values.shape}.")
    missing = np.flatnonzero(missing_mask(values))
    if len(missing):
        raise ValueError(f"groups must not be missing, as of row {missing[0]}.")
    names, codes = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)
    if len(names) > _MOST_GROUPS:
        raise ValueError(
            f"groups must be at most {_MOST_GROUPS}, got {len(names)}: give some of them one name."
        )
    return {name: np.flatnonzero(codes == place) for place, name in enumerate(names.tolist())}
