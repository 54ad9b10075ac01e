"""D2: hard rows of dense regions, no two alike."""

import heapq
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_array

from .._inputs._parameters import RealNumber, WholeNumber
from .._inputs._shares import exact_share
from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._picking import check_table
from ._rows import naming
from ._sampler import Sampler
from ._strategy import ScoredStrategy


def d2(
    features: Any,
    n_samples: int,
    *,
    scores: ArrayLike | None = None,
    n_neighbors: int = 5,
    gamma: float = 0.1,
    hardest_dropped: float = 0.0,
    random_state: Any = None,
) -> np.ndarray:
    """Choose rows by a score that neighbours add to, and that each pick takes from its neighbours (D2 pruning).

    The rows are joined to their nearest neighbours. Each row's value is its score plus
    its neighbours' scores, weighted by nearness. Then the row of the highest value is
    picked, and its value, weighted by nearness, is taken from its neighbours' values.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_rows, n_features)
        Features.
    n_samples : int
        How many rows to choose.
    scores : array-like of shape (n_rows,), optional
        Score of each row; the highest is the hardest. Negative scores are counted from
        the lowest. Without them every row counts the same, and dense regions come
        first.
    n_neighbors : int, default=5
        Neighbours of each row; two rows are joined where either is a neighbour of the
        other.
    gamma : float, default=0.1
        How far a pick reaches: the weight of a neighbour is ``exp(-gamma * distance)``.
    hardest_dropped : float, default=0.0
        Share of the rows, those of the highest score, that are dropped before.
    random_state : int, RandomState instance or None, default=None
        Draws the order of rows with equal scores.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Chosen row numbers, the highest score first.

    Raises
    ------
    ValueError
        For NaN or infinity in the features, NaN in the scores, arrays that do not fit
        together, or `n_samples` outside ``1 .. n_rows``.

    References
    ----------
    Maharana, Yadav and Bansal, D2 Pruning: Message Passing for Balancing Diversity
    and Difficulty in Data Pruning, ICLR 2024.

    Examples
    --------
    >>> from sksvp.strategies import d2
    >>> d2([[0.0], [0.1], [9.0]], 1, scores=[1.0, 2.0, 1.0], n_neighbors=1).tolist()
    [1]
    """
    table = check_table(features, accept_sparse=True)
    score = None if scores is None else _Given(scores)
    strategy = D2(score, n_neighbors, gamma, hardest_dropped)
    return strategy.rank(Evidence(features=table), n_samples, random_state=random_state)[0]


class _Given(ScoredStrategy):
    """Scores that are known already, or the same one for all rows."""

    def __init__(self, scores: Any = None):
        self.scores = scores

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        if self.scores is None:
            return np.ones(len(rows))
        with naming("scores"):
            values = check_array(self.scores, ensure_2d=False, ensure_all_finite=False, dtype=np.float64)
        if values.shape != (evidence.n_rows,):
            raise ValueError(f"scores must have the shape ({evidence.n_rows},), got {values.shape}.")
        return values[rows]


