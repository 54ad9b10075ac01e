"""From a proxy to the evidence that a strategy needs, through a memory if there is one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from .._clock import Clock
from .._seeds import is_seeded
from .._storage._describe import describe
from ..proxies import NoFeatures, Proxy, as_proxy
from ..strategies import Evidence
from ._memory import ProxyRecord, Seconds, memory_entry, memory_folder
from ._memory_key import training_key
from ._out_of_fold import check_out_of_fold, gather_out_of_fold, in_sample
from ._ranking_settled import ProxyStop, RankingSettled


@dataclass
class Learned:
    """What a strategy needs, and the proxy that said it.

    Attributes
    ----------
    proxy : classifier or None
        Fitted.
    evidence : Evidence
        What the strategy requires, and perhaps more.
    seconds : dict of str to (float, float)
        As in `ProxyRecord`.
    stop : ProxyStop or None
        How the training ended, if a rule watched it.
    from_cache : bool
        Whether the proxy was trained before.
    """

    proxy: Any
    evidence: Evidence
    seconds: dict[str, Seconds]
    stop: ProxyStop | None
    from_cache: bool


@dataclass
class Learning:
    """How a proxy is trained and asked, and by which key that is kept.

    Parameters
    ----------
    proxy : Proxy
        Left as it is.
    strategy : Strategy
        Ranks the rows.
    requires : tuple of str
        Kinds of evidence that are needed.
    random_state : int or None
        Seed of the training; see `Proxy.train`.
    fit_params : dict
        Passed to the proxy's `fit`.
    memory : str, path-like, joblib.Memory or None
        Where trainings are kept.
    stop : RankingSettled or None
        Rule that may end the training early.
    probabilities : {"in_sample", "out_of_fold"}
        Whether rows are scored by the proxy that has seen them all, or by models
        that have not seen the rows they score.
    """

    proxy: Proxy
    strategy: Any
    requires: tuple[str, ...]
    random_state: int | None
    fit_params: dict
    memory: Any
    stop: RankingSettled | None
    probabilities: str

    def __post_init__(self):
        self._folder = memory_folder(self.memory)
        self._needed = tuple(kind for kind in self.requires if kind in self.proxy.recorders)
        free = self.proxy.free_recorders(self._needed, is_kept=self._folder is not None)
        self._recorders = tuple(dict.fromkeys(self._needed + free))
        self._train = partial(self.proxy.train, recorders=self._recorders, random_state=self.random_state)
        self._seeded = self.proxy.seeded(self.random_state)
        self._seed = self._seeded.training_seed(self.random_state)

    def learn(self, X, y: np.ndarray | None, report: Callable[[str], None]) -> Learned:
        """Train a clone of the proxy and gather what is required, unless the memory has it.

        Parameters
        ----------
        X, y : rows and labels
            Training rows. A frozen proxy needs no labels.
        report : callable
            Gets the name of each stage as it begins.

        Returns
        -------
        Learned
        """
        out_of_fold = self.probabilities == "out_of_fold" and "probabilities" in self.requires
        if out_of_fold:
            # A frozen proxy is refused, so that there are labels below.
            check_out_of_fold(self.proxy, np.asarray(y), self.stop)
        if self._folder is not None:
            self.proxy.check_trained_alone("memory")
        with memory_entry(self._folder, self._key(X, y) if self._folder is not None else None) as entry:
            record = entry.load(self._serves)
            from_cache = record is not None
            if record is None:
                report("proxy")
                record = self._run(X, y)
                # Kept before the inference: a failure of what follows must not lose a training.
                entry.save(record)
            report("evidence")
            # X itself is not kept in the memory.
            rows_alone = set(self.proxy.kinds_of_rows)
            optional = getattr(self.strategy, "optional", ())
            by_others = rows_alone | ({"probabilities"} if out_of_fold else set())
            by_proxy = [kind for kind in self.requires if kind not in by_others]
            if _gather_missing(record, X, y, by_proxy, optional):
                entry.save(record)
            parts: dict[str, Any] = in_sample(record.evidence)
            seconds = dict(record.seconds)
            if y is not None and out_of_fold:
                unseen, seconds["probabilities"] = gather_out_of_fold(
                    record, X, y, entry, train=self._train, seed=self._seed, fit_params=self.fit_params
                )
                parts = in_sample(record.evidence, scores=False) | unseen
        alone = [kind for kind in self.requires if kind in rows_alone]
        parts |= gather_kinds(as_proxy(record.proxy), X, None, alone, optional)
        classes = as_proxy(record.proxy, classes=y).labels_of_columns(parts)
        evidence = Evidence(y=y, n_rows=_num_samples(X), classes=classes, **parts)
        return Learned(record.proxy, evidence, seconds, record.stop, from_cache)

    def _key(self, X, y: Any) -> dict | None:
        """Return what makes the training this one; None if there is none, or the seeds would not repeat it."""
        seed = self._seed if self._seeded.draws_seed(self._recorders) else 0
        if self.proxy.is_frozen or not is_seeded(self._seeded.estimator) or seed is None:
            return None
        way = self._seeded.way(self._recorders)
        if self.stop is not None:
            # When it stops depends on the rule, on what is ranked, and on the sample of rows.
            way += (describe(self.stop), describe(self.strategy), self.random_state)
        return training_key(self._seeded.estimator, X, y, seed=seed, way=way, fit_params=self.fit_params)

    def _serves(self, record: ProxyRecord) -> bool:
        """Tell whether a record has all that only a training can tell."""
        kept = as_proxy(record.proxy)
        return all(name in record.evidence or kept.keeps_record(name) for name in self._needed)

    def _run(self, X, y: Any) -> ProxyRecord:
        watch = None if self.stop is None else self.stop.watch(self.strategy, y, self.random_state)
        with Clock() as clock:
            trained = self._train(X, y, fit_params=self.fit_params, watch=watch)
        clock.add_earlier(trained.classifier)
        record = ProxyRecord(trained.estimator, dict(trained.records))
        if not self.proxy.is_frozen:
            record.seconds["proxy_fit"] = (clock.wall, clock.cpu)
        if watch is not None:
            n_epochs, whole = trained.epochs_trained(len(watch.correlations)), self.proxy.max_epochs
            # A training that ended before its first epoch has no pace.
            saved = clock.wall / n_epochs * (whole - n_epochs) if n_epochs else 0.0
            record.stop = ProxyStop(n_epochs, whole, watch.correlations, saved)
        return record


def gather_kinds(
    proxy: Proxy, X, y: np.ndarray | None, kinds: Sequence[str], optional: tuple[str, ...]
) -> dict[str, Any]:
    """Gather kinds of evidence as parts by name, without the optional features if the proxy has none."""
    try:
        return proxy.gather(X, kinds, y=y).parts
    except (NoFeatures, TypeError):
        if "features" not in optional:
            raise
    others = [kind for kind in kinds if kind != "features"]
    return proxy.gather(X, others, y=y).parts if others else {}


def _gather_missing(
    record: ProxyRecord, X, y: np.ndarray | None, requires: list[str], optional: tuple[str, ...]
) -> bool:
    """Add to a record the kinds of evidence it does not have yet, and return whether there were any."""
    parts: dict[str, Any] = in_sample(record.evidence)
    missing = [kind for kind in requires if kind not in Evidence(y=y, n_rows=_num_samples(X), **parts).kinds]
    if not missing:
        return False
    with Clock() as clock:
        record.evidence |= gather_kinds(as_proxy(record.proxy, classes=y), X, y, missing, optional)
    # One pass serves them all.
    share = (clock.wall / len(missing), clock.cpu / len(missing))
    record.seconds |= dict.fromkeys(missing, share)
    return True
