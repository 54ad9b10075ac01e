"""Options that both experiments have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from ._data import Data
from ._run import Repeats, Run

if TYPE_CHECKING:
    from sklearn.utils import Bunch


def experiment_parts(bunch: "Bunch", data: Data, repeats: Repeats, run: Run) -> dict[str, Any]:
    """Return the parameters of an experiment that do not depend on its kind."""
    return {
        **{name: bunch[name] for name in ("X_train", "y_train", "X_test", "y_test")},
        "filenames": bunch.get("filenames_train"),
        "row_numbers": bunch.get("row_numbers"),
        "seeds": repeats.numbers(data),
        "threads": repeats.threads,
        "checkpoint_every": run.checkpoint_every,
    }


def tell_new_run(run: Run) -> None:
    """Tell the user if `resume` finds no run, since `out` may have a typing error."""
    if run.resume and run.out is not None and not (run.out / "config.json").exists():
        typer.echo(f"note: --out {run.out} holds no run yet, so that --resume begins one.", err=True)


def known_strategies(names: Sequence[str]) -> list[str]:
    """Check names of strategies before anything is trained, and drop repetitions."""
    from ..strategies import strategy_names

    for name in names:
        if name not in strategy_names():
            raise ValueError(f"--strategy must be one of {', '.join(strategy_names())}, got {name!r}.")
    return list(dict.fromkeys(names))


def chosen_baselines(names: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Return what to compare with: all that are known if no names are given, nothing for "none"."""
    if names is None:
        return list(known)
    if "none" in names and len(set(names)) > 1:
        raise ValueError("--baseline none compares with nothing: leave the other baselines out.")
    return [name for name in names if name != "none"]
