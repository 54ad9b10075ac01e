"""What an experiment will take, before anything long starts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._labels import check_labels
from .._inputs._parameters import TableWith
from ._active import ActiveRun
from ._coreset import SAME_COST, CoresetRun
from ._estimate_active import lines_of_rounds
from ._estimate_coreset import lines_of_choices, lines_of_targets, same_cost
from ._estimate_parts import COLUMNS
from ._seconds import CHOSEN_CLOCKS, CLOCKS


@validate_params(
    {"run": [CoresetRun, ActiveRun], "only_select": ["boolean"]}, prefer_skip_nested_validation=True
)
def estimate(run: CoresetRun | ActiveRun, *, only_select: bool = False) -> pd.DataFrame:
    """Estimate the seconds and the memory of an experiment from a few timed steps on this machine.

    Proxy and target are trained for a few steps on some of the rows, and the proxy
    passes over some. What an epoch and a row take is carried on to all of them. Rankings
    are those of `sksvp.strategies.estimate_cost`. This takes some seconds, or a few steps
    of a network whose steps are longer.

    Parameters
    ----------
    run : CoresetRun or ActiveRun
        The experiment. Of one with a stopping rule all rounds are counted, and targets
        only where `target_at` asks for them.
    only_select : bool, default=False
        Whether rows of a core-set are chosen without training targets.

    Returns
    -------
    DataFrame
        One line for each kind of work, in active learning for each in every round:
        part (``"proxy"``, ``"scoring"``, ``"ranking"`` or ``"target"``), name, n_rows,
        times (how often it is done, over all seeds), the seconds and cpu_seconds of all
        these times, and memory, the bytes of the process at the peak with the rows that
        are in memory now (NaN where the system does not tell; not of a GPU). The last
        line is the total.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.experiments import CoresetRun, estimate
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression()
    >>> run = CoresetRun(
    ...     X, y, X, y, proxy=model, target=model, strategies=["entropy"], seeds=[0, 1], subset_sizes=[0.5]
    ... )
    >>> estimate(run)[["part", "n_rows", "times"]]
          part  n_rows  times
    0    proxy     150      2
    1  scoring     150      2
    2  ranking      75      2
    3   target      75      2
    4   target     150      2
    5    total     150      1
    """
    y = check_labels(run.y_train)
    if isinstance(run, ActiveRun):
        found = list(lines_of_rounds(run, y))
    else:
        found = [*lines_of_choices(run, y), *([] if only_select else lines_of_targets(run, y))]
    lines = pd.DataFrame(found, columns=COLUMNS)
    rival = lines["name"] == SAME_COST
    if rival.any():
        lines.loc[rival, ["seconds", "cpu_seconds"]] = same_cost(lines)
    total = {"part": "total", "name": "", "n_rows": len(y), "times": 1, "memory": lines["memory"].max()}
    total |= {name: lines[name].sum() for name in ("seconds", "cpu_seconds")}
    return pd.concat([lines, pd.DataFrame([total])], ignore_index=True)


@validate_params({"table": [TableWith(COLUMNS)], "clocks": CHOSEN_CLOCKS}, prefer_skip_nested_validation=True)
def format_estimate(table: pd.DataFrame, *, clocks: Sequence[str] = tuple(CLOCKS)) -> str:
    """Write an estimate as text.

    Parameters
    ----------
    table : DataFrame
        As returned by `estimate`.
    clocks : sequence of {"cpu_seconds", "seconds"}
        The clocks whose seconds are shown, in this order.

    Returns
    -------
    str
    """
    columns = ("rows", "times", *(CLOCKS[clock] for clock in clocks), "memory")
    widths = (11, 7, *[9] * len(clocks), 10)
    first = max([30, *(len(name) + 10 for name in table["name"])])
    lines = [
        "".join([f"{'estimate':{first}}", *(f"{name:>{n}}" for name, n in zip(columns, widths, strict=True))])
    ]
    for row in table.to_dict("records"):
        memory = "" if np.isnan(row["memory"]) else f"{row['memory'] / 1e9:,.2f} GB"
        cells = (
            f"{row['n_rows']:,}",
            f"{row['times']:,}",
            *(f"{row[clock]:,.{1 if row[clock] < 100 else 0}f}" for clock in clocks),
            memory,
        )
        name = f"{row['part']:9} {row['name']}"
        lines.append(
            "".join([f"{name:{first}}", *(f"{cell:>{n}}" for cell, n in zip(cells, widths, strict=True))])
        )
    return "\n".join(lines)
