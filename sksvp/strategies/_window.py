"""Window choice: consecutive rows in the order of a score."""

import math
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .._inputs._parameters import RealNumber
from .._inputs._shares import exact_share
from ._growth import DataSize, Growth
from ._picking import check_table
from ._sampler import Sampler

# The normal equations hold the square of it: 128 MiB.
_MAX_WIDTH = 4096


class Window(Sampler):
    """Choose consecutive rows in the order of a score: neither the hardest nor the easiest.

    With ``start="best"`` the window is chosen by ridge regression (best window
    selection, BWS): for each start a linear classifier is fitted to the window's
    inputs, and the one that is right on most rows wins, the harder one of equals.

    Parameters
    ----------
    score : str or strategy
        What scores the rows.
    start : "best" or float, default="best"
        Share of the rows, the hardest ones, before the window. A start that leaves
        too few rows is moved to the last possible.
    step : float, default=0.05
        Distance of the starts that are tried, as a share of the rows.
    alpha : float, default=1.0
        Strength of the ridge penalty, on inputs of unit mean square.
    drop_label_issues : bool or float, default=False
        Whether rows whose label is doubtful are left out before; see `Sampler`.

    Notes
    -----
    The inputs are features that have not seen the labels: the rows themselves, or
    what the steps of a Pipeline before its classifier make of them without labels.
    (The authors took the last hidden layer. Of a network that has memorised its rows
    it separates the classes whatever the window is, and the choice fails.) They may be
    4,096 columns wide.

    References
    ----------
    Choi, Ki and Chung, BWS: Best Window Selection Based on Sample Scores for Data
    Pruning across Broad Ranges, ICML 2024.
    """

    _parameter_constraints: ClassVar[dict] = {
        **Sampler._parameter_constraints,
        "start": [StrOptions({"best"}), RealNumber(0, 1, closed="left")],
        "step": [RealNumber(0, 1, closed="right")],
        "alpha": [RealNumber(0, None, closed="neither")],
    }

    def __init__(
        self,
        score: Any,
        start: Any = "best",
        step: float = 0.05,
        alpha: float = 1.0,
        *,
        drop_label_issues: bool | float = False,
    ):
        super().__init__(score, drop_label_issues=drop_label_issues)
        self.start = start
        self.step = step
        self.alpha = alpha

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that are read: the score's and, for the best start, inputs."""
        inputs = () if self._is_fixed else ("inputs",)
        return tuple(dict.fromkeys((*super().requires, *inputs)))

    @property
    def needs_labels(self) -> bool:  # type: ignore[override]
        """Whether the score or the choice of the start reads the labels."""
        return not self._is_fixed or super().needs_labels

    @property
    def _is_fixed(self) -> bool:
        return not isinstance(self.start, str)

    def growth(self, size: DataSize) -> Growth | None:
        """Return how time and memory grow: for each start a product and a solution of the features' columns."""
        law = super().growth(size)
        if law is None or self._is_fixed:
            return law
        width, n_starts = size.n_features + 1, 1 / self.step
        work = size.n_rows * width * (width + n_starts * size.n_classes) + n_starts * width**3
        return Growth((*law.terms, work), law.memory + 8 * n_starts * width * (width + size.n_classes))

    def _sample(self, evidence, order, scores, n_samples, rng) -> np.ndarray:
        last = len(order) - n_samples
        if self._is_fixed:
            start = min(math.floor(exact_share(self.start, len(order))), last)
        else:
            stride = max(1, math.floor(exact_share(self.step, len(order))))
            starts = np.unique([*range(0, last, stride), last])
            inputs = check_inputs(evidence.require("inputs"))[order]
            labels = np.asarray(evidence.require("y"))[order]
            start = starts[np.argmax(window_accuracies(inputs, labels, starts, n_samples, self.alpha))]
        return np.arange(start, start + n_samples)


def check_inputs(inputs: Any) -> np.ndarray:
    """Return inputs as a dense array that is narrow enough for the normal equations of a ridge regression."""
    if np.ndim(inputs) == 2 and np.shape(inputs)[1] > _MAX_WIDTH:
        raise ValueError(
            f"inputs must have {_MAX_WIDTH} columns at most for Window(start='best'), got {np.shape(inputs)[1]}: add a "
            "step that reduces them before the classifier, such as TruncatedSVD(128), or give start as a share."
        )
    return check_table(inputs, name="inputs")


def window_accuracies(
    inputs: np.ndarray, labels: np.ndarray, starts: np.ndarray, n_samples: int, alpha: float
) -> np.ndarray:
    """Return for each window the share of all rows on which a ridge classifier of its rows is right.

    Parameters
    ----------
    inputs : ndarray of shape (n_rows, n_inputs)
        In the order of the score.
    labels : ndarray of shape (n_rows,)
    starts : ndarray of int, ascending
        First row of each window.
    n_samples : int
        Rows of a window.
    alpha : float
        Ridge penalty.

    Returns
    -------
    ndarray of shape (len(starts),), float64
    """
    rows = inputs.astype(np.float64)
    rows /= np.sqrt(np.mean(rows**2)) or 1.0
    rows = np.column_stack([rows, np.ones(len(rows))])
    _, columns = np.unique(labels, return_inverse=True)
    targets = np.eye(columns.max() + 1)[columns]

    def sums(part: slice) -> tuple[np.ndarray, np.ndarray]:
        return rows[part].T @ rows[part], rows[part].T @ targets[part]

    gram, products = sums(slice(starts[0], starts[0] + n_samples))
    gram += alpha * np.eye(rows.shape[1])
    accuracies = []
    # Each window differs from the one before by the rows that it leaves and those that it enters.
    for before, start in zip([starts[0], *starts[:-1]], starts, strict=True):
        ends = before + n_samples, start + n_samples
        for sign, part in (
            (-1.0, slice(before, min(start, ends[0]))),
            (1.0, slice(max(ends[0], start), ends[1])),
        ):
            change, other = sums(part)
            gram += sign * change
            products += sign * other
        weights = np.linalg.solve(gram, products)
        accuracies.append(np.mean((rows @ weights).argmax(axis=1) == columns))
    return np.asarray(accuracies)
