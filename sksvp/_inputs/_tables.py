"""Tables of numbers in any container, as arrays."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

# A sparse table of at most so many values, 1 GiB in float64, may be made dense.
_MAX_DENSE = 2**27


def as_numbers(values: Any, name: str) -> Any:
    """Return numbers in any container as an array or a sparse matrix; what is one already is not copied.

    Parameters
    ----------
    values : array-like, DataFrame, torch tensor or sparse matrix
        Rows.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    ndarray or CSR matrix
        In a real dtype. NaN and infinity are left in.

    Raises
    ------
    ValueError
        For anything but real numbers, and rows of different lengths.
    TypeError
        For objects that no number can be made of.
    """
    if hasattr(values, "detach"):  # a torch tensor, perhaps on a GPU
        values = values.detach().cpu()
        # numpy has no bfloat16.
        values = (values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy()
    if sparse.issparse(values):
        values = values.tocsr()
    if (not sparse.issparse(values) and not isinstance(values, np.ndarray)) or values.dtype.kind == "O":
        try:
            values = check_array(
                values, ensure_2d=False, allow_nd=True, ensure_all_finite=False, ensure_min_samples=0
            )
        except (TypeError, ValueError) as error:
            wrong = TypeError if isinstance(error, TypeError) else ValueError
            raise wrong(f"{name} must be numbers, got {type(values).__name__} ({error}).") from error
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be numbers, got dtype {values.dtype}.")
    return values


def as_floats(values: Any) -> Any:
    """Return an array or sparse matrix in float32 where that holds its dtype exactly, else in float64."""
    if values.dtype in (np.float32, np.float64):
        return values
    is_small = values.dtype.itemsize <= 2
    return values.astype(np.float32 if is_small else np.float64)


def dense_if_small(values: Any, name: str, why: str) -> Any:
    """Return a sparse table of a moderate size as an array, and anything else as it is.

    Parameters
    ----------
    values : object
        Sparse or not.
    name : str
        Name of the argument, for messages.
    why : str
        What needs all values, for messages.

    Returns
    -------
    object
        Not sparse.

    Raises
    ------
    TypeError
        For a sparse table that is too large.
    """
    if not sparse.issparse(values):
        return values
    if np.prod(values.shape, dtype=np.float64) > _MAX_DENSE:
        raise TypeError(
            f"{name} must be dense, since {why}; got a sparse table of the shape {values.shape}, too large to be made "
            "dense. Reduce it first by sklearn.decomposition.TruncatedSVD, as a step before the classifier for example."
        )
    return values.toarray()
