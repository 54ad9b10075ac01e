"""What the strategies share that pick rows one after the other."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array, check_random_state, column_or_1d

from .._inputs._tables import as_floats, as_numbers, dense_if_small
from ._evidence import Evidence
from ._probabilities import block_slices
from ._rows import check_candidates, check_rows, naming
from ._sizes import class_quotas, mix_evenly
from ._strategy import Strategy, check_n_samples, spread_scores


class PickingStrategy(Strategy):
    """Base of the strategies that pick rows, each pick depending on those before it.

    A child writes `_pick`.
    """

    picks_greedily = True

    def rank(
        self,
        evidence: Evidence,
        n_samples: int,
        *,
        candidates: ArrayLike | None = None,
        initial: ArrayLike | None = None,
        random_state: Any = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pick `n_samples` of the candidates.

        Parameters
        ----------
        evidence : Evidence
            What the strategy reads, see `requires`.
        n_samples : int
            How many rows to pick, at most the number of candidates.
        candidates : array-like of int, optional
            Row numbers that may be picked; all by default.
        initial : array-like of int, optional
            Row numbers that are labelled already: never picked.
        random_state : int, RandomState instance or None, default=None
            Draws whatever the strategy leaves to chance.

        Returns
        -------
        rows : ndarray of shape (n_samples,), int
            Picked row numbers in their order.
        scores : ndarray of shape (n_rows,), float64
            The value of a picked row when it was picked, and of other candidates
            where the strategy knows one; NaN for all others.

        Raises
        ------
        ValueError
            For missing evidence, NaN or infinity in it, `n_samples` outside
            ``1 .. number of candidates``, or row numbers that do not exist.
        TypeError
            For row numbers that are no integers.
        """
        self._validate_params()
        pool = check_candidates(evidence.n_rows, candidates, initial)
        check_n_samples(n_samples, len(pool))
        labelled = check_rows([] if initial is None else initial, evidence.n_rows, "initial")
        places, values = self._pick(evidence, pool, labelled, n_samples, check_random_state(random_state))
        return pool[places], spread_scores(values, pool, evidence.n_rows)

    def _pick(
        self,
        evidence: Evidence,
        pool: np.ndarray,
        initial: np.ndarray,
        n_samples: int,
        rng: np.random.RandomState,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the places in `pool` that are picked, in their order, and a value of each place."""
        raise NotImplementedError


def check_table(
    features: Any, *, name: str = "features", accept_sparse: bool = False, accept_half: bool = False
) -> Any:
    """Return features as a 2-D array, or CSR matrix if accepted, of finite float32 or float64, else raise.

    A sparse table of a moderate size is made dense where sparse ones are not accepted.
    float16 stays where it is accepted, by those who convert blocks of rows.
    """
    with naming(name):
        table = as_numbers(features, name)
        if not accept_sparse:
            table = dense_if_small(table, name, "this method reads all values")
        is_half = accept_half and table.dtype == np.float16 and not sparse.issparse(table)
        return check_array(
            table if is_half else as_floats(table),
            accept_sparse="csr",
            dtype=np.float16 if is_half else [np.float64, np.float32],
            input_name=name,
        )


def squared_lengths(rows: Any) -> np.ndarray:
    """Return the squared Euclidean length of each row of an array or sparse matrix, in float64."""
    if sparse.issparse(rows):
        values = rows.astype(np.float64)
        return np.asarray(values.multiply(values).sum(axis=1)).ravel()
    squares = np.empty(len(rows))
    for part in block_slices(*rows.shape):
        block = rows[part].astype(np.float64)
        squares[part] = np.einsum("ij,ij->i", block, block)
    return squares


def dense_and_sparse(table: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a table for compiled loops: a dense array, or else the data, columns and starts of its rows."""
    if not sparse.issparse(table):
        empty = np.empty(0, dtype=np.int32)
        return table, np.empty(0, dtype=table.dtype), empty, empty
    return np.empty((0, table.shape[1]), dtype=table.dtype), table.data, table.indices, table.indptr


def as_vector(row: Any) -> np.ndarray:
    """Return one row of an array or sparse matrix as a dense vector."""
    return row.toarray().ravel() if sparse.issparse(row) else row


def check_classes(y: ArrayLike, n_rows: int) -> np.ndarray:
    """Return one label a row as a 1-D array; ValueError for another length."""
    with naming("y"):
        labels = column_or_1d(y)
    if len(labels) != n_rows:
        raise ValueError(f"y must have one label for each of the {n_rows} rows, got {len(labels)}.")
    return labels


def pick_by_class(
    labels: ArrayLike | None, n_samples: int, n_rows: int, pick: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Pick within each class, in proportion to its size.

    Parameters
    ----------
    labels : array-like of shape (n_rows,) or None
        Classes; None for one class.
    n_samples, n_rows : int
        Rows to pick, and rows there are.
    pick : callable
        ``pick(members, quota)`` returns the places in `members` that are picked and a
        value of each place.

    Returns
    -------
    places : ndarray of shape (n_samples,), int
        The picks of all classes, evenly mixed.
    values : ndarray of shape (n_rows,), float64
    """
    if labels is None:
        return pick(np.arange(n_rows), n_samples)
    labels = np.asarray(labels)
    values = np.full(n_rows, np.nan)
    picks = []
    for label, quota in zip(*class_quotas(labels, n_samples), strict=True):
        if quota == 0:
            continue
        members = np.flatnonzero(labels == label)
        places, values[members] = pick(members, int(quota))
        picks.append(members[places])
    return mix_evenly(picks), values
