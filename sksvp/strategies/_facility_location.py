"""Facility location: rows that stand for the others."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.utils import check_array
from sklearn.utils._param_validation import StrOptions, validate_params

from ._cartography import confidence
from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._margin import uncertainty
from ._picking import (
    PickingStrategy,
    check_classes,
    check_table,
    pick_by_class,
    squared_lengths,
)
from ._rows import check_candidates, check_rows, naming
from ._strategy import check_n_samples
from ._training_record import TrainingRecord

# Bytes of similarities that are kept: of all rows, or of those that were looked at last.
_MAX_BYTES = 2**30
# Rows of which the similarities are computed at once: enough for a fast product of matrices.
_TILE = 64
# Gains that differ by less, relative to the first, are equal; the lowest row is picked. Two rows that would
# cover each other have equal gains, so that ties are common.
_TIE = 1e-10
# Squared distances below, relative to the largest squared length, are rounding: the rows are equal.
_EQUAL = 1e-12
# Sparse features of which more than this part is filled are made dense, which is faster then.
_FILLED = 1 / 8
# What the weights of rows are made of.
_WEIGHED_BY = {None: (), "margin": ("probabilities",), "confidence": ("training_record",)}


@validate_params(
    {
        "features": "no_validation",
        "n_samples": "no_validation",
        "y": ["array-like", None],
        "weights": ["array-like", None],
        "initial": ["array-like", None],
        "kernel": [StrOptions({"distance", "rbf"})],
        "return_gains": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def facility_location(
    features: Any,
    n_samples: int,
    *,
    y: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    initial: ArrayLike | None = None,
    kernel: str = "distance",
    return_gains: bool = False,
):
    """Choose rows so that every row is as similar as can be to its nearest chosen row, greedily.

    Each pick is the row that raises the sum over all rows of the similarity to the
    nearest chosen row the most, ties to the lowest row. The greedy choice reaches at
    least 63 % of the best possible sum. It is lazy and exact: a gain can only fall, so
    only rows whose last known gain may still be the highest are looked at again. The
    time grows with the square of the rows: tables of more than some 100,000 rows are
    for one class at a time.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_rows, n_features)
        Features.
    n_samples : int
        How many rows to choose, at most the rows that are not in `initial`.
    y : array-like of shape (n_rows,), optional
        Labels. With them each class is covered by itself, with rows in proportion to
        its size.
    weights : array-like of shape (n_rows,), optional
        How much each row counts in the sum, 0 or more; 1 by default.
    initial : array-like of int, optional
        Row numbers that count as chosen from the start, such as the labelled rows;
        they are not returned.
    kernel : {"distance", "rbf"}, default="distance"
        The similarity. ``"distance"`` is the negated Euclidean distance (greedy
        k-medoids). ``"rbf"`` is ``exp(-d**2)`` of features scaled to unit length, which
        is MaxHerding, and with uncertainties as weights uncertainty herding.
    return_gains : bool, default=False
        Whether to return the gains too.

    Returns
    -------
    rows : ndarray of shape (n_samples,), int
        Chosen row numbers in the order chosen.
    gains : ndarray of shape (n_samples,), float64
        Only with `return_gains`: by how much each pick raised the sum. Without
        `initial` the first one counts from the largest distance that there can be.

    Raises
    ------
    ValueError
        For NaN or infinity, features that are not 2-D, `n_samples` outside
        ``1 .. rows not in initial``, or labels or weights of another length or
        weights that are negative.
    TypeError
        For row numbers that are no integers.

    References
    ----------
    Nemhauser, Wolsey and Fisher, An Analysis of Approximations for Maximizing
    Submodular Set Functions, 1978; Bae et al., Generalized Coverage for More Robust
    Low-Budget Active Learning, ECCV 2024.

    Examples
    --------
    >>> from sksvp.strategies import facility_location
    >>> facility_location([[0.0], [1.0], [2.0], [10.0], [11.0]], 2).tolist()
    [2, 3]
    """
    table = check_table(features, accept_sparse=True, accept_half=True)
    n_rows = table.shape[0]
    centres = check_rows([] if initial is None else initial, n_rows, "initial")
    candidates = check_candidates(n_rows, None, centres)
    check_n_samples(n_samples, len(candidates))
    labels = None if y is None else check_classes(y, n_rows)
    values = _check_weights(weights, n_rows)[candidates]
    rows, gains = _cover_by_class(table, labels, values, candidates, centres, n_samples, kernel)
    return (candidates[rows], gains[rows]) if return_gains else candidates[rows]


def _check_weights(weights: ArrayLike | None, n_rows: int) -> np.ndarray:
    if weights is None:
        return np.ones(n_rows)
    with naming("weights"):
        values = check_array(weights, ensure_2d=False, dtype=np.float64, input_name="weights")
    if values.shape != (n_rows,) or values.min() < 0:
        raise ValueError(f"weights must be {n_rows} numbers of 0 or more, one a row, got {values.shape}.")
    return values


def _cover_by_class(
    features: Any,
    labels: np.ndarray | None,
    weights: np.ndarray,
    pool: np.ndarray,
    initial: np.ndarray,
    n_samples: int,
    kernel: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places in `pool` that are picked, and their values; labels and initial rows are of all rows."""
    # One room for all classes: to get memory from the system anew takes longer than to fill it.
    room = _room(len(pool) if labels is None else np.unique(labels[pool], return_counts=True)[1].max())

    def pick(members: np.ndarray, quota: int) -> tuple[np.ndarray, np.ndarray]:
        rows = pool[members]
        # Initial rows cover their own class.
        centres = initial if labels is None else initial[labels[initial] == labels[rows[0]]]
        return _cover(features[rows], weights[members], quota, features[centres], kernel, room)

    return pick_by_class(None if labels is None else labels[pool], n_samples, len(pool), pick)


