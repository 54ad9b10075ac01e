"""Cluster-margin: unsure rows out of many clusters."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.cluster import MiniBatchKMeans

from .._inputs._parameters import WholeNumber
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
    one random row each time.

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
        Starts the clusters and draws.

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

    Parameters
    ----------
    n_candidates : int, default=10
        Candidates per row that is chosen.
    cluster_size : int, default=10
        Mean number of rows in a cluster. The clusters are those of mini-batch
        k-means; the authors' are agglomerative, which does not scale.

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
        """Return how time and memory grow: k-means with a number of clusters in proportion to the rows."""
        n_clusters = max(1, size.n_rows // self.cluster_size)
        rows = size.n_rows * size.n_features
        return Growth((rows * n_clusters,), 8 * rows + 8 * n_clusters * size.n_features + 64 * size.n_rows)

    def _pick(
        self,
        evidence: Evidence,
        pool: np.ndarray,
        initial: np.ndarray,
        n_samples: int,
        rng: np.random.RandomState,
    ) -> tuple[np.ndarray, np.ndarray]:
        features = check_table(evidence.require("features"))[pool]
        scores = uncertainty(evidence, pool)
        shuffled = rng.permutation(len(pool))
        least_sure = shuffled[np.argsort(-scores[shuffled], kind="stable")]
        candidates = least_sure[: self.n_candidates * n_samples]
        n_clusters = max(1, len(pool) // self.cluster_size)
        clusters = MiniBatchKMeans(n_clusters, n_init=1, random_state=rng).fit_predict(features)[candidates]
        # The turn at which a candidate would be taken is its place, at random, within its cluster.
        mixed = rng.permutation(len(candidates))
        by_cluster = mixed[np.argsort(clusters[mixed], kind="stable")]
        ordered = clusters[by_cluster]
        turns = np.empty(len(candidates), dtype=np.intp)
        turns[by_cluster] = np.arange(len(candidates)) - np.searchsorted(ordered, ordered)
        sizes = np.bincount(clusters)[clusters]
        return candidates[np.lexsort((clusters, sizes, turns))[:n_samples]], scores
