"""Greedy farthest-first picking, exact in float64.

One number decides everything: the squared distance of two rows, formed in
float64 from their differences and summed in a fixed order
(`squared_distances`). Matrix products only tell which pairs need that number:
their result lies within a proved radius of it (`_radius`), so a pair is left out
only where the number cannot matter. The picks therefore depend neither on the
linear algebra library nor on threads or device.

Picks are made in rounds. The rows farthest from their nearest centre, the
contenders, play the greedy game among themselves; a pick is right as long as it
comes before the best row outside, whose distance can only shrink. Then one
pass over all rows takes account of all picks of the round. The state is one
number per row; everything else is a tile or a table of contenders.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

# Rows that play a round. Each pick costs a look at these instead of all rows.
_CONTENDERS = 1024
# Values (of 8 bytes) in a table that is held at once, and in a tile that should stay in a core's cache.
_TABLE_VALUES = 1 << 22
_TILE_VALUES = {"cpu": 1 << 18, "cuda": 1 << 25}
# Rows that are no candidates, or picked already. Real squared distances are never negative.
_OUT = -1.0
# Squares of values within 2**+-400 neither overflow nor vanish.
_SAFE_EXPONENT = 400


class Picks(NamedTuple):
    """Rows picked, their distances to the nearest centre when picked, those of the rows left (else NaN)."""

    rows: np.ndarray
    distances: np.ndarray
    remaining: np.ndarray


def farthest_first(
    features: Any, n_samples: int, *, candidates: np.ndarray, initial: np.ndarray, device: Any
) -> Picks:
    """Pick `n_samples` of the candidates, each the farthest from `initial` and the picks before it.

    `features` is what `check_features` returned, `candidates` and `initial` are
    distinct row numbers, `initial` has one at least and none of the candidates.
    """
    table = _FeatureTable(features, resolve_device(device))
    nearest = torch.full((table.n_rows,), _OUT, dtype=torch.float64, device=table.device)
    nearest[torch.from_numpy(candidates).to(table.device)] = torch.inf
    _bring_nearer(nearest, table, initial)

    rows = np.empty(n_samples, dtype=np.intp)
    squared = np.empty(n_samples)
    n_picked = 0
    while n_picked < n_samples:
        n_contenders = min(table.n_contenders, len(candidates) - n_picked)
        contenders, rival = _select_contenders(nearest, n_contenders)
        new_rows, new_squared = _play(table, nearest, contenders, rival, n_samples - n_picked)
        chosen = slice(n_picked, n_picked + len(new_rows))
        rows[chosen], squared[chosen] = new_rows, new_squared
        nearest[torch.from_numpy(new_rows).to(table.device)] = _OUT
        _bring_nearer(nearest, table, new_rows)
        n_picked += len(new_rows)

    left = nearest.cpu().numpy()
    remaining = np.full(table.n_rows, np.nan)
    remaining[left >= 0] = table.distance(left[left >= 0])
    return Picks(rows, table.distance(squared), remaining)


def squared_distances(a, b):
    """Squared distances of the rows of `a` to those of `b` (NumPy arrays or tensors, float64, 2-D).

    Halves are added to each other until one column is left: element-wise steps
    only, so the rounding is the same in every library, on every device and for
    every number of threads, and no step can be fused into a multiply-add.
    """
    terms = a - b
    terms *= terms
    width = terms.shape[1]
    while width > 1:
        half = (width + 1) // 2
        terms[:, : width - half] += terms[:, half:width]
        width = half
    return terms[:, 0]


def _radius(norms, largest_norm, n_features: int):
    """Bound the error of a squared distance that comes from a matrix product.

    With u = 2**-53 and S = |x| + |c|, to first order: two norms and a product
    of d terms, in any order of summation, err by d u S**2, their sum by 3 u S**2;
    a rounded subtraction of the common centre moves x and c by u |x| and u |c|, the
    squared distance by 2 u S**2; the deciding number itself errs by
    (3 + log2 d) u S**2 at most. That is (2 d + 11) u S**2 or less; the bound has
    four times that and a trifle for numbers below the normal range.
    """
    return 8 * (n_features + 8) * 2.0**-53 * (norms + largest_norm) ** 2 + 2.0**-900


class _FeatureTable:
    """Reads rows as float64 tiles on the device, scaled by a power of two where their squares need it."""

    def __init__(self, features: np.ndarray | Tensor, device: torch.device):
        self.device = device
        self.n_rows: int = features.shape[0]
        self.n_features: int = features.shape[1]
        self.n_contenders = min(_CONTENDERS, max(16, _TABLE_VALUES // self.n_features))
        self._tile_values = _TILE_VALUES.get(device.type, _TILE_VALUES["cpu"])
        self._features = _move_if_it_fits(features, device)
        self._exponent = 0
        self._exponent = self._find_exponent()
        # Any point will do; one amid the rows keeps norms, and with them the error radius, small.
        sample = np.unique(np.linspace(0, self.n_rows - 1, self._tile_rows(1)).astype(np.intp))
        self.centre = self.read(sample).mean(dim=0)

    def read(self, rows: np.ndarray) -> Tensor:
        """Return some rows, (len(rows), n_features) float64 on the device."""
        is_run = len(rows) > 0 and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all()
        index: Any = slice(int(rows[0]), int(rows[-1]) + 1) if is_run else rows
        if isinstance(self._features, Tensor):
            if not is_run:
                index = torch.from_numpy(rows).to(self._features.device)
            tile = self._features[index].to(self.device, torch.float64)
        else:
            block = np.ascontiguousarray(self._features[index], dtype=np.float64)
            # A view of read-only data is never written to; the copy spares torch's warning about it.
            tile = torch.from_numpy(block if block.flags.writeable else block.copy()).to(self.device)
        return tile * 2.0**-self._exponent if self._exponent else tile

    def tiles(self, rows: np.ndarray, n_centres: int) -> Iterator[np.ndarray]:
        """Cut row numbers into parts whose table against `n_centres` centres fits a tile."""
        step = self._tile_rows(n_centres)
        for start in range(0, len(rows), step):
            yield rows[start : start + step]

    def n_pairs(self) -> int:
        """How many pairs of rows may be compared element by element at once."""
        return max(1, self._tile_values // self.n_features)

    def distance(self, squared: np.ndarray) -> np.ndarray:
        """Turn squared distances of scaled rows into distances of the rows as they came."""
        # A distance beyond float64's range is infinite; the picks do not depend on it.
        with np.errstate(over="ignore"):
            return np.ldexp(np.sqrt(squared), self._exponent)

    def _tile_rows(self, n_centres: int) -> int:
        return max(16, self._tile_values // max(n_centres, self.n_features))

    def _find_exponent(self) -> int:
        largest = 0.0
        for rows in self.tiles(np.arange(self.n_rows), 1):
            tile = self.read(rows)
            if not bool(torch.isfinite(tile).all()):
                raise ValueError(
                    f"features must be finite, got NaN or infinity in rows {rows[0]} .. {rows[-1]}."
                )
            largest = max(largest, float(tile.abs().max()))
        exponent = int(np.frexp(largest)[1])
        return int(np.clip(exponent, -1000, 1000)) if largest > 0 and abs(exponent) > _SAFE_EXPONENT else 0


class _Rival(NamedTuple):
    """The best row that is no contender: its squared distance and its number."""

    squared: float
    row: int


def _select_contenders(nearest: Tensor, n_contenders: int) -> tuple[np.ndarray, _Rival]:
    """Return the rows first by (distance descending, row ascending), in row order, and the next one."""
    threshold = torch.topk(nearest, n_contenders).values[-1]
    above = torch.nonzero(nearest > threshold)[:, 0]
    level = torch.nonzero(nearest == threshold)[: n_contenders - len(above), 0]
    contenders = torch.cat([above, level]).sort().values
    others = nearest.clone()
    others[contenders] = _OUT
    best = int(torch.argmax(others))
    return contenders.cpu().numpy(), _Rival(float(others[best]), best)


def _play(
    table: _FeatureTable, nearest: Tensor, contenders: np.ndarray, rival: _Rival, n_wanted: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pick contenders while the best of them comes before the rival."""
    tile = table.read(contenders)
    at_least = _lower_bounds(tile - table.centre).cpu().numpy()
    block = tile.cpu().numpy()
    squared = nearest[torch.from_numpy(contenders).to(table.device)].cpu().numpy()
    picks: list[int] = []
    when_picked: list[float] = []
    while len(picks) < min(n_wanted, len(contenders)):
        # The first of equal maxima is the lowest row, as the contenders are in row order.
        best = int(squared.argmax())
        value = float(squared[best])
        if value < rival.squared or (value == rival.squared and contenders[best] > rival.row):
            break
        picks.append(best)
        when_picked.append(value)
        squared[best] = _OUT
        near = np.flatnonzero(at_least[best] < squared)
        if len(near):
            squared[near] = np.minimum(squared[near], squared_distances(block[near], block[best : best + 1]))
    return contenders[picks], np.array(when_picked)


