"""The public function of the pilot."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions, validate_params

from ..._inputs._lengths import check_training_rows
from ..._inputs._parameters import ListOf, RealNumber, WholeNumber
from ..._seeds import draw_seeds
from ...proxies import as_proxy
from ...strategies import count_rows
from ._budget import LEAST_REPEATS
from ._candidates import candidates_of
from ._judges import judge_of
from ._result import PilotResult
from ._run import PilotRun
from ._splits import N_FOLDS, check_classes

OF_PILOTS: dict = {
    "proxy": [HasMethods(["fit"]), Mapping, None],
    "strategies": [ListOf(str, HasMethods(["rank"])), None],
    "subset_size": [Interval(RealNotInt, 0, 1, closed="neither"), WholeNumber(1)],
    "target": [StrOptions({"networks", "proxy"}), HasMethods(["fit"]), None],
    "budget": [RealNumber(0, None, closed="neither"), None],
    "n_repeats": [WholeNumber(LEAST_REPEATS, 1000)],
    "memory": [str, os.PathLike, joblib.Memory, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


@validate_params(OF_PILOTS, prefer_skip_nested_validation=True)
def pilot(
    proxy: Any,
    X: Any,
    y: ArrayLike,
    *,
    strategies: Sequence[Any] | None = None,
    subset_size: float | int = 0.5,
    X_test: Any = None,
    y_test: ArrayLike | None = None,
    target: Any = None,
    budget: float | None = None,
    n_repeats: int = 5,
    memory: Any = None,
    random_state: Any = None,
    verbose: int = 0,
) -> PilotResult:
    """Find out which strategy pays on these data, before a large target is trained.

    In each repeat the proxy is trained on the training rows, every strategy chooses
    from that one training, a small model is trained on the rows of each, and held-out
    rows tell their errors. Class-balanced random rows are the baseline. A strategy is
    recommended if its lead is more than twice the standard error of the paired
    difference; else random rows are.

    Parameters
    ----------
    proxy : classifier, dict of str to classifier, or None
        The proxy, or several by name: other depths, epochs or kinds. None for
        strategies that choose by X itself.
    X : rows of length n_samples
        Training rows in any form that the proxy takes.
    y : array-like of shape (n_samples,)
        Class labels.
    strategies : sequence of str or strategy, optional
        Candidates: names as in `ProxyCoresetSelector`, also with parameters, such as
        ``"stratified:score=el2n"``, and after ``"class-balanced "``; or strategy objects. By default about
        ten that the proxy has evidence for, those that are likelier at this
        `subset_size` first. Random rows, plain and class-balanced, are always among
        them.
    subset_size : float or int, default=0.5
        Share of the rows to keep, or their number.
    X_test, y_test : rows and labels, optional
        Held-out rows. Without them a fifth of X is held out in turns, and the kept
        share is that of the other four fifths.
    target : {"networks", "proxy"}, classifier or None, default=None
        What is trained on the chosen rows: small networks, all side by side, for a
        table of numbers as X; the (first) proxy itself; or a classifier of your own
        between proxy and target. None takes small networks for a table, unless the
        proxy is a network itself, and the proxy for all else.
    budget : float, optional
        Seconds that the pilot may take, about. What one candidate costs is measured
        first. Repeats, then the least promising candidates, are left out. The outcome
        then depends on the speed of the machine. No limit by default.
    n_repeats : int, default=5
        Repeats, 3 or more: other held-out rows, and other seeds.
    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps the trained proxies, as in `ProxyCoresetSelector`; the
        trainings on the chosen rows are not kept. Used if `random_state` is set.
    random_state : int, RandomState or None, default=None
        Seeds divisions, proxies, choices and judges.
    verbose : int, default=0
        Above 0, shows a bar on stderr.

    Returns
    -------
    PilotResult
        `table_`, `verdict_`, `best_` (a selector with the parameters to take, not yet
        fitted), `left_out_` and `errors_`. Printed, it says all of it.

    Raises
    ------
    ValueError
        If a class has fewer than five rows and there are no test rows, if fewer rows
        than classes are kept, if no candidate fits the budget (the message says what
        one costs), or if a strategy or a model is refused.

    See Also
    --------
    ProxyCoresetSelector : With ``strategy="pilot"`` it runs a pilot in its `fit`.

    Notes
    -----
    A pilot costs `n_repeats` trainings of each proxy and as many of the judge for each
    candidate (three for each where small networks judge).

    The verdict is about models like the one that was trained. Picks by small networks
    were also good for boosted trees, and for a logistic regression where little was
    kept, but not always: ``docs/results/bench_pilot.md`` has the figures. Picks by small
    networks on columns made of images gave a ResNet20 a part of the gain that they
    foretold; on texts a VDCNN9 lost by such a pick (``bench_pilot_transfer.md``).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp import pilot
    >>> X, y = load_digits(return_X_y=True)
    >>> found = pilot(
    ...     LogisticRegression(max_iter=200),
    ...     X / 16,
    ...     y,
    ...     strategies=["entropy"],
    ...     subset_size=0.02,
    ...     n_repeats=3,
    ...     random_state=0,
    ... )
    >>> found.best_name_
    'class-balanced random'
    >>> list(found.table_["candidate"])[-1]
    'entropy'
    """
    from .._selector import ProxyCoresetSelector

    X, labels = check_training_rows(X, y, "pilot")
    test = _check_test(X_test, y_test, X, labels)
    seed = draw_seeds(check_random_state(random_state), 1)[0]
    named = proxy if isinstance(proxy, Mapping) else {"proxy": proxy}
    if not named:
        raise ValueError("proxy must have at least one model, got an empty dict.")
    selectors = {
        str(name): ProxyCoresetSelector(
            model,
            subset_size=subset_size,
            memory=memory if random_state is not None else None,
            random_state=random_state,
        )
        for name, model in named.items()
    }
    return run_pilot(
        selectors,
        X,
        labels,
        strategies=strategies,
        test=test,
        target=target,
        budget=budget,
        n_repeats=n_repeats,
        seed=seed,
        verbose=verbose,
    )


def run_pilot(
    selectors: Mapping[str, Any],
    X: Any,
    y: np.ndarray,
    *,
    seed: int,
    strategies: Sequence[Any] | None = None,
    test: tuple[Any, np.ndarray] | None = None,
    target: Any = None,
    budget: float | None = None,
    n_repeats: int = N_FOLDS,
    fit_params: dict | None = None,
    verbose: int = 0,
) -> PilotResult:
    """Run a pilot with selectors that are set up, one for each proxy; see `pilot`."""
    check_classes(y, has_test=test is not None)
    first = next(iter(selectors.values()))
    n_kept, n_classes = count_rows(first.subset_size, len(y)), len(np.unique(y))
    # Without test rows a repeat has four fifths of the rows.
    n_of_repeat = n_kept if test is not None else round(n_kept * 4 / 5)
    if n_of_repeat < n_classes:
        raise ValueError(
            f"subset_size={first.subset_size} keeps {n_of_repeat} row{'s' * (n_of_repeat != 1)} in each repeat of the "
            f"pilot, for {n_classes} classes; it needs one row of each class at least."
        )
    if n_kept == len(y):
        raise ValueError(
            f"subset_size={first.subset_size} keeps all {len(y)} rows: there is no choice to try."
        )
    proxies = {name: as_proxy(selector.proxy) for name, selector in selectors.items()}
    for name, model in proxies.items():
        model.check_classifies(name)
        model.check_params()
    candidates, left_out = candidates_of(proxies, strategies, n_kept / len(y))
    if strategies and len(left_out) == len(strategies) * len(proxies):
        reasons = "; ".join(f"{out.name}: {out.reason}" for out in left_out)
        raise ValueError(f"strategies={[*strategies]!r:.200}: none of them can be tried; {reasons}.")
    judge = judge_of(target, next(iter(proxies.values())), X)
    run = PilotRun(selectors, candidates, left_out, judge, n_repeats, budget, seed, fit_params or {}, verbose)
    return run.run(X, y, test, n_kept / len(y))


def _check_test(X_test: Any, y_test: Any, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray] | None:
    if (X_test is None) != (y_test is None):
        raise ValueError("X_test and y_test come together, got one of them.")
    if X_test is None:
        return None
    X_test, labels = check_training_rows(X_test, y_test, "pilot")
    if len(labels) < 2:
        raise ValueError("X_test and y_test must have two rows at least, got 1.")
    shapes = [tuple(getattr(rows, "shape", ()))[1:] for rows in (X, X_test)]
    if all(shapes) and shapes[0] != shapes[1]:
        raise ValueError(f"X_test must have rows of the shape {shapes[0]}, as X has, got {shapes[1]}.")
    foreign = np.setdiff1d(labels, y)
    if len(foreign):
        raise ValueError(f"y_test has the label {foreign.tolist()[0]!r}, which no row of y has.")
    return X_test, labels
