"""What identifies a proxy's training in a memory: parameters, rows, labels and library versions."""

import json
import pickle

import numpy as np
from sklearn.base import BaseEstimator

from .._storage._describe import describe
from .._storage._fingerprint import fingerprint
from .._storage._identity import versions


def training_key(
    proxy: BaseEstimator, X, y: np.ndarray, *, seed: int | None, way: tuple, fit_params: dict
) -> dict:
    """Return all that decides how a proxy comes out of its training.

    Parameters
    ----------
    proxy : estimator
        Unfitted, with its random states set.
    X, y : rows and labels
        Their contents are hashed.
    seed : int or None
        Seed of what the training draws beyond the proxy's parameters.
    way : tuple
        How it is trained.
    fit_params : dict
        Further arguments of `fit`.

    Returns
    -------
    dict
        Plain values by name, as in JSON.

    Raises
    ------
    ValueError
        If the proxy cannot be pickled, and so cannot be kept.
    """
    try:
        pickle.dumps(proxy)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"memory keeps the fitted proxy in a file, and the proxy {type(proxy).__name__} cannot be "
            f"pickled: {error}"
        ) from error
    identity = {
        "proxy": describe(proxy),
        "X": fingerprint(X),
        # Networks scale pixels of 8 bits and others differently: a proxy trained on one kind refuses the other.
        "X is uint8": _is_uint8(X),
        # A proxy may choose columns by their names, and refuses other names than those it was trained on.
        "columns": [repr(name) for name in X.columns] if hasattr(X, "columns") else None,
        "y": [fingerprint(y), np.asarray(y).dtype.kind],
        "seed": seed,
        "way": describe(way),
        "fit_params": describe(fit_params),
        "versions": versions(),
    }
    return json.loads(json.dumps(identity))


def _is_uint8(rows) -> bool:
    """Tell whether rows of any container are stored as uint8."""
    dtypes = rows.dtypes if hasattr(rows, "dtypes") else [getattr(rows, "dtype", None)]
    return {str(dtype).removeprefix("torch.").lower() for dtype in dtypes} == {"uint8"}
