"""Features of any kind, read as tiles."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..._inputs._tables import dense_if_small

# Values in a tile.
_TILE_VALUES = 1 << 20
# Squares of values within 2**+-400 neither overflow nor vanish.
_SAFE_EXPONENT = 400
# float32 holds every value of these exactly.
_SMALL = ("float16", "bfloat16", "float32", "uint8", "int8", "int16", "uint16", "bool")


class FeatureTable:
    """Reads rows as float32 where that is exact, else as float64; scaled by 2**-exponent where squares need it."""

    def __init__(self, features: np.ndarray | Tensor):
        self.n_rows: int = features.shape[0]
        self.n_features: int = features.shape[1]
        self.features = features
        self._dtype = np.float32 if str(features.dtype).removeprefix("torch.") in _SMALL else np.float64
        self.exponent = 0
        self.largest = self._find_largest()
        exponent = int(np.frexp(self.largest)[1])
        if self.largest > 0 and abs(exponent) > _SAFE_EXPONENT:
            self.exponent = int(np.clip(exponent, -1000, 1000))
            self.largest *= 2.0**-self.exponent

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return some rows as a C-contiguous array that nobody else holds or that is only read."""
        if isinstance(self.features, Tensor):
            index = rows if isinstance(rows, slice) else torch.from_numpy(rows).to(self.features.device)
            # NumPy has no bfloat16.
            wide = torch.float32 if self._dtype == np.float32 else torch.float64
            tile = self.features[index].to("cpu", wide).contiguous().numpy()
        elif self.features.dtype == np.float16:
            # By torch, many times faster than NumPy's conversion.
            tile = torch.from_numpy(np.array(self.features[rows])).float().numpy()
        else:
            tile = np.ascontiguousarray(self.features[rows], dtype=self._dtype)
        return tile * 2.0**-self.exponent if self.exponent else tile

    def tiles(self) -> Iterator[slice]:
        """Cut the rows into runs that fit a tile."""
        step = max(1, _TILE_VALUES // self.n_features)
        for start in range(0, self.n_rows, step):
            yield slice(start, min(start + step, self.n_rows))

    def sample(self, n_rows: int) -> np.ndarray:
        """Return row numbers spread evenly over the table."""
        return np.unique(np.linspace(0, self.n_rows - 1, n_rows).astype(np.intp))

    def distance(self, squared: np.ndarray) -> np.ndarray:
        """Turn squared distances of scaled rows into distances of the rows as they came."""
        # A distance beyond float64's range is infinite; the picks do not depend on it.
        with np.errstate(over="ignore"):
            return np.ldexp(np.sqrt(squared), self.exponent)

    def _find_largest(self) -> float:
        largest = 0.0
        for rows in self.tiles():
            tile = self.read(rows)
            # NaN where any value is.
            ends = np.array([tile.min(), tile.max()], dtype=np.float64)
            if not np.isfinite(ends).all():
                raise ValueError(
                    f"features must be finite, got NaN or infinity in rows {rows.start} .. {rows.stop - 1}."
                )
            largest = max(largest, float(np.abs(ends).max()))
        return largest


def check_features(features: Any) -> np.ndarray | Tensor:
    """Return features as an array or tensor of shape (n_rows, n_features) of real numbers, else raise."""
    if isinstance(features, Tensor) and features.layout != torch.strided:
        raise TypeError("features must be dense, got a sparse tensor: to_dense() makes it dense.")
    features = dense_if_small(features, "features", "k-centers compares all values")
    try:
        table = features.detach() if isinstance(features, Tensor) else np.asanyarray(features)
    except ValueError as error:
        raise ValueError("features must be an array, got rows of different lengths.") from error
    if table.ndim != 2:
        raise ValueError(f"features must have the shape (n_rows, n_features), got {tuple(table.shape)}.")
    if table.shape[0] == 0 or table.shape[1] == 0:
        raise ValueError(
            f"features must have at least one row and one column, got the shape {tuple(table.shape)}."
        )
    is_real = not table.is_complex() if isinstance(table, Tensor) else table.dtype.kind in "fiub"
    if not is_real:
        raise TypeError(f"features must be real numbers, got {table.dtype}.")
    return table
