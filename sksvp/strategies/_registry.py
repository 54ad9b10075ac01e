"""Names of strategies and of recorders."""

from collections.abc import Collection, Iterable
from inspect import isclass
from typing import Any

from sklearn.utils._param_validation import validate_params

from ._entropy import Entropy
from ._forgetting_events import ForgettingCounter, ForgettingEvents
from ._k_centers import KCenters
from ._least_confidence import LeastConfidence
from ._margin import Margin
from ._random import Random
from ._recorder import Recorder
from ._strategy import Strategy
from ._visit_margins import VisitMargins

_STRATEGIES: dict[str, type] = {
    "entropy": Entropy,
    "least_confidence": LeastConfidence,
    "margin": Margin,
    "forgetting_events": ForgettingEvents,
    "k_centers": KCenters,
    "random": Random,
}
# "auto" is the first of these that the proxy can serve, else the last.
_AUTO: tuple[type[Strategy], ...] = (ForgettingEvents, Entropy)
_RECORDERS: dict[str, type[Recorder]] = {cls.name: cls for cls in (ForgettingCounter, VisitMargins)}


def strategy_names() -> list[str]:
    """Return the names of all registered strategies, in the order of their registration."""
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
        For an empty name, the name of another class, or ``"auto"``.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, got {name!r}.")
    if not name.strip():
        raise ValueError(f"name must not be empty, got {name!r}.")
    if not isclass(cls) or not _is_strategy(cls):
        raise TypeError(
            f"cls must be a class with `requires` and `rank`, such as a child of Strategy, got {cls!r}."
        )
    if name == "auto" or _STRATEGIES.get(name, cls) is not cls:
        raise ValueError(f"name {name!r} is taken; registered names: {', '.join(_STRATEGIES)}.")
    _STRATEGIES[name] = cls


@validate_params({"gives": [Collection, None]}, prefer_skip_nested_validation=True)
def resolve_strategy(strategy: Any, gives: Collection[str] | None = None) -> Any:
    """Return the strategy of a name, with default parameters, or the strategy that is given.

    Parameters
    ----------
    strategy : str or Strategy
        A registered name, or any object with `requires` and `rank`.
    gives : collection of str, optional
        Kinds of evidence that the proxy can give. With these, ``"auto"`` is a name
        too: it means forgetting events if they are among them, else entropy.

    Returns
    -------
    Strategy
        A new object for a name, else `strategy` itself.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known names. Also for a parameter
        that `check_params` of the strategy finds invalid.
    TypeError
        For a class instead of an object, or anything else that is no strategy.
    """
    if isinstance(strategy, str):
        if strategy == "auto" and gives is not None:
            return next(cls() for cls in _AUTO if set(cls.requires) <= set(gives) or cls is _AUTO[-1])
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
    # Checked here, because a proxy is trained before the strategy ranks.
    if hasattr(strategy, "check_params"):
        strategy.check_params()
    return strategy


def _is_strategy(thing: Any) -> bool:
    return hasattr(thing, "requires") and callable(getattr(thing, "rank", None))


@validate_params({"kept": ["boolean"]}, prefer_skip_nested_validation=True)
def recorder_names(*, kept: bool = False) -> list[str]:
    """Return the names of all recorders, or of those that our networks keep in every training."""
    return [name for name, cls in _RECORDERS.items() if cls.is_kept or not kept]


def new_recorders(names: Iterable[str], n_rows: int) -> dict[str, Recorder]:
    """Build recorders of `n_rows` rows by their names, each once."""
    return {name: _RECORDERS[name](n_rows) for name in dict.fromkeys(names)}
