"""Distances of last-layer gradients to one of them, compiled by numba.

numba, since most rows need neither all their probabilities nor their features: a bound
settles them one by one.
"""

from .._compiled import compiled_reordered

# Rounding of a squared distance, relative to the squared lengths of both gradients, with room to spare.
_ROUNDING = 1e-9


@compiled_reordered
def lower_distances(nearest, pick, error, inputs, pool, probabilities, table, labels, lengths, reaches):
    """Lower the squared distance of each row to its nearest picked gradient, given one more pick.

    Parameters
    ----------
    nearest : ndarray of shape (n_pool,)
        Squared distances so far. Changed in place.
    pick : int
        Place of the new pick in the pool.
    error : ndarray of shape (n_classes,)
        Its probabilities minus its label.
    inputs : ndarray of shape (n_features,)
        Its features.
    pool : ndarray of shape (n_pool,), int
        Rows of the probabilities and of the features.
    probabilities : ndarray of shape (n_rows, n_classes)
    table : tuple of ndarray
        Features, see `dense_and_sparse`.
    labels : ndarray of shape (n_pool,), int
    lengths : ndarray of shape (n_pool,)
        Lengths of the gradients.
    reaches : ndarray of shape (n_pool,)
        Lengths of the features with a 1 for the bias.
    """
    features, data, columns, starts = table
    for place in range(len(pool)):
        squares = lengths[place] ** 2 + lengths[pick] ** 2
        # To be nearer than now, a row's gradient needs a product with the pick's of at least this.
        needed = (squares * (1.0 - _ROUNDING) - nearest[place]) / 2.0
        if lengths[place] * lengths[pick] <= needed:
            continue
        row = pool[place]
        product = -error[labels[place]]
        for column in range(len(error)):
            product += probabilities[row, column] * error[column]
        if abs(product) * reaches[place] * reaches[pick] <= needed:
            continue
        inner = 1.0
        if len(starts):
            for entry in range(starts[row], starts[row + 1]):
                inner += data[entry] * inputs[columns[entry]]
        else:
            for column in range(len(inputs)):
                inner += features[row, column] * inputs[column]
        nearest[place] = max(0.0, min(nearest[place], squares - 2.0 * product * inner))
    nearest[pick] = 0.0
