"""Bring rows nearer to new centres on a GPU, where float64 products are fast enough to need no sketch."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._sketch import Margins
from ._table import FeatureTable
from ._tiled import play_round

# Values in a table of rows by centres, and centres in a block.
_TABLE_VALUES = 1 << 26
_BLOCK = 4096


def squared_distances(a, b):
    """Squared distances of the rows of `a` to those of `b` (NumPy arrays or tensors, float64, 2-D).

    The deciding number, as `_kernels.squared_distance` forms it: element-wise steps
    only, so no library can sum in another order or fuse a multiply-add.
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
    """Bound the error of a squared distance that comes from a float64 matrix product.

    With u = 2**-53 and S = |x| + |c|, to first order: two norms and a product
    of d terms, in any order of summation, err by d u S**2, their sum by 3 u S**2;
    a rounded subtraction of the common centre moves x and c by u |x| and u |c|, the
    squared distance by 2 u S**2; the deciding number itself errs by
    (3 + log2 d) u S**2 at most. That is (2 d + 11) u S**2 or less; the bound has
    four times that and a trifle for numbers below the normal range.
    """
    return 8 * (n_features + 8) * 2.0**-53 * (norms + largest_norm) ** 2 + 2.0**-900


class DenseDistances:
    """Whole blocks of rows by centres, in float64 on one device."""

    def __init__(self, features: Any, device: torch.device):
        self.table = FeatureTable(features)
        self._device = device
        self._on_device = _copy_if_it_fits(self.table, device)
        self._centre = self._read(self.table.sample(1024)).mean(dim=0)

    def threads(self) -> AbstractContextManager[None]:
        """Nothing to set: one product at a time fills the device."""
        return nullcontext()

    def adapt(self) -> None:
        """Nothing to adapt: float64 is the sharpest filter."""

    def lower(self, nearest: np.ndarray, rows: np.ndarray, centres: np.ndarray, n_seen: np.ndarray) -> None:
        """Lower the rows' squared distance to their nearest centre where one of `centres` is nearer.

        Row i has seen the first ``n_seen[i]`` centres.
        """
        for begin in range(int(n_seen.min(initial=len(centres))), len(centres), _BLOCK):
            points = self._read(centres[begin : begin + _BLOCK])
            behind = rows[n_seen < begin + _BLOCK]
            known = torch.from_numpy(nearest[behind]).to(self._device)
            step = max(1, _TABLE_VALUES // max(len(points), self.table.n_features))
            for start in range(0, len(behind), step):
                part = slice(start, start + step)
                self._lower_tile(known[part], self._read(behind[part]), points)
            nearest[behind] = known.cpu().numpy()

    def play(
        self, nearest: np.ndarray, contenders: np.ndarray, rival: tuple[float, int], n_wanted: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pick contenders while the best comes before the rival; lower the others' distances."""
        centred = self._read(contenders) - self._centre
        squares = centred.square().sum(dim=1)
        half = (torch.addmm(squares, centred, centred.T, alpha=-2) + squares[:, None]) / 2
        radius = _radius(squares.sqrt(), squares.max().sqrt(), self.table.n_features)
        # Rounded to float32, which `growth` covers.
        codes = half.float().cpu().numpy().view(np.int32)
        margins = Margins(np.zeros(len(contenders)), radius.cpu().numpy() + 2.0**-100, 1.0, 1 + 2.0**-22, 0)
        return play_round(codes, contenders, self.table.read(contenders), nearest, margins, rival, n_wanted)

    def _lower_tile(self, known: Tensor, tile: Tensor, points: Tensor) -> None:
        centred, centred_points = tile - self._centre, points - self._centre
        squares = centred_points.square().sum(dim=1)
        own_squares = centred.square().sum(dim=1)
        # Squared distances but for the row's own square, which is the same for all centres.
        offsets = torch.addmm(squares, centred, centred_points.T, alpha=-2)
        radius = _radius(own_squares.sqrt(), squares.max().sqrt(), self.table.n_features)
        smallest = offsets.amin(dim=1)
        open_rows = torch.nonzero((smallest + own_squares - radius < known) & (known > 0))[:, 0]
        # The nearest centre's offset is within two radii of the smallest; it matters below what is known.
        limit = torch.minimum(smallest + 2 * radius, known - own_squares + radius)[open_rows]
        pairs = torch.nonzero(offsets[open_rows] <= limit[:, None])
        n_pairs = max(1, _TABLE_VALUES // self.table.n_features)
        for start in range(0, len(pairs), n_pairs):
            in_open, centre = pairs[start : start + n_pairs].T
            in_tile = open_rows[in_open]
            known.scatter_reduce_(0, in_tile, squared_distances(tile[in_tile], points[centre]), "amin")

    def _read(self, rows: np.ndarray) -> Tensor:
        if self._on_device is None:
            return torch.from_numpy(self.table.read(rows)).to(self._device, torch.float64)
        tile = self._on_device[torch.from_numpy(rows).to(self._device)].double()
        return tile * 2.0**-self.table.exponent if self.table.exponent else tile


def _copy_if_it_fits(table: FeatureTable, device: torch.device) -> Tensor | None:
    """Copy the features to a GPU that has room for them, so that not every pass sends them again."""
    features = table.features
    if device.type != "cuda" or features.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return None
    if isinstance(features, Tensor):
        return features.to(device)
    is_known = features.dtype in (np.float16, np.float32, np.float64, np.uint8)
    return torch.from_numpy(np.array(features, dtype=None if is_known else np.float64)).to(device)
