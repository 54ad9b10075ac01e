"""Reading pickles of arrays and plain containers, and no others.

A pickle may call any function it names. Published data sets in this format need
numpy's array reconstructors and plain containers; whatever else a file names is
refused before it is imported.
"""

import pickle
import struct
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np

# What C code and numpy raise on bytes that are no pickle, or on one that was cut or altered.
_MALFORMED = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
    MemoryError,
    struct.error,
)


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Stand in for `_codecs.encode`, by which Python 3 writes bytes in the old protocols."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"text encoded as {encoding!r} where only latin1 is expected")
    return text.encode("latin1")


def _admitted() -> dict[tuple[str, str], object]:
    """Map each admitted global to what stands for it; nothing is ever looked up by name."""
    # Taken from an array's own pickling, since the private modules that hold them move between numpy versions.
    array = np.zeros(1)
    reconstruct, frombuffer = array.__reduce__()[0], array.__reduce_ex__(5)[0]
    scalar = array[0].__reduce__()[0]
    admitted: dict[tuple[str, str], object] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encode_latin1,
        ("collections", "OrderedDict"): OrderedDict,
    }
    for package in ("numpy.core", "numpy._core"):
        admitted[f"{package}.multiarray", "_reconstruct"] = reconstruct
        admitted[f"{package}.multiarray", "scalar"] = scalar
        admitted[f"{package}.numeric", "_frombuffer"] = frombuffer
    for module in ("builtins", "__builtin__"):
        for container in (set, frozenset, bytes, bytearray):
            admitted[module, container.__name__] = container
    return admitted


_ADMITTED = _admitted()


class _RefusedGlobalError(pickle.UnpicklingError):
    """The pickle names something that is neither numpy's reconstructors nor a container."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _RefusedGlobalError(f"{module}.{name}") from None


def load_pickled_dict(path: Path) -> dict[str, object]:
    """Read a pickled dict whose keys are text; text values of Python 2 stay bytes.

    Parameters
    ----------
    path : Path
        A pickle of Python 2 or 3.

    Returns
    -------
    dict
        With keys as str.

    Raises
    ------
    OSError
        Where the file cannot be opened.
    ValueError
        For anything that is not a whole pickle of a dict of arrays and plain
        containers; names the file, and a global that was refused.
    """
    with open(path, "rb") as file, warnings.catch_warnings():
        # numpy 2.4 deprecates how dtypes were pickled in the days of Python 2; these files will stay as they are.
        warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
        try:
            content = _ArrayUnpickler(file, encoding="bytes").load()
        except _RefusedGlobalError as refused:
            raise ValueError(
                f"{path} names the Python object {refused}, which a data file has no use for: refused without running "
                f"it. Only numpy arrays and plain containers are read."
            ) from None
        except _MALFORMED as error:
            raise ValueError(f"{path} is not a whole pickle of arrays: {error or type(error).__name__}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a pickled {type(content).__name__}, not a dict.")
    return {_as_text(key): value for key, value in content.items()}


def _as_text(key: object) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)
