"""A hash of the content of rows that does not depend on their container."""

import hashlib
import struct
import sys
from collections.abc import Iterator
from numbers import Integral, Real

import joblib
import numpy as np
from scipy import sparse

from .._inputs._missing import is_missing

# Number of values of a block. Equal shapes give equal blocks, so that all containers give the same hash.
_BLOCK = 1 << 20
_EXACT_INT = 2**53


def fingerprint(rows) -> str:
    """Hash the content of rows: equal for equal values in any container, memory layout and number type.

    Lists, numpy arrays (also memory-mapped), pandas and polars frames and
    Series, torch tensors on any device and whatever numpy can read give the
    same hash for the same shape and values: floats in float64, integers exactly.
    Column names and indices do not count. Rows are read in blocks, so that no copy of
    all of them is made. Two kinds differ from dense arrays of equal values: sparse
    matrices, of which the stored values are hashed, and lazy rows, which are
    identified by their ``content_key()``.

    Parameters
    ----------
    rows : array-like, sparse matrix, list of str or lazy rows
        The rows.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in _parts(rows):
        digest.update(part)
    return digest.hexdigest()


def _parts(rows) -> Iterator[bytes | memoryview]:
    if hasattr(rows, "content_key"):
        yield b"lazy" + rows.content_key().encode()
    elif sparse.issparse(rows):
        yield from _sparse_parts(rows)
    else:
        shape, blocks = _open(rows)
        yield repr(shape).encode()
        for block in blocks:
            yield from _block_parts(block)


def _open(rows) -> tuple[tuple[int, ...], Iterator[np.ndarray]]:
    """Return the shape of rows and their content as arrays, block by block."""
    if isinstance(rows, list | tuple):
        return _open_list(rows)
    if _is_torch(rows):
        shape = tuple(rows.shape)
        if shape == ():
            return shape, iter([_from_torch(rows)])
        return shape, (_from_torch(rows[start:stop]) for start, stop in _bounds(shape))
    if not hasattr(rows, "shape") or not hasattr(rows, "__getitem__"):
        rows = np.asarray(rows)
    shape = tuple(int(side) for side in rows.shape)
    if shape == ():
        return shape, iter([np.asarray(rows).reshape(1)])
    if hasattr(rows, "iloc"):
        return shape, (_from_pandas(rows.iloc[start:stop]) for start, stop in _bounds(shape))
    if hasattr(rows, "to_numpy"):
        return shape, (rows[start:stop].to_numpy() for start, stop in _bounds(shape))
    return shape, (np.asarray(rows[start:stop]) for start, stop in _bounds(shape))


def _open_list(rows: list | tuple) -> tuple[tuple[int, ...], Iterator[np.ndarray]]:
    if all(isinstance(row, str | bytes) or row is None for row in rows):
        # numpy would give every text the width of the longest.
        shape: tuple[int, ...] = (len(rows),)
        return shape, (_objects(rows[start:stop]) for start, stop in _bounds(shape))
    if any(_is_torch(row) for row in rows):
        return _open(np.stack([_from_torch(row) for row in rows]))
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of unequal length
        array = _objects(rows)
    if array.dtype.kind in "USO":
        # numpy turns [1, "a"] into two texts.
        array = np.asarray(rows, dtype=object) if array.ndim > 1 else _objects(rows)
    return _open(array)


def _bounds(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    n_rows = max(1, _BLOCK // max(1, int(np.prod(shape[1:], dtype=np.int64))))
    return ((start, min(start + n_rows, shape[0])) for start in range(0, shape[0], n_rows))


def _is_torch(rows) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(rows, torch.Tensor)


def _from_torch(tensor) -> np.ndarray:
    torch = sys.modules["torch"]
    tensor = torch.atleast_1d(tensor.detach())
    if tensor.dtype == torch.bfloat16:  # unknown to numpy
        tensor = tensor.float()
    return tensor.cpu().resolve_conj().resolve_neg().numpy()


def _from_pandas(block) -> np.ndarray:
    array = block.to_numpy()
    if array.dtype != object:
        return array
    kinds = {getattr(dtype, "kind", "O") for dtype in np.atleast_1d(np.asarray(block.dtypes, dtype=object))}
    # Nullable numbers would come as objects.
    return block.to_numpy(dtype=np.float64, na_value=np.nan) if kinds <= set("iufb") else array


def _objects(values) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array


def _block_parts(block: np.ndarray) -> Iterator[bytes | memoryview]:
    if block.dtype.kind in "biuf":
        yield from _number_parts(block)
    elif block.dtype.kind in "OUST":
        yield from _object_parts(block.astype(object).ravel().tolist())
    elif block.dtype.kind == "c":
        yield b"complex"
        yield _bytes(block.astype(np.complex128))
    else:
        yield block.dtype.str.encode()
        yield _bytes(block)


def _number_parts(block: np.ndarray) -> Iterator[bytes | memoryview]:
    """Convert numbers by their values: to uint8 if all fit, to int64 if one is large, else to float64."""
    if block.dtype != np.uint8 and _fits_uint8(block):
        block = block.astype(np.uint8)
    if block.dtype == np.uint8:
        yield b"uint8"
        yield _bytes(block)
        return
    if block.dtype.kind in "iu" and max(abs(int(block.min())), int(block.max())) > _EXACT_INT:
        yield b"int" + block.dtype.kind.encode()
        yield _bytes(block.astype(f"{block.dtype.kind}8"))
        return
    with np.errstate(over="ignore"):
        floats: np.ndarray = block.astype(np.float64)
    floats[floats == 0] = 0.0  # one zero
    floats[np.isnan(floats)] = np.nan  # one NaN
    yield b"float"
    yield _bytes(floats)


def _fits_uint8(block: np.ndarray) -> bool:
    if block.size == 0 or block.dtype == bool:
        return True
    if not (block.min() >= 0 and block.max() <= 255):  # NaN compares false
        return False
    return block.dtype.kind in "iu" or np.array_equal(block, np.trunc(block))


def _object_parts(values: list) -> Iterator[bytes | memoryview]:
    if values and all(is_missing(value) or isinstance(value, Real | np.bool_) for value in values):
        numbers = [np.nan if is_missing(value) else value for value in values]
        if not any(isinstance(value, Integral) and abs(int(value)) > _EXACT_INT for value in numbers):
            yield from _number_parts(np.asarray(numbers, dtype=np.float64))
            return
        exact = np.asarray(numbers) if all(isinstance(value, Integral) for value in numbers) else None
        if exact is not None and exact.dtype.kind in "iu":
            yield from _number_parts(exact)
            return
    yield b"objects"
    for value in values:
        element = _element(value)
        yield struct.pack("<q", len(element))
        yield element


def _element(value) -> bytes:
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return b"b" + value
    if is_missing(value):
        return b"missing"
    if isinstance(value, Integral) and abs(int(value)) > _EXACT_INT:
        return b"i" + str(int(value)).encode()
    if isinstance(value, Real | np.bool_):
        return b"f" + struct.pack("<d", float(value) + 0.0)
    return b"o" + joblib.hash(value).encode()


def _sparse_parts(matrix) -> Iterator[bytes | memoryview]:
    matrix = sparse.csr_matrix(matrix, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    yield b"sparse" + repr(tuple(int(side) for side in matrix.shape)).encode()
    yield _bytes(matrix.indptr.astype(np.int64))
    yield _bytes(matrix.indices.astype(np.int64))
    yield from _number_parts(matrix.data)


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
