"""What recorders see of a training that goes from text to text."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..strategies import Recorder, is_right, library_of


class BagVisits:
    """Shows the texts of an epoch to recorders, as they were before their updates."""

    def __init__(self, recorders: Mapping[str, Recorder], y: np.ndarray):
        self._recorders = recorders
        self._y = y
        self._judges = dict.fromkeys([is_right, *(recorder.judge for recorder in recorders.values())])

    def judge(self, texts: np.ndarray, logits: Any) -> dict[Any, Any]:
        """Return what the recorders judge of some texts, by the judges, where the logits lie."""
        xp = library_of(logits)
        y = xp.asarray(self._y[texts], device=logits.device)
        logits = _break_ties(xp, logits, y)
        return {judge: judge(logits, y) for judge in self._judges}

    def note(self, texts: np.ndarray, judged: Mapping[Any, np.ndarray]) -> int:
        """Note what was judged, and return how many texts were right."""
        for recorder in self._recorders.values():
            recorder.note(texts, judged[recorder.judge])
        return int(judged[is_right].sum())


def _break_ties(xp: Any, logits: Any, y: Any) -> Any:
    """Put a text's class behind others of the same logit: of equal ones none is right, a blank model knows no class."""
    is_own = y[:, None] == xp.arange(logits.shape[1], device=logits.device)
    best_other = xp.amax(xp.where(is_own, -xp.inf, logits), axis=1)
    is_tied = is_own & (logits == best_other[:, None])
    # Logits of a training that diverges may be infinite.
    with np.errstate(invalid="ignore"):
        return xp.where(is_tied, logits - (1e-6 * xp.abs(logits) + 1e-30), logits)
