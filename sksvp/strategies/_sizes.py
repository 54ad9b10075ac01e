"""Number of rows to choose, in total and of each class."""

import math
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._shares import exact_share
from ._rows import as_array, check_rows
from ._strategy import check_n_samples


def count_rows(subset_size, n_rows: int) -> int:
    """Turn a `subset_size` into a number of rows.

    Parameters
    ----------
    subset_size : float in (0, 1] or int
        A float is a share of the rows, rounded down. It is read as it is written:
        0.29 of 100 rows are 29, though the product of the floats is smaller.
    n_rows : int
        Number of rows.

    Returns
    -------
    int
        Between 1 and `n_rows`.

    Raises
    ------
    ValueError
        For a share that comes to no row, or a count above `n_rows`.
    """
    if not isinstance(n_rows, Integral) or isinstance(n_rows, bool) or n_rows < 1:
        raise ValueError(f"n_rows must be an int of at least 1, got {n_rows!r}.")
    if isinstance(subset_size, bool | np.bool_) or not isinstance(subset_size, Real):
        raise ValueError(f"subset_size must be a float in (0, 1] or an int, got {subset_size!r}.")
    if isinstance(subset_size, Integral):
        count = int(subset_size)
        if not 1 <= count <= n_rows:
            raise ValueError(f"subset_size={subset_size} must lie in 1 .. {n_rows}, the number of rows of X.")
        return count
    if not 0 < subset_size <= 1:
        raise ValueError(f"subset_size must lie in (0, 1] as a float, got {subset_size!r}.")
    count = math.floor(exact_share(subset_size, n_rows))
    if count < 1:
        raise ValueError(
            f"subset_size={subset_size} keeps none of {n_rows} sample(s); use at least {1 / n_rows:.3g}."
        )
    return count


def class_quotas(
    y: ArrayLike, n_samples: int, *, weights: str | ArrayLike = "proportional"
) -> tuple[np.ndarray, np.ndarray]:
    """Divide `n_samples` places among the classes.

    Each class gets the whole part of its share. The remaining places go to the
    classes with the largest remainders (Hamilton's method). Equal remainders follow
    the sorted order of the classes. The other classes get what a class cannot fill.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Labels.
    n_samples : int
        Number of places, between 1 and ``n_rows``.
    weights : {"proportional", "equal"} or array-like of shape (n_classes,)
        What the shares are in proportion to: the sizes of the classes, equal
        numbers, or one number of 0 or more for each class in sorted order.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.
    quotas : ndarray of shape (n_classes,), int
        Places of each class. They sum to `n_samples`, and no class has more places
        than rows.

    Raises
    ------
    ValueError
        For labels that are not 1-D, `n_samples` outside ``1 .. n_rows``, or weights
        that are none.

    Examples
    --------
    >>> from sksvp.strategies import class_quotas
    >>> class_quotas(["a"] * 8 + ["b"] * 2, 5)[1].tolist()
    [4, 1]
    >>> class_quotas(["a"] * 8 + ["b"] * 2, 5, weights="equal")[1].tolist()
    [3, 2]
    """
    classes, members = _class_members(y)
    sizes = np.bincount(members, minlength=len(classes))
    check_n_samples(n_samples, len(members))
    if isinstance(weights, str):
        if weights not in ("proportional", "equal"):
            raise ValueError(f"weights must be 'proportional', 'equal' or numbers, got {weights!r}.")
        return classes, _share_out(
            sizes, n_samples, sizes if weights == "proportional" else np.ones_like(sizes)
        )
    values = as_array(weights, "weights")
    if values.shape != sizes.shape or values.dtype.kind not in "iuf" or not (values >= 0).all():
        raise ValueError(
            f"weights must be {len(classes)} numbers of 0 or more, one for each class, got {weights!r}."
        )
    return classes, _share_out(sizes, n_samples, values)


