"""Margins of the visits: how far a row's class was ahead each time the training came to it."""

from typing import Any, ClassVar

import numpy as np

from ._recorder import Recorder, library_of


class VisitMargins(Recorder):
    """Records the margin of every visit: the score of the row's own class minus the highest of the others.

    The area under the margin is its mean over the visits (Pleiss et al.,
    Identifying Mislabeled Data using the Area Under the Margin Ranking, NeurIPS
    2020). A row takes two bytes a visit.

    Parameters
    ----------
    n_rows : int
        Number of training rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import VisitMargins
    >>> margins = VisitMargins(2)
    >>> margins.update([0, 1], np.array([[2.0, 0.5], [2.0, 0.5]]), np.array([0, 1]))
    >>> margins.update([0], np.array([[1.0, 0.5]]), np.array([0]))
    >>> margins.result().tolist()
    [[1.5, 0.5], [-1.5, nan]]
    """

    name: ClassVar[str] = "visit_margins"
    arrays: ClassVar[tuple[str, ...]] = ("_margins", "_n_visits")

    def __init__(self, n_rows: int):
        super().__init__(n_rows)
        self._margins = np.empty((0, n_rows), dtype=np.float16)
        self._n_visits = np.zeros(n_rows, dtype=np.int32)

    @staticmethod
    def judge(logits: Any, y: Any) -> Any:
        """Return the margins of a batch, in float32."""
        xp = library_of(logits)
        columns = xp.arange(logits.shape[1], device=logits.device)
        is_own = y[:, None] == columns
        own = xp.where(is_own, logits, 0).sum(axis=1)
        return own - xp.amax(xp.where(is_own, -xp.inf, logits), axis=1)

    def _keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        visits = self._n_visits[rows]
        missing = visits.max() + 1 - len(self._margins)
        if missing > 0:
            blank = np.full((missing, self.n_rows), np.nan, dtype=np.float16)
            self._margins = np.concatenate([self._margins, blank])
        with np.errstate(over="ignore"):
            self._margins[visits, rows] = values
        self._n_visits[rows] += 1

    def result(self) -> np.ndarray:
        """Return the margins, (n_rows, n_visits) float16; NaN where a row had fewer visits than others."""
        return self._margins.T
