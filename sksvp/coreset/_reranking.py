"""Choosing again, and scoring by every rule, from one training of the proxy."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._seeds import draw_seeds
from ..proxies import as_proxy
from ..strategies import (
    Evidence,
    TrainingRecord,
    count_rows,
    recorder_names,
    resolve_strategy,
    strategy_names,
)


def requirements(strategy: Any, class_balanced: bool | str) -> tuple[str, ...]:
    """Return the kinds of evidence that a strategy and the quotas of the classes need."""
    extra = ("probabilities",) if class_balanced == "by_error" else ()
    return tuple(dict.fromkeys((*strategy.requires, *extra)))


def evidence_to_keep(evidence: Evidence, *, scores: bool) -> Evidence:
    """Return what a fitted selector keeps: labels and records, and scores that the proxy cannot give again."""
    kinds = {*recorder_names(), *(("probabilities", "logits") if scores else ())}
    parts = {kind: part for kind, part in evidence.parts.items() if kind in kinds}
    classes = evidence.classes if scores else None
    return Evidence(y=evidence.y, n_rows=evidence.n_rows, classes=classes, **parts)


class RerankingMixin:
    """What a fitted selector or sampler can do without another training."""

    _kept: Evidence
    proxy: Any
    proxy_: Any
    random_state: Any
    strategy_: Any
    support_: np.ndarray
    set_params: Callable[..., Any]
    _is_fitted_rows: Callable[[Any], bool]
    _fitted_rows: Callable[[], Any]
    _check_needs_no_labels: Callable[[Any, Any], None]

    @property
    def record_(self) -> TrainingRecord | None:
        """Training record of the proxy, None if its training kept none."""
        check_is_fitted(self)
        return TrainingRecord.of(self._kept) if "training_record" in self._kept.kinds else None

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
            Another fitted selector. This one stays as it is, and the proxy is shared.

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
        given = {"strategy": strategy, "subset_size": subset_size, "class_balanced": class_balanced}
        other = copy.copy(self).set_params(
            **{name: value for name, value in given.items() if value is not None}
        )
        other._validate_params()
        chosen_by = self.strategy_ if strategy is None else resolve_strategy(strategy, self._gives())
        if self._kept.y is None:
            other._check_needs_no_labels(as_proxy(self.proxy), chosen_by)
        n_samples = count_rows(other.subset_size, self._kept.n_rows)
        evidence = self._evidence_again(requirements(chosen_by, other.class_balanced), X)
        seeds = [None, None] if self.random_state is None else draw_seeds(self.random_state, 2)
        other._choose(chosen_by, evidence, n_samples, seeds[1])
        other._warn(chosen_by, evidence, self._kept.y, stacklevel=2)
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
            One line per row, in the order of rows: `y` if it was given, one column per score, named
            as the strategy is, and `kept`. The highest score is chosen first.

        Raises
        ------
        ValueError
            If X is needed or is not the one that was fitted.
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
        requires = tuple(dict.fromkeys(kind for rule in rules.values() for kind in rule.requires))
        evidence = self._evidence_again(requires, X)
        labels = {} if self._kept.y is None else {"y": self._kept.y}
        table = {name: rule.rank(evidence, 1, random_state=0)[1] for name, rule in rules.items()}
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

    def _evidence_again(self, requires: tuple[str, ...], X: Any) -> Evidence:
        """Gather what the fitted proxy says of the rows, beside what its training has recorded."""
        if X is not None and not self._is_fitted_rows(X):
            raise ValueError("X must be the rows that were fitted, got others.")
        self._check_gives_again(requires)
        kept = self._kept
        asked = [kind for kind in requires if kind not in kept.kinds]
        if not asked:
            return kept
        X = X if X is not None else self._fitted_rows()
        if X is None:
            raise ValueError("The rows that were fitted are no longer in memory: give them as X.")
        labels = None if kept.y is None else np.asarray(kept.y)
        proxy = as_proxy(self.proxy_, classes=labels)
        parts = kept.parts | proxy.gather(X, asked, y=labels).parts
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
            f"The training of the proxy recorded no {' and no '.join(missing)}: fit with a strategy that reads it."
        )
