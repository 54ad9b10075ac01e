"""Recorders that keep a value of each visit: those of the training record, and what they share."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ._recorder import Recorder, library_of
from ._visit_store import VisitStore

CHANNELS = ("loss", "squared", "margin")


class VisitRecorder(Recorder):
    """Base of the recorders that keep every visit; above 256 MiB in a mapped temporary file, see `VisitStore`.

    A child computes in `judge` one number per row, or `n_channels` of them.

    Parameters
    ----------
    n_rows : int
        Number of training rows.
    """

    n_channels: ClassVar[int] = 1
    dtype: ClassVar[np.dtype] = np.dtype(np.float16)

    def __init__(self, n_rows: int):
        super().__init__(n_rows)
        self._store = VisitStore(self.n_channels, self.n_rows, self.dtype)
        self._n_visits = np.zeros(self.n_rows, dtype=np.int32)

    def _keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        visits = self._n_visits[rows]
        missing = int(visits.max()) + 1 - len(self._store.array)
        if missing > 0:
            self._store.extend(missing)
        # What lies beyond the range of the type, also infinity, becomes its end.
        largest = float(np.finfo(self.dtype).max)
        values = values.reshape(len(rows), self.n_channels)
        self._store.array[visits, :, rows] = np.clip(values, -largest, largest)
        self._n_visits[rows] += 1

    def result(self) -> np.ndarray:
        """Return the visits that every row has had, (n_rows, n_visits) or (n_rows, n_visits, n_channels)."""
        visits = self._store.array
        whole = visits[: self._n_visits.min(initial=len(visits))].transpose(2, 0, 1)
        return whole if self.n_channels > 1 else whole[:, :, 0]

    def state(self) -> dict[str, np.ndarray]:
        return {**super().state(), "_visits": self._store.array, "_n_visits": self._n_visits}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        super().restore(state)
        self._n_visits = state["_n_visits"].copy()
        self._store = VisitStore(self.n_channels, self.n_rows, self.dtype)
        self._store.extend(len(state["_visits"]))
        self._store.array[:] = state["_visits"]


class RecordVisits(VisitRecorder):
    """Keeps the training record: loss, sum of squared probabilities and margin of every visit.

    A row takes six bytes a visit. Above 256 MiB they lie in a temporary file, which
    is mapped into memory and removed by the system when nobody shows it any more;
    ``TMPDIR`` names its folder.

    Parameters
    ----------
    n_rows : int
        Number of training rows.

    See Also
    --------
    TrainingRecord : The record itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import RecordVisits
    >>> visits = RecordVisits(2)
    >>> visits.update([0, 1], np.array([[0.0, 0.0], [0.0, 4.0]]), np.array([0, 1]))
    >>> visits.result().shape
    (2, 1, 3)
    """

    name: ClassVar[str] = "training_record"
    needs_scores: ClassVar[bool] = True
    n_channels: ClassVar[int] = len(CHANNELS)

    @staticmethod
    def judge(logits: Any, y: Any) -> Any:
        """Return loss, sum of squared probabilities and margin of a batch, (n_batch, 3) float32."""
        xp = library_of(logits)
        logits = logits.astype(np.float32) if xp is np else logits.float()
        is_own = y[:, None] == xp.arange(logits.shape[1], device=logits.device)
        own = xp.where(is_own, logits, 0.0).sum(axis=1)
        other = xp.amax(xp.where(is_own, -xp.inf, logits), axis=1)
        highest = xp.maximum(own, other)
        parts = xp.exp(logits - highest[:, None])
        total = parts.sum(axis=1)
        loss = xp.log(total) + (highest - own)
        return xp.stack([loss, (parts * parts).sum(axis=1) / total**2, own - other], 1)
