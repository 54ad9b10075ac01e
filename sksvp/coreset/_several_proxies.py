"""The proxies that are trained beside the first, with seeds of their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from .._inputs._warn import warn_caller
from .._seeds import draw_seeds, random_state_names
from ..proxies import Proxy, as_proxy
from ..strategies import Evidence


def further_proxies(proxy: Proxy, n_proxies: int) -> list[Proxy]:
    """Return the proxies beside the first, unfitted.

    Where the first has a seed of its own, they have others. A seed of the selector
    reaches only random states that are None.

    Parameters
    ----------
    proxy : Proxy
        The first.
    n_proxies : int
        How many there are with the first.

    Returns
    -------
    list of Proxy
        One less than `n_proxies`.

    Raises
    ------
    ValueError
        If the first is frozen.
    """
    if n_proxies > 1 and proxy.is_frozen:
        raise ValueError(
            f"n_proxies={n_proxies} trains the proxy {n_proxies} times, and this one is frozen: give it unfrozen, "
            "or take n_proxies=1."
        )
    return [as_proxy(_with_other_seeds(proxy.estimator, place)) for place in range(1, n_proxies)]


def _with_other_seeds(estimator: Any, place: int) -> Any:
    """Return a clone in which each random state that is set becomes the seed of this place that it draws."""
    other = clone(estimator)
    params = other.get_params(deep=True)
    states = {name: params[name] for name in random_state_names(other)}
    seeds = {name: draw_seeds(state, place)[-1] for name, state in states.items() if state is not None}
    if seeds:
        other.set_params(**seeds)
    return other


def warn_if_equal(evidences: Sequence[Evidence]) -> None:
    """Warn if several proxies say the same of all rows.

    Parameters
    ----------
    evidences : sequence of Evidence
        What each proxy says.

    Warns
    -----
    UserWarning
    """
    first, *others = (part.parts for part in evidences)
    if others and all(_is_equal(first, other) for other in others):
        warn_caller(
            f"All {len(evidences)} proxies say the same of every row, as their training does not depend on a seed: "
            "n_proxies=1 chooses the same rows in less time.",
            UserWarning,
        )


def _is_equal(parts: dict[str, Any], others: dict[str, Any]) -> bool:
    return all(np.array_equal(parts[name], others[name]) for name in parts)
