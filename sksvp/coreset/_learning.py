"""From a proxy to the evidence that a strategy needs, through a memory where there is one."""

from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator

from .._clock import Clock
from .._seeds import is_seeded
from .._storage._describe import describe
from ..proxies import gather_kind, train_proxy
from ..proxies._forgetting_events import how_events_are_counted
from ..proxies._proxies import check_trained_alone, classifier_of, is_frozen
from ..proxies._training import (
    BATCH_SIZE,
    N_EPOCHS,
    seeded_clone,
    training_seed,
    training_way,
    uses_training_seed,
)
from ..proxies._watching import epochs_of, epochs_trained
from ._memory import MemoryEntry, NoEntry, ProxyRecord, memory_entry, memory_folder
from ._memory_key import training_key
from ._out_of_fold import check_out_of_fold, gather_out_of_fold, in_sample
from ._ranking_settled import ProxyStop, RankingSettled

# Names of the arrays that stand for each kind of evidence.
_ARRAYS = {"probabilities": ("logits", "probabilities")}


def learn(
    proxy: BaseEstimator,
    X,
    y: np.ndarray,
    strategy,
    *,
    memory,
    random_state: int | None,
    fit_params: dict,
    report: Callable[[str], None],
    stop: RankingSettled | None = None,
    probabilities: str = "in_sample",
) -> tuple[ProxyRecord, bool]:
    """Train a clone of the proxy and gather what the strategy requires, unless the memory has it.

    Parameters
    ----------
    proxy : classifier
        Left as it is.
    X, y : rows and labels
        Training rows.
    strategy : Strategy
        Says what it requires.
    memory : str, path-like, joblib.Memory or None
        Where trainings are kept.
    random_state : int or None
        Seed of the training; see `train_proxy`.
    fit_params : dict
        Handed to the proxy's `fit`.
    report : callable
        Told the name of each stage as it begins.
    stop : RankingSettled or None
        Rule that may end the training early.
    probabilities : {"in_sample", "out_of_fold"}
        Whether rows are scored by the proxy that has seen them all, or by models
        that have not seen the rows they score.

    Returns
    -------
    record : ProxyRecord
        With all that the strategy requires, and perhaps more.
    from_cache : bool
        Whether the proxy was trained before.
    """
    out_of_fold = probabilities == "out_of_fold" and "probabilities" in strategy.requires
    if out_of_fold:
        check_out_of_fold(proxy, y, stop)
    folder = memory_folder(memory)
    if folder is not None:
        check_trained_alone("memory", proxy)
    training = _Training(proxy, strategy, random_state, fit_params, stop, keeps=folder is not None)
    key = training.key(X, y) if folder is not None and training.can_be_kept else None
    with memory_entry(folder, key) as entry:
        kept = entry.load()
        if kept is not None and not training.lacks_events(kept):
            record, from_cache = kept, True
        else:
            report("proxy")
            record, from_cache = training.run(X, y), False
            entry.begin()
            # Kept before the inference: a training must not be lost to what comes after it.
            entry.save(record)
        report("evidence")
        by_proxy = tuple(kind for kind in strategy.requires if not (out_of_fold and kind == "probabilities"))
        _gather_missing(record, X, y, by_proxy, entry)
        if out_of_fold:
            return training.gather_out_of_fold(record, X, y, entry), from_cache
    record.evidence = in_sample(record.evidence)
    return record, from_cache


