"""Features and inputs in the form that strategies read."""

from typing import Any

import numpy as np
from scipy import sparse

from .._inputs._containers import take_rows
from .._inputs._rows import LazyRows
from .._inputs._tables import as_floats, as_numbers


class NoFeatures(ValueError):
    """A proxy has no features, or rows are no table of numbers that could serve as such."""


def as_features(features: Any, name: str) -> Any:
    """Turn what a model gives as features into floats of shape (n, d).

    Parameters
    ----------
    features : array-like of shape (n, ...)
        Integers and booleans become floats. Further axes are flattened.
    name : str
        Name of the model, for messages.

    Returns
    -------
    ndarray or CSR matrix of shape (n, d), float32 or float64

    Raises
    ------
    NoFeatures
        If the features are no numbers.
    """
    try:
        numbers = as_floats(as_numbers(features, f"The features of the proxy {name}"))
    except (TypeError, ValueError) as error:
        raise NoFeatures(str(error)) from error
    return numbers if sparse.issparse(numbers) else numbers.reshape(len(numbers), -1)


def rows_as_features(X: Any, name: str | None) -> Any:
    """Return X itself as features, in its own dtype: a table of numbers.

    Parameters
    ----------
    X : rows of length n
        Rows.
    name : str or None
        Name of the model whose features are wanted, for messages; None without a model.

    Returns
    -------
    ndarray or CSR matrix of shape (n, d)
        Not copied if X is one already.

    Raises
    ------
    NoFeatures
        If X is no table of numbers.
    TypeError
        If X has objects that no number can be made of.
    """
    table = rows_as_inputs(X, name)
    if table.ndim != 2:
        raise NoFeatures(_explain(name, f"X has the shape {table.shape}"))
    if table.shape[1] == 0:
        raise NoFeatures(
            _explain(name, f"0 feature(s) (shape={table.shape}) while a minimum of 1 is required")
        )
    return table


def rows_as_inputs(X: Any, name: str | None) -> Any:
    """Return X itself as an array of numbers; see `rows_as_features`. It may have more than two axes."""
    if isinstance(X, LazyRows):
        raise NoFeatures(_explain(name, "X has lazy rows"))
    try:
        return as_numbers(X, "X")
    except ValueError as error:
        raise NoFeatures(_explain(name, str(error).rstrip("."))) from error
    except TypeError as error:
        raise TypeError(_explain(name, str(error).rstrip("."))) from error


def _explain(name: str | None, found: str) -> str:
    if name is None:
        return f"X must be a table of numbers where it serves as features: {found}."
    return (
        f"X must be a table of numbers where it serves as features of the proxy {name}: {found}. A transformer before "
        f"the classifier makes such a table: make_pipeline(TRANSFORMER, {name}(...))."
    )


def concatenate(blocks: list[Any]) -> Any:
    """Join blocks of rows, which may be sparse."""
    if len(blocks) == 1:
        return blocks[0]
    return sparse.vstack(blocks, format="csr") if sparse.issparse(blocks[0]) else np.concatenate(blocks)


def first_rows(X: Any) -> Any:
    """Return one row of X, in its container."""
    return take_rows(X, slice(0, 1))
