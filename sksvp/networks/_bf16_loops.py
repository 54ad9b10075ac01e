"""The loops of `BatchNormReLU` over rows of bfloat16, compiled by numba.

On a CPU torch runs batch norm and ReLU as separate passes over memory. In a
small bfloat16 network they cost more than the convolutions. Each function here
is one pass. Rows are pixels and columns are channels; few channels are repeated
side by side, so that every vector register is full. The values are uint16 that
hold the bits of bfloat16, the upper half of a float32.
"""

import numba
import numpy as np

from .._compiled import compiled_fused

# Number of rows that are summed in float32 before they are added to a float64 total.
_BLOCK = 64
_ZERO = np.float32(0)


@numba.njit(inline="always")
def _widen(bits):
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)


@numba.njit(inline="always")
def _narrow(value):
    """Round to the nearest bfloat16, ties to even, as torch does."""
    bits = np.float32(value).view(np.uint32)
    odd = np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1))
    return np.uint16(np.uint32(bits + np.uint32(odd + np.uint32(0x7FFF))) >> np.uint32(16))


@compiled_fused
def sum_values(x, origin, total, squares):
    """Add the sums over rows of x - origin and of its square to two float64 vectors."""
    rows, width = x.shape
    block_total = np.empty(width, np.float32)
    block_squares = np.empty(width, np.float32)
    for start in range(0, rows, _BLOCK):
        block_total[:] = 0
        block_squares[:] = 0
        for i in range(start, min(start + _BLOCK, rows)):
            for j in range(width):
                value = _widen(x[i, j]) - origin[j]
                block_total[j] += value
                block_squares[j] += value * value
        for j in range(width):
            total[j] += block_total[j]
            squares[j] += block_squares[j]


@compiled_fused
def rectify(x, scale, shift, out):
    """Write max(0, scale x + shift) into `out`; NaN stays NaN."""
    rows, width = x.shape
    for i in range(rows):
        for j in range(width):
            value = scale[j] * _widen(x[i, j]) + shift[j]
            out[i, j] = _narrow(_ZERO if value <= _ZERO else value)


@compiled_fused
def sum_gradients(x, gradient, scale, shift, mean, total, products):
    """Add the sums over rows of g and of g (x - mean), where g is the gradient before the ReLU."""
    rows, width = x.shape
    block_total = np.empty(width, np.float32)
    block_products = np.empty(width, np.float32)
    for start in range(0, rows, _BLOCK):
        block_total[:] = 0
        block_products[:] = 0
        for i in range(start, min(start + _BLOCK, rows)):
            for j in range(width):
                value = _widen(x[i, j])
                g = _ZERO if scale[j] * value + shift[j] <= _ZERO else _widen(gradient[i, j])
                block_total[j] += g
                block_products[j] += g * (value - mean[j])
        for j in range(width):
            total[j] += block_total[j]
            products[j] += block_products[j]


@compiled_fused
def input_gradients(x, gradient, scale, shift, slope, intercept, out):
    """Write scale g + slope x + intercept into `out`, where g is the gradient before the ReLU."""
    rows, width = x.shape
    for i in range(rows):
        for j in range(width):
            value = _widen(x[i, j])
            g = _ZERO if scale[j] * value + shift[j] <= _ZERO else _widen(gradient[i, j])
            out[i, j] = _narrow(scale[j] * g + (slope[j] * value + intercept[j]))
