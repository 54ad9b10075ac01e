"""The options of a run, and its folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from typer import Option

from ._config import read_config
from ._data import Data
from ._groups import Group


@dataclass(frozen=True)
class Run(Group):
    """Where a run is kept, and how it goes on."""

    panel: ClassVar[str] = "Run"

    config: Annotated[
        Path | None,
        Option(
            help="A TOML file of options, as each run folder has one (config.toml); the command line goes first.",
            callback=read_config,
            is_eager=True,
        ),
    ] = None
    out: Annotated[Path | None, Option(help="Folder of the run.", show_default="runs/COMMAND-DATE-TIME")] = (
        None
    )
    checkpoint_every: Annotated[
        int,
        Option(
            min=0,
            help="Epochs after which a training in progress is kept for --resume; 0: only whole trainings are.",
        ),
    ] = 10
    resume: Annotated[
        bool, Option("--resume", help="Go on with the run in --out; finished trainings are kept.")
    ] = False


@dataclass(frozen=True)
class Repeats(Group):
    """How often an experiment is repeated."""

    panel: ClassVar[str] = "Run"

    seeds: Annotated[
        int | None, Option(min=1, help="Repeat with the seeds 0, 1, ...", show_default="1; digits: 3")
    ] = None
    jobs: Annotated[int, Option(min=1, help="Trainings side by side, one thread each from two on.")] = 1

    def numbers(self, data: Data) -> list[int]:
        """Return the seeds."""
        return list(range(self.seeds or (3 if data.dataset == "digits" else 1)))

    @property
    def threads(self) -> int | None:
        """Threads of a training; None: as many as torch takes."""
        return 1 if self.jobs > 1 else None


@contextmanager
def says_how_to_go_on(folder: Path) -> Iterator[None]:
    """Answer Ctrl-C with what to do, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt as stop:
        typer.echo(
            f"sksvp: stopped; what is finished is kept: the same command with --out {folder} --resume goes on.",
            err=True,
        )
        raise typer.Exit(130) from stop
