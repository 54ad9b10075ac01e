"""Moderate: rows at a middling distance from the centre of their class."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._picking import PickingStrategy, check_classes, check_table
from ._strategy import growth_of_scores


def centre_distances(features: Any, y: ArrayLike) -> np.ndarray:
    """Compute the distance of each row to the median of its class.

    Parameters
    ----------
    features : array-like of shape (n_rows, n_features)
        Features.
    y : array-like of shape (n_rows,)
        Labels.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        Euclidean distance to the median of the class, taken column by column.

    Raises
    ------
    ValueError
        For NaN or infinity, features that are not 2-D, or labels of another length.
    TypeError
        For sparse features that are too large to be made dense.

    Examples
    --------
    >>> from sksvp.strategies import centre_distances
    >>> centre_distances([[0.0], [1.0], [5.0]], ["a", "a", "a"]).tolist()
    [1.0, 0.0, 4.0]
    """
    table = check_table(features)
    labels = check_classes(y, len(table))
    distances = np.empty(len(table))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rows = table[members].astype(np.float64)
        distances[members] = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
    return distances


def moderate(features: Any, n_samples: int, y: ArrayLike, *, random_state: Any = None) -> np.ndarray:
    """Choose the rows whose distance from the centre of their class is nearest to the median of such distances.

    All distances are put in one order, and the rows in the middle of it are chosen.

    Parameters
    ----------
    features : array-like of shape (n_rows, n_features)
        Features.
    n_samples : int
        How many rows to choose.
    y : array-like of shape (n_rows,)
        Labels.
    random_state : int, RandomState instance or None, default=None
        Draws the order of equal distances.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Chosen row numbers, those nearest to the middle first.

    Raises
    ------
    ValueError
        For NaN or infinity, features that are not 2-D, labels of another length, or
        `n_samples` outside ``1 .. n_rows``.
    TypeError
        For sparse features that are too large to be made dense.

    References
    ----------
    Xia et al., Moderate Coreset: A Universal Method of Data Selection for Real-world
    Data-efficient Deep Learning, ICLR 2023.

    Examples
    --------
    >>> from sksvp.strategies import moderate
    >>> moderate([[0.0], [1.0], [2.0], [9.0], [3.5]], 1, ["a"] * 5).tolist()
    [4]
    """
    table = check_table(features)
    evidence = Evidence(features=table, y=check_classes(y, len(table)))
    return Moderate().rank(evidence, n_samples, random_state=random_state)[0]


class Moderate(PickingStrategy):
    """Choose the rows whose distance from the centre of their class is nearest to the median distance.

    They are neither typical nor odd, which is robust to wrong labels and damaged
    rows. `scores_` hold the negated number of places between a row and the middle of
    the order of distances.

    See Also
    --------
    moderate : The same on arrays.
    centre_distances : The distances.

    References
    ----------
    Xia et al., Moderate Coreset: A Universal Method of Data Selection for Real-world
    Data-efficient Deep Learning, ICLR 2023.
    """

    requires = ("features",)
    needs_labels = True

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: the median of each column of a class, then an order of the rows."""
        law = growth_of_scores((), size)
        rows = size.n_rows * size.n_features
        return Growth((rows, *law.terms), law.memory + 24 * rows / size.n_classes)

    def _pick(self, evidence, pool, initial, n_samples, rng) -> tuple[np.ndarray, np.ndarray]:
        distances = centre_distances(evidence.require("features"), evidence.require("y"))[pool]
        shuffled = rng.permutation(len(pool))
        order = shuffled[np.argsort(distances[shuffled], kind="stable")]
        scores = np.empty(len(pool))
        scores[order] = -np.abs(np.arange(len(pool)) - (len(pool) - 1) / 2.0)
        return order[np.argsort(-scores[order], kind="stable")[:n_samples]], scores
