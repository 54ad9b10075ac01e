"""What the selector and the sampler share: they train a proxy and choose rows by what it says."""

import os
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

import joblib
import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, _fit_context
from sklearn.utils import get_tags, indexable
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions, validate_params
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _num_samples,
    check_is_fitted,
)

from .._clock import Clock
from .._inputs._containers import check_container, take_rows
from .._inputs._lengths import check_rows, check_training_rows
from .._inputs._parameters import WholeNumber
from .._inputs._tables import dense_if_small
from .._inputs._warn import each_warning_once, warn_caller
from .._seeds import draw_seeds
from .._storage._fingerprint import fingerprint
from ..proxies import NoFeatures, Proxy, as_proxy
from ..strategies import (
    Auto,
    CarriesStrategies,
    Evidence,
    choose,
    choose_together,
    class_quotas,
    count_rows,
    resolve_strategy,
)
from ._by_chance import warn_if_by_chance
from ._label_issues import LabelIssuesMixin
from ._learning import Learned, Learning, gather_kinds
from ._memorised import warn_if_memorised
from ._memory import Seconds
from ._nearest import nearest_rows
from ._pilot import NAME as PILOT
from ._pilot import fit_by_pilot
from ._ranking_settled import RankingSettled
from ._reranking import RerankingMixin, evidence_to_keep, requirements
from ._risky_choice import predicted_right, warn_if_risky
from ._several_proxies import further_proxies, warn_if_equal

_ADVICE = " Choosing a core-set needs every label; ProxyActiveLearner chooses rows to be labelled."
_STAGES = ("proxy", "evidence", "ranking")
_NO_TIME = (0.0, 0.0)


