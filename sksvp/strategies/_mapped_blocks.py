"""Arrays that are made block by block, in memory or, if they are large, in a file that is mapped into it."""

import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._storage._mapped import map_file, writing_temporary_file

# Largest number of bytes that is kept in memory.
BYTES_IN_MEMORY = 2**30


def array_of_blocks(
    blocks: Iterable[np.ndarray], shape: tuple[int, int], dtype: Any, what: str
) -> np.ndarray:
    """Put blocks of rows into one array.

    Above 1 GiB it lies in a temporary file, which is mapped into memory and has no
    name: the system removes it with the array.

    Parameters
    ----------
    blocks : iterable of ndarray
        Blocks of rows, in their order.
    shape : (int, int)
        Of the whole array.
    dtype : numpy.dtype
        Of the blocks, and of the array.
    what : str
        What the array is, for the message.

    Returns
    -------
    ndarray of shape `shape`

    Raises
    ------
    OSError
        If the folder of temporary files has no room; says how much it takes.
    """
    n_bytes = shape[0] * shape[1] * np.dtype(dtype).itemsize
    if n_bytes <= BYTES_IN_MEMORY:
        whole, start = np.empty(shape, dtype=dtype), 0
        for block in blocks:
            whole[start : start + len(block)] = block
            start += len(block)
        return whole
    with writing_temporary_file(f"{what} need", n_bytes), tempfile.TemporaryFile() as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block).data)
        file.flush()
        return map_file(file, shape, dtype)
