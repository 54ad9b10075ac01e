"""Descriptions of objects in plain words that are equal in any process."""

import functools
import hashlib
import inspect
import os
import pickle
import sys
import types
from numbers import Real
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from ._code import is_of_library, library_version, parts_of_class, parts_of_function
from ._fingerprint import fingerprint
from ._sealed import sha256_of

# Parameters that do not change what is trained or chosen.
IGNORED = ("verbose", "device", "checkpoint", "checkpoint_every")
# Parameters that name a file, of which the content counts.
FILES = ("weights",)


def describe(value: Any) -> object:
    """Turn a parameter into plain content that is equal, in any process, for equal meaning.

    Classes and functions of the user are described by what they do: by their
    compiled code, and by the base classes, functions, classes and constants that
    it uses. Those of installed libraries are described by name and version.
    """
    return _Description().of(value)


class _Description:
    """One description, in which code and objects may refer to each other in circles."""

    def __init__(self) -> None:
        # By id. The objects are kept too, so that no other object gets the id of one that is gone.
        self._done: dict[int, tuple[Any, object]] = {}
        self._open: set[int] = set()

    def of(self, value: Any) -> object:
        if value is None or isinstance(value, bool | int | float | str):
            return repr(value)
        if inspect.ismethod(value):
            return (self.of(value.__func__), self.of(value.__self__))
        if isinstance(value, functools.partial):
            return ("partial", self.of(value.func), self.of(value.args), self.of(value.keywords))
        if isinstance(value, staticmethod | classmethod):
            return (type(value).__name__, self.of(value.__func__))
        if isinstance(value, property):
            return ("property", [self.of(function) for function in (value.fget, value.fset, value.fdel)])
        if inspect.isclass(value) or inspect.isroutine(value):
            return self._of_code(value)
        if hasattr(value, "get_params"):
            params = value.get_params(deep=False)
            kept = sorted(name for name in params if name not in IGNORED and not name.startswith("_"))
            return (
                self.of(type(value)),
                [(name, self.of(with_content(name, params[name]))) for name in kept],
            )
        if isinstance(value, dict):
            return ("dict", [(repr(key), self.of(value[key])) for key in sorted(value, key=repr)])
        if isinstance(value, list | tuple):
            return (type(value).__name__, [self.of(item) for item in value])
        if isinstance(value, set | frozenset):
            return (type(value).__name__, sorted(repr(self.of(item)) for item in value))
        if _is_torch(value, "nn.Module"):
            weights = [(name, fingerprint(tensor)) for name, tensor in value.state_dict().items()]
            kinds = dict.fromkeys(type(module) for module in value.modules())
            return ([self.of(kind) for kind in kinds], repr(value), weights)
        if _is_torch(value, "Tensor") or isinstance(value, np.ndarray):
            return fingerprint(value)
        if isinstance(value, types.ModuleType):
            return ("module", value.__name__)
        return self._of_object(value)

    def _of_code(self, value: Any) -> object:
        """Describe a class or a function."""
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", repr(type(value)))
        if is_of_library(module):
            return (module, name, library_version(module))
        if id(value) in self._done:
            return self._done[id(value)][1]
        parts = parts_of_class(value) if inspect.isclass(value) else parts_of_function(value)
        description = (module, name, digest(self._of_parts(value, parts)))
        self._done[id(value)] = (value, description)
        return description

    def _of_parts(self, value: Any, parts: Any) -> object:
        """Describe the parts of a value; inside it, the value itself is named only."""
        if id(value) in self._open:
            return "itself"
        self._open.add(id(value))
        description = [(name, self.of(part)) for name, part in parts.items()]
        self._open.remove(id(value))
        return description

    def _of_object(self, value: Any) -> object:
        """Describe an object of another class: by its attributes if it is of the user, or holds functions."""
        kind = type(value)
        if hasattr(value, "__dict__") and (not is_of_library(kind.__module__) or hasattr(kind, "__get__")):
            return (self.of(kind), self._of_parts(value, dict(sorted(vars(value).items()))))
        try:
            return joblib.hash(value)
        except (pickle.PicklingError, TypeError, AttributeError):
            # Locks, open files and the like have no content.
            return self.of(kind)


def _is_torch(value: Any, name: str) -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return isinstance(value, torch.nn.Module if name == "nn.Module" else torch.Tensor)


def with_content(name: str, value: Any) -> Any:
    """Return a parameter of this name, or the hash of what is in the file that it names."""
    if name in FILES and isinstance(value, str | os.PathLike):
        file = Path(os.path.expanduser(value))
        if file.is_file():
            return f"sha256 {sha256_of(file)}"
    return value


def in_words(value: Any) -> str:
    """Return a parameter as text; an object with parameters as its class, since they have names of their own."""
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
    """Return a hash of a description, in brackets."""
    return f"({hashlib.sha256(repr(description).encode()).hexdigest()[:32]})"
