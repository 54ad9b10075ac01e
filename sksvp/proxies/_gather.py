"""Gathering what a fitted proxy says of each row."""

from collections.abc import Callable, Iterable

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _num_samples

from ..strategies import Evidence, resolve_strategy, strategy_names
from ._features import can_give_features, gather_features
from ._forgetting_events import forbids_partial_fit, how_events_are_counted, own_events, staged_events
from ._probabilities import can_give_probabilities, gather_probabilities
from ._proxies import classifier_of, is_frozen


def _gather_forgetting_events(proxy: BaseEstimator, X, y: np.ndarray | None) -> dict[str, np.ndarray]:
    """Read forgetting events from a fitted proxy that still can tell them."""
    if how_events_are_counted(proxy) == "stages":
        if y is None:
            raise ValueError("The forgetting events of a staged ensemble need y.")
        return {"forgetting_events": staged_events(proxy, X, y)}
    return {"forgetting_events": own_events(proxy, _num_samples(X))}


_GATHER: dict[str, Callable[[BaseEstimator, object, np.ndarray | None], dict[str, np.ndarray]]] = {
    "probabilities": lambda proxy, X, y: gather_probabilities(proxy, X),
    "features": lambda proxy, X, y: gather_features(proxy, X),
    "forgetting_events": _gather_forgetting_events,
}
_CAN_GIVE: dict[str, Callable[[BaseEstimator], bool]] = {
    "probabilities": can_give_probabilities,
    "features": can_give_features,
    "forgetting_events": lambda proxy: how_events_are_counted(proxy) is not None,
}


def available_evidence(proxy: BaseEstimator) -> tuple[str, ...]:
    """Name the kinds of evidence that a proxy can give, fitted or not.

    Parameters
    ----------
    proxy : classifier

    Returns
    -------
    tuple of str
        Out of ``"probabilities"``, ``"features"`` and ``"forgetting_events"``.
    """
    return tuple(kind for kind, can_give in _CAN_GIVE.items() if can_give(proxy))


def check_available(proxy: BaseEstimator, requires: Iterable[str]) -> None:
    """Check that a proxy can give what a strategy needs.

    Raises
    ------
    ValueError
        Where it cannot; the message lists what this proxy can serve.
    """
    available = available_evidence(proxy)
    missing = [kind for kind in requires if kind not in available]
    if not missing:
        return
    served = [name for name in strategy_names() if set(resolve_strategy(name).requires) <= set(available)]
    raise ValueError(
        f"The proxy {_describe(proxy)} cannot give {' and '.join(missing)}, which the strategy needs. It can "
        f"give {', '.join(available) or 'no evidence'} and so serve the strategies {', '.join(served)}."
        + _ways_out(proxy, missing)
    )


def _ways_out(proxy: BaseEstimator, missing: list[str]) -> str:
    """Say how a proxy could be made to give what it cannot."""
    classifier = classifier_of(proxy)
    name = type(classifier).__name__
    ways = []
    if "probabilities" in missing and hasattr(classifier, "decision_function"):
        ways.append(f"CalibratedClassifierCV({name}(...)) gives probabilities.")
    if "features" in missing:
        ways.append(
            f"A Pipeline supplies features by the transformer before its classifier, such as "
            f"make_pipeline(StandardScaler(), {name}(...))."
        )
    forbidding = "" if missing == ["features"] or is_frozen(proxy) else forbids_partial_fit(classifier)
    if forbidding and how_events_are_counted(proxy) is None:
        ways.append(
            f"Forgetting events are counted while it learns by partial_fit, which {forbidding} does not allow."
        )
    return "".join(f" {way}" for way in ways)


def gather_kind(proxy: BaseEstimator, X, y: np.ndarray | None, kind: str) -> dict[str, np.ndarray]:
    """Gather one kind of evidence from a fitted proxy; see `gather`.

    Returns
    -------
    dict
        Arrays of length n under the names that `Evidence` takes.
    """
    if kind not in _GATHER:
        raise ValueError(f"Unknown kind of evidence {kind!r}; known kinds: {', '.join(_GATHER)}.")
    return _GATHER[kind](proxy, X, y)


def gather(proxy: BaseEstimator, X, y: np.ndarray | None, requires: Iterable[str]) -> Evidence:
    """Gather what a fitted proxy says of each row of X.

    Rows are scored in their order, in batches, on the clean view: the X that is
    given, without augmentation and in evaluation mode.

    Parameters
    ----------
    proxy : classifier
        Fitted.
    X : rows of length n
        Rows to score.
    y : ndarray of shape (n,) or None
        Their labels; needed for the forgetting events of a staged ensemble.
    requires : iterable of str
        Kinds of evidence, of those that `available_evidence` names. Forgetting
        events that only the training could count come from `train_proxy`.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        For a kind the proxy cannot give.
    """
    requires = tuple(requires)
    check_available(proxy, requires)
    parts: dict[str, np.ndarray] = {}
    for kind in requires:
        parts |= gather_kind(proxy, X, y, kind)
    return Evidence(y=y, n_rows=_num_samples(X), **parts)


def _describe(proxy: BaseEstimator) -> str:
    classifier = classifier_of(proxy)
    outer = type(proxy).__name__
    return outer if classifier is proxy else f"{outer} around {type(classifier).__name__}"
