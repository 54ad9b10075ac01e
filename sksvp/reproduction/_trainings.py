"""Train models through the store: each once, after those that choose its rows."""

import platform
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .. import estimators
from .._clock import Clock
from .._device import resolve_device, resolve_precision
from .._inputs._containers import take_rows
from .._storage._identity import versions
from ..estimators import measuring_test_error
from ..experiments import forget_training, hardware_name, keep_training
from ..proxies import as_proxy
from ..strategies import Evidence, KCenters, choose, count_rows, resolve_strategy
from ._data import Data
from ._follow import ALWAYS_FOLLOWED, Follow, history_of
from ._models import Model, Network, Rows
from ._store import RunStore

_CLOCKS = ("seconds", "cpu_seconds")


@dataclass
class Selection:
    """Rows that a model chose, best first.

    Attributes
    ----------
    rows : ndarray of int
        Chosen rows; all that were ranked, where a strategy ranks all.
    scores : ndarray of shape (n_rows,)
        Score of each row of the data; NaN for rows without.
    seconds : dict of str to float
        Seconds of inference and ranking, by clock.
    """

    rows: np.ndarray
    scores: np.ndarray
    seconds: dict[str, float]


class Trainings:
    """The trainings of one data set, kept in a store.

    Parameters
    ----------
    store : RunStore
    data : Data
    device : str
        Device of the networks.
    checkpoint_every : int
        Epochs after which an unfinished training is kept; 0 means never.
    report : callable
        Called with a line for each training.
    """

    def __init__(
        self,
        store: RunStore,
        data: Data,
        *,
        device: str = "auto",
        checkpoint_every: int = 1,
        report: Callable[[str], None] = print,
    ):
        self.store = store
        self.data = data
        self.device = device
        self.checkpoint_every = checkpoint_every
        self.report = report
        self._keys: dict[Model, str] = {}
        # The model that was asked last, and what it said: several strategies ask the same.
        self._last: tuple[str, Any] = ("", None)
        self._said: dict[tuple, tuple[Evidence, Clock]] = {}

    def key(self, model: Model) -> str:
        """Return the name of a model's folder."""
        if model not in self._keys:
            self._keys[model] = model.key(self._data_for)
        return self._keys[model]

    def _data_for(self, network: Network) -> str:
        """Return the fingerprint of the data, and the precision of a network that has one."""
        estimator = network.build(device=self.device)
        if not hasattr(estimator, "precision"):
            return self.data.fingerprint
        # What "auto" means depends on the machine, and so do the results.
        precision = resolve_precision(estimator.precision, resolve_device(estimator.device))
        return f"{self.data.fingerprint} in {str(precision).removeprefix('torch.')}"

    def find(self, model: Model) -> dict[str, Any] | None:
        """Return the record of a model, None if it is not trained yet."""
        key = self.key(model)
        return self.store.read(key) if self.store.has(key) else None

    def has(self, model: Model) -> bool:
        """Tell whether a model is trained."""
        return self.store.has(self.key(model))

    def train(self, model: Model) -> dict[str, Any]:
        """Return the record of a model, which is trained if the store does not have it.

        Parameters
        ----------
        model : Model

        Returns
        -------
        dict
            The record.
        """
        if not self.has(model):
            rows = self.rows(model.rows)
            with self.store._working_on(self.key(model)):
                if not self.has(model):
                    self._train(model, rows)
        return self.store.read(self.key(model))

    def _train(self, model: Model, rows: np.ndarray) -> None:
        key, data = self.key(model), self.data
        estimator = model.network.build(device=self.device, random_state=model.seed)
        states = self.store._unfinished_folder(key)
        keep_training(estimator, states, self.checkpoint_every)
        is_whole = len(rows) == len(data.y_train)
        proxy = as_proxy(estimator)
        is_tested = is_whole and proxy.has_epochs
        tests = measuring_test_error(data.X_test, data.y_test) if is_tested else nullcontext()
        watch = None
        if proxy.has_epochs:
            followed = (ALWAYS_FOLLOWED, *model.followed) if is_whole else model.followed
            watch = Follow(followed, data.y_train[rows], model.network.stop_after)
        X = data.X_train if is_whole else take_rows(data.X_train, rows)
        self._last = ("", None)
        with tests, Clock() as fit:
            trained = proxy.train(X, data.y_train[rows], watch=watch).estimator
        fit.add_earlier(trained)
        with Clock() as testing:
            error = 1.0 - float(trained.score(data.X_test, data.y_test))
        history = history_of(trained)
        following = watch.seconds if watch else np.zeros(2)
        spent = dict(zip(_CLOCKS, np.maximum(0.0, (fit.wall, fit.cpu) - following).tolist(), strict=True))
        if hasattr(trained, "save"):
            known = trained.get_params(deep=False)
            trained.set_params(
                **{name: None for name in ("net_params", "checkpoint") if known.get(name) is not None}
            )
            trained.save(self.store.folder(key) / "model.safetensors")
        if not is_whole:
            self.store._write_arrays(key, "rows", {"rows": rows})
        for name, scores in (watch.scores if watch else {}).items():
            self.store._write_arrays(key, _by_epoch(name), {"scores": np.stack(scores)})
        record = {
            **model.settings(self._data_for),
            "data": data.fingerprint,
            "name": model.network.name,
            "about_rows": in_words(model.rows),
            "dataset": data.name,
            "n_rows": len(rows),
            "error": error,
            "fit": spent,
            "test": {"seconds": testing.wall, "cpu_seconds": testing.cpu},
            "epochs": len(history) or None,
            "history": history,
            "versions": {"python": platform.python_version(), **versions()},
            "hardware": hardware_name(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.store._add(key, record)
        forget_training(states)
        self._last = (key, trained)
        self._said.clear()
        self.report(
            f"{key[:8]}  {model.network.name}, {in_words(model.rows)}, seed {model.seed}: "
            f"error {100 * error:.2f} %, {spent['cpu_seconds']:.1f} CPU s, {spent['seconds']:.1f} wall s"
        )

    # Rows ------------------------------------------------------------------------------------

    def count(self, rows: Rows) -> int:
        """Return the number of rows."""
        return count_rows(rows.share, len(self.data.y_train)) if rows.share < 1 else len(self.data.y_train)

    def rows(self, rows: Rows) -> np.ndarray:
        """Return row numbers, ascending; the models that choose are trained if need be."""
        n_rows = len(self.data.y_train)
        if rows.by is None:
            order = np.random.RandomState(rows.seed).permutation(n_rows)
            return np.sort(order[: self.count(rows)])
        former = self.rows(rows.by.rows) if rows.grows else np.empty(0, dtype=np.intp)
        n_new = self.count(rows) - len(former)
        chosen = self.select(rows.by, str(rows.strategy), n_new, grows=rows.grows).rows[:n_new]
        return np.sort(np.concatenate([former, chosen]))

    def select(self, by: Model, strategy: str, n_samples: int, *, grows: bool = False) -> Selection:
        """Return the rows that a model chooses.

        Parameters
        ----------
        by : Model
            It is trained if need be.
        strategy : str
            Name of a strategy.
        n_samples : int
            Number of rows.
        grows : bool, default=False
            Whether only rows beside those of its training may be chosen.

        Returns
        -------
        Selection
        """
        self.train(by)
        rule = resolve_strategy(strategy)
        ranks_all = getattr(rule, "scores_each_row", False)
        name = f"ranking-{strategy}" + ("-grows" if grows else "") + ("" if ranks_all else f"-{n_samples}")
        initial = self.rows(by.rows) if grows else None

        def choice(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
            chosen = choose(rule, evidence, n_samples, initial=initial, random_state=by.seed)
            return chosen.order, chosen.scores

        return self._ranking(by, name, rule.requires, choice)

    def order(self, by: Model, strategy: str, *, shared_start: bool = False) -> np.ndarray:
        """Return a score of every row, the higher the sooner it is chosen.

        Parameters
        ----------
        by : Model
            It is trained if need be.
        strategy : str
            Name of a strategy. For k-centers the score is the place in the greedy order
            of all rows.
        shared_start : bool, default=False
            Whether k-centers begins with the random rows that all models share.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        self.train(by)
        rule = resolve_strategy(strategy)
        n_rows = len(self.data.y_train)
        if getattr(rule, "scores_each_row", False):
            return self.select(by, strategy, n_rows).scores
        if shared_start:
            rule = KCenters(start_seed=0)

        def choice(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
            chosen = choose(rule, evidence, n_rows, random_state=by.seed)
            return chosen.order, chosen.scores

        name = f"ranking-{strategy}-{'shared-' if shared_start else ''}{n_rows}"
        places = np.empty(n_rows)
        places[self._ranking(by, name, rule.requires, choice).rows] = -np.arange(n_rows)
        return places

    def followed(self, model: Model, strategy: str) -> np.ndarray:
        """Return the scores of all rows after each epoch, of shape (n_epochs, n_rows)."""
        self.train(model)
        return self.store._read_arrays(self.key(model), _by_epoch(strategy))["scores"]

    def _ranking(self, by: Model, name: str, requires: Sequence[str], choice: Callable) -> Selection:
        key = self.key(by)
        if not self.store._has_arrays(key, name):
            with self.store._working_on(key):
                if not self.store._has_arrays(key, name):
                    self._rank(by, name, requires, choice)
        arrays = self.store._read_arrays(key, name)
        spent = dict(zip(_CLOCKS, arrays["spent"].tolist(), strict=True))
        return Selection(arrays["rows"], arrays["scores"], spent)

    def _rank(self, by: Model, name: str, requires: Sequence[str], choice: Callable) -> None:
        evidence, inference = self._ask(by, tuple(requires))
        with Clock() as ranking:
            rows, scores = choice(evidence)
        spent = np.array([inference.wall + ranking.wall, inference.cpu + ranking.cpu])
        arrays = {"rows": rows, "scores": scores, "spent": spent}
        self.store._write_arrays(self.key(by), name, arrays)

    def _ask(self, model: Model, requires: tuple[str, ...]) -> tuple[Evidence, Clock]:
        """Return what a trained model says of all rows, on the clean view."""
        key = self.key(model)
        if (key, requires) not in self._said:
            if self._last[0] != key:
                self._last = (key, self._load(model, key))
                self._said.clear()
            X, y = self.data.X_train, self.data.y_train
            with Clock() as inference:
                evidence = as_proxy(self._last[1], classes=self._last[1].classes_).gather(X, requires, y=y)
            self._said[key, requires] = (evidence, inference)
        return self._said[key, requires]

    def _load(self, model: Model, key: str) -> Any:
        kind = getattr(estimators, model.network.estimator)
        return kind.load(self.store.folder(key) / "model.safetensors", device=self.device)


def _by_epoch(strategy: str) -> str:
    return f"by-epoch-{strategy}"


def in_words(rows: Rows) -> str:
    """Say which rows in few words."""
    if rows.by is None:
        return "all rows" if rows.share == 1 else f"{rows.share:.0%} at random"
    return f"{rows.share:.0%} by {rows.strategy} of {rows.by.network.name}"
