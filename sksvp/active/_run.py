"""A run of active learning: rows, state, models, and the steps that lead from one state to the next."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import _safe_indexing

from .._clock import Clock
from .._seeds import draw_seeds
from ..proxies import as_proxy
from ..strategies import Random, recorder_names, resolve_strategy
from ._checkpoint import LearnerCheckpoint
from ._models import Trained, are_same, train
from ._ranking import rank_pool
from ._state import State


class Run:
    """What `ProxyActiveLearner` does between two calls of its user.

    Every step ends with a saved state. The models of a step follow from the state
    alone: its labels, in the order of the rows, and the seed of its number. So it
    makes no difference whether a model is still in memory or trained again.

    Parameters
    ----------
    X : rows or None
        The pool; None once the protocol has ended.
    state : State
        Changed in place.
    proxy, target : classifier
        Unfitted; target may be None.
    strategy : Strategy
        Ranks.
    warm_start : bool
        Whether a proxy starts from the weights of the one before.
    checkpoint : LearnerCheckpoint or None
        Where the state is saved.
    """

    def __init__(
        self,
        X: Any,
        state: State,
        *,
        proxy: BaseEstimator,
        target: Any,
        strategy: Any,
        warm_start: bool = False,
        checkpoint: LearnerCheckpoint | None = None,
    ):
        if warm_start:
            as_proxy(proxy).check_warm_start()
        self.X = X
        self.state = state
        self.proxy = proxy
        self.target = target
        self.strategy = strategy
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        # One model in both parts is trained once.
        self.is_shared = target is not None and are_same(proxy, target)
        self.trained_proxy: Trained | None = None
        self.trained_target: Trained | None = None
        self._last_official: Trained | None = None

    def save(self) -> None:
        """Save the state, where there is a place for it."""
        if self.checkpoint is not None:
            self.checkpoint.save_state(self.state)

    # Steps ----------------------------------------------------------------------------------

    def select(self, n_samples: int) -> np.ndarray:
        """Choose rows to label next, and let them wait.

        Where there are fewer than two classes, no model can be trained, and the
        rows are drawn at random.
        """
        state = self.state
        strategy = self.strategy if state.table.n_classes > 1 else Random()
        proxy = self.official_proxy() if strategy.requires else None
        ranking = rank_pool(
            strategy,
            None if proxy is None else proxy.proxy,
            self.X,
            state.table.labelled,
            n_samples,
            random_state=_seed(state.seeds["drawing"], state.n_selections),
        )
        state.history.append(
            {
                "round": state.first_round + len(state.history),
                "n_labeled": state.n_labeled,
                "rows": ranking.rows,
                **seconds_of("proxy_fit", None if proxy is None else self._new_seconds(proxy)),
                **seconds_of("inference", None if proxy is None else ranking.inference),
                **seconds_of("ranking", ranking.ranking),
                **seconds_of("target_fit", None),
                "proxy_score": None,
                "target_score": None,
            }
        )
        state.scores, state.waiting, state.n_asked = ranking.scores, ranking.rows, n_samples
        state.n_selections += 1
        state.step_of_selection = state.step
        self.save()
        return ranking.rows

    def _new_seconds(self, proxy: Trained) -> Clock:
        """Return the seconds of a training; none where the last selection has paid for it."""
        return Clock() if self.state.step_of_selection == self.state.step else proxy.seconds

    def record(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Note labels of rows."""
        added = self.state.record(rows, labels)
        if self.checkpoint is not None:
            self.checkpoint.note_labels(self.state, added)
        self.save()

    def drop_waiting(self) -> None:
        """Forget which rows wait for labels; the entry of their selection keeps those that came."""
        state = self.state
        if len(state.waiting) == 0:
            return
        entry = state.history[-1]
        entry["rows"] = entry["rows"][~np.isin(entry["rows"], state.waiting)]
        state.waiting = state.waiting[:0]
        self.save()

    def extend(self, X: Any, n_rows: int, fingerprint: str) -> None:
        """Go on with a longer pool, whose last `n_rows` rows are new."""
        self.X = X
        self.state.grow(n_rows, fingerprint)
        self.save()

    # Models ---------------------------------------------------------------------------------

    @property
    def place(self) -> tuple[int, int]:
        """Where models of the labels so far stand: selections made when the last came, and their step."""
        return self.state.n_selections_at_step, self.state.step

    def official_proxy(self) -> Trained:
        """Return the proxy of the labels so far, and remember that a warm start can build on it."""
        trained = self.current_proxy()
        if self.place not in self.state.proxy_trainings:
            self.state.proxy_trainings.append(self.place)
        if self.warm_start:
            self._last_official = trained
        return trained

    def current_proxy(self) -> Trained:
        """Return the proxy of the labels so far, trained now where it is not in memory."""
        return self._proxy_of(self.place)

    def _proxy_of(self, place: tuple[int, int]) -> Trained:
        if self.trained_proxy is None or self.trained_proxy.place != place:
            start = self._start_of(place) if self.warm_start else None
            seed = _seed(self.state.seeds["proxy"], place[0])
            self.trained_proxy = train(
                self.proxy, *self._labelled_at(place), seed=seed, place=place, start=start
            )
        return self.trained_proxy

    def _start_of(self, place: tuple[int, int]) -> Trained | None:
        """Return the proxy whose weights this one starts from: that of the selection before."""
        earlier = [other for other in self.state.proxy_trainings if other[0] < place[0]]
        known, rest = None, earlier
        if self._last_official is not None and self._last_official.place in earlier:
            known = self._last_official
            rest = earlier[earlier.index(known.place) + 1 :]
        for other in rest:
            seed = _seed(self.state.seeds["proxy"], other[0])
            known = train(self.proxy, *self._labelled_at(other), seed=seed, place=other, start=known)
        return known

    def train_target(self) -> Trained:
        """Train the target on everything labelled."""
        self.state.target_training = self.place
        if self.is_shared:
            self.trained_target = self.official_proxy()
        else:
            self.trained_target = self._target_of(self.place)
        return self.trained_target

    def _target_of(self, place: tuple[int, int]) -> Trained:
        if self.trained_target is not None and self.trained_target.place == place:
            return self.trained_target
        seed = _seed(self.state.seeds["target"], place[0])
        return train(self.target, *self._labelled_at(place), seed=seed, place=place)

    def _labelled_at(self, place: tuple[int, int]) -> tuple[Any, np.ndarray]:
        rows = self.state.known_at(place[1])
        return _safe_indexing(self.X, rows), self.state.table.labels_of(rows)

    def predictor(self) -> Trained:
        """Return the model that predicts: the last target, or the proxy where there is no target.

        Raises
        ------
        NotFittedError
            Where the target is not trained yet.
        """
        if self.target is None:
            # Once the pool is gone no label can have come since.
            return self.trained_proxy if self.X is None and self.trained_proxy else self.current_proxy()
        if self.state.target_training is None:
            how = "target_at named no total" if self.X is None else "call fit_target first"
            raise NotFittedError(f"The target is not trained: {how}.")
        if self.trained_target is None:
            place = self.state.target_training
            self.trained_target = self._proxy_of(place) if self.is_shared else self._target_of(place)
        return self.trained_target


def resolve_pool_strategy(strategy: Any) -> Any:
    """Turn a `strategy` parameter into a strategy that can rank rows without labels.

    Raises
    ------
    ValueError
        For an unknown name, or one that needs records of a training: no row of the
        pool was trained on.
    """
    given, strategy = strategy, resolve_strategy(strategy)
    records = [kind for kind in strategy.requires if kind in recorder_names()]
    if records:
        raise ValueError(
            f"strategy={given!r} ranks by {' and '.join(records).replace('_', ' ')}, which only rows that were "
            "trained on have; rows of a pool have no labels to train on. It serves core-sets; take one that reads "
            "probabilities or features."
        )
    return strategy


def _seed(stream: int, number: int) -> int:
    """Return the seed of one step: it depends on the step's number, not on what was drawn before."""
    return draw_seeds(np.random.RandomState([stream, number]), 1)[0]


def seconds_of(part: str, clock: Clock | None) -> dict[str, float | None]:
    """Return a part's entries in the history: seconds of the wall clock and of the processor."""
    if clock is None:
        return {part: None, f"{part}_cpu": None}
    return {part: clock.wall, f"{part}_cpu": clock.cpu}
