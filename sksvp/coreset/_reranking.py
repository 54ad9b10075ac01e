"""Choosing again, and scoring by every rule, from one training of the proxy."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from .._inputs._warn import each_warning_once, warn_caller
from ..proxies import NoFeatures, as_proxy
from ..strategies import (
    Evidence,
    TrainingRecord,
    choose_together,
    count_rows,
    recorder_names,
    resolve_strategy,
    strategy_names,
)
from ._learning import gather_kinds


def requirements(strategy: Any, class_balanced: bool | str) -> tuple[str, ...]:
    """Return the kinds of evidence that a strategy and the quotas of the classes need."""
    extra = ("probabilities",) if class_balanced == "by_error" else ()
    return tuple(dict.fromkeys((*strategy.requires, *extra)))


# What the proxy said of the rows is kept for the next choice up to this size.
_SAID_BYTES = 2**30


def evidence_to_keep(evidence: Evidence, *, scores: bool) -> Evidence:
    """Return what a fitted selector keeps: labels and records, and scores that the proxy cannot give again."""
    kinds = {*recorder_names(), *(("probabilities", "logits") if scores else ())}
    parts = {kind: part for kind, part in evidence.parts.items() if kind in kinds}
    classes = evidence.classes if scores else None
    return Evidence(y=evidence.y, n_rows=evidence.n_rows, classes=classes, **parts)


def _requirements_of(rules: dict[str, Any]) -> tuple[str, ...]:
    """Return the kinds of evidence that several strategies need."""
    return tuple(dict.fromkeys(kind for rule in rules.values() for kind in rule.requires))


def _kind(part: str) -> str:
    """Return the kind of evidence that a part is."""
    return "probabilities" if part == "logits" else part


def _n_bytes(part: Any, X: Any) -> float:
    """Return the size of a part of the evidence; infinity if it is X itself, which a selector does not hold."""
    if part is X or np.may_share_memory(part, X):
        return np.inf
    return part.data.nbytes + part.indices.nbytes if issparse(part) else part.nbytes


class RerankingMixin:
    """What a fitted selector or sampler can do without another training."""

    _kept: Evidence
    _kept_further: list[Evidence]
    proxies_: list[Any]
    # For each proxy, by kind: the name of a part of the evidence, and what the fitted proxy said, for this selector
    # and its copies.
    _said: list[dict[str, tuple[str, np.ndarray]]]
    proxy: Any
    proxy_: Any
    random_state: Any
    _ranks_by: Any
    _rows: Any
    support_: np.ndarray
    set_params: Callable[..., Any]
    _is_fitted_rows: Callable[[Any], bool]
    _fitted_rows: Callable[[], Any]
    _draw_seeds: Callable[[int], list[int | None]]
    _check_needs_no_labels: Callable[[Any, Any], None]

    @property
    def record_(self) -> TrainingRecord | None:
        """Training record of the first proxy, None if its training kept none."""
        check_is_fitted(self)
        kind = "training_record"
        return TrainingRecord.of(self._evidence_again((kind,), None)[0]) if kind in self._gives() else None

    def rerank(self, *, strategy=None, subset_size=None, class_balanced=None, X=None):
        """Choose again from the training that `fit` has made.

        Parameters
        ----------
        strategy : str or strategy, optional
            How to choose; as in `fit` by default.
        subset_size : float or int, optional
            How many rows to keep; as in `fit` by default.
        class_balanced : bool or str, optional
            Whether the classes have quotas; as in `fit` by default.
        X : rows that were fitted, optional
            Needed for probabilities and features if the rows are no longer in memory.

        Returns
        -------
        object
            Another fitted selector. This one stays as it is, and the proxy is shared. So
            is what the proxy says of the rows, which is asked once and kept up to 1 GB.

        Raises
        ------
        ValueError
            If the proxy cannot give what the strategy needs, if its training did not
            record it, or if X is needed or is not the one that was fitted.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sksvp import ProxyCoresetSelector
        >>> X, y = load_iris(return_X_y=True)
        >>> selector = ProxyCoresetSelector(LogisticRegression(), strategy="entropy", random_state=0).fit(X, y)
        >>> selector.rerank(strategy="margin", subset_size=90).select(X).shape
        (90, 4)
        """
        check_is_fitted(self)
        found = vars(self).get("pilot_")
        if strategy is None and class_balanced is None and found is not None:
            class_balanced = found.best_.class_balanced
        given = {"strategy": strategy, "subset_size": subset_size, "class_balanced": class_balanced}
        other = copy.copy(self).set_params(
            **{name: value for name, value in given.items() if value is not None}
        )
        # A copy leaves out what is not pickled.
        other._rows, other._said = self._rows, self._said
        if strategy is not None:
            vars(other).pop("pilot_", None)
        other._validate_params()
        chosen_by = self._ranks_by if strategy is None else resolve_strategy(strategy, self._gives())
        if self._kept.y is None:
            other._check_needs_no_labels(as_proxy(self.proxy), chosen_by)
        n_samples = count_rows(other.subset_size, self._kept.n_rows)
        requires = requirements(chosen_by, other.class_balanced)
        evidences = self._evidence_again(requires, X, optional=getattr(chosen_by, "optional", ()))
        told = other._choose(chosen_by, evidences, n_samples, self._draw_seeds(2)[1])
        other._warn(*told)
        return other

    def score_table(self, X=None):
        """Score every row by every rule that scores each row by itself and that the training serves.

        Parameters
        ----------
        X : rows that were fitted, optional
            Needed for probabilities and features if the rows are no longer in memory.

        Returns
        -------
        pandas.DataFrame
            One line per row, in the order of rows: `y` if it was given, one column per
            score, named as the strategy is, and `kept`. The highest score is chosen
            first. With several proxies a score is the mean of its ranks, 1 for the
            lowest.

        Raises
        ------
        ValueError
            If X is needed or is not the one that was fitted.

        Warns
        -----
        UserWarning
            If scores are left out, because the proxy has no dense features, or because
            the training was too short for them.
        """
        check_is_fitted(self)
        import pandas as pd

        gives = self._gives()
        rules = {name: resolve_strategy(name) for name in strategy_names()}
        rules = {
            name: rule
            for name, rule in rules.items()
            if getattr(rule, "scores_each_row", False) and rule.requires and set(rule.requires) <= gives
        }
        with each_warning_once():
            try:
                evidences = self._evidence_again(_requirements_of(rules), X)
            except NoFeatures as reason:
                blind = [name for name, rule in rules.items() if "features" in rule.requires]
                rules = {name: rule for name, rule in rules.items() if name not in blind}
                warn_caller(f"The table has no {', '.join(blind)}: {reason}")
                evidences = self._evidence_again(_requirements_of(rules), X)
            table = {}
            for name, rule in rules.items():
                try:
                    together, evidence = choose_together(rule, evidences, 0)
                    table[name] = together.rank(evidence, 1, random_state=0)[1]
                except ValueError as reason:
                    warn_caller(f"The table has no {name}: {reason}")
        labels = {} if self._kept.y is None else {"y": self._kept.y}
        return pd.DataFrame({**labels, **table, "kept": self.support_})

    def _has_proxy(self) -> bool:
        """Tell whether there is a trained proxy, or X itself stands for one."""
        return self.proxy_ is not None or self.proxy is None

    def _gives(self) -> set[str]:
        """Return the kinds of evidence that the training serves."""
        if not self._has_proxy():
            return set()
        proxy = as_proxy(self.proxy_)
        staged = (name for name in proxy.recorders if proxy.keeps_record(name))
        scores = (kind for kind in proxy.gives if kind not in proxy.recorders)
        return {*self._kept.kinds, *staged, *scores}

    def _evidence_again(
        self, requires: tuple[str, ...], X: Any, optional: tuple[str, ...] = ()
    ) -> list[Evidence]:
        """Gather what each fitted proxy says of the rows, beside what its training has recorded."""
        if X is not None:
            self._rows_again(X)
        self._check_gives_again(requires)
        all_kept = [self._kept, *self._kept_further]
        proxies = self.proxies_ or [self.proxy_]
        return [
            self._ask_again(place, kept, fitted, requires, X, optional)
            for place, (kept, fitted) in enumerate(zip(all_kept, proxies, strict=True))
        ]

    def _rows_again(self, X: Any) -> Any:
        """Return the rows that were fitted: those given, or those in memory."""
        if X is not None and not self._is_fitted_rows(X):
            raise ValueError("X must be the rows that were fitted, got others.")
        X = X if X is not None else self._fitted_rows()
        if X is None:
            raise ValueError(
                "The rows that were fitted are no longer in memory, or in a list, to which nothing can refer: "
                "give them as X."
            )
        return X

    def _ask_again(
        self,
        place: int,
        kept: Evidence,
        fitted: Any,
        requires: tuple[str, ...],
        X: Any,
        optional: tuple[str, ...],
    ) -> Evidence:
        """Gather what is required of one proxy: what is kept, what it said before, and what it says now."""
        asked = [kind for kind in requires if kind not in kept.kinds]
        if not asked:
            return kept
        labels = None if kept.y is None else np.asarray(kept.y)
        proxy = as_proxy(fitted, classes=labels)
        records = {
            kind: (kind, part) for kind, part in proxy.kept_records.items() if len(part) == kept.n_rows
        }
        said = records | self._said[place]
        new = [kind for kind in asked if kind not in said]
        if new:
            X = self._rows_again(X)
            parts = gather_kinds(proxy, X, labels, new, optional)
            answers = {_kind(name): (name, part) for name, part in parts.items()}
            known = [part for one in (*self._said, answers) for _, part in one.values()]
            if sum(_n_bytes(part, X) for part in known) <= _SAID_BYTES:
                self._said[place].update(answers)
            said |= answers
        # An optional kind may be missing.
        parts = kept.parts | dict(said[kind] for kind in asked if kind in said)
        classes = proxy.labels_of_columns(parts) if kept.classes is None else kept.classes
        return Evidence(y=labels, n_rows=kept.n_rows, classes=classes, **parts)

    def _check_gives_again(self, requires: tuple[str, ...]) -> None:
        """Check that what is required is recorded, or that the fitted proxy can be asked for it."""
        missing = [kind for kind in requires if kind not in self._gives()]
        if not missing:
            return
        if not self._has_proxy():
            raise ValueError(
                f"fit trained no proxy, and {' and '.join(missing)} need one: fit with a strategy that reads them."
            )
        proxy = as_proxy(self.proxy_)
        proxy.check_gives([kind for kind in missing if kind not in proxy.recorders])
        raise ValueError(
            f"The training of the proxy recorded no {' and no '.join(missing)}: fit with a strategy that reads it, or "
            "with record_all=True."
        )