class _Training:
    """One training of a proxy: how it is done, and by which key it is kept."""

    def __init__(
        self,
        proxy: BaseEstimator,
        strategy,
        random_state: int | None,
        fit_params: dict,
        stop: RankingSettled | None,
        *,
        keeps: bool,
    ):
        self.strategy = strategy
        self.stop = stop
        self.proxy = proxy
        self.random_state = random_state
        self.fit_params = fit_params
        self.n_epochs = getattr(strategy, "n_epochs", N_EPOCHS)
        self.batch_size = getattr(strategy, "batch_size", BATCH_SIZE)
        self.needs_events = "forgetting_events" in strategy.requires
        self.requires = tuple(strategy.requires)
        if keeps and not self.needs_events and _counts_for_free(proxy):
            self.requires += ("forgetting_events",)
        self._seeded = seeded_clone(proxy, random_state)

    @property
    def can_be_kept(self) -> bool:
        """Whether there is a training and the same seeds would repeat it."""
        if is_frozen(self.proxy) or not is_seeded(self._seeded):
            return False
        return self._seed is not None or not uses_training_seed(self._seeded, self.requires)

    @property
    def _seed(self) -> int | None:
        return training_seed(self._seeded, self.random_state)

    def key(self, X, y: np.ndarray) -> str:
        way = training_way(self._seeded, self.requires, n_epochs=self.n_epochs, batch_size=self.batch_size)
        if self.stop is not None:
            # When it stops depends on the rule, on what is ranked, and on the sample of rows.
            way += (describe(self.stop), describe(self.strategy), self.random_state)
        seed = self._seed if uses_training_seed(self._seeded, self.requires) else None
        return training_key(self._seeded, X, y, seed=seed, way=way, fit_params=self.fit_params)

    def lacks_events(self, record: ProxyRecord) -> bool:
        """Tell whether a record lacks forgetting events that only another training could give."""
        counted_in_training = how_events_are_counted(self.proxy) in ("skorch", "mini_batches")
        return self.needs_events and counted_in_training and "forgetting_events" not in record.evidence

    def run(self, X, y: np.ndarray) -> ProxyRecord:
        watch = None if self.stop is None else self.stop.watch(self.strategy, y, self.random_state)
        with Clock() as clock:
            proxy, events = train_proxy(
                self.proxy,
                X,
                y,
                requires=self.requires,
                random_state=self.random_state,
                n_epochs=self.n_epochs,
                batch_size=self.batch_size,
                fit_params=self.fit_params,
                watch=watch,
            )
        clock.add_earlier(classifier_of(proxy))
        record = ProxyRecord(proxy)
        if not is_frozen(proxy):
            record.proxy_fit, record.proxy_cpu = clock.wall, clock.cpu
        if events is not None:
            record.evidence["forgetting_events"] = events
        if watch is not None:
            record.stop = self._told(proxy, watch.correlations, record.proxy_fit)
        return record

    def gather_out_of_fold(
        self, record: ProxyRecord, X, y: np.ndarray, entry: MemoryEntry | NoEntry
    ) -> ProxyRecord:
        return gather_out_of_fold(
            record,
            self.proxy,
            X,
            y,
            entry,
            seed=self._seed,
            fit_params=self.fit_params,
            requires=self.requires,
            random_state=self.random_state,
            n_epochs=self.n_epochs,
            batch_size=self.batch_size,
        )

    def _told(self, proxy: BaseEstimator, correlations: list[float], seconds: float) -> ProxyStop:
        n_epochs = epochs_trained(proxy, len(correlations))
        whole = epochs_of(self.proxy, self.n_epochs)
        # A training that ended before its first epoch has no pace.
        saved = seconds / n_epochs * (whole - n_epochs) if n_epochs else 0.0
        return ProxyStop(n_epochs, whole, correlations, saved)


def _counts_for_free(proxy: BaseEstimator) -> bool:
    """Tell whether forgetting events can be noted in a training that does not need them, at no cost."""
    if how_events_are_counted(proxy) != "skorch":
        return False
    from ..proxies._skorch_counting import can_be_counted

    return can_be_counted(classifier_of(proxy))


def _gather_missing(
    record: ProxyRecord, X, y: np.ndarray, requires: tuple[str, ...], entry: MemoryEntry | NoEntry
) -> None:
    """Add to a record, and to its entry, the kinds of evidence it does not have yet."""
    missing = [
        kind for kind in requires if not any(name in record.evidence for name in _ARRAYS.get(kind, (kind,)))
    ]
    for kind in missing:
        with Clock() as clock:
            record.evidence |= gather_kind(record.proxy, X, y, kind)
        record.inference[kind], record.inference_cpu[kind] = clock.wall, clock.cpu
    if missing:
        entry.save(record)
