"""Herding: rows whose mean stays near the mean of all."""

from typing import Any, ClassVar

import numpy as np
from sklearn.preprocessing import normalize as unit_length

from ._growth import DataSize, Growth
from ._picking import PickingStrategy, check_table, pick_by_class
from ._strategy import check_n_samples


def herding(features: Any, n_samples: int) -> np.ndarray:
    """Choose rows one after the other so that their mean stays as near as can be to the mean of all.

    Parameters
    ----------
    features : array-like of shape (n_rows, n_features)
        Features. Scale them to unit length where long rows should not come first.
    n_samples : int
        How many rows to choose.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Chosen row numbers in the order chosen, each once; ties to the lowest row.

    Raises
    ------
    ValueError
        For NaN or infinity, features that are not 2-D, or `n_samples` outside
        ``1 .. n_rows``.
    TypeError
        For sparse features.

    References
    ----------
    Welling, Herding Dynamical Weights to Learn, ICML 2009; by class: Rebuffi et al.,
    iCaRL, CVPR 2017.

    Examples
    --------
    >>> from sksvp.strategies import herding
    >>> herding([[0.0], [4.0], [5.0], [9.0]], 2).tolist()
    [1, 2]
    """
    table = check_table(features)
    check_n_samples(n_samples, len(table))
    return _herd(table, n_samples)[0]


def _herd(features: np.ndarray, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    rows = features.astype(np.float64)
    mean = rows.mean(axis=0)
    rows -= mean
    # In coordinates around the mean, the next row is the one nearest to minus the sum of those chosen.
    half_squares = np.einsum("ij,ij->i", rows, rows) / 2.0
    total = np.zeros(rows.shape[1])
    is_left = np.ones(len(rows), dtype=bool)
    picks = np.empty(n_samples, dtype=np.intp)
    distances = np.full(len(rows), np.nan)
    for place in range(n_samples):
        nearness = np.where(is_left, -(rows @ total) - half_squares, -np.inf)
        picks[place] = pick = nearness.argmax()
        is_left[pick] = False
        total += rows[pick]
        distances[pick] = np.linalg.norm(total) / (place + 1)
    return picks, -distances


class Herding(PickingStrategy):
    """Choose rows whose mean feature stays near the mean of their class.

    `scores_` hold the negated distance of the means after each pick.

    Parameters
    ----------
    normalize : bool, default=True
        Whether to scale the features to unit length first; else long rows come first.

    See Also
    --------
    herding : The same on arrays of features.

    References
    ----------
    Welling, Herding Dynamical Weights to Learn, ICML 2009; by class: Rebuffi et al.,
    iCaRL, CVPR 2017.
    """

    requires = ("features",)
    _parameter_constraints: ClassVar[dict] = {"normalize": ["boolean"]}

    def __init__(self, normalize: bool = True):
        self.normalize = normalize

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: each pick compares all rows of its class."""
        one = size.of_class()
        return Growth(
            (size.n_rows * size.n_features, size.n_classes * one.n_rows * one.n_samples * size.n_features),
            24 * one.n_rows * size.n_features + 48 * size.n_rows,
            is_by_class=True,
        )

    def _pick(self, evidence, pool, initial, n_samples, rng) -> tuple[np.ndarray, np.ndarray]:
        table = check_table(evidence.require("features"), allow_half=True)
        labels = None if evidence.y is None or len(initial) else np.asarray(evidence.y)[pool]

        def pick(members: np.ndarray, quota: int) -> tuple[np.ndarray, np.ndarray]:
            rows = table[pool[members]]
            return _herd(unit_length(rows) if self.normalize else rows, quota)

        return pick_by_class(labels, n_samples, len(pool), pick)
