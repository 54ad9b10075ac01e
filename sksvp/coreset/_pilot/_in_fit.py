"""A selector's fit that lets a pilot choose the strategy."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from ..._clock import Clock
from ..._inputs._lengths import check_training_rows
from ..._seeds import draw_seeds
from ._pilot import run_pilot

NAME = "pilot"


def fit_by_pilot(selector: Any, X: Any, y: Any, fit_params: dict) -> None:
    """Run a pilot, then fit a selector by its verdict.

    Parameters
    ----------
    selector : selector
        With ``strategy="pilot"``. It becomes fitted, keeps its parameters, and gets the
        attribute `pilot_` and the timing ``"pilot"``.
    X, y : rows and labels
        Training rows.
    fit_params : dict
        Parameters of its `fit`.
    """
    if selector.n_proxies > 1:
        raise ValueError(
            f"n_proxies={selector.n_proxies} must be 1 with strategy='pilot': it tries strategies that several "
            "proxies cannot share."
        )
    rows, labels = check_training_rows(X, y, type(selector).__name__)
    seed = draw_seeds(check_random_state(selector.random_state), 1)[0]
    tried = clone(selector)
    if selector.random_state is None:
        # The seeds of its trainings do not come again.
        tried.set_params(memory=None)
    with Clock() as clock:
        found = run_pilot(
            {"proxy": tried},
            rows,
            np.asarray(labels),
            seed=seed,
            fit_params=fit_params,
            verbose=selector.verbose,
        )
    best = found.best_
    chosen = {"strategy": best.strategy, "class_balanced": best.class_balanced}
    fitted = clone(selector).set_params(**chosen).fit(X, y, **fit_params)
    parameters = selector.get_params(deep=False)
    vars(selector).update({name: value for name, value in vars(fitted).items() if name not in parameters})
    selector.pilot_ = found
    selector.timings_ = {NAME: clock.wall, **fitted.timings_}
    selector._cpu_timings = {NAME: clock.cpu, **fitted._cpu_timings}
