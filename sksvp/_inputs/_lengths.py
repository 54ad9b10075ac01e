"""Rows and labels of one length, named in every message."""

from typing import Any

from sklearn.utils import indexable
from sklearn.utils.validation import _num_samples

from ._containers import check_container


def indexable_rows(**arrays: Any) -> tuple[Any, ...]:
    """Check that arrays have rows, all of them equally many.

    Parameters
    ----------
    **arrays : rows
        Rows in any container by the name of the parameter, such as ``X=X, y=y``.
        None is passed over.

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
        if array is not None:
            check_container(array, name)
            (array,) = indexable(array)
            lengths[name] = _num_samples(array)
        made.append(array)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"Found inconsistent numbers of samples: {told}.")
    return tuple(made)
