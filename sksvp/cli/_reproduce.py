"""The command ``sksvp reproduce``."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import typer

from ._folders import new_folder
from ._groups import Group, option, takes_groups
from ._run import says_how_to_go_on


@dataclass(frozen=True)
class Published(Group):
    """What is reproduced."""

    panel: ClassVar[str] = "Table"
    parameters: ClassVar[dict[str, str]] = {"name": "table", "lines": "line", "shares": "share"}

    table: str = option("table1 to table4, or figure2 to figure13.", is_argument=True, default="")
    dataset: str | None = option(
        "A data set of the paper (cifar10, cifar100, imagenet, amazon_review_polarity, amazon_review_full), or one "
        "that stands in for it (digits, mnist, imdb, yelp_review_polarity, generated_texts).",
        unset="the table's first",
    )
    data_dir: Path = option("Folder of the data set's files.", default=Path("data"))
    download: bool = option("Download the data set if it is missing.", default=False)
    scale: str = option(
        "full (the paper's networks, epochs and rows), small (for two cores of a CPU) or smoke (whether all runs, in a "
        "minute; on small data of its own where --data-dir does not exist).",
        choices=("full", "small", "smoke"),
        default="small",
    )
    seeds: int | None = option(
        "Number of repetitions, with the seeds 0, 1, ...", high=1000, unset="the scale's, or the paper's"
    )
    line: list[str] | None = option(
        "A line of the table, such as random, resnet20 or entropy:resnet20; others are shown if they are stored.",
        unset="all",
    )
    share: list[float] | None = option("A column of the table, such as 0.5.", low=0, high=1, unset="all")
    weights: Path | None = option(
        "Folder of weights of torchvision's networks, NAME.safetensors or NAME.pth, for figure8.", exists=True
    )
    device: str = option("auto, cpu, cuda or cuda:0.", default="auto")


@dataclass(frozen=True)
class Kept(Group):
    """Where trainings and reports are kept."""

    panel: ClassVar[str] = "Run"

    plan: bool = option(
        "Show the trainings, which of them are stored, and the seconds that the others will take.",
        default=False,
    )
    out: Path = option(
        "Folder of the trained models (store), which serve all tables, and of the reports.",
        default=Path("runs/reproduce"),
    )
    checkpoint_every: int = option(
        "Epochs after which an unfinished training is kept; 0: only finished ones are.", default=10, low=0
    )
    resume: bool = option(
        "Go on with a stopped run. A store of --out is used in any case; with --resume it must be there.",
        default=False,
    )

    @property
    def store(self) -> Path:
        """Folder of the trained models."""
        return self.out / "store"

    def check(self) -> None:
        """Check that there is something to resume.

        Raises
        ------
        ValueError
            If there is not.
        """
        if self.resume and not self.store.exists():
            raise ValueError(f"--out {self.out} holds no store that --resume can go on with.")


@takes_groups
def reproduce(published: Published, kept: Kept) -> None:
    """Reproduce a table or figure of the paper: the paper's figures beside ours.

    Trainings run one by one, and each is stored once for all tables. A stopped
    command goes on where it was if it is called again.

    \b
    Examples:
      sksvp reproduce table2 --scale smoke
      sksvp reproduce table1 --dataset cifar10 --data-dir data --plan
      sksvp reproduce table1 --dataset imdb --data-dir data --seeds 3
      sksvp reproduce table2 --line random --line entropy:resnet20 --share 0.5
    """
    from ..reproduction import Reproduction, format_plan

    kept.check()
    flags = {flag: name for name, flag in Published.parameters.items()}
    given = {flags.get(flag, flag): value for flag, value in vars(published).items()}
    job = Reproduction(
        **given,
        store=kept.store,
        checkpoint_every=kept.checkpoint_every,
        report=typer.echo,
    )
    if published.dataset not in (None, job.data_name):
        typer.echo(
            f"note: {job.data_name} stand in for {published.dataset}, whose --data-dir is not there.",
            err=True,
        )
    if kept.plan:
        typer.echo(format_plan(job.plan(), job.clock))
        return
    new_folder("reproduce", kept.out)
    typer.echo(format_plan(job.plan(), job.clock).splitlines()[-1])
    folder = kept.out / f"{published.table}-{job.data_name}-{published.scale}"
    with says_how_to_go_on(kept.out):
        try:
            job.run()
        finally:
            written = job.write(folder)
    typer.echo((folder / "report.md").read_text(encoding="utf-8"))
    typer.echo(f"written to {folder}: {', '.join(path.name for path in written)}")
