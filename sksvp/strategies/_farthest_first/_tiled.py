"""Bring rows nearer to new centres on the CPU: sketches first, the deciding number for the rest."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from ._directions import choose_basis, look_cost, product_cost
from ._kernels import bring_nearer, find_open, play
from ._sketch import Lengths, Margins, Sketch, fast_precision
from ._table import FeatureTable

# Rows of a tile, and centres in a block: their table of codes should stay in a core's cache.
_TILE_ROWS = 1024
_BLOCK = 1024
# Tiles become smaller, down to this, so that each thread gets some.
_MIN_TILE_ROWS = 512
_TILES_OF_A_THREAD = 4
# Values of the centres that a tile is compared with at a time; its codes may have to be made anew each time.
_CENTRE_VALUES = 1 << 24
# Narrower features are multiplied faster than principal directions are found; for wider ones that takes minutes.
_MIN_FEATURES_TO_REDUCE, _MAX_FEATURES_TO_REDUCE = 256, 4096
# It may pay from so many multiplications on; they must be so many times the d**3 that finding directions costs.
_MIN_WORK_TO_REDUCE, _MIN_CUBES_TO_REDUCE = 1e11, 1000


class CentreBlock(NamedTuple):
    """Some centres: how many there are up to their last, codes to multiply with, lengths of these, features."""

    end: int
    codes: torch.Tensor
    lengths: Lengths
    features: np.ndarray


class TiledDistances:
    """Tiles of rows, pulled by a few threads that each multiply and scan on their own.

    That waits for nobody at a barrier, so other work on the machine slows it less
    than products that all threads share.
    """

    def __init__(self, features: Any, n_initial: int, n_samples: int):
        self.table = FeatureTable(features)
        self._precision = fast_precision()
        self._basis = None
        if self._may_reduce(n_initial + n_samples):
            self._basis = choose_basis(self.table, self._precision, n_initial, n_samples)
        self._n_pairs = self._n_looks = 0

    def _may_reduce(self, n_centres: int) -> bool:
        n_features = self.table.n_features
        work = self.table.n_rows * n_centres * n_features
        return (
            _MIN_FEATURES_TO_REDUCE <= n_features <= _MAX_FEATURES_TO_REDUCE
            and work >= _MIN_WORK_TO_REDUCE
            and work >= _MIN_CUBES_TO_REDUCE * n_features**3
        )

    @contextmanager
    def threads(self) -> Iterator[None]:
        """Compute with as many threads as torch is set to, each with libraries on one thread."""
        self._n_threads = n_threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))
        try:
            torch.set_num_threads(1)
            with threadpool_limits(1):
                self._sketch = self._make_sketch()
                yield
        finally:
            # Interrupted: tiles that have not begun are dropped.
            self._pool.shutdown(cancel_futures=True)
            torch.set_num_threads(n_threads)

    def lower(self, nearest: np.ndarray, rows: np.ndarray, centres: np.ndarray, n_seen: np.ndarray) -> None:
        """Lower the rows' squared distance to their nearest centre where one of `centres` is nearer.

        Row i has seen the first ``n_seen[i]`` centres.
        """
        # Rows that lack the same centres share tiles.
        order = np.argsort(n_seen, kind="stable")
        rows, n_seen = rows[order], n_seen[order]
        first = int(n_seen[0]) if len(rows) else len(centres)
        step = _BLOCK * max(1, _CENTRE_VALUES // (_BLOCK * self.table.n_features))
        for start in range(first, len(centres), step):
            end = min(start + step, len(centres))
            n_behind = int(np.searchsorted(n_seen, end))
            self._lower_by(self._blocks(centres, start, end), nearest, rows[:n_behind], n_seen[:n_behind])

    def _blocks(self, centres: np.ndarray, start: int, end: int) -> list[CentreBlock]:
        """Read the centres from `start` to `end`."""

        def block(begin: int) -> CentreBlock:
            part = centres[begin : min(begin + _BLOCK, end)]
            codes, lengths = self._sketch.points(part), self._sketch.lengths(part)
            return CentreBlock(begin + len(part), codes, lengths, self.table.read(part))

        return self._run(block, range(start, end, _BLOCK))

    def _lower_by(
        self, blocks: list[CentreBlock], nearest: np.ndarray, rows: np.ndarray, n_seen: np.ndarray
    ) -> None:
        def lower_tile(tile: slice) -> tuple[int, int]:
            unseen = [block for block in blocks if block.end > n_seen[tile.start]]
            return self._lower_tile(nearest, rows[tile], unseen)

        for n_pairs, n_looks in self._run(lower_tile, self._tiles(len(rows))):
            self._n_pairs += n_pairs
            self._n_looks += n_looks

    def _run(self, function: Callable, items: Sequence) -> list:
        """Call for each item, by the threads where there are several."""
        return list(self._pool.map(function, items) if len(items) > 1 else map(function, items))

    def _tiles(self, n_rows: int) -> list[slice]:
        share = n_rows // (_TILES_OF_A_THREAD * self._n_threads)
        step = min(_TILE_ROWS, max(_MIN_TILE_ROWS, share))
        return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]

    def play(
        self,
        nearest: np.ndarray,
        contenders: np.ndarray,
        rival: tuple[float, int],
        n_wanted: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pick contenders while the best comes before the rival; lower the others' distances."""
        codes = self._sketch.product(self._sketch.rows(contenders), self._sketch.points(contenders))
        lengths = self._sketch.lengths(contenders)
        margins = self._sketch.margins(lengths, lengths)
        return play_round(codes, contenders, self.table.read(contenders), nearest, margins, rival, n_wanted)

    def adapt(self) -> None:
        """Take a sharper sketch where looking at the kept pairs costs more than its products."""
        # A new sketch costs about as much as some centres.
        if self._n_pairs < 100 * self.table.n_rows:
            return
        if self._basis is None and self._precision == torch.float32:
            return
        # All features first, then all digits.
        sharper = torch.float32 if self._basis is None else self._precision
        share = self._n_looks / self._n_pairs
        if share * look_cost(self.table.n_features) < 2 * product_cost(self.table.n_features, sharper):
            return
        self._n_pairs = self._n_looks = 0
        self._precision, self._basis = sharper, None
        del self._sketch
        self._sketch = self._make_sketch()

    def _make_sketch(self) -> Sketch:
        return Sketch(self.table, self._precision, self._basis, self._pool.map)

    def _lower_tile(
        self, nearest: np.ndarray, rows: np.ndarray, blocks: list[CentreBlock]
    ) -> tuple[int, int]:
        """Return how many pairs there were, and how many of them were kept and looked at."""
        codes, lengths = self._sketch.rows(rows), self._sketch.lengths(rows)
        squared = nearest[rows]
        is_open = np.empty(len(rows), dtype=bool)
        n_pairs = n_looks = 0
        for block in blocks:
            products = self._sketch.product(codes, block.codes)
            margins = self._sketch.margins(lengths, block.lengths)
            find_open(products, squared, *margins, is_open)
            open_rows = np.flatnonzero(is_open)
            n_pairs += len(rows) * len(block.features)
            if len(open_rows):
                tile = self.table.read(rows[open_rows])
                n_looks += bring_nearer(products, open_rows, tile, block.features, squared, *margins)
        nearest[rows] = squared
        return n_pairs, n_looks


def play_round(
    codes: np.ndarray,
    contenders: np.ndarray,
    tile: np.ndarray,
    nearest: np.ndarray,
    margins: Margins,
    rival: tuple[float, int],
    n_wanted: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Play a round from the codes of all pairs of contenders: the rows picked, their squared distances."""
    squared = nearest[contenders]
    n_most = min(n_wanted, len(contenders))
    picks, values = np.empty(n_most, dtype=np.intp), np.empty(n_most)
    n_picked = play(codes, contenders, tile, squared, *margins, *rival, picks, values)
    nearest[contenders] = squared
    return contenders[picks[:n_picked]], values[:n_picked]
