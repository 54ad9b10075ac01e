"""The recorder of how far the class probabilities of a row moved from visit to visit."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ._probabilities import block_slices
from ._record_visits import VisitRecorder
from ._recorder import library_of

# Smallest probability that is told from 0.
_SMALLEST = 1e-8


class RecordChanges(VisitRecorder):
    """Keeps the change of the class probabilities at every visit, the channel `change`.

    It is the sum over the classes of ``|p (log p - log q)|``, where p are the
    probabilities at this visit and q those at the visit before; 0 at the first visit.
    Probabilities below 1e-8 count as 1e-8. A row takes two bytes a visit, and two a
    class for the probabilities of the former visit, which are overwritten; a network
    holds as much again for those of the present one. It is kept only where a strategy
    reads it, such as `Tdds`, or where a memory keeps the training.

    Parameters
    ----------
    n_rows : int
        Number of training rows.

    See Also
    --------
    Tdds : Reads it.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import RecordChanges
    >>> changes = RecordChanges(1)
    >>> for logits in ([[0.0, 0.0]], [[0.0, 0.0]], [[0.0, 2.0]]):
    ...     changes.update([0], np.array(logits), np.array([1]))
    >>> changes.result().astype(float).round(2).tolist()
    [[0.0, 0.0, 0.67]]
    """

    name: ClassVar[str] = "change"
    needs_scores: ClassVar[bool] = True
    is_dear: ClassVar[bool] = True

    def __init__(self, n_rows: int):
        super().__init__(n_rows)
        self._former = np.zeros((self.n_rows, 0), dtype=np.float16)

    @staticmethod
    def judge(logits: Any, y: Any) -> Any:
        """Return the log-probabilities of a batch, (n_batch, n_classes) float16."""
        xp = library_of(logits)
        logits = logits.astype(np.float32) if xp is np else logits.float()
        logits = logits - xp.amax(logits, axis=1)[:, None]
        logs = logits - xp.log(xp.exp(logits).sum(axis=1))[:, None]
        logs = xp.clip(logs, float(np.log(_SMALLEST)), None)
        return logs.astype(np.float16) if xp is np else logs.half()

    def _keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        if self._former.shape[1] == 0:
            self._former = np.zeros((self.n_rows, values.shape[1]), dtype=np.float16)
        changes = np.empty(len(rows), dtype=np.float32)
        for part in block_slices(*values.shape):
            changes[part] = change_between(values[part], self._former[rows[part]])
            self._former[rows[part]] = values[part]
        changes[self._n_visits[rows] == 0] = 0.0
        super()._keep(rows, changes)

    def state(self) -> dict[str, np.ndarray]:
        return {**super().state(), "_former": self._former}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        super().restore(state)
        self._former = state["_former"].copy()


def change_between(logs: np.ndarray, former: np.ndarray) -> np.ndarray:
    """Return the change from the log-probabilities of one visit to those of the next, (n_rows,) float32."""
    logs, former = logs.astype(np.float32), former.astype(np.float32)
    return np.abs(np.exp(logs) * (logs - former)).sum(axis=1)
