"""What makes a proxy's training in a memory this one: what it was told, learned from, and ran on."""

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
    """Tell all that decides how a proxy comes out of its training.

    Parameters
    ----------
    proxy : estimator
        Unfitted, its random states resolved.
    X, y : rows and labels
        Hashed by content.
    seed : int or None
        Of what the training draws beyond the proxy's parameters.
    way : tuple
        How it is trained.
    fit_params : dict
        What `fit` gets besides.

    Returns
    -------
    dict
        Plain values by name, as JSON has them.

    Raises
    ------
    ValueError
        For a proxy that cannot be pickled, and so not be kept.
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
        # Pixels of 8 bits and others are scaled apart: a proxy trained on the one refuses the other.
        "X is uint8": _is_uint8(X),
        # A proxy may choose columns by their names, and refuses others than it was trained on.
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
