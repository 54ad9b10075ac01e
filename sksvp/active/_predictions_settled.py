"""A rule that says when the labels suffice: predictions on the pool no longer change."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import cohen_kappa_score
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions

from .._inputs._parameters import WholeNumber

_MEASURES = ("kappa", "flips", "expected_error")


class PredictionsSettled(BaseEstimator):
    """Rule that ends active learning when the models' predictions on the pool no longer change.

    After each round the predictions of the new model on a sample of the pool are compared
    with those of the model before. No labels are needed for that. The proxy is compared
    in every round, since it is trained anyway. Once it has settled, the target is trained
    in every round too, and the run ends when the target has settled as well: a small
    model can settle long before a large one.

    Parameters
    ----------
    measure : {"kappa", "flips", "expected_error"}, default="kappa"
        What is compared: one minus Cohen's kappa of the two predictions, which is the
        stabilizing predictions of [1]_; the share of the sample whose prediction flips;
        or the difference of the expected errors, which are the means of one minus the
        largest class probability, in the spirit of [2]_.
    tolerance : float, default=0.01
        The predictions have settled when the change is at most this.
    patience : int, default=3
        Number of consecutive rounds in which this must hold for the proxy. The target
        must pass once.
    n_rows : int, default=2000
        Number of rows in the sample.
    ends_run : bool, default=True
        Whether `rounds` end then. If False, the rule is noted in `history_` only, as
        for a curve that shows what it would have saved. A learner without `rounds` warns
        when the rule is met, and goes on.

    See Also
    --------
    ProxyActiveLearner : Takes the rule as `stop`.
    RankingSettled : Ends the training of a core-set's proxy.

    References
    ----------
    .. [1] Bloodgood and Vijay-Shanker, A Method for Stopping Active Learning Based on
       Stabilizing Predictions and the Need for User-Adjustable Stopping, CoNLL 2009.
    .. [2] Altschuler and Bloodgood, Stopping Active Learning Based on Predicted Change of
       F Measure for Text Classification, ICSC 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.active import PredictionsSettled, ProxyActiveLearner
    >>> X, y = load_iris(return_X_y=True)
    >>> learner = ProxyActiveLearner(LogisticRegression(max_iter=1000), rounds=[10] * 12, initial_size=20,
    ...                              stop=PredictionsSettled("flips", tolerance=0.02), random_state=0)
    >>> bool(learner.fit(X, y).settled_)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "measure": [StrOptions(set(_MEASURES))],
        "tolerance": [Interval(RealNotInt, 0, 1, closed="both"), WholeNumber(0, 1)],
        "patience": [WholeNumber(1)],
        "n_rows": [WholeNumber(2)],
        "ends_run": ["boolean"],
    }

    def __init__(
        self,
        measure: str = "kappa",
        *,
        tolerance: float = 0.01,
        patience: int = 3,
        n_rows: int = 2000,
        ends_run: bool = True,
    ):
        self.measure = measure
        self.tolerance = tolerance
        self.patience = patience
        self.n_rows = n_rows
        self.ends_run = ends_run

    def sample(self, n_rows: int, random_state: int) -> np.ndarray:
        """Draw the rows on which models are compared, ascending.

        Parameters
        ----------
        n_rows : int
            Number of rows of the pool.
        random_state : int
            Seed of the run.

        Returns
        -------
        ndarray of int
            The same rows for the same pool.
        """
        rng = np.random.default_rng([random_state, n_rows])
        return np.sort(rng.permutation(n_rows)[: self.n_rows])

    def change(self, before: dict[str, Any], now: dict[str, Any]) -> float:
        """Measure the change from one model to the next.

        Parameters
        ----------
        before, now : dict
            What each model says of the sample: ``codes``, its classes as numbers, and
            ``expected_error``.

        Returns
        -------
        float
            NaN if kappa is not defined, because both models predict one class only.
        """
        if self.measure == "expected_error":
            return abs(now["expected_error"] - before["expected_error"])
        one, other = np.asarray(before["codes"]), np.asarray(now["codes"])
        if self.measure == "flips":
            return float(np.mean(one != other))
        if len(np.union1d(one, other)) == 1:
            return float("nan")
        return 1.0 - float(cohen_kappa_score(one, other))

    def is_met(self, changes: Sequence[float | None], patience: int) -> bool:
        """Tell whether the last changes are within the tolerance.

        Parameters
        ----------
        changes : sequence of float or None
            One for each round; None where no model was compared.
        patience : int
            Number of changes that must pass.

        Returns
        -------
        bool
            NaN does not pass.
        """
        known = [change for change in changes if change is not None]
        return len(known) >= patience and all(change <= self.tolerance for change in known[-patience:])
