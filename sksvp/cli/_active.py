"""The command ``sksvp active``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ._data import data_digest, holds_texts, load_data, text_table
from ._folders import new_folder, save_figure
from ._options import (
    BatchSize,
    CheckpointEvery,
    Data,
    DataDir,
    Dataset,
    Device,
    Download,
    Encoding,
    Epochs,
    Header,
    ImageShape,
    ImageSize,
    Jobs,
    LabelColumn,
    Layout,
    LearningRate,
    Optimizer,
    Out,
    Precision,
    Proxy,
    ProxyBatchSize,
    ProxyEpochs,
    ProxyLearningRate,
    Resume,
    Schedule,
    Seeds,
    Separator,
    SkipUnreadable,
    Target,
    TestRows,
    TextColumn,
    TextLength,
    TrainRows,
    Verbose,
    clean_errors,
    read_image_shape,
)
from ._pair import build_pair, known_strategy, read_baselines, read_size, refuse_idle, says_how_to_go_on

BASELINES = ("random", "target")

_ROUNDS = ["0.08", "0.1", "0.1", "0.1", "0.1"]
# Small data needs updates, not epochs: these settings let a network finish learning the digits.
_DIGITS: dict[str, Any] = {
    "proxy": "resnet8",
    "target": "resnet20",
    "epochs": 60,
    "batch_size": 32,
    "seeds": 3,
    "initial_size": "0.1",
    "round": ["0.1", "0.1", "0.1"],
}
_DEFAULTS: dict[str, Any] = {
    "proxy": "resnet20",
    "target": "resnet164",
    "epochs": None,
    "batch_size": None,
    "seeds": 1,
    "initial_size": "0.02",
    "round": _ROUNDS,
}

# Settings that a replay has from the run that chose.
_OF_THE_CHOICE = ("initial_size", "rounds", "proxy", "proxy_epochs", "proxy_batch_size", "proxy_lr")

_TEXT_NETWORKS: dict[str, Any] = {"proxy": "bag-of-ngrams", "target": "vdcnn29"}


@clean_errors
def active(
    dataset: Dataset = None,
    data: Data = None,
    data_dir: DataDir = Path("data"),
    download: Download = False,
    train_rows: TrainRows = None,
    test_rows: TestRows = None,
    image_size: ImageSize = 224,
    image_shape: ImageShape = None,
    layout: Layout = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    sep: Separator = None,
    encoding: Encoding = None,
    header: Header = None,
    skip_unreadable: SkipUnreadable = False,
    proxy: Proxy = None,
    proxy_epochs: ProxyEpochs = None,
    target: Target = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    proxy_batch_size: ProxyBatchSize = None,
    lr: LearningRate = None,
    proxy_lr: ProxyLearningRate = None,
    schedule: Schedule = None,
    optimizer: Optimizer = None,
    text_length: TextLength = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="How unlabelled rows are ranked; repeat to compare several.", show_default="least_confidence"
        ),
    ] = None,
    initial_size: Annotated[
        str | None,
        typer.Option(
            help="Random start: a share of the pool such as 0.02 or a number of rows.",
            show_default="0.02; digits: 0.1",
        ),
    ] = None,
    round: Annotated[
        list[str] | None,
        typer.Option(
            help="Labels that a round buys, a share of the pool or a number; repeat, one for each round.",
            show_default="0.08 and four times 0.1; digits: three times 0.1",
        ),
    ] = None,
    target_at: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the target is trained: all, last, or a total number of labels; repeat.",
            show_default="all",
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="What to compare with: random rows, target (choosing for itself), or none; repeat.",
            show_default="both",
        ),
    ] = None,
    precomputed: Annotated[
        Path | None,
        typer.Option(
            help="Train another target on what this earlier run chose; --strategy, --baseline and --seeds take a "
            "part of it.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    seeds: Seeds = None,
    jobs: Jobs = 1,
    device: Device = "auto",
    precision: Precision = "auto",
    out: Out = None,
    checkpoint_every: CheckpointEvery = 10,
    resume: Resume = False,
    verbose: Verbose = False,
) -> None:
    """Buy labels round by round where a small proxy asks for them, and train the target on them.

    All labels are there already: the run shows what choosing them would have given.
    The tables have the target's error at each number of labels, against random rows
    and against the target choosing for itself, and the seconds of choosing.

    \b
    Examples:
      sksvp active --dataset digits
      sksvp active --dataset cifar10 --data-dir data --download --strategy least_confidence --strategy k_centers
      sksvp active --dataset cifar10 --data-dir data --precomputed runs/cifar10 --target resnet56
    """
    from ..experiments import (
        ActiveRun,
        RunFolder,
        first_labelled,
        former_run,
        replay_run,
        report_active,
        run_active,
    )
    from ..experiments._active import former_arms
    from ..experiments._seconds import clocks_in_order

    if precomputed is not None:
        refuse_idle(
            {
                "--initial-size": initial_size,
                "--round": round,
                "--proxy": proxy,
                "--proxy-epochs": proxy_epochs,
                "--proxy-batch-size": proxy_batch_size,
                "--proxy-lr": proxy_lr,
            },
            "the run in --precomputed has chosen already, and only targets are trained",
        )
    chosen = _DIGITS if dataset == "digits" else _DEFAULTS
    if holds_texts(dataset, data):
        chosen = chosen | _TEXT_NETWORKS
    proxy_network, target_network, learning = build_pair(
        proxy=proxy or chosen["proxy"],
        proxy_epochs=proxy_epochs,
        target=target or chosen["target"],
        epochs=epochs or chosen["epochs"],
        batch_size=batch_size or chosen["batch_size"],
        proxy_batch_size=proxy_batch_size,
        lr=lr,
        proxy_lr=proxy_lr,
        schedule=schedule,
        optimizer=optimizer,
        text_length=text_length,
        precision=precision,
        image_shape=read_image_shape(image_shape),
        layout=layout,
        device=device,
        verbose=verbose,
    )
    settings: dict[str, Any] = {
        "dataset": dataset or str(data),
        "train_rows": train_rows,
        "test_rows": test_rows,
        **learning,
        "initial_size": read_size(initial_size or chosen["initial_size"], "--initial-size"),
        "rounds": _rounds(round or chosen["round"]),
        "target_at": _target_at(target_at or ["all"]),
        "precomputed": None if precomputed is None else str(precomputed),
    }
    strategies = [known_strategy(name) for name in dict.fromkeys(strategy or ["least_confidence"])]
    baselines = read_baselines(baseline, BASELINES)
    bunch = load_data(
        dataset,
        data,
        data_dir,
        download=download,
        image_size=image_size,
        on_error="skip" if skip_unreadable else "raise",
        n_train=train_rows,
        n_test=test_rows,
        needs_test=True,
        classifier=target_network,
        table=text_table(
            text_column=text_column, label_column=label_column, sep=sep, encoding=encoding, header=header
        ),
    )
    settings["content of the data"] = data_digest(bunch)
    former = None
    if precomputed is not None:
        opened, its_settings = former_run(precomputed, settings)
        former = former_arms(
            opened,
            strategies=None if strategy is None else strategies,
            baselines=None if baseline is None else baselines,
            n_seeds=seeds,
        )
        settings |= {name: its_settings.get(name) for name in _OF_THE_CHOICE}
    run = ActiveRun(
        bunch.X_train,
        bunch.y_train,
        bunch.X_test,
        bunch.y_test,
        proxy=proxy_network,
        target=target_network,
        strategies=strategies,
        rounds=settings["rounds"],
        initial_size=settings["initial_size"],
        target_at=settings["target_at"],
        seeds=list(range(seeds or chosen["seeds"])),
        with_target="target" in baselines,
        with_random="random" in baselines,
        filenames=bunch.get("filenames_train"),
        row_numbers=bunch.get("row_numbers"),
        threads=1 if jobs > 1 else None,
        checkpoint_every=checkpoint_every,
    )
    run.check()
    folder = RunFolder(new_folder("active", out), settings, resume=resume)
    with says_how_to_go_on(folder.path):
        if former is None:
            run_active(run, folder, n_jobs=jobs, report=typer.echo)
            first_labelled(run, folder)
        else:
            replay_run(run, folder, former, n_jobs=jobs, report=typer.echo)
    rounds = report_active(folder, clocks=clocks_in_order(proxy_network, target_network), report=typer.echo)
    save_figure(rounds, folder.path / "results.png", draw="save_active_figure")
    typer.echo(f"written to {folder.path}")


def _rounds(wanted: list[str]) -> list[float | int]:
    sizes = [read_size(size, "--round") for size in wanted]
    for size, text in zip(sizes, wanted, strict=True):
        if not (size >= 1 if isinstance(size, int) else 0 < size <= 1):
            raise ValueError(
                f"--round must be a share of the pool up to 1 or a number of labels, got {text}."
            )
    if len({type(size) for size in sizes}) > 1:
        raise ValueError(
            f"--round must be all shares such as 0.1 or all numbers of labels, got {', '.join(wanted)}."
        )
    return sizes


def _target_at(wanted: list[str]) -> str | list[int]:
    if len(wanted) == 1 and wanted[0] in ("all", "last"):
        return wanted[0]
    try:
        return [int(total) for total in wanted]
    except ValueError as error:
        raise ValueError(
            f"--target-at must be all, last or total numbers of labels, got {', '.join(wanted)}."
        ) from error
