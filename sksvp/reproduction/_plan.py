"""What a run will train, what is stored of it, and the seconds of the rest."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from .._aligned import aligned
from .._inputs._labels import check_labels
from .._inputs._parameters import TableWith
from .._storage._identity import name_of
from ..experiments import hardware_name, time_training
from ._models import Model, Network
from ._need import Need
from ._trainings import Trainings, in_words

_COLUMNS = ("key", "network", "rows", "n_rows", "seed", "stored", "seconds", "cpu_seconds")


def plan_of(trainings: Trainings, needs: Iterable[Any]) -> pd.DataFrame:
    """List the trainings in the order of the run, those that choose rows before those that learn from them."""
    # Pretrained networks are not trained.
    models = dict.fromkeys(
        model for need in needs if isinstance(need, Need) for model in _with_choosers(need.model)
    )
    costs = _Costs(trainings)
    lines: dict[str, tuple] = {}
    for model in models:
        key, n_rows = trainings.key(model), trainings.count(model.rows)
        record = trainings.find(model)
        if record is not None:
            wall, cpu = record["fit"]["seconds"], record["fit"]["cpu_seconds"]
        else:
            wall, cpu = costs.seconds(model.network, n_rows)
        lines.setdefault(
            key,
            (
                key,
                model.network.name,
                in_words(model.rows),
                n_rows,
                model.seed,
                record is not None,
                wall,
                cpu,
            ),
        )
    # A plan without lines has no types.
    return pd.DataFrame(list(lines.values()), columns=list(_COLUMNS)).astype({"stored": bool})


@validate_params(
    {"plan": [TableWith(_COLUMNS)], "clock": [StrOptions({"cpu_seconds", "seconds"})]},
    prefer_skip_nested_validation=True,
)
def format_plan(plan: pd.DataFrame, clock: str = "cpu_seconds") -> str:
    """Write a plan as text: equal trainings of several seeds in one line, and the total of what is to do.

    Parameters
    ----------
    plan : DataFrame
        As of `Reproduction.plan`.
    clock : {"cpu_seconds", "seconds"}, default="cpu_seconds"
        Whose seconds are shown.

    Returns
    -------
    str
    """
    cells = [["network", "rows", "number", "there", "to do, s"]]
    for _, group in plan.groupby(["network", "rows", "n_rows"], sort=False):
        network, rows, n_rows = group[["network", "rows", "n_rows"]].iloc[0]
        there, to_do = f"{group['stored'].sum()}/{len(group)}", group.loc[~group["stored"], clock].sum()
        cells.append([network, rows, f"{n_rows:,}", there, f"{to_do:,.1f}"])
    lines = aligned(cells, n_left=2)
    left = plan[~plan["stored"]]
    lines.append(
        f"{len(plan)} trainings, {len(plan) - len(left)} of them stored; about {left[clock].sum():,.0f} "
        f"{'CPU ' if clock == 'cpu_seconds' else ''}seconds to do"
    )
    return "\n".join(lines)


def _with_choosers(model: Model) -> Iterator[Model]:
    if model.rows.by is not None:
        yield from _with_choosers(model.rows.by)
    yield model


class _Costs:
    """Seconds of trainings: as the store has measured them on this machine, else from timed steps."""

    def __init__(self, trainings: Trainings):
        self.trainings = trainings
        self.measured: dict[str, np.ndarray] = {}
        here = hardware_name()
        for record in trainings.store:
            if (
                record["hardware"] == here
                and record["data"] == trainings.data.fingerprint
                and record["epochs"]
            ):
                each = np.array([record["fit"]["seconds"], record["fit"]["cpu_seconds"]])
                self.measured[name_of(record["network"])] = each / (record["n_rows"] * record["epochs"])
        self.timed: dict[Network, Any] = {}

    def seconds(self, network: Network, n_rows: int) -> tuple[float, float]:
        """Return seconds by the wall and of the processor."""
        estimator = network.build(device=self.trainings.device)
        epochs = network.stop_after or getattr(estimator, "max_epochs", None)
        known = self.measured.get(name_of(network.settings()))
        if known is not None and epochs is not None:
            return tuple((known * n_rows * epochs).tolist())
        if network not in self.timed:
            y = check_labels(self.trainings.data.y_train)
            self.timed[network] = time_training(
                estimator, self.trainings.data.X_train, y, lambda model, X, labels: model.fit(X, labels)
            )
        return tuple(self.timed[network].seconds(n_rows, epochs).tolist())