class D2(Sampler):
    """Choose rows by a score that neighbours add to, and that each pick takes from its neighbours (D2 pruning).

    The rows are joined to their nearest neighbours. Each row's value is its score plus
    its neighbours' scores, weighted by nearness. Then the row of the highest value is
    picked, and its value, weighted by nearness, is taken from its neighbours' values.

    Parameters
    ----------
    score : str, strategy or None, default="aum"
        What scores the rows. Negative scores are counted from the lowest. With None
        every row counts the same, so that features are enough: dense regions come
        first.
    n_neighbors : int, default=5
        Neighbours of each row; two rows are joined where either is a neighbour of the
        other.
    gamma : float, default=0.1
        How far a pick reaches: the weight of a neighbour is ``exp(-gamma * distance)``.
    hardest_dropped : float, default=0.0
        Share of the rows, those of the highest score, that are dropped before.
    drop_label_issues : bool or float, default=False
        Whether rows whose label is doubtful are left out before; see `Sampler`.

    See Also
    --------
    d2 : The same on arrays.

    References
    ----------
    Maharana, Yadav and Bansal, D2 Pruning: Message Passing for Balancing Diversity
    and Difficulty in Data Pruning, ICLR 2024.
    """

    _parameter_constraints: ClassVar[dict] = {
        **Sampler._parameter_constraints,
        "score": [*Sampler._parameter_constraints["score"], None],
        "n_neighbors": [WholeNumber(1)],
        "gamma": [RealNumber(0, None, closed="left")],
        "hardest_dropped": [RealNumber(0, 1, closed="left")],
    }

    def __init__(
        self,
        score: Any = "aum",
        n_neighbors: int = 5,
        gamma: float = 0.1,
        hardest_dropped: float = 0.0,
        *,
        drop_label_issues: bool | float = False,
    ):
        super().__init__(score, drop_label_issues=drop_label_issues)
        self.n_neighbors = n_neighbors
        self.gamma = gamma
        self.hardest_dropped = hardest_dropped

    def _scorer(self) -> Any:
        return _Given() if self.score is None else super()._scorer()

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that are read: the score's and features."""
        return tuple(dict.fromkeys((*super().requires, "features")))

    def growth(self, size: DataSize) -> Growth | None:
        """Return how time and memory grow: the neighbours are found by comparing all pairs of rows."""
        law = super().growth(size)
        pairs = size.n_rows * self.n_neighbors
        # Copies of the features; pairs in both directions, sorted; and the heap, an entry a row and a change.
        memory = 4 * size.n_rows * size.n_features + 96 * pairs + 150 * (size.n_rows + size.n_samples)
        return law and Growth(
            (*law.terms, size.n_rows**2 * size.n_features, pairs * 10.0), law.memory + memory
        )

    def _sample(self, evidence, order, scores, n_samples, rng) -> np.ndarray:
        n_dropped = min(math.floor(exact_share(self.hardest_dropped, len(order))), len(order) - n_samples)
        left = np.arange(n_dropped, len(order))
        distances = neighbour_distances(
            check_table(evidence.require("features"), accept_sparse=True)[order[left]], self.n_neighbors
        )
        heights = scores[left] - min(scores[left].min(), 0.0)
        return left[pick_by_messages(heights, distances, n_samples, self.gamma)]


def neighbour_distances(features: Any, n_neighbors: int) -> sparse.csr_array:
    """Return the distances of joined rows, symmetric, with an explicit 0 for equal ones."""
    n_rows = features.shape[0]
    n_neighbors = min(n_neighbors, n_rows - 1)
    if n_neighbors == 0:
        return sparse.csr_array((n_rows, n_rows))
    lengths, places = NearestNeighbors(n_neighbors=n_neighbors).fit(features).kneighbors()
    first = np.repeat(np.arange(n_rows), n_neighbors)
    second, lengths = places.ravel(), lengths.ravel()
    # Each pair once in either direction: a pair that was found twice has the same length.
    keys = np.concatenate([first * n_rows + second, second * n_rows + first])
    pairs, kept = np.unique(keys, return_index=True)
    rows, columns = np.divmod(pairs, n_rows)
    return sparse.csr_array((lengths[kept % len(lengths)], (rows, columns)), shape=(n_rows, n_rows))


def pick_by_messages(
    scores: np.ndarray, distances: sparse.csr_array, n_samples: int, gamma: float
) -> np.ndarray:
    """Pick the highest value time and again, and lower the values of each pick's neighbours.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
    distances : sparse array of shape (n_rows, n_rows)
        Of joined rows.
    n_samples : int
        Picks.
    gamma : float
        See `D2`.

    Returns
    -------
    ndarray of shape (n_samples,), int
    """
    starts, neighbours = distances.indptr, distances.indices
    values = scores.astype(np.float64)
    values += np.bincount(
        np.repeat(np.arange(len(scores)), np.diff(starts)),
        weights=np.exp(-distances.data) * scores[neighbours],
        minlength=len(scores),
    )
    weights = np.exp(-gamma * distances.data)
    heap = [(-value, row) for row, value in enumerate(values)]
    heapq.heapify(heap)
    is_picked = np.zeros(len(scores), dtype=bool)
    picks: list[int] = []
    while len(picks) < n_samples:
        value, row = heapq.heappop(heap)
        if is_picked[row] or -value != values[row]:
            # An old entry: the row's value has fallen since, and stands in the heap as well.
            continue
        is_picked[row] = True
        picks.append(row)
        for place in range(starts[row], starts[row + 1]):
            other = neighbours[place]
            if not is_picked[other]:
                values[other] -= weights[place] * values[row]
                heapq.heappush(heap, (-values[other], other))
    return np.array(picks, dtype=np.intp)
