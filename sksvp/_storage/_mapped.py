"""Temporary files that are mapped into memory as arrays."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def writing_temporary_file(what: str, n_bytes: int) -> Iterator[None]:
    """Say what needs how much room where the folder of temporary files has none.

    Parameters
    ----------
    what : str
        What the file is for and "needs" or "need", the beginning of the message.
    n_bytes : int
        Size of the whole file.

    Raises
    ------
    OSError
        In place of one within the block.
    """
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"{what} {n_bytes:,} bytes in the folder of temporary files, and they could not be written "
            f"({os.strerror(error.errno or 0)}). Make room there, or set TMPDIR to another folder",
            tempfile.gettempdir(),
        ) from error


def map_file(file: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return a written file as an array, which outlives the file object."""
    # No np.memmap: joblib hands such an array to its workers by the name of its file.
    return np.ndarray(shape, dtype, buffer=mmap.mmap(file.fileno(), 0))