def _lower_bounds(centred: Tensor) -> Tensor:
    """Lower bounds of the squared distances among some rows."""
    squares = (centred * centred).sum(dim=1)
    norms = squares.sqrt()
    approximate = torch.addmm(squares, centred, centred.T, alpha=-2) + squares[:, None]
    return approximate - _radius(norms, norms.max(), centred.shape[1])[:, None]


def _bring_nearer(nearest: Tensor, table: _FeatureTable, centres: np.ndarray) -> None:
    """Lower each row's squared distance to its nearest centre where one of `centres` is nearer."""
    # A row at distance 0 cannot come nearer.
    rows = torch.nonzero(nearest > 0)[:, 0].cpu().numpy()
    for start in range(0, len(centres), table.n_contenders):
        points = table.read(centres[start : start + table.n_contenders])
        centred = points - table.centre
        squares = (centred * centred).sum(dim=1)
        for part in table.tiles(rows, len(points)):
            _bring_tile_nearer(nearest, table, part, points, centred, squares)


def _bring_tile_nearer(
    nearest: Tensor,
    table: _FeatureTable,
    rows: np.ndarray,
    points: Tensor,
    centred_points: Tensor,
    squares: Tensor,
) -> None:
    tile = table.read(rows)
    where = torch.from_numpy(rows).to(table.device)
    centred = tile - table.centre
    own_squares = (centred * centred).sum(dim=1)
    # Squared distances but for the row's own square, which is the same for all centres.
    offsets = torch.addmm(squares, centred, centred_points.T, alpha=-2)
    radius = _radius(own_squares.sqrt(), squares.max().sqrt(), table.n_features)
    smallest = offsets.amin(dim=1)
    known = nearest[where]
    open_rows = torch.nonzero(smallest + own_squares - radius < known)[:, 0]
    if len(open_rows) == 0:
        return
    # The nearest centre's offset is within two radii of the smallest; it matters below what is known.
    limit = torch.minimum(smallest + 2 * radius, known - own_squares + radius)[open_rows]
    pairs = torch.nonzero(offsets[open_rows] <= limit[:, None])
    for start in range(0, len(pairs), table.n_pairs()):
        in_open, centre = pairs[start : start + table.n_pairs()].T
        in_tile = open_rows[in_open]
        exact = squared_distances(tile[in_tile], points[centre])
        nearest.scatter_reduce_(0, where[in_tile], exact, "amin")


