"""The loops of greedy facility location, compiled by numba.

numba, since NumPy would copy the similarities of each row that is looked at, and a
pick looks at dozens.
"""

import heapq

import numpy as np

from .._compiled import compiled_reordered


@compiled_reordered
def finish_similarities(products, squares, other_squares, equal, is_rbf):
    """Turn products of rows into their similarities, in place.

    Squared distances below `equal` are rounding: the rows are equal.
    """
    for row in range(products.shape[0]):
        for other in range(products.shape[1]):
            squared = squares[row] + other_squares[other] - 2.0 * products[row, other]
            squared = 0.0 if squared < equal else squared
            products[row, other] = np.exp(-squared) if is_rbf else -np.sqrt(squared)


@compiled_reordered
def gain_of(similarities, covered, weights):
    """Return by how much a row with these similarities raises the weighted sum of `covered`."""
    gain = 0.0
    for other in range(len(covered)):
        gain += weights[other] * max(similarities[other] - covered[other], 0.0)
    return gain


@compiled_reordered
def gains_of(block, covered, weights, gains):
    """Fill `gains` with the gain of each row of a block of similarities."""
    for row in range(len(block)):
        gains[row] = gain_of(block[row], covered, weights)


@compiled_reordered
def multiply_sparse(first, rows, others, products):
    """Fill `products` with the products of some sparse rows and all rows of another sparse table.

    Only entries of a common column are read, so that the time does not depend on the
    number of columns.

    Parameters
    ----------
    first : tuple of ndarray
        Values, columns and starts of the rows of the first table.
    rows : (int, int)
        Its first row that is multiplied, and the one after the last.
    others : tuple of ndarray
        Values, rows and starts of the columns of the second table.
    products : ndarray of shape (n_rows, n_others)
    """
    data, columns, starts = first
    other_data, other_rows, other_starts = others
    products[:] = 0.0
    for row in range(rows[0], rows[1]):
        line = products[row - rows[0]]
        for entry in range(starts[row], starts[row + 1]):
            column, value = columns[entry], data[entry]
            for place in range(other_starts[column], other_starts[column + 1]):
                line[other_rows[place]] += value * other_data[place]


@compiled_reordered
def _products_with(row, table, products):
    features, by_row, by_column = table
    if len(by_row[2]):
        multiply_sparse(by_row, (row, row + 1), by_column, products.reshape(1, -1))
    else:
        np.dot(features, features[row], products)


@compiled_reordered
def _similarities_of(row, kept, places, holders, turn, table, squares, equal, is_rbf):
    """Return the similarities of a row to all, computed where they are not kept."""
    if places[row] < 0:
        place = turn[0] % len(kept)
        turn[0] += 1
        if holders[place] >= 0:
            places[holders[place]] = -1
        holders[place], places[row] = row, place
        _products_with(row, table, kept[place])
        finish_similarities(kept[place : place + 1], squares[row : row + 1], squares, equal, is_rbf)
    return kept[places[row]]


@compiled_reordered
def pick_lazily(n_samples, kept, n_known, table, squares, equal, is_rbf, covered, weights, bounds, tie):
    """Pick the lowest row of the highest gain again and again.

    A gain can only fall as rows are picked, so a former gain bounds it: only rows whose
    bound reaches the highest gain are looked at again.

    Parameters
    ----------
    n_samples : int
        Number of picks.
    kept : ndarray of shape (n_kept, n_rows)
        Room for the similarities of some rows, which replace each other in turn.
    n_known : int
        So many rows, the first, are in `kept` already.
    table : tuple
        Features, of which the similarities of other rows are computed: a dense array,
        or else the values, columns and starts of their rows, and the values, rows and
        starts of their columns.
    squares : ndarray of shape (n_rows,)
        Squared lengths of the rows.
    equal, is_rbf
        See `finish_similarities`.
    covered : ndarray of shape (n_rows,)
        Similarity of each row to the nearest chosen one. Changed in place.
    weights : ndarray of shape (n_rows,)
    bounds : ndarray of shape (n_rows,)
        Gain of each row at the start. Changed in place to the last gain that is known:
        of a picked row, the one when it was picked.
    tie : float
        Gains that differ by less are equal.

    Returns
    -------
    ndarray of shape (n_samples,), int
    """
    n_rows = len(covered)
    picks = np.empty(n_samples, dtype=np.intp)
    is_free = np.ones(n_rows, dtype=np.bool_)
    # Where the similarities of a row are kept, and whose they are at each place.
    places, holders = np.full(n_rows, -1, dtype=np.intp), np.full(len(kept), -1, dtype=np.intp)
    places[:n_known] = holders[:n_known] = np.arange(n_known)
    turn = np.array([n_known])
    looked = np.empty(n_rows, dtype=np.intp)
    heap = [(-bounds[row], row) for row in range(n_rows)]
    heapq.heapify(heap)
    for step in range(n_samples):
        best, n_looked = -np.inf, 0
        while len(heap) and -heap[0][0] >= best - tie:
            row = heapq.heappop(heap)[1]
            # The gains at the start are up to date.
            if step:
                similarities = _similarities_of(
                    row, kept, places, holders, turn, table, squares, equal, is_rbf
                )
                bounds[row] = min(bounds[row], gain_of(similarities, covered, weights))
            best = max(best, bounds[row])
            looked[n_looked] = row
            n_looked += 1
        if best <= tie:
            # No row gains anything from here on, so all that are left tie.
            picks[step:] = np.flatnonzero(is_free)[: n_samples - step]
            break
        pick = n_rows
        for row in looked[:n_looked]:
            if bounds[row] >= best - tie:
                pick = min(pick, row)
        for row in looked[:n_looked]:
            if row != pick:
                heapq.heappush(heap, (-bounds[row], row))
        picks[step] = pick
        is_free[pick] = False
        similarities = _similarities_of(pick, kept, places, holders, turn, table, squares, equal, is_rbf)
        for other in range(n_rows):
            covered[other] = max(covered[other], similarities[other])
    return picks
