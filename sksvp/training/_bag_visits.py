"""Recorders of a training on bags of n-grams."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..strategies import Recorder, is_right, library_of


class BagVisits:
    """Shows the texts of an epoch to recorders, as they were before their updates."""

    def __init__(self, recorders: Mapping[str, Recorder], y: np.ndarray):
        self._recorders = recorders
        self._y = y
        self._judges = {is_right: False} | {each.judge: each.needs_features for each in recorders.values()}

    @property
    def need_features(self) -> bool:
        """Whether a recorder reads the mean embeddings of the texts."""
        return any(self._judges.values())

    def judge(self, texts: np.ndarray, logits: Any, features: Any) -> dict[Any, Any]:
        """Return the values of the recorders for some texts, by their `judge`, on the device of the logits."""
        xp = library_of(logits)
        y = xp.asarray(self._y[texts], device=logits.device)
        logits = _break_ties(xp, logits, y)
        return {judge: judge(features if wants else logits, y) for judge, wants in self._judges.items()}

    def note(self, texts: np.ndarray, judged: Mapping[Any, np.ndarray]) -> int:
        """Note the values, and return the number of texts that were right."""
        for recorder in self._recorders.values():
            recorder.note(texts, judged[recorder.judge])
        return int(judged[is_right].sum())


def _break_ties(xp: Any, logits: Any, y: Any) -> Any:
    """Lower the logit of the true class if another class has the same, so that a blank model is never right."""
    is_own = y[:, None] == xp.arange(logits.shape[1], device=logits.device)
    best_other = xp.amax(xp.where(is_own, -xp.inf, logits), axis=1)
    is_tied = is_own & (logits == best_other[:, None])
    # The logits of a diverging training may be infinite.
    with np.errstate(invalid="ignore"):
        return xp.where(is_tied, logits - (1e-6 * xp.abs(logits) + 1e-30), logits)
