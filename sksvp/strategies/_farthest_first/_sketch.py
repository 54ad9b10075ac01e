"""Short codes of rows, whose matrix product tells which pairs cannot matter."""

import threading
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ._table import FeatureTable

# Codes are kept up to this size, else made anew for each tile (16-bit codes of 1,500,000 rows by 256).
_MAX_HELD_BYTES = 3 << 28
# Products have a few shapes only: the library compiles code for each, and keeps a megabyte of it for good.
_SHAPE_STEP = 256
# The half of the squared length of what fills up the points: farther than any row.
_FAR = 2.0**100
# Numbers scaled by up to two to this power stay in the middle of float32's range.
_QUICK_EXPONENT = 60


class Margins(NamedTuple):
    """What `code_limit` needs of some rows against some centres."""

    errors: np.ndarray
    margins: np.ndarray
    scale: float
    growth: float
    shift: int


class Lengths(NamedTuple):
    """Of some rows: how long their codes are at most, and how far these lie from the exact map."""

    norms: np.ndarray
    errors: np.ndarray


class Sketch:
    r"""Codes z of all rows, and a radius within which they keep distances.

    With x scaled and moved (which changes no comparison), z is x rounded to the
    code's precision or, with a basis V of m orthonormal directions, [V'x, rho]
    rounded, rho = sqrt(\|x\|^2 - \|V'x\|^2) being what V leaves out. The exact map never
    stretches a distance: \|x - c\|^2 is \|V'(x - c)\|^2 plus the square of the parts
    left out, and the length of a difference is at least the difference of the lengths, |rho_x - rho_c|.

    **Error of a row**, `errors`: e_x >= \|z_x - exact map of x\|. How far z lies from the
    map is measured in float64, however z was computed. Moving x costs 2**-53 \|x\|. V is within
    eta = \|V'V - I\|_F of orthonormal columns (its polar factor), the product V'x errs by
    d sqrt(m) 2**-52 \|x\|; let eps be the sum of both. Then rho^2 errs by at most
    (2 eps + eps^2 + (d + m) 2**-52) \|x\|^2, and rho by the root of that. e_x has more than all of these,
    and 2**-100 for numbers that vanish. So \|z_x - z_c\| <= \|x - c\| + e_x + e_c.

    **Error of a product**, `margins`: the columns [z, 1.., halves of x] . [-z, halves of c.., 1]
    give h = \|z_x - z_c\|^2 / 2 (the halves \|z\|^2 / 2 are cut into parts, within
    2**-24 of them together). Products of bfloat16 are exact in float32, those of float32
    err by 2**-24. Summing K columns in float32 in any order and with any rounding errs by
    K 2**-23 times the sum of the terms' sizes, (\|z_x\| + \|z_c\|)^2 / 2 at most.
    `margins` is that with K + 8, and 2**-100 for products that vanish.

    **Rounding of the result**, `growth`: to bfloat16 a factor within 1 +- 2**-8, to
    float32 within 1 +- 2**-23.

    So a centre nearer than sqrt(u) has a code of at most
    growth ((sqrt(u) + e_x + e_c)^2 / 2 + margin): `code_limit`, where the deciding
    number's own rounding, below (log2 d + 3) 2**-53 of it, is the 2**-40.

    `run(function, tiles)` calls a function for each tile, as `map` does.
    """

    def __init__(self, table: FeatureTable, precision: torch.dtype, basis: np.ndarray | None, run: Callable):
        self._table = table
        self._basis = basis
        self.precision = precision
        self._parts = _n_parts(precision)
        # Of a code z.
        self._n_values = table.n_features if basis is None else basis.shape[1] + 1
        self.n_columns = self._n_values + 2 * self._parts
        self._centre = table.read(table.sample(4096)).mean(axis=0, dtype=np.float64)
        self._local = threading.local()
        self._slack = 2.0**-50
        if basis is not None:
            d, m = basis.shape
            eps = np.linalg.norm(basis.T @ basis - np.eye(m)) + d * np.sqrt(m) * 2.0**-52
            self._slack = 2 * np.sqrt(2 * eps + eps**2 + (d + m) * 2.0**-52) + 2 * eps
        # No moved value is above 1.
        self._exponent = int(np.frexp(2 * table.largest)[1])
        self._is_quick = basis is None and abs(self._exponent) <= _QUICK_EXPONENT
        if self._is_quick:
            # Both ways of encoding move rows by the same.
            self._short_centre = self._centre.astype(np.float32)
            self._centre = self._short_centre.astype(np.float64)
        self.errors = np.empty(table.n_rows, dtype=np.float32)
        self._norms = np.empty(table.n_rows, dtype=np.float32)
        self._halves = torch.empty(table.n_rows, self._parts, dtype=precision)
        self._held: Tensor | None = None
        if is_held(table.n_rows, self._n_values, precision):
            self._held = torch.empty(table.n_rows, self.n_columns, dtype=precision)
        # Wait for all, and raise what any of them raised.
        list(run(self._measure, table.tiles()))

    def rows(self, rows: np.ndarray) -> Tensor:
        """Return the codes of some rows, (len(rows), n_columns)."""
        index = torch.from_numpy(rows)
        if self._held is not None:
            return self._held.index_select(0, index)
        codes = self._encode(self._table.read(rows))
        # A library may round a projection otherwise when it comes among other rows: then so do its halves.
        halves = self._halves.index_select(0, index) if self._basis is None else self._split_halves(codes)
        return self._columns(codes, halves)

    def points(self, rows: np.ndarray) -> Tensor:
        """Return what the codes of others are multiplied with, (n_columns, a few more than len(rows)).

        It is filled up with points that are far from all.
        """
        values, ones, halves = self.rows(rows).split([self._n_values, self._parts, self._parts], dim=1)
        # Side by side, as a product reads them fastest.
        points = torch.zeros(self.n_columns, _round_up(len(rows)), dtype=self.precision)
        points[:, : len(rows)] = torch.cat([-values, halves, ones], dim=1).T
        points[self._n_values, len(rows) :] = _FAR
        return points

    def product(self, codes: Tensor, points: Tensor) -> np.ndarray:
        """Return half of the squared distances, (len(codes), points.shape[1]), as integers for `code_limit`.

        Those of the points that were filled up are above every limit but that of an infinite distance.

        Valid until this thread's next product, which uses the same memory: fresh pages cost as much as a scan.
        """
        n_rows, shape = len(codes), (_round_up(len(codes)), points.shape[1])
        if shape[0] > n_rows:
            codes = torch.nn.functional.pad(codes, (0, 0, 0, shape[0] - n_rows))
        size = shape[0] * shape[1]
        if getattr(self._local, "size", -1) < size:
            self._local.size = size
            self._local.result = torch.empty(size, dtype=self.precision)
        result = self._local.result[:size].view(shape)
        if self.precision == torch.float32:
            # By NumPy: torch's float32 products may be less precise, as the process is set.
            return np.matmul(codes.numpy(), points.numpy(), out=result.numpy())[:n_rows].view(np.int32)
        return torch.mm(codes, points, out=result)[:n_rows].view(torch.int16).numpy()

    def lengths(self, rows: np.ndarray) -> Lengths:
        """Return what `margins` reads of some rows."""
        return Lengths(self._norms[rows].astype(np.float64), self.errors[rows].astype(np.float64))

    def margins(self, rows: Lengths, centres: Lengths) -> Margins:
        """Return what bounds the error of a product of some rows with some centres."""
        sizes = rows.norms + centres.norms.max()
        errors = rows.errors + centres.errors.max()
        return Margins(
            errors,
            (self.n_columns + 8) * 2.0**-24 * sizes**2 + 2.0**-100,
            2.0**-self._exponent,
            1 + 2.0**-8 if self.precision == torch.bfloat16 else 1 + 2.0**-23,
            16 if self.precision == torch.bfloat16 else 0,
        )

    def _map(self, tile: np.ndarray) -> np.ndarray:
        """Map rows exactly but for float64's rounding."""
        moved = (tile - self._centre) * 2.0**-self._exponent
        if self._basis is None:
            return moved
        inside = moved @ self._basis
        outside = np.einsum("ij,ij->i", moved, moved) - np.einsum("ij,ij->i", inside, inside)
        return np.column_stack([inside, np.sqrt(np.maximum(outside, 0))])

    def _encode(self, tile: np.ndarray) -> Tensor:
        """Return the codes z of rows, in the code's precision."""
        if self._is_quick and tile.dtype == np.float32:
            moved = torch.from_numpy(tile - self._short_centre)
            return moved.mul_(2.0**-self._exponent).to(self.precision)
        return torch.from_numpy(self._map(tile)).to(self.precision)

    def _columns(self, codes: Tensor, halves: Tensor) -> Tensor:
        return torch.cat([codes, torch.ones_like(halves), halves], dim=1)

    def _split_halves(self, codes: Tensor) -> Tensor:
        """Return the halves of the squared lengths, (len(codes), parts), cut into parts."""
        half = codes.double().square_().sum(dim=1) / 2
        parts = torch.empty(len(codes), self._parts, dtype=self.precision)
        for part in range(self._parts):
            parts[:, part] = half
            half -= parts[:, part].double()
        return parts

    def _measure(self, rows: slice) -> None:
        tile = self._table.read(rows)
        mapped = self._map(tile)
        codes = self._encode(tile)
        lengths = np.linalg.norm(mapped, axis=1)
        rounding = np.linalg.norm(mapped - codes.double().numpy(), axis=1)
        # Up by more than float32's rounding.
        self.errors[rows] = (rounding + self._slack * lengths) * (1 + 2.0**-20) + 2.0**-100
        self._norms[rows] = (lengths + rounding) * (1 + 2.0**-20)
        self._halves[rows] = self._split_halves(codes)
        if self._held is not None:
            self._held[rows] = self._columns(codes, self._halves[rows])


