"""Descriptions of parameters that are equal in any process."""

import hashlib
import inspect
import sys
from numbers import Real
from typing import Any

import joblib
import numpy as np

from ._fingerprint import fingerprint

# Parameters that do not change what is trained or chosen.
IGNORED = ("verbose", "device", "checkpoint", "checkpoint_every")
_LIBRARIES = ("sklearn", "torch", "skorch", "numpy", "sksvp", "builtins")


def describe(value) -> object:
    """Describe a parameter by plain values, which are equal in any process if the parameters mean the same."""
    if inspect.ismethod(value):
        return (describe(value.__func__), describe(value.__self__))
    if inspect.isclass(value) or inspect.isroutine(value):
        return (getattr(value, "__module__", None), value.__qualname__, _source(value))
    if hasattr(value, "get_params"):
        params = value.get_params(deep=False)
        kept = sorted(name for name in params if name not in IGNORED and not name.startswith("_"))
        return (describe(type(value)), [(name, describe(params[name])) for name in kept])
    if isinstance(value, dict):
        return ("dict", sorted((repr(key), describe(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return (type(value).__name__, [describe(item) for item in value])
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if _is_torch(value, "nn.Module"):
        weights = [(name, fingerprint(tensor)) for name, tensor in value.state_dict().items()]
        return (describe(type(value)), repr(value), weights)
    if _is_torch(value, "Tensor") or isinstance(value, np.ndarray):
        return fingerprint(value)
    return joblib.hash(value)


def _is_torch(value, name: str) -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return isinstance(value, torch.nn.Module if name == "nn.Module" else torch.Tensor)


def _source(value) -> str:
    """Return the source of a user's class or function, so that an edited one differs; "" if there is no source.

    The code of the libraries is identified by their versions, which are recorded as well.
    """
    module = getattr(value, "__module__", None)
    if module is None or module.partition(".")[0] in _LIBRARIES:
        return ""
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return ""


def in_words(value: Any) -> str:
    """Return a parameter as text. For an object with parameters this is its class, as they have their own entries."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if hasattr(value, "get_params"):
        return f"{type(value).__name__} {digest(describe(type(value)))}"
    if value is None or isinstance(value, str | Real):
        return repr(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str | Real) for item in value):
        return repr([item.item() if isinstance(item, np.generic) else item for item in value])
    return f"{type(value).__name__} {digest(describe(value))}"


def digest(description: object) -> str:
    """Return the hash of a description in brackets."""
    return f"({hashlib.sha256(repr(description).encode()).hexdigest()[:32]})"
