"""Auto: takes the strategy that suits the budget, the labels and what the proxy can tell."""

from collections.abc import Collection
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.neighbors import NearestNeighbors
from sklearn.utils._param_validation import validate_params

from ._area_under_margin import AreaUnderMargin
from ._cartography import confidence, correctness
from ._d2 import D2
from ._el2n import EL2N
from ._entropy import Entropy
from ._evidence import Evidence
from ._facility_location import FacilityLocation
from ._picking import check_table
from ._random import Random
from ._strategy import Strategy, check_n_samples
from ._stratified import Stratified
from ._training_record import TrainingRecord

_KINDS = ("training_record", "features", "probabilities")
# Facility location takes time in proportion to the square of the rows of a class.
_MOST_OF_A_CLASS = 20_000
# Neighbours that vote on the label of a row, rows whose label is voted on, and rows that may vote.
_N_NEIGHBORS, _N_ASKED, _N_VOTERS = 10, 1000, 20_000


class Thresholds(NamedTuple):
    """Thresholds of the rule, chosen by ``benchmarks/bench_auto.py``.

    Parameters
    ----------
    many_outvoted, hardly_outvoted : float
        Shares of outvoted rows.
    few_rows, some_rows, quarter, half, most_rows : float
        Shares of the rows that are kept.
    enough, plenty : float
        Kept rows of a class by which hard rows are told from odd ones, and by which
        hard ones can be done without.
    unequal : float
        How many times larger the largest class is than the smallest.
    few_doubtful, many_doubtful : float
        Shares of doubtful rows.
    some_dropped, most_dropped : float
        Shares of the hardest rows that strata drop.
    weak : float
        By how much more a weak proxy doubts than neighbours outvote.
    """

    many_outvoted: float = 0.2
    hardly_outvoted: float = 0.1
    few_rows: float = 0.07
    some_rows: float = 0.15
    quarter: float = 0.25
    half: float = 0.4
    most_rows: float = 0.6
    enough: float = 20
    plenty: float = 1000
    unequal: float = 5
    few_doubtful: float = 0.05
    many_doubtful: float = 0.15
    some_dropped: float = 0.1
    most_dropped: float = 0.3
    weak: float = 0.15


class Decision(NamedTuple):
    """What `Auto` takes.

    Parameters
    ----------
    strategy : Strategy
        The strategy.
    class_balanced : bool
        Whether each class keeps its share, where the user asks for no quotas.
    reason : str
        Why, in one sentence.
    """

    strategy: Strategy
    class_balanced: bool
    reason: str


