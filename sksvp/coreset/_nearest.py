"""The kept row nearest to a dropped one."""

import numpy as np

_TILE = 2048


def nearest_rows(features: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Find, for each of some rows, the kept row nearest to it in Euclidean distance.

    Parameters
    ----------
    features : ndarray of shape (n, d)
        Features of all rows.
    rows, kept : ndarray of int
        Row numbers; `kept` ascending, not empty.

    Returns
    -------
    ndarray of shape (len(rows),), int
        Row numbers out of `kept`, the lowest of equally near ones. The distances are
        computed in tiles: memory does not grow with ``len(rows) * len(kept)``.
    """
    # Centred, so that the expanded square loses no digits to a common offset.
    centre = features[kept].mean(axis=0, dtype=np.float64)
    nearest = np.empty(len(rows), dtype=np.intp)
    for start in range(0, len(rows), _TILE):
        tile = rows[start : start + _TILE]
        points = features[tile] - centre
        best = np.full(len(tile), np.inf)
        for first in range(0, len(kept), _TILE):
            others = kept[first : first + _TILE]
            candidates = features[others] - centre
            # |p - c|^2 without |p|^2, which is the same for every candidate.
            distances = np.einsum("ij,ij->i", candidates, candidates) - 2.0 * (points @ candidates.T)
            columns = distances.argmin(axis=1)
            values = distances[np.arange(len(tile)), columns]
            closer = values < best
            best[closer] = values[closer]
            nearest[start : start + len(tile)][closer] = others[columns[closer]]
    return nearest
