"""The key of a proxy's training in a memory: what it was told, what it learned from, and what it ran on."""

import hashlib
import pickle
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from sklearn.base import BaseEstimator

from .. import __version__
from .._storage._describe import describe
from .._storage._fingerprint import fingerprint

_PACKAGES = ("scikit-learn", "torch", "skorch", "numpy")


def training_key(
    proxy: BaseEstimator, X, y: np.ndarray, *, seed: int | None, way: tuple, fit_params: dict
) -> str:
    """Hash all that decides how a proxy comes out of its training.

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
    str
        32 hexadecimal digits.

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
    told = [
        describe(proxy),
        fingerprint(X, exact=True),
        fingerprint(y, exact=True),
        np.asarray(y).dtype.kind,
        seed,
        way,
        {name: describe(value) for name, value in sorted(fit_params.items())},
        [(package, _version(package)) for package in _PACKAGES],
        __version__,
    ]
    if not _is_uint8(X):
        # Pixels of 8 bits and others are scaled apart: a proxy trained on the one refuses the other.
        told.append("not uint8")
    if hasattr(X, "columns"):
        # A proxy may choose columns by their names, and refuses others than it was trained on.
        told.append([repr(name) for name in X.columns])
    return hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()


def _is_uint8(rows) -> bool:
    """Tell whether rows of any container are stored as uint8."""
    dtypes = rows.dtypes if hasattr(rows, "dtypes") else [getattr(rows, "dtype", None)]
    return {str(dtype).removeprefix("torch.").lower() for dtype in dtypes} == {"uint8"}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
