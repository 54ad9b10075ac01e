"""AutoQuery: takes the strategy that suits the number of labels there are, for active learning."""

from collections.abc import Collection
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import WholeNumber
from ._auto import Decision
from ._evidence import Evidence
from ._facility_location import FacilityLocation
from ._margin import Margin
from ._random import Random
from ._rows import check_rows
from ._strategy import Strategy, check_n_samples
from ._typiclust import TypiClust

# Up to so many labels of a class the pool is covered where the model is unsure; above, the margin alone decides.
_FEW = 20
# Covering takes time in proportion to the square of the rows of the pool.
_MOST_ROWS = 20_000


class AutoQuery(Strategy):
    """Take the strategy that suits the labels there are: ``strategy="auto"`` of `ProxyActiveLearner`.

    Without labels of two classes no model can be trained. The first rows are then the
    most typical ones of clusters of X, where X is a table of numbers, else random ones.
    With few labels of each class they cover the proxy's features, weighted by how unsure
    it is (uncertainty herding). With many, those of the smallest margin come first.

    Parameters
    ----------
    kinds : collection of str
        Kinds of evidence that the proxy gives: ``"probabilities"``, ``"features"``.

    Examples
    --------
    >>> from sksvp.strategies import AutoQuery
    >>> AutoQuery().decide(n_rows=1000, n_labels=30, n_classes=3).strategy
    FacilityLocation(by_class=False, weights='margin')
    >>> AutoQuery().decide(n_rows=1000, n_labels=300, n_classes=3).strategy
    Margin()
    """

    _parameter_constraints: ClassVar[dict] = {"kinds": [tuple, list, set, frozenset]}
    optional = ("features",)

    def __init__(self, kinds: Collection[str] = ("probabilities", "features")):
        self.kinds = kinds

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that may be read."""
        return tuple(kind for kind in ("probabilities", "features") if kind in self.kinds)

    @validate_params(
        {"n_rows": [WholeNumber(1)], "n_labels": [WholeNumber(0)], "n_classes": [WholeNumber(0)]},
        prefer_skip_nested_validation=False,
    )
    def decide(self, *, n_rows: int, n_labels: int, n_classes: int) -> Decision:
        """Take a strategy.

        Parameters
        ----------
        n_rows : int
            Rows of the pool.
        n_labels : int
            Labels that there will be with those that are asked for.
        n_classes : int
            Classes among the labels.

        Returns
        -------
        Decision
            The strategy, and why.
        """
        self._validate_params()
        if n_classes < 2:
            return Decision(
                TypiClust(scale=True), False, "typical rows of clusters of X, before there are labels"
            )
        if "probabilities" not in self.kinds:
            return Decision(Random(), False, "random rows, since the proxy gives no probabilities")
        per_class = f"{n_labels / n_classes:.3g} labels of each class"
        if "features" in self.kinds and n_labels <= _FEW * n_classes and n_rows <= _MOST_ROWS:
            return Decision(
                FacilityLocation("margin", by_class=False),
                False,
                f"rows that cover what the proxy is unsure of, with {per_class}",
            )
        return Decision(Margin(), False, f"rows of the smallest margin, with {per_class}")

    def rank(self, evidence: Evidence, n_samples: int, *, candidates=None, initial=None, random_state=None):
        """Rank as the strategy does that `decide` takes; see `Strategy.rank`."""
        self._validate_params()
        known = () if initial is None else check_rows(initial, evidence.n_rows, "initial")
        n_labels = check_n_samples(n_samples, evidence.n_rows) + len(known)
        part = evidence.logits if evidence.logits is not None else evidence.require("probabilities")
        chosen = AutoQuery(evidence.kinds).decide(
            n_rows=evidence.n_rows, n_labels=n_labels, n_classes=np.shape(part)[1]
        )
        return chosen.strategy.rank(
            evidence, n_samples, candidates=candidates, initial=initial, random_state=random_state
        )
