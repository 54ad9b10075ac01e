"""A run of active learning: rows, state, models, and the steps from one state to the next."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import _check_method_params, _is_arraylike, _num_samples

from .._clock import Clock
from .._inputs._containers import take_rows
from .._seeds import draw_seeds
from .._updates import with_updates
from ..proxies import NoFeatures, as_proxy
from ..strategies import AutoQuery, Margin, Random, recorder_names, resolve_strategy
from ._candidates import Candidates
from ._checkpoint import LearnerCheckpoint
from ._models import Trained, are_same, train
from ._predictions_settled import PredictionsSettled
from ._ranking import Ranking, rank_pool
from ._same_rows import snapshot_of
from ._start import Start
from ._state import State
from ._stopping import note_change


@dataclass
class Run:
    """Everything that `ProxyActiveLearner` does between two calls of its user.

    Every step ends with a saved state. The models of a step depend on the state
    alone: on its labels, in the order of the rows, and on the seed of its number.
    A model in memory and one that is trained again are therefore the same.

    Attributes
    ----------
    X : rows or None
        The pool; None after the last round of an experiment.
    state : State
        Changed in place.
    proxy, target : classifier or None
        Unfitted.
    strategy : Strategy or None
        Ranks rows.
    warm_start : bool
        Whether a proxy starts from the weights of the previous one.
    checkpoint : LearnerCheckpoint or None
        Where the state is saved.
    fit_params : dict of str to dict
        Metadata for the `fit` of ``"proxy"`` and ``"target"``.
    watches_pool : bool
        Whether the user can change the pool between two steps.
    stop : PredictionsSettled or None
        Says when the labels suffice.
    candidates : Candidates
        Which rows without a label are ranked.
    start : Start or None
        What chooses rows as long as no model can be trained.
    n_updates : int or None
        Updates of each target; None for those of its own epochs.
    warm_target : bool
        Whether a target starts from the weights of the proxy of the same labels.
    trained_proxy, trained_target : Trained or None
        The models trained last.
    took : Strategy or None
        What ranked last.
    reason : str or None
        Why ``"auto"`` took it.
    """

    X: Any
    state: State
    proxy: BaseEstimator | None
    target: BaseEstimator | None
    strategy: Any = None
    warm_start: bool = False
    checkpoint: LearnerCheckpoint | None = None
    fit_params: dict[str, dict] = field(default_factory=lambda: {"proxy": {}, "target": {}})
    watches_pool: bool = False
    stop: PredictionsSettled | None = None
    candidates: Candidates = field(default_factory=Candidates)
    start: Start | None = None
    n_updates: int | None = None
    warm_target: bool = False
    trained_proxy: Trained | None = field(default=None, init=False)
    trained_target: Trained | None = field(default=None, init=False)
    took: Any = field(default=None, init=False)
    reason: str | None = field(default=None, init=False)
    _last_official: Trained | None = field(default=None, init=False)

    def __post_init__(self):
        if self.warm_start:
            as_proxy(self.proxy).check_warm_start()
        self._snapshot = snapshot_of(self.X) if self.watches_pool else {}
        # One model in both parts is trained once.
        both = self.proxy is not None and self.target is not None
        self.is_shared = both and are_same(self.proxy, self.target) and self._have_same_params()

    @property
    def has_own_target(self) -> bool:
        """Whether there is a target that is another model than the proxy."""
        return self.target is not None and not self.is_shared

    def _have_same_params(self) -> bool:
        one, other = self.fit_params["proxy"], self.fit_params["target"]
        return one.keys() == other.keys() and all(one[name] is other[name] for name in one)

    def save(self) -> None:
        """Save the state if there is a checkpoint."""
        if self.checkpoint is not None:
            self.checkpoint.save_state(self.state)

    def check_pool(self) -> None:
        """Check that the pool was not changed in place since it was fitted.

        Raises
        ------
        ValueError
            If it was; labels and models of a changed pool would belong to other rows.
        """
        now = snapshot_of(self.X) if self._snapshot else {}
        for name, before in self._snapshot.items():
            if now[name] != before:
                told = "" if name == "values" else f", {now[name]} now and {before} before"
                raise ValueError(
                    f"X is not the pool that was fitted, it was changed in place: other {name}{told}. Undo the change, "
                    "or fit the changed pool. To write into a pool while it is fitted, fit a copy of it."
                )

    def check_extendable(self) -> None:
        """Check that rows can be appended; ValueError if metadata of `fit` has values for the present rows only."""
        if self.start is not None and self.start.features is not None:
            if self.state.table.n_classes < 2:
                raise ValueError(
                    "extend: start_features of fit has no values for new rows. Teach labels of two classes first, or "
                    "call fit with all rows."
                )
            self.start.features = None
        for name, value in {**self.fit_params["proxy"], **self.fit_params["target"]}.items():
            if _is_arraylike(value) and _num_samples(value) == self.state.n_rows:
                raise ValueError(f"extend: {name} of fit has no values for new rows. Call fit with all rows.")

    # Steps ----------------------------------------------------------------------------------

    def select(self, n_samples: int, allowed: np.ndarray | None = None) -> np.ndarray:
        """Choose the rows to label next; they wait for labels.

        With labels of fewer than two classes no model can be trained. The start then
        chooses; without one rows are drawn at random, unless the strategy needs no trained
        model, and `AutoQuery` takes one. If `allowed` is given, only these rows can be
        chosen.
        """
        state = self.state
        can_train = state.table.n_classes > 1
        strategy = self._take_strategy(n_samples)
        # A stopping rule compares the proxies, whatever ranks.
        proxy = self.official_proxy() if can_train and (strategy.requires or self.stop) else None
        known = as_proxy(None) if proxy is None else proxy.proxy
        try:
            ranking = self._rank(strategy, known, n_samples, allowed)
        except NoFeatures:
            if not isinstance(self.strategy, AutoQuery):
                raise
            # Features show only when they are asked for to be no numbers.
            strategy = Margin() if can_train else Random()
            self.reason = f"{type(strategy).__name__}, since there are no features to cover"
            ranking = self._rank(strategy, known, n_samples, allowed)
        self.took = strategy
        # A second selection on the same labels does not count their training again.
        paid = state.step_of_selection == state.step
        state.history.append(
            {
                "round": state.first_round + len(state.history),
                "n_labeled": state.n_labeled,
                "rows": ranking.rows,
                **seconds_of("proxy_fit", None if proxy is None else Clock() if paid else proxy.seconds),
                **seconds_of("inference", ranking.inference if strategy.requires else None),
                **seconds_of("ranking", ranking.ranking),
                **seconds_of("target_fit", None),
                "proxy_score": None,
                "target_score": None,
                **({} if self.stop is None else dict.fromkeys(("proxy_change", "target_change", "settled"))),
            }
        )
        state.scores, state.waiting, state.n_asked = ranking.scores, ranking.rows, n_samples
        state.n_selections += 1
        state.step_of_selection = state.step
        self.save()
        return ranking.rows

    def _rank(self, strategy: Any, proxy: Any, n_samples: int, allowed: np.ndarray | None) -> Ranking:
        labelled = self.state.table.labelled
        drawing = _seed(self.state.seeds["drawing"], self.state.n_selections)
        candidates = np.flatnonzero(~labelled) if allowed is None else allowed
        if strategy.requires:
            candidates = self.candidates.thin(self.X, labelled, candidates, n_samples, random_state=drawing)
        X = self.X
        if self.start is not None and strategy is self.start.strategy and self.start.features is not None:
            X = self.start.features
        return rank_pool(strategy, proxy, X, labelled, candidates, n_samples, random_state=drawing)

    def _take_strategy(self, n_samples: int) -> Any:
        """Return the strategy that ranks now."""
        state, self.reason = self.state, None
        if state.table.n_classes < 2 and self.start is not None:
            return self.start.strategy
        if isinstance(self.strategy, AutoQuery):
            decision = self.strategy.decide(
                n_rows=state.n_rows, n_labels=state.n_labeled + n_samples, n_classes=state.table.n_classes
            )
            self.reason = decision.reason
            return decision.strategy
        return self.strategy if state.table.n_classes > 1 or self._needs_rows_alone() else Random()

    def _needs_rows_alone(self) -> bool:
        """Tell whether X itself is all that the strategy reads."""
        needed = set(self.strategy.requires)
        return bool(needed) and needed <= {*as_proxy(self.proxy).kinds_of_rows}

    def record(self, rows: np.ndarray, labels: np.ndarray, *, overwrite: bool = False) -> None:
        """Record labels of rows."""
        changed = self.state.record(rows, labels, overwrite=overwrite)
        if self.checkpoint is not None:
            self.checkpoint.note_labels(self.state, changed)
        self.save()

    def drop_waiting(self) -> None:
        """Drop the rows that wait for labels; the entry of their selection keeps the labelled ones."""
        state = self.state
        if len(state.waiting) == 0:
            return
        entry = state.history[-1]
        entry["rows"] = entry["rows"][~np.isin(entry["rows"], state.waiting)]
        state.waiting = state.waiting[:0]
        self.save()

    def extend(self, X: Any, n_rows: int, fingerprint: str) -> None:
        """Continue with a longer pool, whose last `n_rows` rows are new."""
        self.X = X
        self._snapshot = snapshot_of(X)
        self.state.grow(n_rows, fingerprint)
        self.save()

    # Models ---------------------------------------------------------------------------------

    @property
    def place(self) -> tuple[int, int]:
        """Place in the run of models of the present labels: selections before the last of them, and their step."""
        return self.state.n_selections_at_step, self.state.step

    def official_proxy(self) -> Trained:
        """Return the proxy of the present labels, and note that later proxies can start from it."""
        trained = self._proxy_at(self.place)
        if self.place not in self.state.proxy_trainings:
            self.state.proxy_trainings.append(self.place)
        if self.warm_start:
            self._last_official = trained
        note_change(self, "proxy", trained)
        return trained

    def train_target(self) -> Trained:
        """Train the target on all labelled rows."""
        self.state.target_training = self.place
        if self.is_shared:
            self.official_proxy()
        trained = self._target_at(self.place)
        if not self.is_shared:
            note_change(self, "target", trained)
        return trained

    def predictor(self) -> Trained:
        """Return the model that predicts: the last target, or the proxy if there is no target.

        Raises
        ------
        NotFittedError
            If the target is not trained yet.
        """
        if self.target is None:
            if self.trained_proxy is not None and (self.X is None or self.trained_proxy.place == self.place):
                return self.trained_proxy
            self.check_pool()
            return self._proxy_at(self.place)
        if self.state.target_training is None:
            how = "target_at named no total" if self.X is None else "call fit_target first"
            raise NotFittedError(f"The target is not trained: {how}.")
        if self.trained_target is None:
            self.check_pool()
        return self._target_at(self.state.target_training)

    def train_predictor(self) -> None:
        """Train the model that predicts, if it is not trained yet."""
        if self.target is not None and self.state.target_training is None:
            self.train_target()
            self.save()
        self.predictor()

    def _proxy_at(self, place: tuple[int, int]) -> Trained:
        """Return the proxy of a place, trained now if it is not in memory."""
        if self.trained_proxy is None or self.trained_proxy.place != place:
            start = self._start_of(place) if self.warm_start else None
            self.trained_proxy = self._train("proxy", place, start)
        return self.trained_proxy

    def _target_at(self, place: tuple[int, int]) -> Trained:
        if self.trained_target is None or self.trained_target.place != place:
            if self.is_shared:
                self.trained_target = self._proxy_at(place)
            else:
                start = self._proxy_at(place) if self.warm_target else None
                self.trained_target = self._train("target", place, start)
        return self.trained_target

    def _start_of(self, place: tuple[int, int]) -> Trained | None:
        """Return the proxy whose weights this one starts from: that of the selection before."""
        earlier = [other for other in self.state.proxy_trainings if other[0] < place[0]]
        known = None
        if self._last_official is not None and self._last_official.place in earlier:
            known = self._last_official
            earlier = earlier[earlier.index(known.place) + 1 :]
        for other in earlier:
            known = self._train("proxy", other, known)
        return known

    def _train(self, part: str, place: tuple[int, int], start: Trained | None = None) -> Trained:
        """Train the proxy or the target on the labels of a place."""
        rows, labels = self.state.labelled_at(place[1])
        model = getattr(self, part)
        if self.n_updates is not None and (part == "target" or self.is_shared):
            model = with_updates(model, len(rows), self.n_updates)
        return train(
            model,
            take_rows(self.X, rows),
            labels,
            seed=_seed(self.state.seeds[part], place[0]),
            place=place,
            start=start,
            fit_params=_check_method_params(self.X, self.fit_params[part], indices=rows),
        )


def resolve_pool_strategy(strategy: Any, gives: Collection[str] = ("probabilities", "features")) -> Any:
    """Turn a `strategy` parameter into a strategy that can rank rows without labels.

    Parameters
    ----------
    strategy : str or Strategy
        The parameter.
    gives : collection of str
        Kinds of evidence that the proxy gives, of which ``"auto"`` makes use.

    Returns
    -------
    Strategy

    Raises
    ------
    ValueError
        If the name is unknown, or the strategy needs records of a training: rows of
        a pool are not trained on.
    """
    if isinstance(strategy, str) and strategy == "auto":
        return AutoQuery(tuple(kind for kind in AutoQuery().kinds if kind in gives))
    given, strategy = strategy, resolve_strategy(strategy)
    records = [kind for kind in strategy.requires if kind in recorder_names()]
    if records:
        raise ValueError(
            f"strategy={given!r} ranks by {' and '.join(records).replace('_', ' ')}, which only rows that were "
            "trained on have; rows of a pool have no labels to train on. Use it for core-sets; active learning needs "
            "a strategy that reads probabilities or features."
        )
    if getattr(strategy, "needs_labels", False):
        raise ValueError(
            f"strategy={given!r} reads the labels of all rows, and rows of a pool have none. Use it for core-sets."
        )
    return strategy


def _seed(stream: int, number: int) -> int:
    """Return the seed of one step; it depends on the step's number alone."""
    return draw_seeds(np.random.RandomState([stream, number]), 1)[0]


def seconds_of(part: str, clock: Clock | None) -> dict[str, float | None]:
    """Return the entries of a part in the history: seconds by the wall and of the processor."""
    if clock is None:
        return {part: None, f"{part}_cpu": None}
    return {part: clock.wall, f"{part}_cpu": clock.cpu}
