"""Containers of rows: which ones can be cut to some of their rows, and how."""

import sys
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples

# Arrays on disk that take row numbers in ascending order only, and along their first axis alone.
_ON_DISK = ("h5py", "zarr")
_WAYS = {
    "datasets": "take one split, X['train'] say, and X['column'] where the rows are texts",
    "xarray": "X.to_dataframe() makes a DataFrame of it",
    "builtins": "pandas.DataFrame(X) makes a table of the columns in a dict",
}


def take_rows(X: Any, rows: np.ndarray | slice) -> Any:
    """Return some rows of a container, in the order of `rows`.

    Parameters
    ----------
    X : rows of length n
    rows : ndarray of int, or slice
        Which rows.

    Returns
    -------
    rows of length len(rows)
        In the container of X; arrays of h5py and zarr are read into memory.
    """
    if _library_of(X) in _ON_DISK and not isinstance(rows, slice):
        ascending, places = np.unique(rows, return_inverse=True)
        return np.asarray(X[ascending])[places]
    if _is_table_of_columns(X):
        return X.select(range(*rows.indices(len(X))) if isinstance(rows, slice) else rows)
    return _safe_indexing(X, rows)


def _is_table_of_columns(X: Any) -> bool:
    """Tell whether X is a Hugging Face Dataset, whose rows are taken by a method of their own."""
    return _library_of(X) == "datasets" and hasattr(X, "select") and hasattr(X, "column_names")


def check_container(X: Any, name: str = "X") -> None:
    """Check that the rows of a container can be taken by their numbers.

    Parameters
    ----------
    X : rows
    name : str
        Name of the parameter, for messages.

    Raises
    ------
    TypeError
        If they cannot. The message names the container and a way to another one.
    ValueError
        If it is an array with masked values.
    """
    check_unmasked(X, name)
    kind = type(X).__name__
    torch_data = sys.modules.get("torch.utils.data")
    if torch_data is not None and isinstance(X, torch_data.Dataset | torch_data.DataLoader):
        dataset = "loader.dataset" if isinstance(X, torch_data.DataLoader) else "dataset"
        raise TypeError(
            f"{name} must be an array, a tensor or lazy rows, got a torch {kind}: "
            f"X, y = sksvp.datasets.from_torch({dataset}) makes it both."
        )
    try:
        if not any(hasattr(X, way) for way in ("__getitem__", "iloc", "__array__", "tocsr")):
            raise TypeError("it has no rows by number")
        (X,) = indexable(X)
        n_rows = _num_samples(X)
        # Descending: containers on disk often take ascending numbers only.
        rows = np.arange(min(2, n_rows))[::-1].copy()
        found = _num_samples(take_rows(X, rows))
    except (TypeError, ValueError, LookupError, AttributeError, RuntimeError) as error:
        way = _WAYS.get(_library_of(X), "np.asarray(X) or list(X) may make an array or a list of it")
        raise TypeError(
            f"{name} must be a container whose rows can be taken by their numbers, such as an array, a DataFrame or "
            f"a list, got {type(X).__module__}.{kind} ({error}): {way}."
        ) from error
    if found != len(rows):
        raise TypeError(f"{name} must give the rows it is asked for; {kind} gave {found} for {len(rows)}.")


def check_unmasked(X: Any, name: str) -> None:
    """Refuse an array with masked values, since most models would take what is below the mask; ValueError."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.getmaskarray(X).any():
        raise ValueError(f"{name} has masked values. Fill them, or leave out their rows.")


def _library_of(X: Any) -> str:
    return type(X).__module__.partition(".")[0]