class BaseProxyCoreset(
    RerankingMixin, LabelIssuesMixin, CarriesStrategies, OneToOneFeatureMixin, BaseEstimator
):
    """Base of `ProxyCoresetSelector` and `ProxyCoresetSampler`."""

    _parameter_constraints: ClassVar[dict] = {
        "proxy": [HasMethods("fit"), None],
        "strategy": [str, HasMethods("rank")],
        "subset_size": [
            Interval(RealNotInt, 0, 1, closed="right"),
            WholeNumber(1),
        ],
        "class_balanced": ["boolean", StrOptions({"proportional", "equal", "by_error"})],
        "n_proxies": [WholeNumber(1, 1000)],
        "probabilities": [StrOptions({"in_sample", "out_of_fold"})],
        "record_all": ["boolean"],
        "stop_proxy": [RankingSettled, None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Methods whose metadata goes to the proxy's `fit`.
    _fitting_methods: tuple[str, ...] = ("fit",)

    def __init__(
        self,
        proxy=None,
        *,
        strategy="auto",
        subset_size: float = 0.5,
        class_balanced: bool | str = False,
        n_proxies: int = 1,
        probabilities: str = "in_sample",
        record_all: bool = False,
        stop_proxy=None,
        memory=None,
        random_state=None,
        verbose: int = 0,
    ):
        self.proxy = proxy
        self.strategy = strategy
        self.subset_size = subset_size
        self.class_balanced = class_balanced
        self.n_proxies = n_proxies
        self.probabilities = probabilities
        self.record_all = record_all
        self.stop_proxy = stop_proxy
        self.memory = memory
        self.random_state = random_state
        self.verbose = verbose

    # Fitting --------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **fit_params):
        """Train a clone of the proxy and choose the rows to keep.

        Parameters
        ----------
        X : rows of length n_samples
            Training rows in any form that the proxy takes: an array, a DataFrame, a list
            of texts, a torch tensor, lazy rows. They are not augmented.
        y : array-like of shape (n_samples,), optional
            Class labels, numbers or strings, none missing. They may be left out if
            nothing learns from them: no proxy is trained, since it is None or frozen or
            the strategy needs none, the strategy reads no labels, and `class_balanced`
            is False.
        **fit_params : dict
            Passed to the proxy's `fit`. With metadata routing: what the proxy requests.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        ValueError
            If X and y differ in length, if there are fewer than two classes, if labels
            are missing, continuous or multilabel, if `subset_size` keeps no row or
            more than there are, if the strategy is unknown or the proxy cannot serve
            it, or if the proxy refuses X.
        TypeError
            If rows of X cannot be taken by their numbers, as of a torch Dataset.
        OSError
            If `memory` cannot be written to or locked, or if other users can write to
            it: it holds pickles.

        Warns
        -----
        ByChanceWarning
            If chance decided for most of the chosen rows, because they have the same
            score as rows that were left out, or if the proxy never learned most of them.
        RiskyChoiceWarning
            If the chosen rows are likely to train a worse model than random ones.
        MemorisedProxyWarning
            If the proxy has memorised the rows that it ranks. It is a
            RiskyChoiceWarning, and all are UserWarnings.
        """
        # A failed or interrupted fit leaves no fitted selector.
        self.__dict__.pop("support_", None)
        self.__dict__.pop("pilot_", None)
        if self._by_pilot():
            fit_by_pilot(self, X, y, fit_params)
            return self
        proxy = as_proxy(self.proxy)
        strategy = resolve_strategy(self.strategy, proxy.gives)
        rows, labels = self._check_rows(X, y, proxy, strategy)
        n_samples = count_rows(self.subset_size, _num_samples(rows))
        requires = requirements(strategy, self.class_balanced)
        if self.record_all:
            requires = tuple(dict.fromkeys((*requires, *proxy.recorders)))
        self._check_serves(proxy, rows, requires, getattr(strategy, "optional", ()))
        self._check_strategy(strategy, labels, n_samples)
        self.classes_ = None if labels is None else np.unique(labels)
        proxy_seed, ranking_seed, *further_seeds = self._draw_seeds(1 + self.n_proxies)
        with self._progress() as report:
            if isinstance(strategy, Auto):
                report(note=_describe_slow(proxy, strategy))
            evidences, seconds = self._ask(
                proxy, rows, labels, strategy, requires, [proxy_seed, *further_seeds], fit_params, report
            )
            self._kept, *self._kept_further = (
                evidence_to_keep(part, scores=self.probabilities == "out_of_fold") for part in evidences
            )
            self._said: list[dict] = [{} for _ in evidences]
            report("ranking")
            with Clock() as clock:
                told = self._choose(strategy, evidences, n_samples, ranking_seed)
            if self.strategy_reason_:
                report("ranking", note=f"strategy='auto': {self.strategy_reason_}.")
        seconds["ranking"] = (clock.wall, clock.cpu)
        self.timings_, self._cpu_timings = (
            {stage: taken[place] for stage, taken in seconds.items()} for place in range(2)
        )
        self._remember_rows(X)
        warn_if_equal(evidences)
        self._warn(*told)
        return self

    def _draw_seeds(self, n_seeds: int) -> list[int | None]:
        """Draw seeds from separate streams: of the first proxy, of the ranking, of further proxies."""
        return [None] * n_seeds if self.random_state is None else list(draw_seeds(self.random_state, n_seeds))

    def _by_pilot(self) -> bool:
        """Tell whether a pilot chooses the strategy."""
        return isinstance(self.strategy, str) and self.strategy == PILOT

    def _check_rows(self, X, y, proxy: Proxy, strategy) -> tuple[Any, np.ndarray | None]:
        """Return the rows, and the labels or None if none are given and nothing needs them."""
        if y is None:
            self._check_needs_no_labels(proxy, strategy)
            return check_rows(X), None
        X, labels = check_training_rows(X, y, type(self).__name__, advice=_ADVICE)
        n_classes = len(np.unique(labels))
        if n_classes < 2 and self.proxy is not None:
            raise ValueError(
                f"y has one class only, {labels[:1].tolist()[0]!r}, over {len(labels)} sample(s); two are needed."
            )
        return X, labels

    def _check_needs_no_labels(self, proxy: Proxy, strategy) -> None:
        name = type(strategy).__name__
        if strategy.requires and self.proxy is not None and not proxy.is_frozen:
            needs = (
                f"the proxy {proxy} learns from labels; proxy=None takes X itself as features, for strategies that "
                "read nothing else"
            )
        elif getattr(strategy, "needs_labels", False):
            needs = f"the strategy {name} reads the labels"
        elif self.class_balanced:
            needs = f"class_balanced={self.class_balanced!r} needs the class of each row"
        else:
            return
        raise ValueError(
            f"This {type(self).__name__} estimator requires y to be passed, but the target y is None: {needs}."
        )

    def _check_serves(self, proxy: Proxy, X, requires: tuple[str, ...], optional: tuple[str, ...]) -> None:
        """Check that the proxy can give what is required, and serve the rule that may stop it."""
        if requires or (isinstance(self.strategy, str) and self.strategy == "auto"):
            proxy.check_classifies("proxy")
            proxy.check_params()
        proxy.check_gives(requires)
        proxy.check_rows(X, [kind for kind in requires if kind not in optional])
        if self.stop_proxy is not None and requires:
            proxy.check_watchable(requires)

    def _choose(
        self, strategy, evidences: list[Evidence], n_samples: int, random_state
    ) -> tuple[Any, list[Evidence], Evidence]:
        """Choose the rows to keep, say which they are, and return what ranked, and what it was told."""
        # `rerank` with another size decides anew.
        self._ranks_by, self.strategy_reason_, class_balanced = strategy, None, self.class_balanced
        if isinstance(strategy, Auto):
            strategy, is_balanced, self.strategy_reason_ = strategy.decide(evidences[0], n_samples)
            class_balanced = class_balanced or is_balanced
        self._has_quotas = bool(class_balanced)
        # Strategies that choose class by class would warn of each.
        with each_warning_once():
            ranked_by, evidence = choose_together(strategy, evidences, random_state)
            chosen, self.order_, self.scores_ = choose(
                ranked_by,
                evidence,
                n_samples,
                class_balanced=class_balanced,
                random_state=random_state,
            )
        self.strategy_ = strategy
        self.indices_ = np.sort(chosen)
        self.support_ = np.isin(np.arange(evidence.n_rows), chosen)
        self.weights_ = strategy.weigh(evidence, self.indices_) if hasattr(strategy, "weigh") else None
        self._protect()
        return ranked_by, evidences, evidence

    def _check_strategy(self, strategy, labels: np.ndarray | None, n_samples: int) -> None:
        """Check a strategy's parameters before the proxy is trained."""
        if labels is not None and self.class_balanced and getattr(strategy, "picks_greedily", False):
            # It picks within each class.
            weights = "equal" if self.class_balanced == "equal" else "proportional"
            quotas = class_quotas(labels, n_samples, weights=weights)[1]
            n_samples = 1 if self.class_balanced == "by_error" else int(quotas[quotas > 0].min())
        if hasattr(strategy, "check_params"):
            strategy.check_params(n_samples)

    @contextmanager
    def _progress(self) -> Iterator[Callable]:
        """Show a bar of the stages on stderr if `verbose` asks for it; yields what reports that a stage begins."""
        from tqdm.auto import tqdm

        # Each proxy has all stages but the last.
        last, n_proxies = len(_STAGES) - 1, self.n_proxies
        with tqdm(
            total=last * n_proxies + 1, desc=type(self).__name__, unit="stage", disable=not self.verbose
        ) as bar:

            def report(stage: str = _STAGES[0], note: str = "", place: int = 0) -> None:
                if note and self.verbose:
                    bar.write(note, file=sys.stderr)
                is_last = stage == _STAGES[last]
                bar.update((last * n_proxies if is_last else last * place + _STAGES.index(stage)) - bar.n)
                bar.set_postfix_str(
                    stage if is_last or n_proxies == 1 else f"{stage} {place + 1}/{n_proxies}"
                )

            yield report
            bar.update(last * n_proxies + 1 - bar.n)

    def _ask(
        self,
        proxy: Proxy,
        X,
        y: np.ndarray | None,
        strategy,
        requires: tuple[str, ...],
        seeds: list[int | None],
        fit_params: dict,
        report: Callable,
    ) -> tuple[list[Evidence], dict[str, Seconds]]:
        """Train the proxies, or take them from the memory, and return what each says of the rows and what that took."""
        if self.proxy is None and fit_params:
            raise TypeError(
                f"fit got {', '.join(fit_params)}, and there is no proxy to take it: proxy is None."
            )
        if not requires:
            # A strategy that needs no proxy trains none.
            learned = [Learned(None, Evidence(y=y, n_rows=_num_samples(X)), {}, None, False)]
        elif self.proxy is None:
            with Clock() as clock:
                evidence = Evidence(
                    y=y,
                    n_rows=_num_samples(X),
                    **gather_kinds(proxy, X, y, requires, getattr(strategy, "optional", ())),
                )
            learned = [Learned(None, evidence, {requires[0]: (clock.wall, clock.cpu)}, None, False)]
        else:
            params = self._route(fit_params)
            proxies = [proxy, *further_proxies(proxy, self.n_proxies)]
            learned = [
                Learning(
                    one, strategy, requires, seed, params, self.memory, self.stop_proxy, self.probabilities
                ).learn(X, y, partial(report, place=place))
                for place, (one, seed) in enumerate(zip(proxies, seeds, strict=True))
            ]
        self.proxies_ = [part.proxy for part in learned if part.proxy is not None]
        self.proxy_ = learned[0].proxy
        self.proxy_stop_ = learned[0].stop
        self.from_cache_ = all(part.from_cache for part in learned)
        self._learn_features_of(X)
        return [part.evidence for part in learned], {
            "proxy_fit": _total(part.seconds.get("proxy_fit", _NO_TIME) for part in learned),
            "inference": _total(part.seconds.get(kind, _NO_TIME) for part in learned for kind in requires),
        }

    def _warn(self, ranked_by, evidences: list[Evidence], evidence: Evidence) -> None:
        """Warn of a choice that is mostly arbitrary or likely to mislead."""
        strategy = self.strategy_
        labels = None if evidence.y is None else np.asarray(evidence.y)
        groups = labels if self._has_quotas else None
        warn_if_by_chance(ranked_by, self.scores_, self.support_, groups)
        self._training_error = None
        if labels is None:
            return
        right = predicted_right(evidence, labels)
        unseen = self.probabilities == "out_of_fold"
        warn_if_risky(strategy, labels, self.support_, right, unseen=unseen)
        self._training_error = None if unseen or right is None else 1.0 - float(right.mean())
        if not unseen:
            warn_if_memorised(self.proxy_, evidences[0], labels, right)

    def _route(self, fit_params: dict) -> dict:
        return (
            dict(process_routing(self, "fit", **fit_params).proxy.fit) if _routing_enabled() else fit_params
        )

    def _learn_features_of(self, X) -> None:
        """Take over what the proxy knows of the columns of X."""
        for name, learn_from in (
            ("n_features_in_", _check_n_features),
            ("feature_names_in_", _check_feature_names),
        ):
            self.__dict__.pop(name, None)
            if hasattr(self.proxy_, name):
                setattr(self, name, getattr(self.proxy_, name))
            elif len(getattr(X, "shape", ())) > 1:
                learn_from(self, X, reset=True)

    # The rows that were fitted --------------------------------------------------------------

    def _remember_rows(self, X) -> None:
        """Keep a hash of X, and a weak reference to X."""
        self._fingerprint = fingerprint(X)
        try:
            self._rows: weakref.ref | None = weakref.ref(X)
        except TypeError:  # a list
            self._rows = None

    def _protect(self) -> None:
        """Make the arrays that later calls depend on read-only."""
        for name in ("order_", "scores_", "indices_", "support_", "weights_", "classes_"):
            if vars(self)[name] is not None:
                view = vars(self)[name].view()
                view.flags.writeable = False
                setattr(self, name, view)

    def _is_fitted_rows(self, X) -> bool:
        check_container(X)
        return _num_samples(X) == len(self.support_) and fingerprint(X) == self._fingerprint

    def _fitted_rows(self):
        """Return the fitted rows if they are still in memory and unchanged, else None."""
        X = self._rows() if self._rows is not None else None
        return X if X is not None and self._is_fitted_rows(X) else None

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "_rows" in state:
            # A weak reference cannot be pickled, and the proxy can be asked again.
            state |= {"_rows": None, "_said": [{} for _ in state["_said"]]}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "support_"):
            self._protect()

    # Using the choice -----------------------------------------------------------------------

    def select(self, *arrays):
        """Cut arrays to the chosen rows, all alike.

        Parameters
        ----------
        *arrays : indexables of length n_samples
            Containers with one entry per fitted row: X, y, weights, file names.

        Returns
        -------
        indexable or tuple of indexables
            The chosen rows, ascending, each in its own container. Several arrays are
            returned as a tuple.

        Raises
        ------
        ValueError
            If there is no array, or one has another length.
        TypeError
            If rows of an array cannot be taken by their numbers.
        """
        check_is_fitted(self)
        if not arrays:
            raise ValueError("select needs at least one of the arrays to cut.")
        for position, array in enumerate(arrays):
            check_container(array, f"arrays[{position}]")
            if _num_samples(array) != len(self.support_):
                raise ValueError(
                    f"arrays[{position}] of select has {_num_samples(array)} rows, "
                    f"but {len(self.support_)} were fitted."
                )
        cut = tuple(take_rows(array, self.indices_) for array in indexable(*arrays))
        return cut if len(cut) > 1 else cut[0]

    @validate_params({"indices": ["boolean"]}, prefer_skip_nested_validation=False)
    def get_support(self, indices: bool = False) -> np.ndarray:
        """Tell which rows were chosen.

        Parameters
        ----------
        indices : bool, default=False
            Whether to return row numbers instead of a mask.

        Returns
        -------
        ndarray
            A bool mask of shape (n_samples,), or the chosen row numbers, ascending.
        """
        check_is_fitted(self)
        return self.indices_ if indices else self.support_

    @validate_params({"nearest": ["boolean"]}, prefer_skip_nested_validation=False)
    def explain(self, X=None, *, nearest: bool = True):
        """Tell for each row why it was kept or dropped.

        Parameters
        ----------
        X : rows that were fitted, optional
            Needed for the column `nearest_kept` if the rows that were fitted are no
            longer in memory: the selector holds no rows, and cannot refer to a list.
        nearest : bool, default=True
            Whether to find the kept row nearest to each dropped one. This needs X and
            one pass of the proxy over it. False leaves `nearest_kept` empty.

        Returns
        -------
        pandas.DataFrame
            One line per row, in the order of rows: `row`; `score`; `rank`, from
            1 for the best, missing if the strategy did not rank the row; `kept`; and
            `nearest_kept`, for a dropped row the kept one nearest to it in the
            proxy's features, missing if the proxy has none.

        Raises
        ------
        ValueError
            If X is not the one that was fitted.

        Warns
        -----
        UserWarning
            If `nearest_kept` stays empty because the rows are gone and X is not given,
            or because there are no distances of the proxy's features: they are no
            numbers, or sparse and large.
        """
        check_is_fitted(self)
        import pandas as pd

        ranks = np.zeros(len(self.support_), dtype=np.int64)
        ranks[self.order_] = np.arange(1, len(self.order_) + 1)
        places = self._nearest_kept(X, search=nearest)
        return pd.DataFrame(
            {
                "row": np.arange(len(self.support_)),
                "score": self.scores_,
                "rank": pd.arrays.IntegerArray(ranks, ranks == 0),
                "kept": self.support_,
                "nearest_kept": pd.arrays.IntegerArray(places, places < 0),
            }
        )

    def _nearest_kept(self, X, *, search: bool) -> np.ndarray:
        """Return the kept row nearest to each dropped one, -1 if it is not known."""
        nearest = np.full(len(self.support_), -1, dtype=np.int64)
        if X is not None and not self._is_fitted_rows(X):
            raise ValueError("explain needs the X that was fitted, got another one.")
        if not search or self.support_.all() or not self._has_proxy():
            return nearest
        proxy = as_proxy(self.proxy_)
        if X is None:
            X = self._living_rows()
        if X is None:
            return nearest
        try:
            found = proxy.gather(X, ("features",)).features
            features = dense_if_small(found, "features", "distances are taken of them")
        except (NoFeatures, TypeError) as reason:
            warn_caller(f"nearest_kept stays empty: {reason}", UserWarning)
            return nearest
        dropped = np.flatnonzero(~self.support_)
        nearest[dropped] = nearest_rows(features, dropped, self.indices_)
        return nearest

    def _living_rows(self):
        """Return the fitted rows if they are still in memory and unchanged, else warn."""
        X = self._fitted_rows()
        if X is not None:
            return X
        warn_caller(
            "The rows that were fitted are no longer there, so nearest_kept stays empty: call explain(X), or "
            "explain(nearest=False) to do without.",
            UserWarning,
        )
        return None

    # scikit-learn's protocols ---------------------------------------------------------------

    def get_metadata_routing(self):
        """Describe how metadata is routed to the proxy.

        Returns
        -------
        MetadataRouter
            Which metadata goes where.
        """
        if self.proxy is None:
            return MetadataRouter(owner=self)
        proxy = as_proxy(self.proxy)
        strategy = "auto" if self._by_pilot() else self.strategy
        requires = resolve_strategy(strategy, proxy.gives).requires
        mapping = MethodMapping()
        for caller in self._fitting_methods:
            mapping.add(caller=caller, callee="fit")
        return MetadataRouter(owner=self).add(proxy=proxy.routed_as(requires), method_mapping=mapping)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "support_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.proxy is not None:
            tags.input_tags = get_tags(self.proxy).input_tags
            return tags
        tags.input_tags.sparse = True
        strategy = resolve_strategy(self.strategy, as_proxy(None).gives)
        tags.target_tags.required = bool(self.class_balanced or getattr(strategy, "needs_labels", False))
        return tags


def _total(seconds: Iterable[Seconds]) -> Seconds:
    """Sum seconds on the wall, and of the processor."""
    wall, cpu = np.sum([_NO_TIME, *seconds], axis=0).tolist()
    return wall, cpu


def _describe_slow(proxy: Proxy, strategy) -> str:
    """Say why the training takes long for "auto", "" if it does not."""
    slow = proxy.describe_training(strategy.requires)
    return f"strategy='auto': {slow}, which strategy='entropy' uses." if slow else ""
