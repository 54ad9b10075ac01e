"""What is trained on the rows of each candidate, and tested on held-out rows."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _num_samples

from ..._inputs._containers import take_rows
from ...proxies import Proxy, as_proxy
from ._networks_judge import SmallNetworks, is_table


class Judge(Protocol):
    """Tells which held-out rows a model gets wrong that was trained on a set of rows."""

    n_seeds: int

    def wrong(
        self,
        X: Any,
        y: np.ndarray,
        sets: Sequence[np.ndarray],
        seeds: Sequence[int],
        X_test: Any,
        y_test: np.ndarray,
    ) -> np.ndarray:
        """Return (n_sets, n_test) bools; see `SmallNetworks.wrong`."""

    def seconds(self, X: Any, y: np.ndarray, n_kept: int) -> float:
        """Return about how long a model takes on `n_kept` rows, measured on some rows."""


class Clones:
    """Judge sets of rows by a clone of a classifier trained on each.

    Parameters
    ----------
    estimator : classifier
        Cloned for each set.
    """

    n_seeds = 1

    def __init__(self, estimator: BaseEstimator):
        self.model = as_proxy(estimator)

    def __str__(self) -> str:
        return f"{self.model} itself"

    def wrong(
        self,
        X: Any,
        y: np.ndarray,
        sets: Sequence[np.ndarray],
        seeds: Sequence[int],
        X_test: Any,
        y_test: np.ndarray,
    ) -> np.ndarray:
        """Return (n_sets, n_test) bools; see `SmallNetworks.wrong`."""
        pairs = zip(sets, seeds, strict=True)
        return np.array([self._predict(X, y, rows, seed, X_test) != y_test for rows, seed in pairs])

    def _predict(self, X: Any, y: np.ndarray, rows: np.ndarray, seed: int, X_test: Any) -> np.ndarray:
        labels = y[rows]
        if (labels == labels[0]).all():
            # A model of one class, which most classifiers refuse.
            return np.full(_num_samples(X_test), labels[0])
        return self.model.train(take_rows(X, rows), labels, random_state=seed).predict(X_test)

    def seconds(self, X: Any, y: np.ndarray, n_kept: int) -> float:
        """Return about how long a model takes on `n_kept` rows, measured on some rows."""
        rows = np.arange(min(n_kept, len(y)))
        start = time.perf_counter()
        self._predict(X, y, rows, 0, X)
        return (time.perf_counter() - start) * n_kept / len(rows)


def judge_of(target: Any, proxy: Proxy, X: Any) -> Judge:
    """Return the judge that a `target` parameter means.

    Raises
    ------
    ValueError
        For small networks where X is no table of numbers.
    """
    if target is None:
        # A network is a better judge for networks on the same rows than one on flat pixels.
        target = "networks" if is_table(X) and not proxy.has_epochs else "proxy"
    if isinstance(target, str) and target == "networks":
        if not is_table(X):
            raise ValueError(
                "target='networks' needs a table of finite numbers as X; target='proxy' takes any rows that the "
                "proxy takes."
            )
        return SmallNetworks()
    model = proxy.estimator if isinstance(target, str) else target
    as_proxy(model).check_classifies("target")
    return Clones(model)
