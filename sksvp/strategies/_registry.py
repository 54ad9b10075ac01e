"""Names of strategies and of recorders."""

import sys
from collections.abc import Collection, Iterable, Mapping
from inspect import isclass
from typing import Any

from sklearn.utils._param_validation import validate_params

from ._area_under_margin import AreaUnderMargin
from ._auto import Auto
from ._badge import BADGE
from ._bait import BAIT
from ._beta_sample import BetaSample
from ._cartography import Variability
from ._cluster_margin import ClusterMargin
from ._d2 import D2
from ._dual import Dual
from ._dynamic_uncertainty import DynamicUncertainty
from ._el2n import EL2N
from ._entropy import Entropy
from ._facility_location import FacilityLocation
from ._forgetting_events import ForgettingCounter, ForgettingEvents
from ._grand import GraNd
from ._herding import Herding
from ._k_centers import KCenters
from ._least_confidence import LeastConfidence
from ._loss_correlation import LossCorrelation
from ._margin import Margin
from ._moderate import Moderate
from ._random import Random
from ._record_changes import RecordChanges
from ._record_feature_norms import RecordFeatureNorms
from ._record_visits import RecordVisits
from ._recorder import Recorder
from ._stratified import Stratified
from ._tdds import Tdds
from ._typiclust import TypiClust

_STRATEGIES: dict[str, type] = {
    "entropy": Entropy,
    "least_confidence": LeastConfidence,
    "margin": Margin,
    "forgetting_events": ForgettingEvents,
    "k_centers": KCenters,
    "random": Random,
    "el2n": EL2N,
    "grand": GraNd,
    "aum": AreaUnderMargin,
    "variability": Variability,
    "dyn_unc": DynamicUncertainty,
    "dual": Dual,
    "tdds": Tdds,
    "cld": LossCorrelation,
    "stratified": Stratified,
    "beta": BetaSample,
    "facility_location": FacilityLocation,
    "herding": Herding,
    "typiclust": TypiClust,
    "moderate": Moderate,
    "d2": D2,
    "badge": BADGE,
    "bait": BAIT,
    "cluster_margin": ClusterMargin,
}
_BUILT_IN = frozenset(_STRATEGIES)
_RECORDERS: dict[str, type[Recorder]] = {
    cls.name: cls for cls in (ForgettingCounter, RecordVisits, RecordFeatureNorms, RecordChanges)
}


def strategy_names() -> list[str]:
    """Return the names of all registered strategies, in the order of their registration.

    Returns
    -------
    list of str
        The names.
    """
    return list(_STRATEGIES)


