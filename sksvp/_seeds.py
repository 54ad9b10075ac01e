"""Handing one seed down to everything random inside an estimator."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

MAX_SEED = 2**31 - 1


def draw_seeds(random_state, n_seeds: int) -> list[int]:
    """Draw seeds for separate random streams.

    Parameters
    ----------
    random_state : int, RandomState or None
        Where they are drawn from.
    n_seeds : int
        How many.

    Returns
    -------
    list of int
        Each in [0, 2**31 - 1).
    """
    return [int(seed) for seed in check_random_state(random_state).randint(MAX_SEED, size=n_seeds)]


def random_state_names(estimator: BaseEstimator) -> list[str]:
    """Name every parameter of the estimator and of those nested in it that is a random state, sorted."""
    names = estimator.get_params(deep=True)
    return sorted(name for name in names if name == "random_state" or name.endswith("__random_state"))


def set_random_states(estimator: BaseEstimator, random_state) -> None:
    """Seed, in place, every random state inside an estimator that is None.

    What the user has set is left alone, and so is the inside of a
    ``FrozenEstimator``. A seed is drawn for every name whether it is needed or
    not: setting one of them must not move the others.

    Parameters
    ----------
    estimator : estimator
        A clone that the caller owns.
    random_state : int, RandomState or None
        None leaves everything as it is.
    """
    if random_state is None:
        return
    names = random_state_names(estimator)
    params = estimator.get_params(deep=True)
    seeds = dict(zip(names, draw_seeds(random_state, len(names)), strict=True))
    missing = {name: seed for name, seed in seeds.items() if params[name] is None}
    if missing:
        # Not chained: FrozenEstimator.set_params returns None.
        estimator.set_params(**missing)


def is_seeded(estimator: BaseEstimator) -> bool:
    """Tell whether no random state inside an estimator is None."""
    params = estimator.get_params(deep=True)
    return all(params[name] is not None for name in random_state_names(estimator))


def own_seed(estimator: BaseEstimator) -> int | None:
    """Return the estimator's own `random_state` where it is an integer, else None."""
    seed = estimator.get_params(deep=False).get("random_state")
    return int(seed) if isinstance(seed, Integral) and not isinstance(seed, np.bool_ | bool) else None
