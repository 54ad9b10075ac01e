"""The options of a run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import typer

from .._storage._run_mark import IN_PROGRESS, is_run_folder
from ._config import read_config
from ._data import Data
from ._groups import Group, option


@dataclass(frozen=True)
class Run(Group):
    """Where a run is kept, and whether it is resumed."""

    panel: ClassVar[str] = "Run"

    config: Path | None = option(
        "A TOML file of options, such as config.toml in each run folder. Options of the command line have precedence.",
        callback=read_config,
    )
    out: Path | None = option("Folder of the run.", unset="runs/COMMAND-DATE-TIME")
    checkpoint_every: int = option(
        "Epochs after which an unfinished training is kept for --resume; 0: only finished ones are.",
        default=10,
        low=0,
    )
    resume: bool = option("Continue the run in --out. Finished trainings are kept.", default=False)

    def check(self, data: Data) -> None:
        """Check `out` and `resume` before anything is loaded.

        Raises
        ------
        ValueError
            For `resume` without `out` or without what is kept for it, and for a folder
            of data or other files as `out`.
        """
        if int(os.environ.get("WORLD_SIZE", "1") or 1) > 1:
            raise ValueError(
                "a launcher of several processes has started this command, and each would write the same --out: start "
                "it once. In Python, distributed=True of a network trains it on several GPUs."
            )
        if self.resume and self.out is None:
            raise ValueError("--resume needs --out, the folder of the run.")
        if self.resume and self.checkpoint_every == 0 and (self.out / IN_PROGRESS).exists():  # type: ignore[operator]
            raise ValueError(
                f"--out {self.out} holds unfinished trainings: --checkpoint-every must not be 0."
            )
        if self.out is not None and self.out.resolve() == (data.data or data.root).resolve():
            raise ValueError(f"--out {self.out} is the folder of the data: name another folder.")
        if (
            self.out is not None
            and self.out.is_dir()
            and not is_run_folder(self.out)
            and any(self.out.iterdir())
        ):
            raise ValueError(f"--out {self.out} has other files in it: name a new folder.")


@dataclass(frozen=True)
class Repeats(Group):
    """How often an experiment is repeated."""

    panel: ClassVar[str] = "Run"

    seeds: int | None = option(
        "Number of repetitions, with the seeds 0, 1, ...", high=10_000, unset="1; digits: 3"
    )
    jobs: int = option(
        "Trainings that run at the same time. With two or more, each has one thread.", default=1
    )

    def numbers(self, data: Data) -> list[int]:
        """Return the seeds."""
        return list(range(self.seeds or (3 if data.dataset == "digits" else 1)))

    @property
    def threads(self) -> int | None:
        """Threads of a training; None: as many as torch takes."""
        return 1 if self.jobs > 1 else None


@contextmanager
def says_how_to_go_on(folder: Path) -> Iterator[None]:
    """Answer Ctrl-C with the command that resumes, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt as stop:
        typer.echo(
            f"sksvp: stopped. Finished trainings are kept; the same command with --out {folder} --resume goes on.",
            err=True,
        )
        raise typer.Exit(130) from stop
