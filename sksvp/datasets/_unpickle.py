"""Read pickles of arrays and plain containers, and no others.

A pickle may call any function it names. Published data sets in this format name
numpy's array reconstructors and plain containers; any other name is refused
before it is imported. The reconstructors themselves are not run either, because
numpy's can crash the process on a damaged state. Plain stand-ins store the state,
which is checked before it becomes an array.
"""

import pickle
import re
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np

# Errors of the unpickler on bytes that are not a pickle, or on a truncated or altered one.
_MALFORMED = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
    MemoryError,
    RecursionError,
    struct.error,
)
_NUMBER_CODE = re.compile(r"[<>|=]?[biuf][1248]")


class _Dtype:
    """Stand-in for numpy.dtype: a number type and its byte order."""

    def __init__(self, code, align=False, copy=False):
        code = _as_text(code)
        if not _NUMBER_CODE.fullmatch(code):
            raise ValueError(f"an array of type {code!r} where numbers are expected")
        self.dtype = np.dtype(code)

    def __setstate__(self, state):
        self.dtype = self.dtype.newbyteorder(_as_text(state[1]))


class _Array:
    """Stand-in for numpy.ndarray; `values` is set with the state."""

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, content = state
        self.values = _from_bytes(content, dtype, shape, "F" if is_fortran else "C")


def _from_bytes(content: object, dtype: object, shape: tuple, order: object) -> np.ndarray:
    if not isinstance(dtype, _Dtype) or not isinstance(content, (bytes, bytearray)):
        raise ValueError("an array without its type or content")
    if order not in ("C", "F", b"C", b"F"):
        raise ValueError(f"an array in the order {order!r}")
    values = np.frombuffer(content, dtype.dtype)
    return values.reshape(shape, order="F" if order in ("F", b"F") else "C")


def _reconstruct(kind, shape, code) -> _Array:
    if kind is not _Array:
        raise ValueError("an array of another class than numpy's")
    return _Array()


def _from_buffer(content, dtype, shape, order, axis_order=None) -> _Array:
    if axis_order is not None:
        raise ValueError("an array with its axes in another order")
    array = _Array()
    array.values = _from_bytes(content, dtype, shape, order)
    return array


def _scalar(dtype, content) -> np.generic:
    return _from_bytes(content, dtype, (1,), "C")[0]


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Stand-in for _codecs.encode, with which Python 3 writes bytes in the old protocols."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError(f"text encoded as {encoding!r} where only latin1 is expected")
    return text.encode("latin1")


# Names of numpy's reconstructors before and since version 2.
_ADMITTED: dict[tuple[str, str], object] = {
    (f"{package}.{module}", name): stand_in
    for package in ("numpy.core", "numpy._core")
    for module, name, stand_in in (
        ("multiarray", "_reconstruct", _reconstruct),
        ("multiarray", "scalar", _scalar),
        ("numeric", "_frombuffer", _from_buffer),
    )
}
_ADMITTED |= {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode_latin1,
    ("collections", "OrderedDict"): OrderedDict,
}
# Python 2 has another name for its built-in module.
_ADMITTED |= {
    (module, container.__name__): container
    for module in ("builtins", "__builtin__")
    for container in (dict, list, tuple, set, frozenset, bytes)
}


class _RefusedGlobalError(pickle.UnpicklingError):
    """The pickle names something other than numpy's reconstructors and plain containers."""


# The unpickler written in C can crash the process on a truncated or altered file, and for a few large arrays
# it is no faster than this one, which is written in Python.
class _ArrayUnpickler(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> object:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _RefusedGlobalError(f"{module}.{name}") from None


def load_pickled_dict(path: Path) -> dict[str, object]:
    """Read a pickled dict of number arrays, numbers, texts and plain containers.

    Parameters
    ----------
    path : Path
        A pickle of Python 2 or 3.

    Returns
    -------
    dict
        The content, with keys as str. Texts written by Python 2 are bytes. Arrays
        are read-only.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file is not a complete pickle of such a dict; the message names the
        file and, if a name was refused, this name.
    """
    with open(path, "rb") as file:
        try:
            content = _ArrayUnpickler(file, encoding="bytes").load()
        except _RefusedGlobalError as refused:
            raise ValueError(
                f"{path} names the Python object {refused}, which is refused without running it: only numpy "
                f"arrays and plain containers are read."
            ) from None
        except _MALFORMED as error:
            raise ValueError(
                f"{path} is not a whole pickle of arrays: {str(error) or type(error).__name__}."
            ) from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a pickled {type(content).__name__}, not a dict.")
    return {_as_text(key): _plain(value, path) for key, value in content.items()}


def _plain(value: object, path: Path) -> object:
    if not isinstance(value, _Array):
        return value
    if not hasattr(value, "values"):
        raise ValueError(f"{path} is not a whole pickle of arrays: an array without content.")
    return value.values


def _as_text(text: object) -> str:
    return text.decode("latin1") if isinstance(text, bytes) else str(text)
