"""Options that both experiments have."""

from collections.abc import Mapping, Sequence
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


def known_strategies(names: Sequence[str], *, has_auto: bool = False) -> list[str]:
    """Check names of strategies before anything is trained, and drop repetitions."""
    from ..strategies import named_strategy, strategy_names

    known = [*strategy_names(), *(["auto"] if has_auto else [])]
    for name in names:
        if name.partition(":")[0] not in known:
            raise ValueError(f"--strategy must be one of {', '.join(known)}, got {name!r}.")
        named_strategy(name)
    return list(dict.fromkeys(names))


def served_strategies(proxies: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the strategies that a proxy can serve, and tell the user which ones cannot be served.

    Raises
    ------
    ValueError
        If none of them can be served.
    """
    from ..proxies import as_proxy
    from ..strategies import named_strategy

    gives = {name: as_proxy(proxy).gives for name, proxy in proxies.items()}
    served = []
    for name in names:
        requires = getattr(named_strategy(name.removeprefix("class-balanced ")), "requires", ())
        for proxy, kinds in gives.items():
            missing = [kind for kind in requires if kind not in kinds]
            if not missing:
                served.append(name)
                continue
            if len(names) == len(gives) == 1:
                as_proxy(proxies[proxy]).check_gives(missing)
            typer.echo(
                f"note: --strategy {name} reads {' and '.join(missing)}, which {type(proxies[proxy]).__name__} cannot "
                "give: it is left out.",
                err=True,
            )
    if names and not served:
        known = ", ".join(dict.fromkeys(kind for kinds in gives.values() for kind in kinds))
        raise ValueError(f"the proxy can serve no --strategy that was given: it gives {known}.")
    return list(dict.fromkeys(served))


def chosen_baselines(names: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Return what to compare with: all that are known if no names are given, nothing for "none"."""
    if names is None:
        return list(known)
    if "none" in names and len(set(names)) > 1:
        raise ValueError("--baseline none compares with nothing: leave the other baselines out.")
    return [name for name in names if name != "none"]
