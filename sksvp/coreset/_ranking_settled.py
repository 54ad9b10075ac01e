"""A proxy that stops when its ranking has settled."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, RealNotInt

from .._inputs._parameters import WholeNumber
from .._storage._describe import describe
from .._storage._fingerprint import fingerprint
from ..agreement import rank_correlation
from ..strategies import Evidence


class RankingSettled(BaseEstimator):
    """Rule that ends a proxy's training when its ranking of the rows no longer changes.

    After each epoch the strategy ranks a sample of the rows, and the ranking is
    compared with that of the epoch before, by Spearman's correlation. Rankings
    can settle long before a training ends [1]_: the paper trained proxies for 50 or
    100 of 181 epochs. This rule finds the number by itself.

    The epochs until then are those of the whole training, with its schedule. A
    training that is never stopped gives the same proxy as one without the rule.

    Parameters
    ----------
    tolerance : float, default=0.01
        The ranking has settled when one minus the correlation is at most this.
    patience : int, default=3
        Number of consecutive epochs in which this must hold.
    min_epochs : int, default=5
        Epochs that are trained in any case.
    n_rows : int, default=2000
        Number of rows in the sample. Forgetting events cost nothing; probabilities and
        features of the sample are computed after each epoch.

    See Also
    --------
    ProxyCoresetSelector : Takes the rule as `stop_proxy`.

    References
    ----------
    .. [1] Coleman et al., Selection via Proxy: Efficient Data Selection for Deep
       Learning, ICLR 2020, figures 11 and 12, table 3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sksvp import ProxyCoresetSelector, RankingSettled
    >>> X, y = load_iris(return_X_y=True)
    >>> rule = RankingSettled(tolerance=0.05)
    >>> selector = ProxyCoresetSelector(SGDClassifier(), stop_proxy=rule, random_state=0).fit(X, y)
    >>> selector.proxy_stop_.n_epochs <= selector.proxy_stop_.max_epochs
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        # 0 and 1 as int; True is none of both.
        "tolerance": [Interval(RealNotInt, 0, 1, closed="both"), WholeNumber(0, 1)],
        "patience": [WholeNumber(1)],
        "min_epochs": [WholeNumber(1)],
        "n_rows": [WholeNumber(2)],
    }

    def __init__(
        self, tolerance: float = 0.01, *, patience: int = 3, min_epochs: int = 5, n_rows: int = 2000
    ):
        self.tolerance = tolerance
        self.patience = patience
        self.min_epochs = min_epochs
        self.n_rows = n_rows

    def watch(self, strategy: Any, y: np.ndarray, random_state: int | None) -> "RankingWatch":
        """Return an object that watches one training.

        Parameters
        ----------
        strategy : Strategy
            Ranks the sample.
        y : ndarray of shape (n,)
            Labels of the training rows.
        random_state : int or None
            Draws the sample.

        Returns
        -------
        RankingWatch
            Called after each epoch.

        Raises
        ------
        ValueError
            If a parameter is out of range.
        """
        self._validate_params()
        rng = np.random.RandomState(random_state)
        rows = np.sort(rng.permutation(len(y))[: self.n_rows])
        return RankingWatch(self, getattr(strategy, "watched", strategy), y[rows], rows)


class RankingWatch:
    """Compares the rankings of one training, epoch by epoch.

    Called after each epoch with ``gather(requires, rows)``, which returns evidence of
    rows as the model is by now; returns whether the training may end.
    """

    def __init__(self, rule: RankingSettled, strategy: Any, y: np.ndarray, rows: np.ndarray):
        self.rule = rule
        self.strategy = strategy
        self.y = y
        self.rows = rows
        self.correlations: list[float] = []
        self._last: np.ndarray | None = None

    def __call__(self, gather: Callable[[tuple[str, ...], np.ndarray], dict[str, Any]]) -> bool:
        parts = gather(tuple(self.strategy.requires), self.rows)
        scores = self._score(Evidence(y=self.y, n_rows=len(self.rows), **parts))
        last, self._last = self._last, scores
        self.correlations.append(_agreement(last, scores))
        return self.is_settled()

    def key(self) -> str:
        """Return text that identifies what decides when the training ends."""
        return repr((describe(self.rule), describe(self.strategy), fingerprint(self.rows)))

    def state(self) -> dict[str, np.ndarray]:
        """Return the state after the epochs so far, for `restore`."""
        last = np.empty(0) if self._last is None else self._last
        return {"correlations": np.asarray(self.correlations), "last": last}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from what `state` returned."""
        self.correlations = state["correlations"].tolist()
        self._last = state["last"] if len(state["last"]) else None

    def is_settled(self) -> bool:
        """Tell whether the correlations so far meet the rule."""
        recent = self.correlations[-self.rule.patience :]
        return (
            len(self.correlations) >= max(self.rule.min_epochs, self.rule.patience)
            # NaN is no agreement: all rows are equal, or there is no epoch before.
            and all(1.0 - correlation <= self.rule.tolerance for correlation in recent)
        )

    def _score(self, evidence: Evidence) -> np.ndarray:
        """Score the sample, the higher the sooner chosen; the score of a greedy order is the place in it."""
        order, scores = self.strategy.rank(evidence, len(self.rows), random_state=0)
        if not getattr(self.strategy, "picks_greedily", False):
            return scores
        places = np.empty(len(order))
        places[order] = -np.arange(len(order))
        return places


def _agreement(a: np.ndarray | None, b: np.ndarray) -> float:
    if a is None or (a == a[0]).all() or (b == b[0]).all():
        return float("nan")
    return rank_correlation(a, b)


@dataclass
class ProxyStop:
    """How a watched training ended.

    Parameters
    ----------
    n_epochs : int
        Epochs that were trained.
    max_epochs : int
        Epochs of the whole training.
    correlations : list of float
        Correlation of the ranking after each epoch with that of the epoch before; NaN
        for the first epoch, and if all rows had the same score.
    seconds_saved : float
        Seconds that the other epochs would have taken, at the pace of the trained ones.
    """

    n_epochs: int
    max_epochs: int
    correlations: list[float] = field(default_factory=list)
    seconds_saved: float = 0.0

    @property
    def stopped(self) -> bool:
        """Whether the training ended early."""
        return self.n_epochs < self.max_epochs

    def to_json(self) -> dict[str, Any]:
        """Return plain values; NaN as None.

        Returns
        -------
        dict
            The fields by name.
        """
        return {**asdict(self), "correlations": [None if np.isnan(c) else c for c in self.correlations]}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "ProxyStop":
        """Take back what `to_json` gave.

        Parameters
        ----------
        content : dict
            Result of `to_json`.

        Returns
        -------
        ProxyStop
            The same as before.
        """
        return cls(
            **{**content, "correlations": [np.nan if c is None else c for c in content["correlations"]]}
        )
