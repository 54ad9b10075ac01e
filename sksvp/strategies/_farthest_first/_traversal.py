"""Greedy farthest-first picking in levels and rounds.

The definition: pick, again and again, the row whose squared distance to its nearest
centre is the largest, ties to the lowest row. One number decides, the squared distance
of two rows in float64, summed in a fixed order; everything else may only say that a
pair cannot matter. So the picks depend neither on the linear algebra library nor on
threads, tiles, precision or device.

Every row has an upper bound: its squared distance to the nearest of the centres it has
seen. More centres only lower it. That allows two kinds of laziness:

Levels
    While picks lie at or above some level, rows with a bound below it cannot be
    picked. They sleep: centres are not compared with them, `seen` keeps how many they
    know. Only when no row is left at the level, a lower one is taken, and the rows at
    or above that catch up.
Rounds
    The best rows awake, the contenders, play the greedy game among themselves.
    Their picks are right as long as they come before the rival, the best row awake outside.
    Then all rows awake take account of the round's picks in one matrix product.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from tqdm import tqdm

from ..._device import resolve_device
from ._dense import DenseDistances
from ._table import FeatureTable
from ._tiled import TiledDistances

# Rows that play a round. Each pick costs a look at these instead of all rows.
_CONTENDERS = 1024
# Rows awake at a new level: a share of those left, or what the last picks need if that is less, but at least
# this many times the contenders.
_AWAKE_SHARE = 1 / 32
_AWAKE_PER_PICK = 8
_AWAKE_ROUNDS = 4
# Rows that are no candidates, or picked already. Real squared distances are never negative.
_OUT = -1.0


class Picks(NamedTuple):
    """Rows picked, their distances to the nearest centre when picked, those of the rows left (else NaN).

    The last are upper bounds, as left by the traversal, unless they were asked for.
    """

    rows: np.ndarray
    distances: np.ndarray
    remaining: np.ndarray


class Distances(Protocol):
    """Squared distances to the nearest centre, lowered by new centres: `TiledDistances`, `DenseDistances`."""

    table: FeatureTable

    def threads(self) -> Any: ...
    def lower(
        self, nearest: np.ndarray, rows: np.ndarray, centres: np.ndarray, n_seen: np.ndarray
    ) -> None: ...
    def play(
        self, nearest: np.ndarray, contenders: np.ndarray, rival: tuple[float, int], n_wanted: int
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def adapt(self) -> None: ...


def farthest_first(
    features: Any,
    n_samples: int,
    *,
    candidates: np.ndarray,
    initial: np.ndarray,
    device: Any,
    return_remaining: bool = False,
    verbose: bool = False,
) -> Picks:
    """Pick `n_samples` of the candidates, each the farthest from `initial` and the picks before it.

    `features` is what `check_features` returned, `candidates` and `initial` are
    distinct row numbers, `initial` has one at least and none of the candidates.
    """
    where = resolve_device(device)
    if where.type not in ("cpu", "cuda"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda' (k-centers needs float64), got {device!r}.")
    distances: Distances = (
        TiledDistances(features, len(initial), n_samples)
        if where.type == "cpu"
        else DenseDistances(features, where)
    )
    state = _Traversal(distances, candidates, initial, n_samples)
    with distances.threads(), tqdm(total=n_samples, desc="k-centers", disable=not verbose) as bar:
        while state.n_left:
            bar.update(state.pick_at_next_level())
        if return_remaining:
            state.catch_up(np.flatnonzero(state.nearest > 0))
    remaining = np.full(len(state.nearest), np.nan)
    is_left = state.nearest >= 0
    remaining[is_left] = distances.table.distance(state.nearest[is_left])
    return Picks(
        state.centres[len(initial) :],
        distances.table.distance(state.squared),
        remaining,
    )


class _Traversal:
    """The state: of each row a bound and how many centres it has seen; the centres so far."""

    def __init__(self, distances: Distances, candidates: np.ndarray, initial: np.ndarray, n_samples: int):
        self._distances = distances
        n_rows = distances.table.n_rows
        self.nearest = np.full(n_rows, _OUT)
        self.nearest[candidates] = np.inf
        self._seen = np.zeros(n_rows, dtype=np.int32)
        self.centres = np.concatenate([initial, np.empty(n_samples, dtype=np.intp)])
        self._n_centres = len(initial)
        self.squared = np.empty(n_samples)
        self._n_picked = 0

    @property
    def n_left(self) -> int:
        """Picks still to be made."""
        return len(self.squared) - self._n_picked

    def pick_at_next_level(self) -> int:
        """Make all picks down to a new level, and return how many these were."""
        before = self._n_picked
        level = self._next_level()
        if level == 0:
            # Only duplicates of centres are left.
            rows = np.flatnonzero(self.nearest == 0)[: self.n_left]
            self._record(rows, np.zeros(len(rows)))
            return len(rows)
        awake = np.flatnonzero(self.nearest >= level)
        self.catch_up(awake)
        awake = awake[self.nearest[awake] >= level]
        while self.n_left and len(awake):
            self._play_round(awake, level)
            awake = awake[self.nearest[awake] >= level]
        self._distances.adapt()
        return self._n_picked - before

    def catch_up(self, rows: np.ndarray) -> None:
        """Compare rows with the centres that they have not seen."""
        rows = rows[self._seen[rows] < self._n_centres]
        self._distances.lower(self.nearest, rows, self.centres[: self._n_centres], self._seen[rows])
        self._seen[rows] = self._n_centres

    def _next_level(self) -> float:
        """Return the bound above which lie enough rows for some rounds."""
        n_rows = int(np.count_nonzero(self.nearest >= 0))
        n_awake = min(int(_AWAKE_SHARE * n_rows), _AWAKE_PER_PICK * self.n_left)
        n_awake = min(n_rows, max(_AWAKE_ROUNDS * _CONTENDERS, n_awake))
        place = len(self.nearest) - n_awake
        level = float(np.partition(self.nearest, place)[place])
        if level == 0 and (self.nearest > 0).any():
            return float(self.nearest[self.nearest > 0].min())
        return level

    def _play_round(self, awake: np.ndarray, level: float) -> None:
        contenders, others, rival = self._choose_contenders(awake, level)
        rows, squared = self._distances.play(self.nearest, contenders, rival, self.n_left)
        self._record(rows, squared)
        self._distances.lower(self.nearest, others, rows, np.zeros(len(others), dtype=np.int32))
        self._seen[awake] = self._n_centres

    def _choose_contenders(
        self, awake: np.ndarray, level: float
    ) -> tuple[np.ndarray, np.ndarray, tuple[float, int]]:
        """Return the first rows by (distance descending, row ascending), the others, and the rival among these.

        Where there are no others, nobody is left at the level: a row after all rows stands for them.
        """
        if len(awake) <= _CONTENDERS:
            return awake, awake[:0], (level, len(self.nearest))
        values = self.nearest[awake]
        place = len(awake) - _CONTENDERS
        threshold = np.partition(values, place)[place]
        plays = values > threshold
        level_rows = np.flatnonzero(values == threshold)
        plays[level_rows[: _CONTENDERS - np.count_nonzero(plays)]] = True
        others = awake[~plays]
        # The first of equal maxima is the lowest row, as rows are in order.
        best = others[self.nearest[others].argmax()]
        return awake[plays], others, (float(self.nearest[best]), int(best))

    def _record(self, rows: np.ndarray, squared: np.ndarray) -> None:
        self.squared[self._n_picked : self._n_picked + len(rows)] = squared
        self.centres[self._n_centres : self._n_centres + len(rows)] = rows
        self.nearest[rows] = _OUT
        self._n_picked += len(rows)
        self._n_centres += len(rows)