def fill_quotas(
    order: ArrayLike, y: ArrayLike, n_samples: int, *, weights: str | ArrayLike = "proportional"
) -> np.ndarray:
    """Choose the first rows of a ranking under class quotas.

    Parameters
    ----------
    order : array-like of int
        Row numbers, best first, each at most once; at least `n_samples`.
    y : array-like of shape (n_rows,)
        Labels of all rows; their sizes set the quotas (see `class_quotas`).
    n_samples : int
        How many rows to choose.
    weights : {"proportional", "equal"} or array-like of shape (n_classes,)
        See `class_quotas`.

    Returns
    -------
    ndarray of shape (n_samples,), int
        The chosen rows in the order of `order`. If `order` has too few rows of a
        class, its remaining places go to the best rows of other classes.

    Raises
    ------
    ValueError
        For labels that are not 1-D, `n_samples` outside ``1 .. len(order)``, or
        row numbers that do not exist or come twice.
    TypeError
        For row numbers that are no integers.
    """
    _, members = _class_members(y)
    n_ordered = np.size(as_array(order, "order"))
    if not 0 < n_ordered <= len(members):
        raise ValueError(f"order must have from 1 to {len(members)} rows, the length of y, got {n_ordered}.")
    check_rows(order, len(members), "order")
    order = np.asarray(order, dtype=np.intp)
    check_n_samples(n_samples, len(order))
    _, quotas = class_quotas(y, n_samples, weights=weights)
    ranked_members = members[order]
    within_quota = _rank_within_class(ranked_members) < quotas[ranked_members]
    left_over = np.flatnonzero(~within_quota)[: n_samples - np.count_nonzero(within_quota)]
    within_quota[left_over] = True
    return order[within_quota]


def mix_evenly(picks: Sequence[np.ndarray]) -> np.ndarray:
    """Join the picks of all classes, each spread evenly, so that the head of the order is balanced too."""
    places = np.concatenate([(np.arange(len(rows)) + 0.5) / len(rows) for rows in picks])
    return np.concatenate(picks)[np.argsort(places, kind="stable")]


def _class_members(y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    labels = as_array(y, "y")
    if labels.ndim != 1:
        raise ValueError(f"y must have the shape (n_rows,), got {labels.shape}.")
    try:
        classes, members = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise TypeError(f"y must have labels of one kind, got {labels[:3]!r}.") from error
    return classes, members


def _share_out(sizes: np.ndarray, n_samples: int, weights: np.ndarray) -> np.ndarray:
    quotas = np.zeros(len(sizes), dtype=np.int64)
    are_open = np.arange(len(sizes))
    while (rest := n_samples - quotas.sum()) > 0:
        # Where no open class has a weight, their sizes are the weights.
        shares = _whole_shares(weights[are_open] if weights[are_open].any() else sizes[are_open], int(rest))
        are_full = shares > sizes[are_open]
        if not are_full.any():
            quotas[are_open] = shares
            break
        quotas[are_open[are_full]] = sizes[are_open[are_full]]
        are_open = are_open[~are_full]
    return quotas


def _whole_shares(weights: np.ndarray, n_samples: int) -> np.ndarray:
    # Integers stay integers, since floating-point shares would make equal remainders differ.
    if weights.dtype.kind in "iu":
        shares, remainders = np.divmod(weights.astype(np.int64) * n_samples, int(weights.sum()))
    else:
        exact = weights / weights.sum() * n_samples
        shares = np.floor(exact).astype(np.int64)
        remainders = exact - shares
    largest_first = np.argsort(-remainders, kind="stable")
    shares[largest_first[: n_samples - shares.sum()]] += 1
    return shares


def _rank_within_class(members: np.ndarray) -> np.ndarray:
    """Return for each entry how many entries of the same class come before it."""
    by_class = np.argsort(members, kind="stable")
    sizes = np.bincount(members)
    starts = np.cumsum(sizes) - sizes
    ranks = np.empty(len(members), dtype=np.intp)
    ranks[by_class] = np.arange(len(members)) - starts[members[by_class]]
    return ranks
