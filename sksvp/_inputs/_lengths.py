"""Rows and labels of one length, named in every message."""

from typing import Any

import numpy as np
from sklearn.utils import indexable
from sklearn.utils.validation import _num_samples

from ._containers import check_container
from ._labels import check_labels


def indexable_rows(**arrays: Any) -> tuple[Any, ...]:
    """Check that arrays have rows, all of them equally many.

    Parameters
    ----------
    **arrays : rows
        Rows in any container by the name of the parameter, such as ``X=X, y=y``.
        None is passed over, but not as X.

    Returns
    -------
    tuple
        The arrays in a form that can be indexed by row.

    Raises
    ------
    TypeError
        If an array has no rows, such as a single text, a number or a dict.
    ValueError
        If the numbers of rows differ.
    """
    made, lengths = [], {}
    for name, array in arrays.items():
        if isinstance(array, str | bytes):
            raise TypeError(
                f"{name} must be rows, such as a list, Series or array of str, got a single text."
            )
        if array is not None or name == "X":
            check_container(array, name)
            (array,) = indexable(array)
            lengths[name] = _num_samples(array)
        made.append(array)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"Found inconsistent numbers of samples: {told}.")
    return tuple(made)


def check_training_rows(X: Any, y: Any, name: str, *, advice: str = "") -> tuple[Any, np.ndarray]:
    """Check the rows and labels of a training.

    Parameters
    ----------
    X : rows of length n
        In any container.
    y : array-like of shape (n,)
        Class labels, none of them missing.
    name : str
        Name of the estimator, for messages.
    advice : str, default=""
        Text that is added to the message about missing labels.

    Returns
    -------
    X : rows of length n
        In a form that can be indexed by row.
    labels : ndarray of shape (n,)
        The labels as bool, integers, floats or str.

    Raises
    ------
    TypeError
        If X or y has no rows.
    ValueError
        If y is None or holds no class labels, X and y differ in length, or there is
        no row.
    """
    if y is None:
        raise ValueError(f"This {name} estimator requires y to be passed, but the target y is None.")
    X, y = indexable_rows(X=X, y=y)
    labels = check_labels(y, advice=advice)
    return check_rows(X), labels


def check_rows(X: Any) -> Any:
    """Check rows that need no labels.

    Parameters
    ----------
    X : rows of length n
        In any container.

    Returns
    -------
    rows of length n
        In a form that can be indexed by row.

    Raises
    ------
    TypeError
        If X has no rows.
    ValueError
        If there is no row.
    """
    (X,) = indexable_rows(X=X)
    if _num_samples(X) == 0:
        raise ValueError("X has 0 sample(s), while a minimum of 1 is required.")
    return X
