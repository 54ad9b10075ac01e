"""The command ``sksvp active``."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import typer

from ._config import write_config
from ._data import Data
from ._experiment import chosen_baselines, experiment_parts, known_strategies, tell_new_run
from ._folders import new_folder, save_figure
from ._groups import Group, option, refuse_idle, takes_groups
from ._messages import tell
from ._networks import Learning, Networks, build_pair
from ._run import Repeats, Run, says_how_to_go_on
from ._start_features import start_features

BASELINES = ("random", "target")
_START, _ROUNDS = 0.02, [0.08, 0.1, 0.1, 0.1, 0.1]
_DIGITS_START, _DIGITS_ROUNDS = 0.1, [0.1, 0.1, 0.1]
# Settings that a replay takes from the run that chose.
_OF_THE_CHOICE = (
    "initial_size",
    "rounds",
    "start",
    "max_candidates",
    "candidates",
    "stop",
    *Networks().of_proxy(),
)


@dataclass(frozen=True)
class Rounds(Group):
    """How many labels each round buys, and what the choice is compared with."""

    panel: ClassVar[str] = "Rounds"
    parameters: ClassVar[dict[str, str]] = {"rounds": "round"}

    strategy: list[str] | None = option(
        "How unlabelled rows are ranked: {pool_strategies}; repeat to compare several.",
        unset="least_confidence",
    )
    initial_size: float | int | None = option(
        "Random start: a share of the pool such as 0.02 or a number of rows.", unset="0.02; digits: 0.1"
    )
    round: list[float | int] | None = option(
        "Labels that a round buys, a share of the pool or a number; repeat, one for each round.",
        unset="0.08 and four times 0.1; digits: three times 0.1",
    )
    target_at: list[str] | None = option(
        "Where the target is trained: all, last, or a total number of labels; repeat.", unset="all"
    )
    baseline: list[str] | None = option(
        "What to compare with: random rows, target (choosing for itself), or none; repeat.",
        choices=(*BASELINES, "none"),
        unset="both",
    )
    updates: str = option(
        "epochs: each target is trained for --epochs; equal: each for as many updates as these have on the labels of "
        "the last round.",
        choices=("epochs", "equal"),
        default="epochs",
    )
    warm_target: bool = option(
        "Let the target begin from the weights of the proxy, which has the same architecture or fewer residual blocks.",
        default=False,
    )
    start: str | None = option(
        "How the first rows are chosen: random, clustered (a typical row of each cluster of images or texts) or a "
        "strategy that reads features only.",
        unset="random",
    )
    max_candidates: int | None = option("Rows that each choice ranks at most, for huge pools.", unset="all")
    candidates: str | None = option(
        "Which rows are ranked under --max-candidates: random, or neighbors of labelled rows.",
        choices=("random", "neighbors"),
        unset="random",
    )
    stop: str | None = option(
        "Note where the predictions settle: kappa, flips or expected_error, with parameters as "
        "kappa:tolerance=0.02,patience=2; ends_run=true ends the rounds there.",
    )
    plan: bool = option(
        "Show the seconds and memory that each round will take, from some timed steps; nothing is kept.",
        default=False,
    )
    precomputed: Path | None = option(
        "Train another target on what this earlier run chose; --strategy, --baseline and --seeds take a part of it.",
        exists=True,
    )

    def check(self, networks: Networks) -> None:
        """Check that no options ask for a choice if an earlier run has made it.

        Raises
        ------
        ValueError
            If one does.
        """
        if self.precomputed is not None:
            if not (self.precomputed / "config.json").exists():
                raise ValueError(f"--precomputed {self.precomputed} is not a run: it has no config.json.")
            of_choice = (
                "initial_size",
                "round",
                "start",
                "max_candidates",
                "candidates",
                "stop",
                "warm_target",
                "plan",
            )
            refuse_idle(
                {**{name: getattr(self, name) for name in of_choice}, **networks.of_proxy()},
                "the run in --precomputed has chosen already, and only targets are trained",
            )

        if self.max_candidates is None:
            refuse_idle({"candidates": self.candidates}, "all rows are ranked without --max-candidates")

    def settings(self, data: Data) -> dict[str, Any]:
        """Return the sizes, which decide a run's results."""
        start, rounds = (_DIGITS_START, _DIGITS_ROUNDS) if data.dataset == "digits" else (_START, _ROUNDS)
        start = start if self.initial_size is None else self.initial_size
        rounds = self.round or rounds
        _check_sizes("--initial-size", [start])
        _check_sizes("--round", rounds)
        return {
            "initial_size": start,
            "rounds": rounds,
            "target_at": _target_at(self.target_at or ["all"]),
            "start": self.start,
            "max_candidates": self.max_candidates,
            "candidates": self.candidates,
            "stop": self.stop,
            "updates": self.updates,
            "warm_target": self.warm_target,
            "precomputed": None if self.precomputed is None else str(self.precomputed),
        }


