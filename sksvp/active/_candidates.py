"""Which rows of a pool are ranked, where there are too many to rank all."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples

from .._inputs._containers import take_rows

_N_NEIGHBORS = 100


@dataclass
class Candidates:
    """The rows that a selection ranks.

    Parameters
    ----------
    n_rows : int or None
        Number of rows at most; None for all.
    kind : {"random", "neighbors"}
        Rows drawn at random, or neighbours of labelled rows.
    """

    n_rows: int | None = None
    kind: str = "random"
    # Neighbours of each labelled row: they do not change while the pool stays the same.
    _neighbors: dict[int, np.ndarray] = field(default_factory=dict, repr=False)
    _n_pool: int = field(default=0, repr=False)

    def thin(
        self, X: Any, labelled: np.ndarray, free: np.ndarray, n_samples: int, *, random_state: int
    ) -> np.ndarray:
        """Return the rows to rank.

        Parameters
        ----------
        X : rows of length n_rows
            The pool.
        labelled : ndarray of shape (n_rows,), bool
            Rows that have a label.
        free : ndarray of int
            Rows that may be chosen, ascending.
        n_samples : int
            Number of rows to choose.
        random_state : int
            Seed of the drawing.

        Returns
        -------
        ndarray of int
            Some of `free`, ascending. Neighbours that are too few are filled up by rows
            drawn at random.

        Raises
        ------
        ValueError
            If more rows are to be chosen than may be ranked, or X is not numeric where
            neighbours are wanted.
        """
        if self.n_rows is None or self.n_rows >= len(free):
            return free
        self.check(n_samples)
        rng = np.random.default_rng(random_state)
        drawn = rng.permutation(free)
        if self.kind == "neighbors" and labelled.any():
            # Neighbours first, both parts in the drawn order.
            near = np.isin(drawn, self._near(X, np.flatnonzero(labelled)))
            drawn = np.concatenate([drawn[near], drawn[~near][: max(0, n_samples - int(near.sum()))]])
        return np.sort(drawn[: self.n_rows])

    def check(self, n_samples: int) -> None:
        """Check that enough rows are ranked for a selection of this size; ValueError."""
        if self.n_rows is not None and self.n_rows < n_samples:
            raise ValueError(
                f"max_candidates={self.n_rows}, but {n_samples} rows are to be chosen: rank as many at least."
            )

    def _near(self, X: Any, labelled: np.ndarray) -> np.ndarray:
        """Return the neighbours of the labelled rows."""
        if self._n_pool != _num_samples(X):
            self._neighbors, self._n_pool = {}, _num_samples(X)
        new = [row for row in labelled.tolist() if row not in self._neighbors]
        if new:
            table = _numeric(X)
            search = NearestNeighbors(n_neighbors=min(_N_NEIGHBORS, table.shape[0])).fit(table)
            found = search.kneighbors(take_rows(table, np.array(new)), return_distance=False)
            self._neighbors.update(zip(new, found, strict=True))
        return np.unique(np.concatenate([self._neighbors[row] for row in labelled.tolist()]))


def _numeric(X: Any) -> Any:
    """Return X as a numeric table; ValueError if it is none."""
    try:
        return check_array(X, accept_sparse="csr", dtype=[np.float32, np.float64])
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"candidates='neighbors' needs a numeric X without missing values, such as embeddings: {error}"
        ) from error
