"""Options that several commands share, and the way errors reach the terminal."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ._data import DATASETS
from ._messages import in_options

Dataset = Annotated[
    str | None,
    typer.Option(
        help=f"A known data set: {', '.join(DATASETS)} (folder: train/CLASS/* or CLASS/* under --data-dir)."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Your own arrays: an .npz with X, y or X_train, y_train, X_test, y_test, or a folder with such "
        ".npy files. Your own texts: a .csv or .tsv, also as .gz or .xz, of class and texts, or a folder with "
        "train.csv and test.csv.",
        exists=True,
    ),
]
TextColumn = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of the texts in --data: its name in the header, or its position from 0; repeat to join several.",
        show_default="all but the class",
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the class in --data, by name or position from 0; its labels may be texts or numbers.",
        show_default="the first, with classes from 1 and no header",
    ),
]
Separator = Annotated[
    str | None,
    typer.Option("--sep", help="Character between the columns of --data.", show_default="comma; .tsv: tab"),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of texts in --data, such as cp1252 or utf-16.", show_default="utf-8"),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of --data has the names of the columns.",
        show_default="where a column is named",
    ),
]
DataDir = Annotated[Path, typer.Option(help="Where data sets lie, or are downloaded to.")]
Download = Annotated[bool, typer.Option("--download", help="Fetch the data set where it is not there.")]
TrainRows = Annotated[int | None, typer.Option(help="Use only so many training rows, drawn at random.")]
TestRows = Annotated[
    int | None, typer.Option(help="Measure errors on only so many test rows, drawn at random.")
]
ImageSize = Annotated[int, typer.Option(min=8, help="Side of the images of a folder, in pixels.")]
CropFraction = Annotated[
    float | None,
    typer.Option(
        help="Share of the shorter side of a folder's images that the middle square keeps, which networks are "
        "tested on; a torchvision network is trained on random windows of the whole image.",
        show_default="0.875 with a torchvision network, else 1",
    ),
]
ImageShape = Annotated[
    str | None,
    typer.Option(
        help="CHANNELS,HEIGHT,WIDTH of images that --data has as flat rows, such as 1,28,28.",
        show_default="rows of pixels",
    ),
]
Layout = Annotated[
    str | None,
    typer.Option(
        help="Where --data has the channels of its images: channels_first or channels_last.",
        show_default="found by their number",
    ),
]
SkipUnreadable = Annotated[
    bool,
    typer.Option(
        "--skip-unreadable", help="Go on without images or rows of texts that cannot be read, and say so."
    ),
]
Proxy = Annotated[
    str | None,
    typer.Option(
        help="Network that chooses: fast, resnet8, resnet20, ..., torchvision:resnet18; for texts fasttext, "
        "bag-of-ngrams, vdcnn9.",
        show_default="resnet20; digits: resnet8; texts: bag-of-ngrams",
    ),
]
ProxyEpochs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Epochs of the proxy.",
        show_default="as --epochs; fast, fasttext, bag-of-ngrams: their own",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        help="Network that is trained on the chosen rows.",
        show_default="resnet164; digits: resnet20; texts: vdcnn29",
    ),
]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="Epochs of the target.", show_default="the recipe's; digits: 60")
]
BatchSize = Annotated[
    int | None, typer.Option(min=2, help="Rows of a training batch.", show_default="the recipe's; digits: 32")
]
ProxyBatchSize = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Rows of a training batch of the proxy.",
        show_default="as --batch-size; fasttext, bag-of-ngrams: their own",
    ),
]
LearningRate = Annotated[
    float | None, typer.Option(min=0, help="Full learning rate.", show_default="the recipe's")
]
ProxyLearningRate = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Full learning rate of the proxy.",
        show_default="as --lr; fast, fasttext, bag-of-ngrams: their own",
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        help="Learning-rate schedule, scaled to the epochs: cifar, cifar-50, imagenet, imagenet-45, amazon, "
        "constant or one-cycle.",
        show_default="the recipe's",
    ),
]
Optimizer = Annotated[
    str | None,
    typer.Option(
        help="sgd, or adam (torch's defaults, no weight decay), which needs another --lr.", show_default="sgd"
    ),
]
TextLength = Annotated[
    int | None,
    typer.Option(min=1, help="Characters of a text that a VDCNN reads.", show_default="1014"),
]
Seeds = Annotated[
    int | None, typer.Option(min=1, help="Repeat with the seeds 0, 1, ...", show_default="1; digits: 3")
]
Jobs = Annotated[int, typer.Option(min=1, help="Trainings side by side, one thread each from two on.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")]
Precision = Annotated[str, typer.Option(help="Of the training: auto, fp32 or bf16.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run.", show_default="runs/COMMAND-DATE-TIME")]
CheckpointEvery = Annotated[
    int,
    typer.Option(
        min=0,
        help="Epochs after which a training in progress is kept for --resume; 0: only whole trainings are.",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run in --out; finished trainings are kept.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show a progress bar for each training.")]


def read_image_shape(text: str | None) -> tuple[int, ...] | None:
    """Read "1,28,28".

    Raises
    ------
    ValueError
        For anything but three whole numbers above zero.
    """
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) for part in parts):
        raise ValueError(f"--image-shape must be CHANNELS,HEIGHT,WIDTH such as 1,28,28, got {text!r}.")
    return tuple(map(int, parts))


def clean_errors(command: Callable) -> Callable:
    """Turn a user's mistake into one line on stderr and exit code 2, without a traceback."""

    @functools.wraps(command)
    def wrapped(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except (ValueError, OSError, ImportError, MemoryError) as error:
            typer.echo(f"sksvp: {in_options(str(error))}", err=True)
            raise typer.Exit(2) from error

    return wrapped
