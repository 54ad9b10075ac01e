"""BADGE: rows with long and diverse gradients."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import validate_params

from .._inputs._tables import as_floats
from ._evidence import Evidence, log_softmax
from ._growth import DataSize, Growth
from ._mapped_blocks import array_of_blocks
from ._picking import PickingStrategy, as_vector, check_table, dense_and_sparse, squared_lengths
from ._probabilities import as_columns, block_slices, check_class_matrix, check_columns, columns_of_labels
from ._rows import check_candidates
from ._strategy import check_n_samples


@validate_params({"random_state": ["random_state"]}, prefer_skip_nested_validation=False)
def badge(
    probabilities: ArrayLike,
    features: Any,
    n_samples: int,
    *,
    y: ArrayLike | None = None,
    initial: ArrayLike | None = None,
    random_state: Any = None,
) -> np.ndarray:
    """Choose rows by k-means++ on the gradients of the loss in the last layer.

    The gradient of a row is the outer product of its error vector, the probabilities
    minus the label, and its features with a 1 for the bias. It is never built: the
    distance of two gradients follows from the two factors, and for most rows a bound
    shows that it does not matter. The first row is the one with the longest gradient;
    each next one is drawn with probability proportional to the squared distance to its
    nearest chosen row.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities.
    features : array-like or sparse matrix of shape (n_rows, n_features)
        Inputs of the last layer; for a linear model the rows themselves.
    n_samples : int
        How many rows to choose, at most the rows that are not in `initial`.
    y : array-like of shape (n_rows,), int, optional
        Columns of the true classes. Without them the most probable class stands for
        the label, as in active learning.
    initial : array-like of int, optional
        Row numbers that are labelled already: never chosen. The distances to them do
        not count, as in the authors' method.
    random_state : int, RandomState instance or None, default=None
        Draws.

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
        For row numbers that are no integers.

    References
    ----------
    Ash et al., Deep Batch Active Learning by Diverse, Uncertain Gradient Lower
    Bounds, ICLR 2020.

    Examples
    --------
    >>> from sksvp.strategies import badge
    >>> p = [[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]]
    >>> badge(p, [[1.0], [1.0], [1.0]], 1, random_state=0).tolist()
    [0]
    """
    values = check_class_matrix(probabilities, "probabilities")
    table = check_table(features, accept_sparse=True)
    if len(values) != table.shape[0]:
        raise ValueError(f"probabilities have {len(values)} rows, features {table.shape[0]}.")
    columns = None if y is None else as_columns(y)
    if columns is not None:
        check_columns(columns, values)
    pool = check_candidates(len(values), None, initial)
    check_n_samples(n_samples, len(pool))
    picks, _ = _spread_out(values, table, columns, pool, n_samples, check_random_state(random_state))
    return pool[picks]


def _spread_out(
    probabilities: np.ndarray,
    features: Any,
    columns: np.ndarray | None,
    pool: np.ndarray,
    n_samples: int,
    rng: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places in `pool` in the order drawn, and the squared length of each gradient."""
    # numba is loaded where it is needed.
    from ._gradient_distances import lower_distances

    p = as_floats(probabilities)
    if not all(np.isfinite(p[part]).all() for part in block_slices(*p.shape)):
        raise ValueError("probabilities must be finite, got NaN or infinity.")
    labels = p.argmax(axis=1)[pool] if columns is None else columns[pool]
    has_none = np.flatnonzero(labels < 0)
    labels[has_none] = p[pool[has_none]].argmax(axis=1)
    errors = squared_lengths(p)[pool] - 2.0 * p[pool, labels].astype(np.float64) + 1.0
    inputs = squared_lengths(features)[pool] + 1.0
    squares = np.maximum(errors, 0.0) * inputs
    lengths, reaches = np.sqrt(squares), np.sqrt(inputs)
    table = dense_and_sparse(features)
    nearest = np.full(len(pool), np.inf)
    is_free = np.ones(len(pool), dtype=bool)
    picks = np.empty(n_samples, dtype=np.intp)
    for place in range(n_samples):
        picks[place] = pick = _draw(nearest, is_free, rng) if place else squares.argmax()
        is_free[pick] = False
        error = p[pool[pick]].astype(np.float64)
        error[labels[pick]] -= 1.0
        inner = as_vector(features[pool[pick]]).astype(np.float64)
        lower_distances(nearest, pick, error, inner, pool, p, table, labels, lengths, reaches)
    return picks, squares


def _draw(weights: np.ndarray, is_free: np.ndarray, rng: np.random.RandomState) -> int:
    """Draw one row in proportion to its weight, or any free one where no weight is left."""
    sums = np.cumsum(np.where(is_free, weights, 0.0))
    if sums[-1] <= 0:
        return int(rng.choice(np.flatnonzero(is_free)))
    return int(np.searchsorted(sums, rng.uniform(0.0, sums[-1]), side="right").clip(max=len(sums) - 1))


class BADGE(PickingStrategy):
    """Choose rows that are uncertain and unlike each other: k-means++ on the last layer's gradients.

    In active learning the most probable class stands for the label. For a core-set
    the labels are used; where a frozen proxy does not know the class of a row, its most
    probable class stands for it. For a linear classifier that sees X as its features this is
    the exact gradient. `scores_` hold the squared length of each gradient.

    See Also
    --------
    badge : The same on arrays.

    References
    ----------
    Ash et al., Deep Batch Active Learning by Diverse, Uncertain Gradient Lower
    Bounds, ICLR 2020.
    """

    requires = ("probabilities", "features")

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: each pick compares all rows, most of them by their lengths alone."""
        width = size.n_classes + size.n_features
        return Growth(
            (
                size.n_rows * width,
                size.n_rows * size.n_samples,
                size.n_rows * size.n_samples * size.n_classes,
            ),
            80 * size.n_rows,
        )

    def _pick(self, evidence, pool, initial, n_samples, rng) -> tuple[np.ndarray, np.ndarray]:
        features = check_table(evidence.require("features"), accept_sparse=True)
        return _spread_out(
            class_probabilities(evidence), features, true_columns(evidence), pool, n_samples, rng
        )


def class_probabilities(evidence: Evidence) -> np.ndarray:
    """Return the class probabilities of an evidence, from its logits where it has them."""
    if evidence.logits is None:
        return check_class_matrix(evidence.require("probabilities"), "probabilities")
    logits = check_class_matrix(evidence.logits, "logits")
    dtype = np.result_type(logits, np.float32)
    blocks = (np.exp(log_softmax(logits[part])).astype(dtype) for part in block_slices(*logits.shape))
    return array_of_blocks(blocks, logits.shape, dtype, "the probabilities")


def true_columns(evidence: Evidence) -> np.ndarray | None:
    """Return the column of each row's label, -1 where it has none; None where labels or columns are not known."""
    if evidence.y is None or evidence.classes is None:
        return None
    return columns_of_labels(np.asarray(evidence.y), evidence.classes)
