"""The key of a proxy's training in a memory: what it was told, what it learned from, and what it ran on."""

import hashlib
import inspect
import pickle
import sys
from importlib.metadata import PackageNotFoundError, version

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from .. import __version__
from .._fingerprint import fingerprint

# Parameters that say nothing of the result.
_IGNORED = ("verbose", "device")
_PACKAGES = ("scikit-learn", "torch", "skorch", "numpy")
_LIBRARIES = ("sklearn", "torch", "skorch", "numpy", "sksvp", "builtins")


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


def describe(value) -> object:
    """Turn a parameter into plain content that is equal, in any process, for equal meaning."""
    if inspect.ismethod(value):
        return (describe(value.__func__), describe(value.__self__))
    if inspect.isclass(value) or inspect.isroutine(value):
        return (getattr(value, "__module__", None), value.__qualname__, _source(value))
    if hasattr(value, "get_params"):
        params = value.get_params(deep=False)
        kept = sorted(name for name in params if name not in _IGNORED and not name.startswith("_"))
        return (describe(type(value)), [(name, describe(params[name])) for name in kept])
    if isinstance(value, dict):
        return ("dict", sorted((repr(key), describe(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return (type(value).__name__, [describe(item) for item in value])
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if _is_torch(value, "nn.Module"):
        weights = [(name, fingerprint(tensor, exact=True)) for name, tensor in value.state_dict().items()]
        return (describe(type(value)), repr(value), weights)
    if _is_torch(value, "Tensor") or isinstance(value, np.ndarray):
        return fingerprint(value, exact=True)
    return joblib.hash(value)


def _is_torch(value, name: str) -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return isinstance(value, torch.nn.Module if name == "nn.Module" else torch.Tensor)


def _source(value) -> str:
    """Return the source of a user's class or function, so that editing it counts; empty where there is none.

    For code of the libraries their versions, which are in the key, say it all.
    """
    module = getattr(value, "__module__", None)
    if module is None or module.partition(".")[0] in _LIBRARIES:
        return ""
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
