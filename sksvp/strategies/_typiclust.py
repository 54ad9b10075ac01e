"""TypiClust: the most typical row of each cluster."""

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import validate_params

from ._growth import DataSize, Growth
from ._picking import PickingStrategy, check_table
from ._rows import check_rows
from ._strategy import check_n_samples

# As published: at most so many clusters, k-means on batches above some, neighbours of the density, and the size
# up to which a cluster is passed over.
_MAX_CLUSTERS = 500
_MAX_EXACT = 50
_N_NEIGHBORS = 20
_TOO_SMALL = 5


@validate_params({"random_state": ["random_state"]}, prefer_skip_nested_validation=False)
def typiclust(
    features: Any, n_samples: int, *, initial: ArrayLike | None = None, random_state: Any = None
) -> np.ndarray:
    """Choose the most typical row of each cluster, for the first labels of all.

    The features are scaled to unit length and put into as many clusters as there
    are labels in the end, 500 at most. The clusters with the fewest labels come
    first, of these the largest. In each, the row with the smallest mean distance to
    its nearest neighbours in the cluster is chosen.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_rows, n_features)
        Features that know the data well, such as self-supervised embeddings.
    n_samples : int
        How many rows to choose, at most the rows that are not in `initial`.
    initial : array-like of int, optional
        Row numbers that are labelled already; they are not returned.
    random_state : int, RandomState instance or None, default=None
        Starts the clusters.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Chosen row numbers in the order chosen.

    Raises
    ------
    ValueError
        For NaN or infinity, features that are not 2-D, or `n_samples` outside
        ``1 .. rows not in initial``.
    TypeError
        For row numbers that are no integers.

    References
    ----------
    Hacohen, Dekel and Weinshall, Active Learning on a Budget: Opposite Strategies
    Suit High and Low Budgets, ICML 2022. (Distances are plain ones, not squared.)

    Examples
    --------
    >>> from sksvp.strategies import typiclust
    >>> len(typiclust([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], 2, random_state=0))
    2
    """
    table = check_table(features, accept_sparse=True)
    labelled = check_rows([] if initial is None else initial, table.shape[0], "initial")
    check_n_samples(n_samples, table.shape[0] - len(labelled))
    return _pick_typical(table, n_samples, labelled, check_random_state(random_state))[0]


def _pick_typical(
    features: Any, n_samples: int, labelled: np.ndarray, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    rows, n_rows = normalize(features), features.shape[0]
    clusters = _cluster(rows, min(len(labelled) + n_samples, _MAX_CLUSTERS, n_rows), rng)
    is_free = np.ones(n_rows, dtype=bool)
    is_free[labelled] = False
    typicality = np.full(n_rows, np.nan)
    queues = {}
    for cluster in np.unique(clusters):
        members = np.flatnonzero(clusters == cluster)
        typicality[members] = _typicality(rows[members])
        free = members[is_free[members]]
        if len(free):
            queues[cluster] = free[np.argsort(-typicality[free], kind="stable")].tolist()
    sizes = np.bincount(clusters)
    n_labels = np.bincount(clusters[labelled], minlength=len(sizes))
    picks: list[int] = []
    while len(picks) < n_samples:
        # Small clusters are passed over as long as there are others.
        large = [cluster for cluster in queues if sizes[cluster] > _TOO_SMALL] or list(queues)
        cluster = min(large, key=lambda one: (n_labels[one], -sizes[one], one))
        picks.append(queues[cluster].pop(0))
        n_labels[cluster] += 1
        if not queues[cluster]:
            del queues[cluster]
    return np.array(picks, dtype=np.intp), typicality


def _cluster(rows: Any, n_clusters: int, rng: np.random.RandomState) -> np.ndarray:
    kind = KMeans if n_clusters <= _MAX_EXACT else MiniBatchKMeans
    # Identical rows can leave fewer clusters than asked for, which harms nothing.
    n_clusters = _count_distinct(rows, n_clusters)
    return kind(n_clusters, n_init=1, random_state=rng).fit_predict(rows)


def _count_distinct(rows: Any, enough: int) -> int:
    """Count the distinct rows, as far as `enough`."""
    n_rows = 2 * enough
    while (n_distinct := _count_all_distinct(rows[:n_rows])) < enough and n_rows < rows.shape[0]:
        n_rows *= 8
    return min(n_distinct, enough)


def _count_all_distinct(rows: Any) -> int:
    if not sparse.issparse(rows):
        return len(np.unique(rows, axis=0))
    rows.sort_indices()
    return len(
        {
            (rows.indices[start:end].tobytes(), rows.data[start:end].tobytes())
            for start, end in pairwise(rows.indptr)
        }
    )


def _typicality(rows: Any) -> np.ndarray:
    n_rows = rows.shape[0]
    n_neighbors = min(_N_NEIGHBORS, max(1, n_rows // 2))
    if n_rows == 1:
        return np.array([np.inf])
    # Without arguments, kneighbors leaves the row itself out.
    distances, _ = NearestNeighbors(n_neighbors=min(n_neighbors, n_rows - 1)).fit(rows).kneighbors()
    with np.errstate(divide="ignore"):
        return 1.0 / distances.mean(axis=1)


class TypiClust(PickingStrategy):
    """Choose the most typical row of each cluster of the features, for the first labels of all.

    It is made for a few labels per class and good features. With more than about ten
    labels per class, `Margin` and `BADGE` do better. `scores_` hold the typicality, one
    over the mean distance to the nearest neighbours in the cluster.

    Parameters
    ----------
    scale : bool, default=False
        Whether every feature is scaled to unit variance before, for columns of a table
        in units of their own.

    See Also
    --------
    typiclust : The same on arrays of features.

    References
    ----------
    Hacohen, Dekel and Weinshall, Active Learning on a Budget: Opposite Strategies
    Suit High and Low Budgets, ICML 2022.
    """

    requires = ("features",)
    _parameter_constraints: ClassVar[dict] = {"scale": ["boolean"]}

    def __init__(self, scale: bool = False):
        self.scale = scale

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: k-means, then all pairs of rows of a cluster."""
        n_clusters = min(size.n_samples, _MAX_CLUSTERS)
        rows = size.n_rows * size.n_features
        means = rows * n_clusters
        # k-means of either kind, which outweighs the pairs of rows in each cluster, and calls for each cluster.
        return Growth(
            (
                means * (n_clusters <= _MAX_EXACT),
                means * (n_clusters > _MAX_EXACT),
                n_clusters,
            ),
            12 * rows + 96 * size.n_rows,
        )

    def _pick(self, evidence, pool, initial, n_samples, rng) -> tuple[np.ndarray, np.ndarray]:
        known = np.sort(np.concatenate([pool, initial]))
        features = check_table(evidence.require("features"), accept_sparse=True)[known]
        if self.scale:
            features = StandardScaler(with_mean=not sparse.issparse(features)).fit_transform(features)
        rows, typicality = _pick_typical(features, n_samples, np.searchsorted(known, initial), rng)
        return np.searchsorted(pool, known[rows]), typicality[np.searchsorted(known, pool)]