def is_held(n_rows: int, n_values: int, precision: torch.dtype) -> bool:
    """Tell whether codes of so many values are kept for all rows, else made anew for each tile."""
    n_columns = n_values + 2 * _n_parts(precision)
    return n_rows * n_columns * precision.itemsize <= _MAX_HELD_BYTES


def _n_parts(precision: torch.dtype) -> int:
    """Parts that half of a squared length is cut into, so that they hold it to 2**-24."""
    return 3 if precision == torch.bfloat16 else 1


@lru_cache(maxsize=1)
def fast_precision() -> torch.dtype:
    """Return bfloat16 where this CPU multiplies it faster than float32 and sums in float32, else float32.

    The picks are the same either way.
    """
    # Summed in bfloat16, 256 + 1 is 256.
    row = torch.ones(1, 512, dtype=torch.bfloat16)
    row[0, 0], row[0, -1] = 256, -256
    if float(torch.mm(row, torch.ones(512, 1, dtype=torch.bfloat16))) != 510:
        return torch.float32
    # One thread, as tiles have: on a busy machine several only measure how they wait for each other.
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = {precision: _product_seconds(precision) for precision in (torch.bfloat16, torch.float32)}
    finally:
        torch.set_num_threads(n_threads)
    return torch.bfloat16 if seconds[torch.bfloat16] < 0.8 * seconds[torch.float32] else torch.float32


def _product_seconds(precision: torch.dtype) -> float:
    """Time a small product, the fastest of some."""
    codes, points = torch.ones(512, 128, dtype=precision), torch.ones(128, 512, dtype=precision)
    times = []
    for _ in range(4):
        start = perf_counter()
        torch.mm(codes, points)
        times.append(perf_counter() - start)
    return min(times)


def _round_up(n: int) -> int:
    return -(-n // _SHAPE_STEP) * _SHAPE_STEP
