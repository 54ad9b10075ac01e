"""Agglomerative clusters with average linkage, of many rows in cells."""

import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import linkage
from scipy.sparse.csgraph import connected_components

from ._probabilities import block_slices

# Rows of a cell at most: their distances take 16 MB, and the time of a cell grows with their square.
CELL_ROWS = 2000
# Rows that tell the direction in which a cell is cut, and steps towards it.
_SAMPLE = 1000
_STEPS = 5


def average_linkage(rows: np.ndarray, n_clusters: int, rng: np.random.RandomState) -> np.ndarray:
    """Join the two clusters of the smallest mean distance again and again, until `n_clusters` are left.

    Up to `CELL_ROWS` rows this is exact. More rows are first cut into cells of at most
    so many; clusters of different cells are not joined. The cells are cut in two equal
    halves, along the direction in which their rows spread most.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows; their distances are Euclidean.
    n_clusters : int
        Number of clusters. There are no fewer than cells.
    rng : RandomState
        Draws the rows that tell how cells are cut.

    Returns
    -------
    ndarray of shape (n_rows,), int
        Number of each row's cluster.
    """
    n_rows = len(rows)
    cells = cut_into_cells(rows, rng)
    heights, pairs, n_nodes = [], [], n_rows
    for cell in cells:
        # A join has a number beyond those of the rows and of the joins before it.
        names = np.concatenate([cell, n_nodes + np.arange(len(cell) - 1)])
        n_nodes += len(cell) - 1
        if len(cell) > 1:
            joins = linkage(rows[cell].astype(np.float64), method="average")
            pairs.append(names[joins[:, :2].astype(np.intp)])
            heights.append(joins[:, 2])
    if not pairs:
        return np.zeros(n_rows, dtype=np.intp)
    # The lowest joins of all cells; those of one cell are in order, and equal ones stay so.
    lowest = np.argsort(np.concatenate(heights), kind="stable")[: n_rows - n_clusters]
    joined, joins = np.concatenate(pairs)[lowest], n_rows + lowest
    edges = sparse.coo_array(
        (np.ones(2 * len(lowest), dtype=np.int8), (joined.ravel(), np.repeat(joins, 2))),
        shape=(n_nodes, n_nodes),
    )
    _, clusters = np.unique(connected_components(edges, directed=False)[1][:n_rows], return_inverse=True)
    return clusters


def cut_into_cells(rows: np.ndarray, rng: np.random.RandomState) -> list[np.ndarray]:
    """Cut rows into cells of at most `CELL_ROWS`, each along the direction in which it spreads most."""
    cells, whole = [], [np.arange(len(rows))]
    while whole:
        members = whole.pop()
        if len(members) <= CELL_ROWS:
            cells.append(members)
            continue
        sample = members[rng.choice(len(members), _SAMPLE, replace=False)]
        direction = _widest_direction(rows[sample], rng)
        parts = block_slices(len(members), rows.shape[1])
        order = np.argsort(np.concatenate([rows[members[part]] @ direction for part in parts]), kind="stable")
        half = len(members) // 2
        whole += [np.sort(members[order[half:]]), np.sort(members[order[:half]])]
    return cells


def _widest_direction(sample: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Return the first principal component of some rows, by the power method."""
    centred = sample.astype(np.float64)
    centred -= centred.mean(axis=0)
    direction = np.asarray(rng.standard_normal(sample.shape[1]))
    for _ in range(_STEPS):
        direction = centred.T @ (centred @ direction)
        direction /= max(np.linalg.norm(direction), np.finfo(float).tiny)
    return direction.astype(sample.dtype)
