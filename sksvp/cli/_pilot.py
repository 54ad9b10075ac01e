"""The command ``sksvp pilot``."""

import math
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from ._config import as_typed, read_config
from ._coreset import DIGITS_EPOCHS
from ._data import Data
from ._experiment import known_strategies
from ._groups import Group, option, takes_groups
from ._models import build_classifier, full_name, network_kind, network_names
from ._networks import Learning, proxy_default

if TYPE_CHECKING:
    from sklearn.utils import Bunch

_BALANCED = "class-balanced "
_JUDGES = ("proxy", "networks")


@dataclass(frozen=True)
class Trial(Group):
    """What is compared, and what it may cost."""

    panel: ClassVar[str] = "Pilot"

    proxy: list[str] | None = option(
        f"Network that chooses: {network_names()}; repeat to compare several.",
        unset="resnet20; digits: resnet8; texts: bag-of-ngrams",
    )
    strategy: list[str] | None = option(
        "Candidate: {strategies}; repeat. 'class-balanced NAME' keeps the classes in proportion.",
        unset="about ten that the proxy can serve",
    )
    subset_size: float | int = option(
        "Rows to keep: a share such as 0.5 or a count such as 5000.", default=0.5
    )
    target: str | None = option(
        "What is trained on the rows of each candidate: proxy; networks, small ones for tables of numbers; or the name "
        "of a network.",
        unset="the first proxy",
    )
    budget: float | None = option(
        "Seconds that the pilot may take, about. Repeats, then candidates, are left out.",
        low=0,
        high=math.inf,
        unset="no limit",
    )
    repeats: int = option("Repeats, with other held-out rows and seeds.", default=5, low=3, high=1000)
    seed: int = option("Seed of all of it.", default=0, low=0, high=2**32 - 1)
    out: Path | None = option("File .csv for the table.")
    config: Path | None = option(
        "A TOML file of options. Options of the command line have precedence.", callback=read_config
    )

    def check(self) -> None:
        """Check the names and the file before anything is loaded.

        Raises
        ------
        ValueError
            For an unknown strategy or network, and for another kind of file.
        FileNotFoundError
            If the folder of the file does not exist.
        """
        names = [name.removeprefix(_BALANCED) for name in self.strategy or ()]
        known_strategies(names)
        if self.target is not None and self.target not in _JUDGES:
            network_kind(self.target, "--target")
        if self.out is not None:
            if self.out.suffix.lower() != ".csv":
                raise ValueError(f"--out must be a file .csv, got {self.out}.")
            if not self.out.parent.is_dir():
                raise FileNotFoundError(f"--out {self.out}: the folder {self.out.parent} does not exist.")


@takes_groups
def pilot(data: Data, trial: Trial, learning: Learning) -> None:
    """Try strategies on held-out training rows, and say which one pays, if any does.

    The test rows are not touched. The last line is the command to run.

    \b
    Examples:
      sksvp pilot --dataset digits --subset-size 0.1
      sksvp pilot --data mine.npz --proxy resnet8 --proxy resnet20 --budget 600
      sksvp pilot --data my.npz --strategy entropy --strategy stratified:score=aum
    """
    trial.check()
    data.check()
    names = [full_name(name, data.dataset) for name in trial.proxy or [proxy_default(data)]]
    filled = learning.filled(data, digits_epochs=DIGITS_EPOCHS)

    def build(name: str, flag: str) -> Any:
        return build_classifier(name, option=flag, **filled.params(data))

    proxies = {name: build(name, "--proxy") for name in names}
    target: Any = trial.target or "proxy"
    if target not in _JUDGES:
        target = build(full_name(target, data.dataset), "--target")
    bunch = data.load(proxies[names[0]], names, needs_test=False)

    found = _compare(proxies, bunch, trial, target)
    typer.echo(str(found))
    if trial.out is not None:
        from .._storage._files import replacing

        with replacing(trial.out) as part:
            found.table_.to_csv(part, index=False)
        typer.echo(f"written to {trial.out}")
    typer.echo(f"run: {_command(found, data, learning, trial, names)}")


def _compare(proxies: dict[str, Any], bunch: "Bunch", trial: Trial, target: Any) -> Any:
    from .. import pilot as try_strategies

    return try_strategies(
        proxies,
        bunch.X_train,
        bunch.y_train,
        strategies=trial.strategy,
        subset_size=trial.subset_size,
        target=target,
        budget=trial.budget,
        n_repeats=trial.repeats,
        random_state=trial.seed,
        verbose=int(sys.stderr.isatty()),
    )


def _command(found: Any, data: Data, learning: Learning, trial: Trial, names: list[str]) -> str:
    """Write the command that trains a target on the rows of the winner, of the same data and with the same recipe."""
    name, _, proxy = found.best_name_.partition(" by ")
    plain = name.removeprefix(_BALANCED)
    words = ["sksvp", "coreset", *as_typed(data), "--proxy", proxy or names[0], "--strategy", plain]
    words += ["--subset-size", str(trial.subset_size), *(["--class-balanced"] if name != plain else [])]
    return shlex.join([*words, *as_typed(learning)])
