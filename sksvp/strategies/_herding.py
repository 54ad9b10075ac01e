"""Herding: rows whose mean stays near the mean of all."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.preprocessing import normalize as unit_length

from .._inputs._tables import as_floats
from ._growth import DataSize, Growth
from ._picking import (
    PickingStrategy,
    as_vector,
    check_classes,
    check_table,
    pick_by_class,
    squared_lengths,
)
from ._rows import check_candidates
from ._strategy import check_n_samples


def herding(
    features: Any, n_samples: int, *, y: ArrayLike | None = None, initial: ArrayLike | None = None
) -> np.ndarray:
    """Choose rows one after the other so that their mean stays as near as can be to the mean of all.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_rows, n_features)
        Features. Scale them to unit length where long rows should not come first.
    n_samples : int
        How many rows to choose, at most the rows that are not in `initial`.
    y : array-like of shape (n_rows,), optional
        Labels. With them the rows are chosen within each class, in proportion to its
        size, and their mean stays near the mean of the class.
    initial : array-like of int, optional
        Row numbers that are left out of the choice and of the mean.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Chosen row numbers in the order chosen, each once; ties to the lowest row.

    Raises
    ------
    ValueError
        For NaN or infinity, features that are not 2-D, labels of another length, or
        `n_samples` outside ``1 .. rows not in initial``.
    TypeError
        For row numbers that are no integers.

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
    table = check_table(features, accept_sparse=True, accept_half=True)
    pool = check_candidates(table.shape[0], None, initial)
    check_n_samples(n_samples, len(pool))
    labels = None if y is None else check_classes(y, table.shape[0])
    return pool[_herd_by_class(table, labels, pool, n_samples)[0]]


def _herd_by_class(
    features: Any, labels: np.ndarray | None, pool: np.ndarray, n_samples: int, *, normalize: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places in `pool` that are picked, and their values; features and labels are of all rows."""

    def pick(members: np.ndarray, quota: int) -> tuple[np.ndarray, np.ndarray]:
        rows = as_floats(features[pool[members]])
        return _herd(unit_length(rows) if normalize else rows, quota)

    return pick_by_class(None if labels is None else labels[pool], n_samples, len(pool), pick)


def _herd(features: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    rows = features.astype(np.float64)
    mean = np.asarray(rows.mean(axis=0)).ravel()
    # In coordinates around the mean, the next row is the one nearest to minus the sum of those chosen.
    if sparse.issparse(rows):
        # Sparse rows stay where they are; the mean is taken from their products instead.
        shift = mean
        half_squares = (squared_lengths(rows) - 2.0 * (rows @ mean) + mean @ mean) / 2.0
    else:
        rows -= mean
        shift = np.zeros_like(mean)
        half_squares = np.einsum("ij,ij->i", rows, rows) / 2.0
    total = np.zeros(rows.shape[1])
    is_left = np.ones(rows.shape[0], dtype=bool)
    picks = np.empty(n_samples, dtype=np.intp)
    distances = np.full(rows.shape[0], np.nan)
    for place in range(n_samples):
        nearness = np.where(is_left, shift @ total - rows @ total - half_squares, -np.inf)
        picks[place] = pick = nearness.argmax()
        is_left[pick] = False
        total += as_vector(rows[pick]) - shift
        distances[pick] = np.linalg.norm(total) / (place + 1)
    return picks, -distances


class Herding(PickingStrategy):
    """Choose rows whose mean feature stays near the mean of their class.

    Without labels it is the mean of all rows. `scores_` hold the negated distance of the means after each pick.

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
        features = check_table(evidence.require("features"), accept_sparse=True, accept_half=True)
        labels = None if evidence.y is None or len(initial) else np.asarray(evidence.y)
        return _herd_by_class(features, labels, pool, n_samples, normalize=self.normalize)
