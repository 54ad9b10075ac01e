"""All of a run that must survive the end of its process."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ._labels import LabelTable

# What a file keeps as arrays.
_ARRAYS = ("table", "steps", "waiting", "history", "scores")


@dataclass
class State:
    """What a run has done so far. Networks are not in it: they are trained again from their seeds.

    Attributes
    ----------
    table : LabelTable
        The labels.
    steps : ndarray of shape (n_rows,), int32
        At which step each row got its label.
    parts : list of (int, str)
        Rows and fingerprint of the X that was fitted and of every extension;
        no fingerprint where nothing is saved.
    seeds : dict
        One for each of the streams proxy, target and drawing.
    first_round : int
        Number of the first selection: 0 for a random start, 1 where some labels
        were there.
    step : int
        Counts the times labels came.
    n_selections : int
        Counts the selections; the drawing of the next one follows from it.
    n_selections_at_step : int
        The count when labels came last; the seed of the models trained on them
        follows from it, in however many parts they came.
    step_of_selection : int
        The step whose labels the last selection went by, -1 before the first.
    waiting : ndarray of int
        Rows of the last selection that have no label yet, best first.
    n_asked : int
        How many rows that selection had.
    history : list of dict
        One entry a selection.
    scores : ndarray of float or None
        Of the last selection.
    proxy_trainings : list of (selection, step)
        Of the trainings that counted, for warm starts.
    target_training : (selection, step) or None
        Of the last target.
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
    proxy_trainings: list[tuple[int, int]] = field(default_factory=list)
    target_training: tuple[int, int] | None = None

    @property
    def n_rows(self) -> int:
        """Rows of the pool, labelled or not."""
        return len(self.steps)

    @property
    def n_labeled(self) -> int:
        """How many of them are labelled."""
        return int(self.table.labelled.sum())

    def record(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Note labels; those rows wait no longer. Return the rows, ascending, that had none before."""
        added = self.table.add(rows, labels)
        if len(added):
            self.step += 1
            self.steps[added] = self.step
            self.n_selections_at_step = self.n_selections
        self.waiting = self.waiting[~np.isin(self.waiting, added)]
        if self.history:
            self.history[-1]["n_labeled"] = self.n_labeled
        return added

    def known_at(self, step: int) -> np.ndarray:
        """Return the rows, ascending, that had a label after a step."""
        return np.flatnonzero(self.table.labelled & (self.steps <= step))

    def grow(self, n_rows: int, fingerprint: str) -> None:
        """Append rows without labels."""
        self.table.grow(n_rows)
        self.steps = np.append(self.steps, np.full(n_rows, -1, dtype=np.int32))
        self.parts.append((n_rows, fingerprint))

    # As plain content -----------------------------------------------------------------------

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return everything as plain values and arrays."""
        told = {name: getattr(self, name) for name in self._plain_names()}
        told["classes"] = self.table.classes
        told["history"] = [{**entry, "rows": len(entry["rows"])} for entry in self.history]
        rows = [entry["rows"] for entry in self.history]
        arrays = {
            "codes": self.table.codes,
            "steps": self.steps,
            "waiting": self.waiting.astype(np.int64),
            "chosen": np.concatenate([np.empty(0, dtype=np.int64), *rows]).astype(np.int64),
        }
        if self.scores is not None:
            arrays["scores"] = self.scores
        return told, arrays

    @classmethod
    def _plain_names(cls) -> list[str]:
        return [one.name for one in fields(cls) if one.name not in _ARRAYS]

    @classmethod
    def from_parts(cls, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> "State":
        """Return the state that `to_parts` gave."""
        plain = {name: told[name] for name in cls._plain_names()}
        table = LabelTable(0)
        table.codes, table.classes = arrays["codes"], told["classes"]
        ends = np.cumsum([entry["rows"] for entry in told["history"]], dtype=np.int64)
        chosen = np.split(arrays["chosen"], ends[:-1]) if len(ends) else []
        for name in ("parts", "proxy_trainings"):
            plain[name] = [tuple(pair) for pair in plain[name]]
        if plain["target_training"] is not None:
            plain["target_training"] = tuple(plain["target_training"])
        return cls(
            table=table,
            steps=arrays["steps"],
            waiting=arrays["waiting"],
            history=[{**entry, "rows": rows} for entry, rows in zip(told["history"], chosen, strict=True)],
            scores=arrays.get("scores"),
            **plain,
        )


def new_state(n_rows: int, fingerprint: str, rows: np.ndarray, labels: np.ndarray, seeds: list[int]) -> State:
    """Return the state of a run that begins with some labels, or none."""
    proxy, target, drawing = seeds
    table = LabelTable(n_rows)
    table.add(rows, labels)
    return State(
        table=table,
        # -1 for rows without a label; what is labelled at the start is so at step 0.
        steps=np.where(table.labelled, 0, -1).astype(np.int32),
        parts=[(n_rows, fingerprint)],
        seeds={"proxy": proxy, "target": target, "drawing": drawing},
        first_round=1 if len(rows) else 0,
    )
