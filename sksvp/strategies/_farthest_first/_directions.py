"""How many principal directions a sketch should have, by what they save and what they cost."""

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from ._sketch import is_held
from ._table import FeatureTable

_DIRECTIONS = (32, 64, 96, 128, 192, 256, 384)
# The sample: rows, and centres at the beginning and later on, when a row has been compared with many.
_ROWS = 128
_FIRST_CENTRES = 2048
_LATER_CENTRES = 1 << 15
# Values of the sample at most.
_SAMPLE_VALUES = 1 << 24
# The part of all picks that a row is compared with, about, and centres that it catches up with at a time.
_COMPARED = 0.3
_CAUGHT_UP = 8192


def choose_basis(
    table: FeatureTable, precision: torch.dtype, n_initial: int, n_samples: int
) -> np.ndarray | None:
    """Return the principal directions that make sketches cheapest, None for all features.

    Costs are estimated on a sample: a column's product for every pair, a look
    at the pairs that the sketch keeps, and a row's reduction, which each of its pairs bears a
    part of. While a row has seen few centres its distance is large, and more of the next are kept.
    """
    n_compared = n_initial + _COMPARED * n_samples
    first_part = n_initial / n_compared
    rows, centres, directions = _sample(table, n_compared)
    numbers = [m for m in _DIRECTIONS if m <= 0.75 * table.n_features]
    at_first, later_on = (_kept_shares(rows, part, numbers) for part in (_first(centres), centres))
    costs = {}
    for m, first, later in zip(numbers, at_first, later_on, strict=True):
        share = first_part * first + (1 - first_part) * later
        n_sharing = n_compared if is_held(table.n_rows, m + 1, precision) else min(n_compared, _CAUGHT_UP)
        reduction = reduction_cost(table.n_features, m) / n_sharing
        costs[m] = product_cost(m, precision) + share * look_cost(table.n_features) + reduction
    best = min(costs, key=costs.__getitem__)
    if costs[best] > product_cost(table.n_features, precision):
        return None
    return np.ascontiguousarray(directions[:, :best])


def product_cost(n_columns: int, precision: torch.dtype) -> float:
    """Estimate what a pair costs in a product, with the scan of its code, in nanoseconds of one core."""
    return 0.15 + (0.003 if precision == torch.bfloat16 else 0.02) * n_columns


def look_cost(n_features: int) -> float:
    """Estimate what it costs to find a kept pair and sum up its distance, in nanoseconds."""
    return 150 + 0.2 * n_features


def reduction_cost(n_features: int, n_directions: int) -> float:
    """Estimate what projecting a row in float64 costs, in nanoseconds."""
    return 0.05 * n_features * n_directions


def _sample(table: FeatureTable, n_compared: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return some rows and some centres along the principal directions, and these, (n_features, n_features)."""
    most = min(_LATER_CENTRES, _SAMPLE_VALUES // table.n_features)
    n_centres = max(_FIRST_CENTRES, min(int(n_compared / 4), most))
    # No value above 1, so that float32 can hold their squares.
    tile = np.ldexp(table.read(table.sample(n_centres + _ROWS)), -int(np.frexp(table.largest)[1]))
    is_row = np.zeros(len(tile), dtype=bool)
    is_row[:: max(2, len(tile) // _ROWS)] = True
    mean = tile.mean(axis=0)
    rows, centres = ((part - mean).astype(np.float32, copy=False) for part in (tile[is_row], tile[~is_row]))
    some = _first(centres).astype(np.float64)
    with threadpool_limits(torch.get_num_threads()):
        _, directions = np.linalg.eigh(some.T @ some)
        directions = directions[:, ::-1]
        rows, centres = (part @ directions.astype(np.float32) for part in (rows, centres))
    return rows, centres, directions


def _first(centres: np.ndarray) -> np.ndarray:
    """Return the centres that stand for those at the beginning, spread over all."""
    return centres[:: max(1, len(centres) // _FIRST_CENTRES)]


def _kept_shares(rows: np.ndarray, centres: np.ndarray, numbers: list[int]) -> list[float]:
    """Return the share of pairs that so many directions keep, with the length of what these leave out."""
    nearest = _squares(rows, centres).min(axis=1, keepdims=True)
    shares = []
    for m in numbers:
        left = [np.sqrt(np.square(part[:, m:]).sum(axis=1)) for part in (rows, centres)]
        shorter = _squares(rows[:, :m], centres[:, :m]) + np.subtract.outer(*left) ** 2
        # Two in a hundred for the codes' own rounding. The nearest itself is looked at in any case.
        shares.append(max(0.0, float((shorter <= 1.02 * nearest).mean()) - 1 / len(centres)))
    return shares


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * (a @ b.T)
