"""From a proxy to the evidence that a strategy needs, through a memory where there is one."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._clock import Clock
from .._seeds import is_seeded
from .._storage._describe import describe
from ..proxies import Proxy, as_proxy
from ..strategies import Evidence
from ._memory import MemoryEntry, NoEntry, ProxyRecord, memory_entry, memory_folder
from ._memory_key import training_key
from ._out_of_fold import check_out_of_fold, gather_out_of_fold, in_sample
from ._ranking_settled import ProxyStop, RankingSettled


def learn(
    proxy: Proxy,
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
) -> tuple[ProxyRecord, Evidence, bool]:
    """Train a clone of the proxy and gather what the strategy requires, unless the memory has it.

    Parameters
    ----------
    proxy : Proxy
        Left as it is.
    X, y : rows and labels
        Training rows.
    strategy : Strategy
        Says what it requires.
    memory : str, path-like, joblib.Memory or None
        Where trainings are kept.
    random_state : int or None
        Seed of the training; see `Proxy.train`.
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
        The fitted proxy, and perhaps more evidence than the strategy requires.
    evidence : Evidence
        What the strategy requires.
    from_cache : bool
        Whether the proxy was trained before.
    """
    out_of_fold = probabilities == "out_of_fold" and "probabilities" in strategy.requires
    if out_of_fold:
        check_out_of_fold(proxy, y, stop)
    folder = memory_folder(memory)
    if folder is not None:
        proxy.check_trained_alone("memory")
    training = _Training(proxy, strategy, random_state, fit_params, stop, keeps=folder is not None)
    key = training.key(X, y) if folder is not None and training.can_be_kept else None
    with memory_entry(folder, key) as entry:
        kept = entry.load()
        if kept is not None and training.serves(kept):
            record, from_cache = kept, True
        else:
            report("proxy")
            record, from_cache = training.run(X, y), False
            entry.begin()
            # Kept before the inference: a training must not be lost to what comes after it.
            entry.save(record)
        report("evidence")
        by_proxy = [kind for kind in strategy.requires if not (out_of_fold and kind == "probabilities")]
        if _gather_missing(record, X, y, by_proxy):
            entry.save(record)
        if out_of_fold:
            record = training.gather_out_of_fold(record, X, y, entry)
    parts: dict[str, Any] = in_sample(record.evidence)
    classes = as_proxy(record.proxy, classes=y).labels_of_columns(parts)
    return record, Evidence(y=y, classes=classes, **parts), from_cache


class _Training:
    """One training of a proxy: how it is done, and by which key it is kept."""

    def __init__(
        self,
        proxy: Proxy,
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
        needed = tuple(kind for kind in strategy.requires if kind in proxy.recorders)
        self.recorders = tuple(dict.fromkeys(needed + proxy.free_recorders(needed))) if keeps else needed
        self._seeded = proxy.seeded(random_state)
        self._draws_seed = self._seeded.draws_seed(self.recorders)

    @property
    def can_be_kept(self) -> bool:
        """Whether there is a training and the same seeds would repeat it."""
        if self.proxy.is_frozen or not is_seeded(self._seeded.estimator):
            return False
        return self._seed is not None or not self._draws_seed

    @property
    def _seed(self) -> int | None:
        return self._seeded.training_seed(self.random_state)

    def key(self, X, y: np.ndarray) -> dict:
        way = self._seeded.way(self.recorders)
        if self.stop is not None:
            # When it stops depends on the rule, on what is ranked, and on the sample of rows.
            way += (describe(self.stop), describe(self.strategy), self.random_state)
        seed = self._seed if self._draws_seed else None
        return training_key(self._seeded.estimator, X, y, seed=seed, way=way, fit_params=self.fit_params)

    def serves(self, record: ProxyRecord) -> bool:
        """Tell whether a record has all that only a training could tell."""
        kept = as_proxy(record.proxy)
        needed = [kind for kind in self.strategy.requires if kind in self.recorders]
        return all(name in record.evidence or kept.keeps_record(name) for name in needed)

    def run(self, X, y: np.ndarray) -> ProxyRecord:
        watch = None if self.stop is None else self.stop.watch(self.strategy, y, self.random_state)
        with Clock() as clock:
            trained = self.proxy.train(
                X,
                y,
                recorders=self.recorders,
                random_state=self.random_state,
                fit_params=self.fit_params,
                watch=watch,
            )
        clock.add_earlier(trained.classifier)
        record = ProxyRecord(trained.estimator, evidence=dict(trained.records))
        if not self.proxy.is_frozen:
            record.proxy_fit, record.proxy_cpu = clock.wall, clock.cpu
        if watch is not None:
            record.stop = self._told(trained, watch.correlations, record.proxy_fit)
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
            recorders=self.recorders,
            random_state=self.random_state,
        )

    def _told(self, trained: Proxy, correlations: list[float], seconds: float) -> ProxyStop:
        n_epochs, whole = trained.epochs_trained(len(correlations)), self.proxy.max_epochs
        # A training that ended before its first epoch has no pace.
        saved = seconds / n_epochs * (whole - n_epochs) if n_epochs else 0.0
        return ProxyStop(n_epochs, whole, correlations, saved)


def _gather_missing(record: ProxyRecord, X, y: np.ndarray, requires: Iterable[str]) -> bool:
    """Add to a record the kinds of evidence it does not have yet, and return whether there were any."""
    parts: dict[str, Any] = in_sample(record.evidence)
    missing = [kind for kind in requires if kind not in Evidence(y=y, **parts).kinds]
    if not missing:
        return False
    with Clock() as clock:
        record.evidence |= as_proxy(record.proxy, classes=y).gather(X, missing, y=y).parts
    # One pass serves them all.
    record.inference |= dict.fromkeys(missing, clock.wall / len(missing))
    record.inference_cpu |= dict.fromkeys(missing, clock.cpu / len(missing))
    return True
