"""Window choice: consecutive rows in the order of a score."""

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .._inputs._parameters import RealNumber
from ._growth import DataSize, Growth
from ._sampler import Sampler


class Window(Sampler):
    """Choose consecutive rows in the order of a score: neither the hardest nor the easiest.

    With ``start="best"`` the window is chosen by ridge regression (best window
    selection, BWS): for each start a linear classifier is fitted to the window's
    features, and the one that is right on most rows wins, the harder one of equals.

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
        Strength of the ridge penalty, on features of unit mean square.

    Notes
    -----
    The choice of the start needs features that have not seen the labels, such as
    frozen embeddings or the scaled columns of a table before a linear classifier. On
    the last hidden layer of a network that has memorised its rows every window is
    right.

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

    def __init__(self, score: Any, start: Any = "best", step: float = 0.05, alpha: float = 1.0):
        super().__init__(score)
        self.start = start
        self.step = step
        self.alpha = alpha

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that are read: the score's and, for the best start, features."""
        features = () if self._is_fixed else ("features",)
        return tuple(dict.fromkeys((*super().requires, *features)))

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
            start = min(int(self.start * len(order)), last)
        else:
            stride = max(1, int(self.step * len(order)))
            starts = np.unique([*range(0, last, stride), last])
            features = np.asarray(evidence.require("features"))[order]
            labels = np.asarray(evidence.require("y"))[order]
            start = starts[np.argmax(window_accuracies(features, labels, starts, n_samples, self.alpha))]
        return np.arange(start, start + n_samples)


def window_accuracies(
    features: np.ndarray, labels: np.ndarray, starts: np.ndarray, n_samples: int, alpha: float
) -> np.ndarray:
    """Return for each window the share of all rows on which a ridge classifier of its rows is right.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
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
    rows = features.astype(np.float64)
    rows /= np.sqrt(np.mean(rows**2)) or 1.0
    rows = np.column_stack([rows, np.ones(len(rows))])
    _, columns = np.unique(labels, return_inverse=True)
    targets = np.eye(columns.max() + 1)[columns]
    # Sums up to each border give the sums over any window.
    borders = np.unique([0, *starts, *(starts + n_samples)])
    grams = np.zeros((len(borders), rows.shape[1], rows.shape[1]))
    products = np.zeros((len(borders), rows.shape[1], targets.shape[1]))
    for place, (begin, end) in enumerate(pairwise(borders), start=1):
        part = rows[begin:end]
        grams[place] = grams[place - 1] + part.T @ part
        products[place] = products[place - 1] + part.T @ targets[begin:end]
    penalty = alpha * np.eye(rows.shape[1])
    accuracies = []
    for first, last in zip(
        np.searchsorted(borders, starts), np.searchsorted(borders, starts + n_samples), strict=True
    ):
        weights = np.linalg.solve(grams[last] - grams[first] + penalty, products[last] - products[first])
        accuracies.append(np.mean((rows @ weights).argmax(axis=1) == columns))
    return np.asarray(accuracies)