def check_features(features: Any) -> np.ndarray | Tensor:
    """Return features as an array or tensor of shape (n_rows, n_features) of real numbers, else raise."""
    if hasattr(features, "toarray") or (isinstance(features, Tensor) and features.layout != torch.strided):
        raise TypeError(
            "features must be dense: k-centers compares all their values; got a sparse matrix. "
            "Reduce it first, for example by sklearn.decomposition.TruncatedSVD."
        )
    table = features.detach() if isinstance(features, Tensor) else np.asanyarray(features)
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


def resolve_device(device: Any) -> torch.device:
    """Turn ``"auto"`` into CUDA where there is a GPU, else the CPU; check any other name.

    Raises
    ------
    ValueError
        For a device that torch does not know or have, or that has no float64.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {device!r}.") from error
    if resolved.type not in _TILE_VALUES:
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda' (k-centers needs float64), got {device!r}.")
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device={device!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices."
        )
    return resolved


def _move_if_it_fits(features: np.ndarray | Tensor, device: torch.device) -> np.ndarray | Tensor:
    """Copy the features to a GPU that has room for them, so that not every pass sends them again."""
    if device.type != "cuda":
        return features
    free, _ = torch.cuda.mem_get_info(device)
    if features.nbytes > free // 2:
        return features
    if isinstance(features, Tensor):
        return features.to(device)
    is_known = features.dtype in (np.float16, np.float32, np.float64, np.uint8)
    return torch.from_numpy(np.array(features, dtype=None if is_known else np.float64)).to(device)
