"""The command ``sksvp train``."""

from pathlib import Path
from typing import Annotated

import typer

from .._clock import Clock
from ._data import holds_texts, load_data, text_table
from ._folders import new_folder
from ._models import build_classifier
from ._options import (
    BatchSize,
    CheckpointEvery,
    Data,
    DataDir,
    Dataset,
    Device,
    Download,
    Encoding,
    Header,
    ImageShape,
    ImageSize,
    LabelColumn,
    Layout,
    LearningRate,
    Optimizer,
    Out,
    Precision,
    Resume,
    Schedule,
    Separator,
    SkipUnreadable,
    TestRows,
    TextColumn,
    TextLength,
    TrainRows,
    Verbose,
    clean_errors,
    read_image_shape,
)
from ._pair import says_how_to_go_on


@clean_errors
def train(
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
    network: Annotated[
        str | None,
        typer.Option(
            help="fast, resnet8, resnet20, ..., torchvision:resnet18; for texts vdcnn9, ..., bag-of-ngrams, fasttext.",
            show_default="resnet20; texts: bag-of-ngrams",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs.", show_default="the recipe's; digits: 60")
    ] = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    schedule: Schedule = None,
    optimizer: Optimizer = None,
    text_length: TextLength = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    out: Out = None,
    checkpoint_every: CheckpointEvery = 10,
    resume: Resume = False,
    verbose: Verbose = False,
) -> None:
    """Train one network on all rows, and report its error on the test rows.

    Writes the network (network.safetensors), its loss and accuracy by epoch
    (history.csv; fasttext tells none) and the result (results.json).
    """
    import pandas as pd

    from .._storage._checkpoint import is_run_folder
    from .._storage._files import replacing, write_json
    from ..experiments._kept import forget_training, keep_training, training_folder
    from ..experiments._seconds import clocks_in_order, in_words

    network = network or ("bag-of-ngrams" if holds_texts(dataset, data) else "resnet20")
    small = dataset == "digits"
    classifier = build_classifier(
        network,
        max_epochs=epochs or (60 if small else None),
        batch_size=batch_size or (32 if small else None),
        lr=lr,
        schedule=schedule,
        optimizer=optimizer,
        text_length=text_length,
        device=device,
        precision=precision,
        image_shape=read_image_shape(image_shape),
        layout=layout,
        random_state=seed,
        verbose=int(verbose),
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
        needs_test=True,
        classifier=classifier,
        table=text_table(
            text_column=text_column, label_column=label_column, sep=sep, encoding=encoding, header=header
        ),
    )
    folder = new_folder("train", out)
    kept = training_folder(folder, "network")
    if (folder / "results.json").exists():
        raise ValueError(f"out={str(folder)!r} holds a finished run: name another folder.")
    if kept.exists() and not resume:
        raise ValueError(f"out={str(folder)!r} holds a stopped run: add --resume, or name another folder.")
    if kept.exists() and not checkpoint_every:
        raise ValueError(f"out={str(folder)!r} holds a stopped run: --checkpoint-every must not be 0.")
    # The stopped training's own folder: with other options it is refused, not begun anew beside it.
    stopped = [path for path in kept.glob("*") if is_run_folder(path)]
    keep_training(classifier, stopped[0] if stopped else kept, checkpoint_every)
    with says_how_to_go_on(folder), Clock() as clock:
        classifier.fit(bunch.X_train, bunch.y_train)
    clock.add_earlier(classifier)
    error = 1.0 - classifier.score(bunch.X_test, bunch.y_test)
    # The program fasttext tells none.
    if hasattr(classifier, "history_"):
        history = pd.DataFrame(classifier.history_[:, ("epoch", "dur", "train_loss", "train_acc")])
        history.columns = ["epoch", "seconds", "train_loss", "train_accuracy"]
        with replacing(folder / "history.csv") as part:
            history.to_csv(part, index=False)
    if "net_params" in classifier.get_params(deep=False):
        # --optimizer is a class there, which the file has no place for, and the network needs no more.
        classifier.set_params(net_params=None)
    classifier.save(folder / "network.safetensors")
    write_json(
        folder / "results.json",
        {
            "network": network,
            "seed": seed,
            "error": error,
            "seconds": clock.wall,
            "cpu_seconds": clock.cpu,
        },
    )
    forget_training(kept)
    seconds = in_words(clock, clocks_in_order(classifier))
    typer.echo(
        f"{network}: error {100 * error:.2f} % on {len(bunch.y_test):,} test rows, trained in {seconds}"
    )
    typer.echo(f"written to {folder}")
