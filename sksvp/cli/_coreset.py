"""The command ``sksvp coreset``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import typer

from ._config import write_config
from ._data import Data
from ._experiment import chosen_baselines, experiment_parts, known_strategies, served_strategies, tell_new_run
from ._folders import new_folder, read_rows, save_figure
from ._groups import Group, option, refuse_idle, takes_groups
from ._messages import tell, terminal_width
from ._models import network_kind
from ._networks import Learning, Networks, Pair, build_pair
from ._run import Repeats, Run, says_how_to_go_on

# Small data needs many updates: with these a network learns the digits.
DIGITS_EPOCHS = 30
BASELINES = ("random", "class-balanced-random", "all")
# Rivals that cost trainings of their own, and that a run has only where they are named.
RIVALS = ("target", "same-cost", "rs2")


@dataclass(frozen=True)
class Choice(Group):
    """Which rows are chosen, and what the choice is compared with."""

    panel: ClassVar[str] = "Choice"

    strategy: list[str] | None = option(
        "How rows are ranked: {strategies}, or auto; with parameters as stratified:score=el2n,hardest_dropped=0.1. "
        "Repeat to compare several: one proxy a seed serves them all.",
        unset="forgetting_events; bag-of-ngrams, fasttext: entropy",
    )
    subset_size: list[float | int] | None = option(
        "Rows to keep: a share such as 0.5 or a count such as 5000; repeat for several.",
        unset="0.5; digits: 0.3; --from-selected: as many as there",
    )
    class_balanced: bool = option("Keep the classes in proportion.", default=False)
    n_proxies: int | None = option(
        "Number of proxies for each choice, with seeds of their own, whose rankings are averaged.",
        high=1000,
        unset="1",
    )
    probabilities: str | None = option(
        "Whose class probabilities rank the rows: in_sample (the proxy's, which was trained on them) or out_of_fold "
        "(models' that have not seen them; five trainings more).",
        choices=("in_sample", "out_of_fold"),
        unset="in_sample",
    )
    baseline: list[str] | None = option(
        f"What to compare with: {', '.join(BASELINES)}; target (which chooses for itself), same-cost (all rows, for "
        "as many updates as proxy and subset cost), rs2 (as many random rows, drawn anew for each epoch), or none; "
        "repeat.",
        choices=(*BASELINES, *RIVALS, "none"),
        unset=f"{', '.join(BASELINES)}",
    )
    updates: str = option(
        "epochs: each target is trained for --epochs; equal: each for as many updates as these have on all rows.",
        choices=("epochs", "equal"),
        default="epochs",
    )
    test_every_epoch: bool = option(
        "Measure the test error after every epoch of every training, for epochs.csv and epochs.png.",
        default=False,
    )
    warm_target: bool = option(
        "Let targets on rows that a proxy chose begin from its weights; it has the same architecture or fewer residual "
        "blocks.",
        default=False,
    )
    only_select: bool = option("Train the proxy and write selected.csv; no target.", default=False)
    plan: bool = option(
        "Show the trainings, and the seconds and memory that they will take, from some timed steps; nothing is kept.",
        default=False,
    )
    from_selected: Path | None = option(
        "Train the target on the rows of an earlier selected.csv.", exists=True
    )

    @property
    def needs_no_proxy(self) -> bool:
        """Whether all rows are chosen already."""
        return self.from_selected is not None and not self.strategy

    def check(self, networks: Networks) -> None:
        """Check that no options exclude each other, and that none would change nothing.

        Raises
        ------
        ValueError
            If two exclude each other, or one would change nothing.
        """
        if self.needs_no_proxy:
            refuse_idle(
                {
                    "class_balanced": self.class_balanced,
                    "n_proxies": self.n_proxies,
                    "probabilities": self.probabilities,
                    **networks.of_proxy(),
                },
                "the rows in --from-selected are chosen already, and no --strategy beside them needs a proxy",
            )
        known_strategies(self.strategy or [], has_auto=True)
        if self.only_select:
            refuse_idle({"warm_target": self.warm_target}, "--only-select trains no target")
        if self.only_select and self.from_selected is not None:
            raise ValueError("--only-select and --from-selected exclude each other.")

    def methods(self, networks: Pair) -> tuple[list[str], dict[str, Any]]:
        """Return the names of the ways to choose, and which trainings on all rows are beside them."""
        from ..strategies import named_strategy

        usual = [network_kind(name, "--proxy").strategy for name in networks.kinds[:-1]]
        strategies = known_strategies(self.strategy or usual, has_auto=True)
        if not self.needs_no_proxy:
            strategies = served_strategies(networks.proxies, strategies)
        reads = {kind for rule in strategies for kind in getattr(named_strategy(rule), "requires", ())}
        if "probabilities" not in reads and "auto" not in strategies:
            refuse_idle({"probabilities": self.probabilities}, "no --strategy reads class probabilities")
        names = [f"class-balanced {name}" if self.class_balanced else name for name in strategies]
        baselines = chosen_baselines(self.baseline, BASELINES)
        chosen = [name for name in baselines if name.endswith("random")]
        names += [name.replace("class-balanced-", "class-balanced ") for name in chosen]
        if self.needs_no_proxy:
            names = [name for name in names if name.endswith("random")]
        of_all_rows = {f"with_{name.replace('-', '_')}": name in baselines for name in ("all", *RIVALS)}
        return list(dict.fromkeys(names)), of_all_rows


@takes_groups
def coreset(
    data: Data, networks: Networks, learning: Learning, choice: Choice, repeats: Repeats, run: Run
) -> None:
    """Choose training rows with a small proxy, train the target on them, and compare.

    The table has error and seconds of the target trained on the chosen rows, on as
    many random rows, plain and class by class, and on all rows.

    \b
    Examples:
      sksvp coreset --dataset digits
      sksvp coreset --dataset cifar10 --subset-size 0.5 --subset-size 0.7
      sksvp coreset --data mine.npz --proxy resnet20 --only-select --out runs/mine
      sksvp coreset --dataset imdb --proxy bag-of-ngrams --target vdcnn9
    """
    run.check(data)
    choice.check(networks)
    data.check()
    tell_new_run(run)
    pair = build_pair(data, networks, learning.filled(data, digits_epochs=DIGITS_EPOCHS))
    methods, of_all_rows = choice.methods(pair)
    bunch = data.load(pair.all[0], pair.kinds, needs_test=not choice.only_select)
    n_rows = len(bunch.y_train)
    given = {}
    if choice.from_selected is not None:
        rows = read_rows(choice.from_selected, n_rows, bunch.get("row_numbers"))
        name = f"rows of {choice.from_selected.name}"
        if len(rows) < 2:
            raise ValueError(f"{name}: there is one only, and a network needs two at least.")
        given[name] = rows
    # Random rows are as many as the chosen ones they are compared with.
    sizes = (
        choice.subset_size
        or [len(rows) for rows in given.values()]
        or [0.3 if data.dataset == "digits" else 0.5]
    )
    _check_sizes(sizes, n_rows, at_least=1 if choice.only_select else 2)

    from ..experiments import (
        CoresetRun,
        RunFolder,
        clocks_in_order,
        epochs_table,
        estimate,
        format_estimate,
        report_run,
        run_coreset,
    )
    from ._bunch import data_digest

    settings = pair.settings | {
        "n_proxies": choice.n_proxies or 1,
        "probabilities": choice.probabilities or "in_sample",
        "updates": choice.updates,
        "test_every_epoch": choice.test_every_epoch,
        "warm_target": choice.warm_target,
        "content of the data": data_digest(bunch),
    }
    experiment = CoresetRun(
        **experiment_parts(bunch, data, repeats, run),
        proxy=pair.proxy,
        target=pair.target,
        strategies=methods,
        subset_sizes=list(dict.fromkeys(sizes)),
        **of_all_rows,
        updates=choice.updates,
        n_proxies=settings["n_proxies"],
        probabilities=settings["probabilities"],
        given=given,
        test_every_epoch=choice.test_every_epoch,
        warm_target=choice.warm_target,
    )
    clocks = clocks_in_order(*pair.all)
    if choice.plan:
        typer.echo(format_estimate(estimate(experiment, only_select=choice.only_select), clocks=clocks))
        return
    folder = RunFolder(new_folder("coreset", run.out), settings, resume=run.resume)
    write_config(folder.path, "coreset", data, networks, learning, choice, repeats, run)
    with says_how_to_go_on(folder.path):
        run_coreset(experiment, folder, only_select=choice.only_select, n_jobs=repeats.jobs, report=tell)
    if not choice.only_select:
        _, summary = report_run(folder, clocks=clocks, report=typer.echo, width=terminal_width())
        save_figure(summary, folder.path / "results.png", clock=clocks[0])
        if choice.test_every_epoch:
            epochs = epochs_table(folder)
            save_figure(epochs, folder.path / "epochs.png", draw="save_epochs_figure", clock=clocks[0])
    typer.echo(f"written to {folder.path}")


def _check_sizes(sizes: Sequence[float | int], n_rows: int, *, at_least: int) -> None:
    """Check that shares and counts suit the number of rows."""
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