@takes_groups
def active(
    data: Data, networks: Networks, learning: Learning, choice: Rounds, repeats: Repeats, run: Run
) -> None:
    """Buy labels round by round where a small proxy asks for them, and train the target on them.

    All labels are there already: the run shows what choosing them would have given.
    The tables have the target's error at each number of labels, against random rows
    and against the target choosing for itself, and the seconds of choosing.

    \b
    Examples:
      sksvp active --dataset digits
      sksvp active --dataset cifar10 --strategy margin --strategy k_centers
      sksvp active --dataset digits --stop kappa:tolerance=0.02 --start clustered
      sksvp active --dataset cifar10 --plan
      sksvp active --dataset cifar10 --precomputed runs/cifar10 --target resnet56
    """
    run.check(data)
    choice.check(networks)
    data.check()
    tell_new_run(run)
    sizes = choice.settings(data)
    strategies = known_strategies(choice.strategy or ["least_confidence"])
    baselines = chosen_baselines(choice.baseline, BASELINES)
    rule = None if choice.stop is None else stopping_rule(choice.stop)

    pair = build_pair(data, networks, learning.filled(data))
    bunch = data.load(pair.target, pair.kinds)

    from .. import experiments
    from ._bunch import data_digest

    settings = pair.settings | sizes | {"content of the data": data_digest(bunch)}
    former = None
    if choice.precomputed is not None:
        opened, its_settings = experiments.former_run(choice.precomputed, settings)
        former = experiments.former_arms(
            opened,
            strategies=strategies if choice.strategy else None,
            baselines=baselines if choice.baseline else None,
            n_seeds=repeats.seeds,
        )
        settings |= {name: its_settings.get(name) for name in _OF_THE_CHOICE}
    experiment = experiments.ActiveRun(
        **experiment_parts(bunch, data, repeats, run),
        proxy=pair.proxy,
        target=pair.target,
        strategies=strategies,
        rounds=settings["rounds"],
        initial_size=settings["initial_size"],
        target_at=settings["target_at"],
        start=choice.start,
        start_features=None if choice.start is None else start_features(bunch.X_train, choice.start),
        max_candidates=choice.max_candidates,
        candidates=choice.candidates or "random",
        stop=rule,
        updates=choice.updates,
        warm_target=choice.warm_target,
        with_target="target" in baselines,
        with_random="random" in baselines,
    )
    clocks = experiments.clocks_in_order(*pair.all)
    if choice.plan:
        typer.echo(experiments.format_estimate(experiments.estimate(experiment), clocks=clocks))
        return
    folder = experiments.RunFolder(new_folder("active", run.out), settings, resume=run.resume)
    write_config(folder.path, "active", data, networks, learning, choice, repeats, run)
    with says_how_to_go_on(folder.path):
        if former is None:
            experiments.run_active(experiment, folder, n_jobs=repeats.jobs, report=tell)
        else:
            experiments.replay_run(experiment, folder, former, n_jobs=repeats.jobs, report=tell)
    rounds, _ = experiments.report_run(folder, clocks=clocks, report=typer.echo)
    save_figure(rounds, folder.path / "results.png", draw="save_active_figure")
    typer.echo(f"written to {folder.path}")


def stopping_rule(text: str) -> Any:
    """Make the stopping rule of ``MEASURE:PARAMETER=VALUE,...``.

    Raises
    ------
    ValueError
        For an unknown measure or parameter, and for a value that it does not take.
    """
    from ..active import PredictionsSettled
    from ..strategies import read_parameters

    measure, colon, settings = text.partition(":")
    rule = PredictionsSettled(measure, ends_run=False)
    try:
        rule.set_params(**read_parameters(settings) if colon else {})
        rule._validate_params()
    except ValueError as error:
        raise ValueError(f"--stop {text}: {error}") from error
    return rule


def _check_sizes(option: str, sizes: list[float | int]) -> None:
    for size in sizes:
        if not (size >= 1 if isinstance(size, int) else 0 < size <= 1):
            raise ValueError(
                f"{option} must be a share of the pool up to 1 or a number of labels, got {size}."
            )
    if len({type(size) for size in sizes}) > 1:
        given = ", ".join(map(str, sizes))
        raise ValueError(f"{option} must be all shares such as 0.1 or all numbers of labels, got {given}.")


def _target_at(wanted: list[str]) -> str | list[int]:
    if len(wanted) == 1 and wanted[0] in ("all", "last"):
        return wanted[0]
    if not all(re.fullmatch(r"[0-9]{1,9}", total) for total in wanted):
        raise ValueError(
            f"--target-at must be all, last or total numbers of labels, got {', '.join(wanted)}."
        )
    return [int(total) for total in wanted]
