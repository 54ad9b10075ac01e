"""State of a run: all that must survive the end of its process."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ._labels import LabelTable

# Fields that a file keeps as arrays.
_ARRAYS = ("table", "steps", "waiting", "scores")


@dataclass
class State:
    """State of a run, without models: these are trained again from their seeds.

    Attributes
    ----------
    table : LabelTable
        The labels.
    steps : ndarray of shape (n_rows,), int32
        Step at which each row got its label; -1 for rows without a label.
    parts : list of (int, str)
        Number of rows and fingerprint of the fitted X and of every extension. The
        fingerprint is empty if nothing is saved.
    seeds : dict
        Seeds of the streams ``"proxy"``, ``"target"`` and ``"drawing"``.
    first_round : int
        Number of the first selection: 0 for a random start, 1 if some rows were
        labelled before.
    step : int
        Number of times that labels came.
    n_selections : int
        Number of selections; it decides the drawing of the next one.
    n_selections_at_step : int
        `n_selections` when labels came last. It decides the seed of the models that
        are trained on them, so that labels may come in several parts.
    step_of_selection : int
        Step of the labels that the last selection used; -1 before the first.
    waiting : ndarray of int
        Rows of the last selection that have no label yet, best first.
    n_asked : int
        Number of rows of that selection.
    history : list of dict
        One entry for each selection.
    scores : ndarray of float or None
        Scores of the last selection.
    corrections : list of [step, row, code]
        Labels that were replaced: the step, the row and its code before.
    proxy_trainings : list of (selection, step)
        Places of the proxies from which a warm start continues.
    target_training : (selection, step) or None
        Place of the last target.
    seen : dict
        What the last ``"proxy"`` and the last ``"target"`` said of the sample of the
        stopping rule.
    """

    table: LabelTable
    steps: np.ndarray
    parts: list[tuple[int, str]]
    seeds: dict[str, int]
    first_round: int
    step: int = 0
    n_selections: int = 0
    n_selections_at_step: int = 0
    step_of_selection: int = -1
    waiting: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    n_asked: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    scores: np.ndarray | None = None
    corrections: list[list[int]] = field(default_factory=list)
    proxy_trainings: list[tuple[int, int]] = field(default_factory=list)
    target_training: tuple[int, int] | None = None
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of rows of the pool."""
        return len(self.steps)

    @property
    def n_labeled(self) -> int:
        """Number of labelled rows."""
        return int(self.table.labelled.sum())

    def record(self, rows: np.ndarray, labels: np.ndarray, *, overwrite: bool = False) -> np.ndarray:
        """Record labels; their rows wait no longer. Return the rows with a new label, ascending."""
        before = self.table.codes
        added, corrected = self.table.add(rows, labels, overwrite=overwrite)
        changed = np.union1d(added, corrected)
        if len(changed):
            self.step += 1
            self.steps[added] = self.step
            self.corrections += [[self.step, int(row), int(before[row])] for row in corrected]
            self.n_selections_at_step = self.n_selections
        self.waiting = self.waiting[~np.isin(self.waiting, added)]
        if self.history:
            self.history[-1]["n_labeled"] = self.n_labeled
        return changed

    def labelled_at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that had a label after a step, ascending, and the labels that they had then."""
        rows = np.flatnonzero(self.table.labelled & (self.steps <= step))
        codes = self.table.codes.copy()
        for when, row, before in reversed(self.corrections):
            if when > step:
                codes[row] = before
        return rows, self.table.labels(codes[rows])

    def grow(self, n_rows: int, fingerprint: str) -> None:
        """Append rows without labels."""
        self.table.grow(n_rows)
        self.steps = np.append(self.steps, np.full(n_rows, -1, dtype=np.int32))
        self.parts.append((n_rows, fingerprint))

    # Plain content for a file ---------------------------------------------------------------

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the state as plain values and arrays."""
        told = {name: getattr(self, name) for name in self._plain_names()}
        told["classes"] = self.table.classes
        told["history"] = [{**entry, "rows": entry["rows"].tolist()} for entry in self.history]
        arrays = {"codes": self.table.codes, "steps": self.steps, "waiting": self.waiting}
        return told, arrays if self.scores is None else {**arrays, "scores": self.scores}

    @classmethod
    def from_parts(cls, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> "State":
        """Return the state from the result of `to_parts`."""
        plain = {name: told[name] for name in cls._plain_names()}
        for entry in plain["history"]:
            entry["rows"] = np.asarray(entry["rows"], dtype=np.int64)
        # JSON has lists only; places are compared as tuples.
        plain["proxy_trainings"] = [tuple(place) for place in plain["proxy_trainings"]]
        if plain["target_training"] is not None:
            plain["target_training"] = tuple(plain["target_training"])
        table = LabelTable(0)
        table.codes, table.classes = arrays["codes"], told["classes"]
        return cls(
            table=table,
            steps=arrays["steps"],
            waiting=arrays["waiting"],
            scores=arrays.get("scores"),
            **plain,
        )

    @classmethod
    def _plain_names(cls) -> list[str]:
        return [one.name for one in fields(cls) if one.name not in _ARRAYS]


def new_state(n_rows: int, fingerprint: str, rows: np.ndarray, labels: np.ndarray, seeds: list[int]) -> State:
    """Return the state of a new run, with some labels or none."""
    proxy, target, drawing = seeds
    table = LabelTable(n_rows)
    table.add(rows, labels)
    return State(
        table=table,
        # Labels of the start come with step 0.
        steps=np.where(table.labelled, 0, -1).astype(np.int32),
        parts=[(n_rows, fingerprint)],
        seeds={"proxy": proxy, "target": target, "drawing": drawing},
        first_round=1 if len(rows) else 0,
    )
