"""What is noted after each epoch of a training: the scores of the rows, and losses and errors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._clock import Clock
from ..strategies import Evidence, resolve_strategy

# Costs no pass over the rows.
ALWAYS_FOLLOWED = "forgetting_events"


class Follow:
    """Watch of a training that keeps the scores of all its rows after each epoch, and may end it early.

    Parameters
    ----------
    strategies : sequence of str
        Names of strategies that score each row.
    y : ndarray
        Labels of the rows.
    stop_after : int, optional
        Epochs after which the training ends.

    Attributes
    ----------
    scores : dict of str to list of ndarray
        By strategy, one array for each epoch.
    seconds : ndarray of shape (2,)
        Seconds that this took: by the wall, of the processor.
    """

    def __init__(self, strategies: Sequence[str], y: np.ndarray, stop_after: int | None = None):
        self.rules = {name: resolve_strategy(name) for name in strategies}
        self.y = y
        self.stop_after = stop_after
        self.n_epochs = 0
        self.scores: dict[str, list[np.ndarray]] = {name: [] for name in strategies}
        self.seconds = np.zeros(2)

    def __call__(self, gather: Callable[[tuple[str, ...], np.ndarray], dict[str, Any]]) -> bool:
        self.n_epochs += 1
        if self.rules:
            self._keep(gather)
        return self.n_epochs == self.stop_after

    def _keep(self, gather: Callable[[tuple[str, ...], np.ndarray], dict[str, Any]]) -> None:
        rows = np.arange(len(self.y))
        with Clock() as clock:
            kinds = tuple(dict.fromkeys(kind for rule in self.rules.values() for kind in rule.requires))
            evidence = Evidence(y=self.y, n_rows=len(rows), **gather(kinds, rows))
            for name, rule in self.rules.items():
                scores = rule.rank(evidence, 1, random_state=0)[1]
                # A training of 181 epochs has nine million scores; half precision holds counts up to 2,048.
                self.scores[name].append(scores.astype(np.float16 if name == ALWAYS_FOLLOWED else np.float32))
        self.seconds += (clock.wall, clock.cpu)

    def key(self) -> str:
        """Return text that identifies what is kept."""
        return f"scores after each epoch: {', '.join(self.rules)}; ends after {self.stop_after}"

    def state(self) -> dict[str, np.ndarray]:
        """Return the scores so far, for `restore`."""
        empty = np.empty((0, len(self.y)))
        kept = {name: np.stack(scores) if scores else empty for name, scores in self.scores.items()}
        return {"n_epochs": np.array(self.n_epochs), "seconds": self.seconds, **kept}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from what `state` returned."""
        self.n_epochs, self.seconds = int(state["n_epochs"]), np.array(state["seconds"])
        self.scores = {name: list(state[name]) for name in self.rules}


def history_of(estimator: Any) -> list[dict[str, Any]]:
    """Return loss, training accuracy, test error and seconds of each epoch, as far as they are known."""
    wanted = {
        "train_loss": "loss",
        "train_acc": "train_accuracy",
        "test_error": "test_error",
        "dur": "seconds",
    }
    epochs = enumerate(getattr(estimator, "history_", []), start=1)
    return [
        {"epoch": number} | {name: _number(epoch[there]) for there, name in wanted.items() if there in epoch}
        for number, epoch in epochs
    ]


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