class Auto(Strategy):
    """Take the strategy that suits the budget, the labels and what the proxy can tell.

    ``strategy="auto"`` of a selector is this strategy with the kinds of evidence that
    its proxy gives. The user guide has the rule.

    Parameters
    ----------
    kinds : collection of str
        Kinds of evidence to read, out of ``"training_record"``, ``"features"`` and
        ``"probabilities"``; all by default.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import Auto, Evidence
    >>> features = np.random.RandomState(0).randn(200, 2)
    >>> evidence = Evidence(y=np.arange(200) % 2, features=features + 5.0 * (np.arange(200) % 2)[:, None])
    >>> decision = Auto(("features",)).decide(evidence, 20)
    >>> decision.strategy
    FacilityLocation()
    """

    picks_greedily = True
    # Features that turn out to be no numbers are done without.
    optional = ("features",)
    _parameter_constraints: ClassVar[dict] = {"kinds": [tuple, list, set, frozenset]}

    def __init__(self, kinds: Collection[str] = _KINDS):
        self.kinds = kinds

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that are read: those of `kinds`, but no probabilities beside a training record."""
        needless = ("probabilities",) if "training_record" in self.kinds else ()
        return tuple(kind for kind in _KINDS if kind in self.kinds and kind not in needless)

    @property
    def watched(self) -> Strategy | None:
        """The strategy whose ranking shows when a training has told enough."""
        if "training_record" in self.kinds:
            return AreaUnderMargin()
        return Entropy() if "probabilities" in self.kinds else None

    @validate_params({"evidence": [Evidence]}, prefer_skip_nested_validation=False)
    def decide(self, evidence: Evidence, n_samples: int) -> Decision:
        """Take a strategy.

        Parameters
        ----------
        evidence : Evidence
            Evidence of all rows, with labels if there are any.
        n_samples : int
            How many rows will be chosen.

        Returns
        -------
        Decision
            The strategy, whether classes keep their shares, and why.
        """
        self._validate_params()
        if evidence.y is None:
            return _decide_without_labels(evidence, n_samples)
        return decide_by(look(evidence, n_samples), Thresholds())

    def rank(self, evidence: Evidence, n_samples: int, *, candidates=None, initial=None, random_state=None):
        """Rank as the strategy does that `decide` takes; see `Strategy.rank`."""
        strategy = self.decide(evidence, n_samples).strategy
        return strategy.rank(
            evidence, n_samples, candidates=candidates, initial=initial, random_state=random_state
        )


class Looks(NamedTuple):
    """What `Auto` sees of a choice.

    Parameters
    ----------
    share : float
        Share of the rows that is kept.
    n_per_class : float
        Mean number of kept rows of a class.
    outvoted : float or None
        Share of the rows whose nearest neighbours in the features vote for another
        label; None if there are no features, or too many rows to cover.
    doubtful : float or None
        Share of the rows that the proxy got wrong at most visits of its training; None
        if no training was recorded.
    unequal : float
        How many times larger the largest class is than the smallest.
    """

    share: float
    n_per_class: float
    outvoted: float | None
    doubtful: float | None
    unequal: float = 1.0


def look(evidence: Evidence, n_samples: int) -> Looks:
    """Look at the evidence of all rows, of which some will be chosen."""
    labels = np.asarray(evidence.require("y"))
    check_n_samples(n_samples, len(labels))
    sizes = np.unique(labels, return_counts=True)[1]
    return Looks(
        share=n_samples / len(labels),
        n_per_class=n_samples / len(sizes),
        outvoted=_outvoted_share(evidence, labels) if sizes.max() <= _MOST_OF_A_CLASS else None,
        doubtful=_doubtful_share(evidence),
        unequal=sizes.max() / sizes.min(),
    )


def decide_by(looks: Looks, limits: Thresholds) -> Decision:
    """Decide by the rule of the user guide."""
    kept = f"{looks.share:.0%} of the rows ({looks.n_per_class:.3g} of each class) are kept"
    share, outvoted, doubtful = looks.share, looks.outvoted, looks.doubtful
    if outvoted is None:
        return _decide_without_features(looks, limits, kept)
    if outvoted > limits.many_outvoted:
        seen = f"{kept} and neighbours outvote {outvoted:.0%} of the labels"
        if doubtful is None:
            return _random(f"{seen}, which no training record helps to tell apart")
        if share < limits.some_rows or looks.n_per_class < limits.plenty:
            return _covering("confidence", seen)
        return _strata(min(limits.most_dropped, 1.0 - share), True, seen)
    seen = f"{kept} and neighbours outvote only {outvoted:.0%} of the labels"
    if doubtful is None or doubtful > outvoted + limits.weak:
        told = "no training record" if doubtful is None else f"a weak proxy ({doubtful:.0%} mostly wrong)"
        if share < (limits.some_rows if outvoted <= limits.hardly_outvoted else limits.few_rows):
            return _covering(None, f"{seen}, with {told}")
        return _random(f"{seen}, with {told} to tell which are worth more")
    if share < limits.some_rows or (share < limits.half and looks.n_per_class < limits.enough):
        return _covering("confidence", seen)
    if looks.n_per_class < limits.enough:
        return _random(f"{seen}, too few of a class to tell hard rows from odd ones")
    if share < limits.quarter or (share < limits.half and looks.unequal > limits.unequal):
        # Of rare classes the hard rows do not show what the others look like.
        return _covering(None, seen)
    if share < limits.half:
        return Decision(D2(), True, f"hard rows, no two alike, since {seen}")
    return _strata(0.0, False, seen)


def _decide_without_features(looks: Looks, limits: Thresholds, kept: str) -> Decision:
    if looks.doubtful is None:
        return _random(f"{kept}, and the proxy gives neither a training record nor features")
    seen = f"{kept} and the proxy was mostly wrong about {looks.doubtful:.0%}"
    if looks.doubtful > limits.many_doubtful:
        return _random(f"{seen}: it is weak, or labels are wrong")
    if looks.share >= limits.most_rows and looks.n_per_class >= limits.enough:
        return _strata(0.0, False, seen)
    if (
        looks.share < limits.few_rows
        or looks.n_per_class < limits.enough
        or looks.doubtful <= limits.few_doubtful
    ):
        return _random(f"{seen}, without features to cover")
    return _strata(
        limits.some_dropped if looks.share >= limits.half else 2 * limits.some_dropped, False, seen
    )


def _decide_without_labels(evidence: Evidence, n_samples: int) -> Decision:
    check_n_samples(n_samples, evidence.n_rows)
    if _has_features(evidence) and evidence.n_rows <= _MOST_OF_A_CLASS:
        return _covering(None, "there are no labels")
    return Decision(Random(), False, "random rows, since there are neither labels nor features to cover")


def _random(seen: str) -> Decision:
    return Decision(Random(), True, f"random rows of each class, since {seen}")


def _covering(weights: str | None, seen: str) -> Decision:
    return Decision(FacilityLocation(weights), False, f"rows that stand for the others, since {seen}")


def _strata(dropped: float, class_balanced: bool, seen: str) -> Decision:
    without = f", without the hardest {dropped:.0%}," if dropped else ""
    return Decision(
        Stratified(EL2N(), round(dropped, 3)),
        class_balanced,
        f"rows of every difficulty{without} since {seen}",
    )


def _doubtful_share(evidence: Evidence) -> float | None:
    """Return the share of the rows that the proxy got wrong at most visits of its training."""
    if "training_record" not in evidence.kinds or np.shape(evidence.require("training_record"))[1:2] == (0,):
        # None, or one of a training that ended within its first epoch.
        return None
    record = TrainingRecord.of(evidence)
    if "margin" in record.channels:
        return float(np.mean(correctness(record.require("margin")) < 0.5))
    return float(np.mean(confidence(record.require("loss")) < 0.5))


def _has_features(evidence: Evidence) -> bool:
    """Tell whether there are features without gaps."""
    features = evidence.parts.get("features")
    if features is None:
        return False
    return bool(np.isfinite(features.data if issparse(features) else np.asarray(features)).all())


def _outvoted_share(evidence: Evidence, labels: np.ndarray) -> float | None:
    """Return the share of a sample of rows whose nearest neighbours vote for another label."""
    if not _has_features(evidence):
        return None
    features = check_table(evidence.features, accept_sparse=True)
    # The same sample at every call: the decision is no matter of the seed.
    shuffled = np.random.RandomState(0).permutation(len(labels))
    voters, asked = shuffled[:_N_VOTERS], shuffled[:_N_ASKED]
    n_neighbors = min(_N_NEIGHBORS, len(voters) - 1)
    if n_neighbors < 1:
        return None
    codes = np.unique(labels, return_inverse=True)[1]
    search = NearestNeighbors(n_neighbors=n_neighbors + 1).fit(features[voters])
    nearest = voters[search.kneighbors(features[asked], return_distance=False)]
    votes = np.zeros((len(asked), codes.max() + 1))
    for column in nearest.T:
        # Duplicates may push a row out of its own neighbours.
        others = column != asked
        votes[others, codes[column[others]]] += 1
    return float(np.mean(votes.argmax(axis=1) != codes[asked]))
