"""Cluster-margin: unsure rows out of many clusters."""

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._parameters import WholeNumber
from ._average_linkage import CELL_ROWS, average_linkage
from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._margin import uncertainty
from ._picking import PickingStrategy, check_table


def cluster_margin(
    probabilities: ArrayLike,
    features: Any,
    n_samples: int,
    *,
    initial: ArrayLike | None = None,
    n_candidates: int = 10,
    cluster_size: int = 10,
    random_state: Any = None,
) -> np.ndarray:
    """Choose rows of small margin out of as many clusters as can be, for large batches.

    The rows with the smallest margins between their two most probable classes are the
    candidates. They are taken cluster by cluster in turn, the smallest cluster first,
    one random row each time. See `ClusterMargin` for the clusters.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities.
    features : array-like of shape (n_rows, n_features)
        Features, which are put into clusters. A sparse matrix that takes 1 GiB at most
        is made dense.
    n_samples : int
        How many rows to choose, at most the rows that are not in `initial`.
    initial : array-like of int, optional
        Row numbers that are labelled already: never chosen, and in no cluster.
    n_candidates : int, default=10
        Candidates per row that is chosen.
    cluster_size : int, default=10
        Mean number of rows in a cluster.
    random_state : int, RandomState instance or None, default=None
        Draws.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Chosen row numbers in the order chosen.

    Raises
    ------
    ValueError
        For NaN or infinity, arrays that do not fit together, or `n_samples` outside
        ``1 .. rows not in initial``.
    TypeError
        For larger sparse features, or row numbers that are no integers.

    References
    ----------
    Citovsky et al., Batch Active Learning at Scale, NeurIPS 2021.

    Examples
    --------
    >>> from sksvp.strategies import cluster_margin
    >>> p = [[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]]
    >>> cluster_margin(p, [[1.0], [2.0], [3.0]], 1, n_candidates=1, random_state=0).tolist()
    [0]
    """
    evidence = Evidence(probabilities=probabilities, features=features)
    strategy = ClusterMargin(n_candidates, cluster_size)
    return strategy.rank(evidence, n_samples, initial=initial, random_state=random_state)[0]


class ClusterMargin(PickingStrategy):
    """Choose rows of small margin out of as many clusters as can be, for large batches.

    The rows with the smallest margins are the candidates. They are taken cluster by
    cluster in turn, the smallest cluster first, one random row each time. `scores_`
    hold one minus the margin.

    The clusters are agglomerative, with average linkage, as published: the two of the
    smallest mean distance are joined until ``n_rows // cluster_size`` are left, which
    stands for the authors' threshold of the distance. Above 2,000 rows this is an
    approximation. The rows are cut into cells of at most so many, each in two halves
    along its first principal component, and rows of different cells are not joined.
    Time grows with the rows, no longer with their square.

    Parameters
    ----------
    n_candidates : int, default=10
        Candidates per row that is chosen.
    cluster_size : int, default=10
        Mean number of rows in a cluster.

    See Also
    --------
    cluster_margin : The same on arrays.

    References
    ----------
    Citovsky et al., Batch Active Learning at Scale, NeurIPS 2021.
    """

    requires = ("probabilities", "features")
    _parameter_constraints: ClassVar[dict] = {
        "n_candidates": [WholeNumber(1)],
        "cluster_size": [WholeNumber(1)],
    }

    def __init__(self, n_candidates: int = 10, cluster_size: int = 10):
        self.n_candidates = n_candidates
        self.cluster_size = cluster_size

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: all pairs of rows of a cell, and the cuts into cells."""
        n_cuts = max(0, math.ceil(math.log2(size.n_rows / CELL_ROWS)))
        cell, rows = size.n_rows / 2**n_cuts, size.n_rows * size.n_features
        return Growth(
            (size.n_rows * cell, rows * cell, rows * n_cuts),
            8 * cell**2 + 8 * cell * size.n_features + 150 * size.n_rows,
        )

    def _pick(
        self,
        evidence: Evidence,
        pool: np.ndarray,
        initial: np.ndarray,
        n_samples: int,
        rng: np.random.RandomState,
    ) -> tuple[np.ndarray, np.ndarray]:
        features = check_table(evidence.require("features"))
        scores = uncertainty(evidence, pool)
        shuffled = rng.permutation(len(pool))
        least_sure = shuffled[np.argsort(-scores[shuffled], kind="stable")]
        candidates = least_sure[: self.n_candidates * n_samples]
        n_clusters = max(1, len(pool) // self.cluster_size)
        rows = features if len(pool) == len(features) else features[pool]
        clusters = average_linkage(rows, n_clusters, rng)[candidates]
        # The turn at which a candidate would be taken is its place, at random, within its cluster.
        mixed = rng.permutation(len(candidates))
        by_cluster = mixed[np.argsort(clusters[mixed], kind="stable")]
        ordered = clusters[by_cluster]
        turns = np.empty(len(candidates), dtype=np.intp)
        turns[by_cluster] = np.arange(len(candidates)) - np.searchsorted(ordered, ordered)
        sizes = np.bincount(clusters)[clusters]
        return candidates[np.lexsort((clusters, sizes, turns))[:n_samples]], scores
