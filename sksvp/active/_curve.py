"""Error of proxy and target against the number of labels, with repeats."""

from typing import Any

from sklearn.base import clone
from sklearn.utils._param_validation import validate_params

from .._inputs._parameters import WholeNumber
from .._seeds import draw_seeds
from ._learner import ProxyActiveLearner


@validate_params({"n_repeats": [WholeNumber(1, 1_000_000)]}, prefer_skip_nested_validation=False)
def active_learning_curve(
    learner: ProxyActiveLearner, X: Any, y: Any, X_test: Any, y_test: Any, *, n_repeats: int
):
    """Run a learner's rounds several times and collect its errors on test rows.

    Repeats differ in the `random_state` of the learner, which decides the random
    start, the weights and the order of equal scores. If the learner has a
    `checkpoint`, an interrupted curve continues where it stopped.

    Parameters
    ----------
    learner : ProxyActiveLearner
        A learner with `rounds`; it is not changed. Its `target_at` says when targets
        are trained: ``"all"`` gives a whole curve of the target.
    X, y : rows and labels
        The pool.
    X_test, y_test : rows and labels
        Test rows. They have no influence on the choice.
    n_repeats : int
        Number of repeats. The first ones are the same for any number.

    Returns
    -------
    pandas.DataFrame
        One line for each repeat and round: ``repeat``, ``random_state``,
        ``round``, ``n_labeled``, ``proxy_error`` and ``target_error`` (shares of
        the test rows; NaN if nothing was trained), and the seconds ``proxy_fit``,
        ``inference``, ``ranking`` and ``target_fit``. If the learner has a rule
        `stop`, ``settled`` says whether it is met.

    Raises
    ------
    TypeError
        If `learner` is no ProxyActiveLearner.
    ValueError
        If the learner has no rounds, or a checkpoint but no `random_state`: its
        repeats would share one run.

    See Also
    --------
    sksvp.plotting.ActiveLearningDisplay : Plot of the curve.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.active import ProxyActiveLearner, active_learning_curve
    >>> X, y = load_iris(return_X_y=True)
    >>> learner = ProxyActiveLearner(LogisticRegression(max_iter=1000), rounds=[10], initial_size=10,
    ...                              random_state=0)
    >>> curve = active_learning_curve(learner, X[::2], y[::2], X[1::2], y[1::2], n_repeats=2)
    >>> curve[["repeat", "round", "n_labeled"]].values.tolist()
    [[0, 0, 10], [0, 1, 20], [1, 0, 10], [1, 1, 20]]
    """
    import pandas as pd

    if not isinstance(learner, ProxyActiveLearner):
        raise TypeError(f"learner must be a ProxyActiveLearner, got {learner!r}.")
    if learner.rounds is None:
        raise ValueError("learner must have rounds=[...]: the labels of a curve come from y.")
    if learner.random_state is None and learner.checkpoint is not None:
        raise ValueError("learner needs a random_state: without one its repeats share one checkpoint.")
    lines = []
    for repeat, seed in enumerate(draw_seeds(clone(learner).random_state, int(n_repeats))):
        run = clone(learner).set_params(random_state=seed).fit(X, y, X_val=X_test, y_val=y_test)
        lines += [{"repeat": repeat, "random_state": seed, **_line(entry)} for entry in run.history_]
    return pd.DataFrame(lines)


def _line(entry: dict[str, Any]) -> dict[str, Any]:
    line = {"round": entry["round"], "n_labeled": entry["n_labeled"]}
    for model in ("proxy", "target"):
        score = entry[f"{model}_score"]
        line[f"{model}_error"] = float("nan") if score is None else 1.0 - score
    for part in ("proxy_fit", "inference", "ranking", "target_fit"):
        line[part] = float("nan") if entry[part] is None else entry[part]
    return line if "settled" not in entry else {**line, "settled": entry["settled"]}
