"""Agreement of models with each other, and of runs of one model with each other."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._names import names
from ._rank_correlation import METHODS, check_scores, rank_correlation

if TYPE_CHECKING:
    import pandas as pd


@validate_params(
    {"runs": [Mapping], "method": [StrOptions(set(METHODS))], "statistic": [StrOptions({"mean", "std"})]},
    prefer_skip_nested_validation=True,
)
def agreement_matrix(
    runs: Mapping[str, ArrayLike | Sequence[ArrayLike]], *, method: str = "spearman", statistic: str = "mean"
) -> "pd.DataFrame":
    """Correlate the scores of several models, each trained several times.

    Runs of one model differ by their seeds. Their agreement, on the diagonal, bounds
    that with other models: as far as scores are a common signal and noise, two models
    agree at most at the geometric mean of their diagonal numbers.

    Parameters
    ----------
    runs : dict of str to array-like of shape (n_runs, n_rows)
        Scores of the same rows, by the name of the model: one line per run. One run
        may be given as an array of shape (n_rows,).
    method : {"spearman", "pearson", "kendall"}, default="spearman"
        See `rank_correlation`.
    statistic : {"mean", "std"}, default="mean"
        Mean of the correlations over the pairs of runs, or their standard deviation.

    Returns
    -------
    pandas.DataFrame of shape (n_models, n_models)
        Symmetric, with the names as index and columns. Off the diagonal stand all
        pairs of a run of one model and a run of the other, on it all pairs of
        different runs of the model. NaN where there is no pair, or for the standard
        deviation less than two.

    Raises
    ------
    TypeError
        If `runs` is no dict, or scores are not numbers.
    ValueError
        If a model has no run, runs differ in their number of rows, or scores are NaN.

    References
    ----------
    Coleman et al., Selection via Proxy, ICLR 2020, figures 3, 9 and 13.

    Examples
    --------
    >>> from sksvp.agreement import agreement_matrix
    >>> small = [[1, 2, 3, 4], [2, 1, 3, 4]]
    >>> large = [[4, 3, 2, 1], [3, 4, 2, 1]]
    >>> agreement_matrix({"small": small, "large": large}).round(2).values.tolist()
    [[0.8, -0.9], [-0.9, 0.8]]
    """
    import pandas as pd

    if not runs:
        raise ValueError("runs must have at least one model, got none.")
    scores = {name: _check_runs(given, f"runs[{name!r}]") for name, given in runs.items()}
    lengths = {name: len(lines[0]) for name, lines in scores.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"All runs must score the same rows, got numbers of rows {lengths}.")
    summary = np.mean if statistic == "mean" else _deviation
    matrix = pd.DataFrame(np.nan, index=list(runs), columns=list(runs))
    for first, second in [*combinations(runs, 2), *((name, name) for name in runs)]:
        pairs = combinations(scores[first], 2) if first == second else product(scores[first], scores[second])
        values = [rank_correlation(a, b, method) for a, b in pairs]
        if values:
            matrix.loc[first, second] = matrix.loc[second, first] = summary(values)
    return matrix


def _check_runs(given: Any, name: str) -> np.ndarray:
    """Return the scores of a model as an array of shape (n_runs, n_rows)."""
    with names(name):
        runs = np.atleast_2d(np.asarray(given, dtype=np.float64))
    if runs.ndim != 2 or runs.size == 0:
        raise ValueError(f"{name} must have the shape (n_runs, n_rows) or (n_rows,), got {runs.shape}.")
    return np.array([check_scores(run, name) for run in runs])


def _deviation(values: list[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
