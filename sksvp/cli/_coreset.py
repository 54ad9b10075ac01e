"""The command ``sksvp coreset``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ._data import data_digest, holds_texts, load_data, text_table
from ._folders import new_folder, read_rows, save_figure
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
from ._pair import (
    build_pair,
    default_strategy,
    known_strategy,
    read_baselines,
    read_size,
    refuse_idle,
    says_how_to_go_on,
)

BASELINES = ("random", "class-balanced-random", "all")

# Small data needs updates, not epochs: these settings let a network finish learning the digits.
_DIGITS: dict[str, Any] = {
    "proxy": "resnet8",
    "target": "resnet20",
    "subset_size": ["0.3"],
    "epochs": 60,
    "batch_size": 32,
    "seeds": 3,
}
_DEFAULTS: dict[str, Any] = {
    "proxy": "resnet20",
    "target": "resnet164",
    "subset_size": ["0.5"],
    "epochs": None,
    "batch_size": None,
    "seeds": 1,
}

_TEXT_NETWORKS: dict[str, Any] = {"proxy": "bag-of-ngrams", "target": "vdcnn29"}


@clean_errors
def coreset(
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
            help="How rows are ranked: forgetting_events, entropy, least_confidence, margin, k_centers or random; "
            "repeat to compare several.",
            show_default="forgetting_events; fasttext: entropy",
        ),
    ] = None,
    subset_size: Annotated[
        list[str] | None,
        typer.Option(
            help="Rows to keep: a share such as 0.5 or a count such as 5000; repeat for several.",
            show_default="0.5; digits: 0.3; --from-selected: as many as there",
        ),
    ] = None,
    class_balanced: Annotated[
        bool, typer.Option("--class-balanced", help="Keep the classes in proportion.")
    ] = False,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What to compare with: {', '.join(BASELINES)}, or none; repeat.",
            show_default="all of them",
        ),
    ] = None,
    only_select: Annotated[
        bool, typer.Option("--only-select", help="Train the proxy and write selected.csv; no target.")
    ] = False,
    from_selected: Annotated[
        Path | None,
        typer.Option(
            help="Train the target on the rows of an earlier selected.csv.", exists=True, dir_okay=False
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
    """Choose training rows with a small proxy, train the target on them, and compare.

    The table has error and seconds of the target trained on the chosen rows, on
    random rows of the same number, plain and class by class, and on all rows.

    \b
    Examples:
      sksvp coreset --dataset digits
      sksvp coreset --dataset cifar10 --data-dir data --download --subset-size 0.5 --subset-size 0.7
      sksvp coreset --data mine.npz --proxy resnet20 --only-select --out runs/mine
      sksvp coreset --dataset imdb --download --proxy bag-of-ngrams --target vdcnn9
    """
    from ..experiments import CoresetRun, RunFolder, first_selection, report_run, run_coreset
    from ..experiments._seconds import clocks_in_order

    if from_selected is not None and strategy is None:
        refuse_idle(
            {
                "--class-balanced": class_balanced,
                "--proxy": proxy,
                "--proxy-epochs": proxy_epochs,
                "--proxy-batch-size": proxy_batch_size,
                "--proxy-lr": proxy_lr,
            },
            "the rows in --from-selected are chosen already, and no --strategy beside them needs a proxy",
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
    settings = {"dataset": dataset or str(data), "train_rows": train_rows, "test_rows": test_rows, **learning}
    if only_select and from_selected is not None:
        raise ValueError("--only-select and --from-selected exclude each other.")
    names, with_all = _methods(
        strategy or [default_strategy(learning["proxy"])],
        class_balanced,
        read_baselines(baseline, BASELINES),
    )
    bunch = load_data(
        dataset,
        data,
        data_dir,
        download=download,
        image_size=image_size,
        on_error="skip" if skip_unreadable else "raise",
        n_train=train_rows,
        n_test=test_rows,
        needs_test=not only_select,
        classifier=proxy_network,
        table=text_table(
            text_column=text_column, label_column=label_column, sep=sep, encoding=encoding, header=header
        ),
    )
    settings["content of the data"] = data_digest(bunch)
    if from_selected is not None and strategy is None:
        names = [name for name in names if name.endswith("random")]
    given = (
        {}
        if from_selected is None
        else {
            f"rows of {from_selected.name}": read_rows(
                from_selected, len(bunch.y_train), bunch.get("row_numbers")
            )
        }
    )
    # Random rows compare with chosen ones of the same number.
    default_sizes = [str(len(rows)) for rows in given.values()] or chosen["subset_size"]
    for name, rows in given.items():
        if len(rows) < 2:
            raise ValueError(f"{name}: it is one only, and a network learns from two at least.")
    # One row may well be chosen.
    at_least = 1 if only_select else 2
    sizes = [_size(size, len(bunch.y_train), at_least) for size in subset_size or default_sizes]
    folder = RunFolder(new_folder("coreset", out), settings, resume=resume)
    run = CoresetRun(
        bunch.X_train,
        bunch.y_train,
        bunch.X_test,
        bunch.y_test,
        proxy=proxy_network,
        target=target_network,
        strategies=names,
        subset_sizes=list(dict.fromkeys(sizes)),
        seeds=list(range(seeds or chosen["seeds"])),
        with_all=with_all,
        given=given,
        filenames=bunch.get("filenames_train"),
        row_numbers=bunch.get("row_numbers"),
        threads=1 if jobs > 1 else None,
        checkpoint_every=checkpoint_every,
        memory=str(folder.path / "proxies"),
    )
    with says_how_to_go_on(folder.path):
        run_coreset(run, folder, only_select=only_select, n_jobs=jobs, report=typer.echo)
    first_selection(run, folder)
    if not only_select:
        clocks = clocks_in_order(proxy_network, target_network)
        summary = report_run(folder, clocks=clocks, report=typer.echo)
        save_figure(summary, folder.path / "results.png", clock=clocks[0])
    typer.echo(f"written to {folder.path}")


def _methods(strategies: list[str], class_balanced: bool, baselines: Sequence[str]) -> tuple[list[str], bool]:
    """Name the ways to choose, and whether to train on all rows as well."""
    prefix = "class-balanced " if class_balanced else ""
    names = [prefix + known_strategy(name) for name in strategies]
    names += [name.replace("class-balanced-", "class-balanced ") for name in baselines if name != "all"]
    return list(dict.fromkeys(names)), "all" in baselines


def _size(text: str, n_rows: int, at_least: int) -> float | int:
    """Read a share or a count of rows, and check that it fits."""
    from ..coreset._subset import count_rows

    size = read_size(text, "--subset-size")
    try:
        fits = count_rows(size, n_rows) >= at_least
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"--subset-size must be a share up to 1 or a number of rows up to {n_rows:,}, and keep {at_least} or more, "
            f"got {text}."
        )
    return size
