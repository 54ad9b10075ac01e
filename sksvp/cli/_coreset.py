"""The command ``sksvp coreset``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from typer import Option

from ._config import write_config
from ._data import Data
from ._experiment import known_strategies, read_baselines, read_size, refuse_idle
from ._folders import new_folder, read_rows, save_figure
from ._groups import SIZE, Group, takes_groups
from ._messages import tell
from ._models import network_kind
from ._networks import Learning, Networks, build_pair
from ._run import Repeats, Run, says_how_to_go_on

# Small data needs updates, not epochs: with these a network learns the digits.
DIGITS_EPOCHS = 30
BASELINES = ("random", "class-balanced-random", "all")


@dataclass(frozen=True)
class Choice(Group):
    """Which rows are chosen, and what the choice is compared with."""

    panel: ClassVar[str] = "Choice"

    strategy: Annotated[
        list[str] | None,
        Option(
            help="How rows are ranked: {strategies}; repeat to compare several.",
            show_default="forgetting_events; bag-of-ngrams, fasttext: entropy",
        ),
    ] = None
    subset_size: Annotated[
        list[str] | None,
        Option(
            help="Rows to keep: a share such as 0.5 or a count such as 5000; repeat for several.",
            show_default="0.5; digits: 0.3; --from-selected: as many as there",
            metavar=SIZE,
        ),
    ] = None
    class_balanced: Annotated[bool, Option("--class-balanced", help="Keep the classes in proportion.")] = (
        False
    )
    probabilities: Annotated[
        str | None,
        Option(
            help="Whose class probabilities rank the rows: in_sample (the proxy's, which was trained on them) or "
            "out_of_fold (models' that have not seen them; five trainings more).",
            show_default="in_sample",
        ),
    ] = None
    baseline: Annotated[
        list[str] | None,
        Option(
            help=f"What to compare with: {', '.join(BASELINES)}, or none; repeat.",
            show_default="all of them",
        ),
    ] = None
    only_select: Annotated[
        bool, Option("--only-select", help="Train the proxy and write selected.csv; no target.")
    ] = False
    from_selected: Annotated[
        Path | None,
        Option(help="Train the target on the rows of an earlier selected.csv.", exists=True, dir_okay=False),
    ] = None

    @property
    def needs_no_proxy(self) -> bool:
        """Whether all rows are chosen already."""
        return self.from_selected is not None and not self.strategy

    def check(self, networks: Networks) -> None:
        """Refuse options that exclude each other, or would change nothing.

        Raises
        ------
        ValueError
            For such options.
        """
        if self.needs_no_proxy:
            refuse_idle(
                {
                    "class_balanced": self.class_balanced,
                    "probabilities": self.probabilities,
                    **networks.of_proxy(),
                },
                "the rows in --from-selected are chosen already, and no --strategy beside them needs a proxy",
            )
        if self.only_select and self.from_selected is not None:
            raise ValueError("--only-select and --from-selected exclude each other.")
        if self.probabilities not in (None, "in_sample", "out_of_fold"):
            raise ValueError(f"--probabilities must be in_sample or out_of_fold, got {self.probabilities!r}.")

    def methods(self, proxy: str) -> tuple[list[str], bool]:
        """Name the ways to choose, and tell whether to train on all rows as well."""
        default = network_kind(proxy, "--proxy").strategy
        prefix = "class-balanced " if self.class_balanced else ""
        names = [prefix + name for name in known_strategies(self.strategy or [default])]
        baselines = read_baselines(self.baseline, BASELINES)
        names += [name.replace("class-balanced-", "class-balanced ") for name in baselines if name != "all"]
        if self.needs_no_proxy:
            names = [name for name in names if name.endswith("random")]
        return list(dict.fromkeys(names)), "all" in baselines


@takes_groups
def coreset(
    data: Data, networks: Networks, learning: Learning, choice: Choice, repeats: Repeats, run: Run
) -> None:
    """Choose training rows with a small proxy, train the target on them, and compare.

    The table has error and seconds of the target trained on the chosen rows, on
    random rows of the same number, plain and class by class, and on all rows.

    \b
    Examples:
      sksvp coreset --dataset digits
      sksvp coreset --dataset cifar10 --download --subset-size 0.5 --subset-size 0.7
      sksvp coreset --data mine.npz --proxy resnet20 --only-select --out runs/mine
      sksvp coreset --dataset imdb --download --proxy bag-of-ngrams --target vdcnn9
    """
    choice.check(networks)
    data.check()
    methods, with_all = choice.methods(str(networks.filled(data).proxy))
    sizes = [read_size(size, "--subset-size") for size in choice.subset_size or ()]

    proxy, target, settings = build_pair(data, networks, learning.filled(data, digits_epochs=DIGITS_EPOCHS))
    bunch = data.load(proxy, [settings["proxy"], settings["target"]], needs_test=not choice.only_select)
    n_rows = len(bunch.y_train)
    given = {}
    if choice.from_selected is not None:
        rows = read_rows(choice.from_selected, n_rows, bunch.get("row_numbers"))
        name = f"rows of {choice.from_selected.name}"
        if len(rows) < 2:
            raise ValueError(f"{name}: it is one only, and a network learns from two at least.")
        given[name] = rows
    # Random rows compare with chosen ones of the same number.
    sizes = sizes or [len(rows) for rows in given.values()] or [0.3 if data.dataset == "digits" else 0.5]
    # One row may well be chosen.
    _check_sizes(sizes, n_rows, at_least=1 if choice.only_select else 2)

    from ..experiments import CoresetRun, RunFolder, clocks_in_order, first_selection, report_run, run_coreset
    from ._bunch import data_digest

    settings |= {
        "probabilities": choice.probabilities or "in_sample",
        "content of the data": data_digest(bunch),
    }
    folder = RunFolder(new_folder("coreset", run.out), settings, resume=run.resume)
    write_config(folder.path, "coreset", data, networks, learning, choice, repeats, run)
    experiment = CoresetRun(
        bunch.X_train,
        bunch.y_train,
        bunch.X_test,
        bunch.y_test,
        proxy=proxy,
        target=target,
        strategies=methods,
        subset_sizes=list(dict.fromkeys(sizes)),
        seeds=repeats.numbers(data),
        with_all=with_all,
        probabilities=settings["probabilities"],
        given=given,
        filenames=bunch.get("filenames_train"),
        row_numbers=bunch.get("row_numbers"),
        threads=repeats.threads,
        checkpoint_every=run.checkpoint_every,
        memory=str(folder.path / "proxies"),
    )
    with says_how_to_go_on(folder.path):
        run_coreset(experiment, folder, only_select=choice.only_select, n_jobs=repeats.jobs, report=tell)
    first_selection(experiment, folder)
    if not choice.only_select:
        clocks = clocks_in_order(proxy, target)
        summary = report_run(folder, clocks=clocks, report=typer.echo)
        save_figure(summary, folder.path / "results.png", clock=clocks[0])
    typer.echo(f"written to {folder.path}")


def _check_sizes(sizes: Sequence[float | int], n_rows: int, *, at_least: int) -> None:
    """Refuse shares and counts that do not fit the rows there are."""
    from ..strategies import count_rows

    for size in sizes:
        try:
            fits = count_rows(size, n_rows) >= at_least
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"--subset-size must be a share up to 1 or a number of rows up to {n_rows:,}, and keep {at_least} or "
                f"more, got {size}."
            )