def _cover(
    features: Any,
    weights: np.ndarray,
    n_samples: int,
    initial: Any,
    kernel: str,
    room: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the picked rows in their order, and the gain of each row when it was picked, or at the end."""
    # numba is loaded where it is needed.
    from ._lazy_greedy import pick_lazily

    similarity = _Similarity(features, initial, kernel)
    covered = similarity.of_initial()
    n_rows = features.shape[0]
    kept = room[: n_rows**2]
    kept = kept[: len(kept) // n_rows * n_rows].reshape(-1, n_rows)
    n_known, gains = similarity.first_gains(covered, weights, kept)
    tie = _TIE * max(gains.max(), np.finfo(float).tiny)
    picks = pick_lazily(
        n_samples,
        kept,
        n_known,
        similarity.table,
        similarity.squares,
        similarity.equal,
        similarity.is_rbf,
        covered,
        weights,
        gains,
        tie,
    )
    return picks, gains


def _room(n_rows: int) -> np.ndarray:
    """Return room for the similarities of some rows to all, of all where they are not too many."""
    return np.empty(n_rows * min(n_rows, max(1, _MAX_BYTES // 8 // n_rows)))


def _tiles(n_rows: int) -> list[slice]:
    return [slice(start, min(start + _TILE, n_rows)) for start in range(0, n_rows, _TILE)]


def _filled_columns(rows: sparse.csr_array) -> Any:
    """Return the columns in which there is anything, dense where they are well filled."""
    columns, indices = np.unique(rows.indices, return_inverse=True)
    shape = (rows.shape[0], max(1, len(columns)))
    filled = sparse.csr_array((rows.data, indices.astype(np.int64), rows.indptr.astype(np.int64)), shape)
    return filled.toarray() if len(rows.data) >= _FILLED * shape[0] * shape[1] else filled


def _as_table(rows: Any) -> tuple[np.ndarray, tuple, tuple]:
    """Return rows for compiled loops: dense, or else the parts of the rows and of the columns."""
    if sparse.issparse(rows):
        return np.empty((0, 0)), _parts(rows), _parts(rows.tocsc())
    return rows, _NO_PARTS, _NO_PARTS


def _parts(table: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return table.data, table.indices.astype(np.int64), table.indptr.astype(np.int64)


_NO_PARTS = (np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


class _Similarity:
    """Similarities of rows to each other, in blocks; the whole matrix is kept where it is small."""

    def __init__(self, features: Any, initial: Any, kernel: str):
        self.is_rbf = kernel == "rbf"
        n_rows = features.shape[0]
        if sparse.issparse(features):
            both = _filled_columns(sparse.vstack([features, initial], format="csr").astype(np.float64))
        else:
            both = np.concatenate([features, initial]).astype(np.float64)
        if self.is_rbf:
            both = normalize(both)
        elif not sparse.issparse(both):
            # Differences of large numbers lose digits; the distances do not depend on the origin.
            both = both - both.mean(axis=0)
        self.table, self._initial = _as_table(both[:n_rows]), _as_table(both[n_rows:])
        squares = squared_lengths(both)
        self.squares, self._initial_squares = squares[:n_rows], squares[n_rows:]
        self.equal = _EQUAL * squares.max()
        # No similarity is below.
        self._least = 0.0 if self.is_rbf else -2.0 * np.sqrt(squares.max())
        if sparse.issparse(both) and not self.is_rbf:
            mean = np.asarray(both.mean(axis=0)).ravel()
            self._least = -2.0 * np.sqrt((squares - 2.0 * (both @ mean)).max() + mean @ mean)

    def first_gains(
        self, covered: np.ndarray, weights: np.ndarray, kept: np.ndarray
    ) -> tuple[int, np.ndarray]:
        """Fill `kept` with the similarities of the first rows; return how many, and the gain of each row."""
        from ._lazy_greedy import gains_of

        gains = np.empty(len(covered))
        n_known = 0
        for part in _tiles(len(gains)):
            is_kept = part.stop <= len(kept)
            block = self._between(part, self.table, self.squares, kept[part] if is_kept else None)
            gains_of(block, covered, weights, gains[part])
            n_known = part.stop if is_kept else n_known
        return n_known, gains

    def of_initial(self) -> np.ndarray:
        """Return the similarity of each row to the nearest initial one, the least there is without any."""
        nearest = np.full(len(self.squares), self._least)
        if len(self._initial_squares):
            for part in _tiles(len(nearest)):
                nearest[part] = self._to_initial(part).max(axis=1)
        return nearest

    def nearest_initial(self) -> np.ndarray:
        """Return for each row the place of the nearest initial one, the first of equal ones."""
        parts = _tiles(len(self.squares))
        return np.concatenate([self._to_initial(part).argmax(axis=1) for part in parts])

    def _to_initial(self, rows: slice) -> np.ndarray:
        return self._between(rows, self._initial, self._initial_squares)

    def _between(
        self, rows: slice, others: tuple, squares: np.ndarray, out: np.ndarray | None = None
    ) -> np.ndarray:
        from ._lazy_greedy import finish_similarities, multiply_sparse

        features, by_row, _ = self.table
        if len(by_row[2]):
            block = np.empty((rows.stop - rows.start, len(squares))) if out is None else out
            multiply_sparse(by_row, (rows.start, rows.stop), others[2], block)
        else:
            block = np.matmul(features[rows], others[0].T, out=out)
        finish_similarities(block, self.squares[rows], squares, self.equal, self.is_rbf)
        return block


class FacilityLocation(PickingStrategy):
    """Choose rows that stand for the others: greedy facility location on the proxy's features.

    It covers dense regions, where `KCenters` seeks outliers, and is among the best
    choices where few rows of many classes are kept.

    Parameters
    ----------
    weights : {"margin", "confidence"} or None, default=None
        How much a row counts. With ``"margin"`` it is the proxy's uncertainty of it,
        one minus the gap of the two most probable classes (uncertainty herding). With
        ``"confidence"`` it is the mean probability of its own class over the proxy's
        training, so that rows that are probably labelled wrong need not be covered.
    by_class : bool, default=True
        Whether to pick within each class, in proportion to its size. It is far cheaper
        as well. Where no labels are known, as in active learning, rows are picked out
        of all; the time then grows with the square of their number.
    kernel : {"distance", "rbf"}, default="distance"
        The similarity; see `facility_location`.

    See Also
    --------
    facility_location : The same on arrays of features.

    References
    ----------
    Bae et al., Generalized Coverage for More Robust Low-Budget Active Learning, ECCV
    2024; Bae et al., Uncertainty Herding: One Active Learning Method for All Label
    Budgets, ICLR 2025.
    """

    _parameter_constraints: ClassVar[dict] = {
        "weights": [StrOptions({"margin", "confidence"}), None],
        "by_class": ["boolean"],
        "kernel": [StrOptions({"distance", "rbf"})],
    }

    def __init__(self, weights: str | None = None, by_class: bool = True, kernel: str = "distance"):
        self.weights = weights
        self.by_class = by_class
        self.kernel = kernel

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that are read."""
        return ("features", *_WEIGHED_BY[self.weights])

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: all pairs of a class, then the rows that each pick looks at."""
        one = size.of_class() if self.by_class else size
        kept = min(8 * one.n_rows**2, max(_MAX_BYTES, 8 * one.n_rows))
        n_classes = size.n_classes if self.by_class else 1
        return Growth(
            (n_classes * one.n_rows**2 * size.n_features, n_classes * one.n_samples * one.n_rows),
            kept + 24 * one.n_rows * size.n_features + 8 * _TILE * one.n_rows + 64 * size.n_rows,
            is_by_class=self.by_class,
        )

    def _pick(self, evidence, pool, initial, n_samples, rng) -> tuple[np.ndarray, np.ndarray]:
        features = check_table(evidence.require("features"), accept_sparse=True, accept_half=True)
        weights = self._weigh_rows(evidence, pool)
        by_class = self.by_class and evidence.y is not None and not len(initial)
        labels = np.asarray(evidence.y) if by_class else None
        return _cover_by_class(features, labels, weights, pool, initial, n_samples, self.kernel)

    def _weigh_rows(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        if self.weights is None:
            return np.ones(len(rows))
        if self.weights == "margin":
            return uncertainty(evidence, rows)
        return confidence(TrainingRecord.of(evidence).require("loss")[:, rows])

    def weigh(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Count for each chosen row the rows that it stands for: those to which it is the nearest.

        Parameters
        ----------
        evidence : Evidence
            Of all rows.
        rows : ndarray of int
            The chosen rows.

        Returns
        -------
        ndarray of shape (len(rows),), int
            The counts, the row itself among them. They may serve as `sample_weight`.
        """
        table = check_table(evidence.require("features"), accept_sparse=True, accept_half=True)
        by_class = self.by_class and evidence.y is not None
        labels = np.asarray(evidence.y) if by_class else np.zeros(table.shape[0])
        counts = np.zeros(len(rows), dtype=np.int64)
        for label in np.unique(labels):
            members, places = np.flatnonzero(labels == label), np.flatnonzero(labels[rows] == label)
            if len(places):
                similarity = _Similarity(table[members], table[rows[places]], self.kernel)
                counts[places] = np.bincount(similarity.nearest_initial(), minlength=len(places))
        return counts