def register_strategy(name: str, cls: type) -> None:
    """Register a strategy class under a name.

    Parameters
    ----------
    name : str
        The name. Registering the same class again changes nothing.
    cls : type
        A class with a `requires` tuple and a `rank` method that can be built
        without arguments.

    Raises
    ------
    TypeError
        For a name that is no string or a class that is no strategy.
    ValueError
        For an empty name, the name of another class, ``"auto"`` or ``"pilot"``.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, got {name!r}.")
    if not name.strip():
        raise ValueError(f"name must not be empty, got {name!r}.")
    if not isclass(cls) or not _is_strategy(cls):
        raise TypeError(
            f"cls must be a class with `requires` and `rank`, such as a child of Strategy, got {cls!r}."
        )
    if name in ("auto", "pilot") or _STRATEGIES.get(name, cls) is not cls:
        raise ValueError(f"name {name!r} is taken; registered names: {', '.join(_STRATEGIES)}.")
    _STRATEGIES[name] = cls


def user_strategies(*, importable: bool = False) -> dict[str, type]:
    """Return the strategies that the user has registered, by their names.

    Parameters
    ----------
    importable : bool, default=False
        Whether to leave out those that plain pickle cannot name, such as classes
        inside a function.
    """
    own = {name: cls for name, cls in _STRATEGIES.items() if name not in _BUILT_IN}
    if importable:
        own = {name: cls for name, cls in own.items() if _is_importable(cls)}
    return own


def add_strategies(strategies: Mapping[str, type]) -> None:
    """Register strategies of another process, whose classes may be copies of those known by these names."""
    _STRATEGIES.update(strategies)


def _is_importable(cls: type) -> bool:
    return getattr(sys.modules.get(cls.__module__), cls.__qualname__, None) is cls


class CarriesStrategies:
    """Mixin of estimators with a `strategy`: another process that gets one knows the user's names of strategies.

    Without it a search in worker processes would not know them.
    """

    def __getstate__(self):
        return {**super().__getstate__(), "_user_strategies": user_strategies(importable=True)}  # type: ignore[dict-item]

    def __setstate__(self, state):
        state = dict(state)
        add_strategies(state.pop("_user_strategies", {}))
        super().__setstate__(state)  # type: ignore[misc]


@validate_params({"gives": [Collection, None]}, prefer_skip_nested_validation=True)
def resolve_strategy(strategy: Any, gives: Collection[str] | None = None) -> Any:
    """Return the strategy of a name, with default parameters, or the strategy that is given.

    Parameters
    ----------
    strategy : str or Strategy
        A registered name, also with parameters as ``"stratified:score=entropy"``, or any
        object with `requires` and `rank`.
    gives : collection of str, optional
        Kinds of evidence that the proxy can give. With these, ``"auto"`` is a name
        too: an `Auto` that reads them.

    Returns
    -------
    Strategy
        A new object for a name, else `strategy` itself.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known names.
    TypeError
        For a class instead of an object, or anything else that is no strategy.
    """
    if isinstance(strategy, str):
        if strategy == "auto" and gives is not None:
            return Auto(tuple(kind for kind in Auto().kinds if kind in gives))
        plain, colon, _ = strategy.partition(":")
        if colon and plain in _STRATEGIES:
            from ._named_strategy import named_strategy

            return named_strategy(strategy)
        if strategy not in _STRATEGIES:
            raise ValueError(f"Unknown strategy {strategy!r}; known strategies: {', '.join(_STRATEGIES)}.")
        return _STRATEGIES[strategy]()
    if isclass(strategy):
        raise TypeError(
            f"strategy must be a name or an object, got the class {strategy.__name__}; build it first."
        )
    if not _is_strategy(strategy):
        raise TypeError(
            f"strategy must be a name ({', '.join(_STRATEGIES)}) or an object with `requires` and `rank`, "
            f"got {strategy!r}."
        )
    return strategy


def _is_strategy(thing: Any) -> bool:
    return hasattr(thing, "requires") and callable(getattr(thing, "rank", None))


@validate_params(
    {name: ["boolean"] for name in ("kept", "scores", "features", "dear")}, prefer_skip_nested_validation=True
)
def recorder_names(
    *, kept: bool = False, scores: bool = True, features: bool = True, dear: bool = True
) -> list[str]:
    """Return the names of recorders.

    Parameters
    ----------
    kept : bool, default=False
        Whether to return only those that our networks keep in every training.
    scores : bool, default=True
        Whether to return also those that read the scores of the classes, beside those
        to which the predicted class is enough.
    features : bool, default=True
        Whether to return also those that read the features.
    dear : bool, default=True
        Whether to return also those that take memory or time of their own.

    Returns
    -------
    list of str
    """
    return [
        name
        for name, cls in _RECORDERS.items()
        if (cls.is_kept or not kept)
        and (scores or not cls.needs_scores)
        and (features or not cls.needs_features)
        and (dear or not cls.is_dear)
    ]


def new_recorders(names: Iterable[str], n_rows: int) -> dict[str, Recorder]:
    """Build recorders of `n_rows` rows by their names, each once."""
    return {name: _RECORDERS[name](n_rows) for name in dict.fromkeys(names)}
