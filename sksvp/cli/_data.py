"""The data of a command: a known set, image folders or the user's own arrays or texts."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer import Option

from ._groups import COLUMN, Group, option_of
from ._models import examples, usual_crop_fraction

if TYPE_CHECKING:
    from sklearn.utils import Bunch

# What the rows of the known sets are. Each has a loader of its name in sksvp.datasets, ``folder`` load_image_folder.
DATASETS = {
    "digits": "images",
    "cifar10": "images",
    "cifar100": "images",
    "folder": "images",
    "ag_news": "texts",
    "amazon_review_full": "texts",
    "amazon_review_polarity": "texts",
    "dbpedia": "texts",
    "imdb": "texts",
    "yahoo_answers": "texts",
    "yelp_review_full": "texts",
    "yelp_review_polarity": "texts",
}
_OF_TABLES = ("text_column", "label_column", "sep", "encoding", "header")


@dataclass(frozen=True)
class Data(Group):
    """Where rows and labels come from."""

    panel: ClassVar[str] = "Data"
    parameters: ClassVar[dict[str, str]] = {"path": "data", "root": "data_dir"}

    dataset: Annotated[
        str | None,
        Option(
            help=f"A known data set: {', '.join(DATASETS)} (folder: train/CLASS/* or CLASS/* under --data-dir)."
        ),
    ] = None
    data: Annotated[
        Path | None,
        Option(
            help="Your own arrays: an .npz with X, y or X_train, y_train, X_test, y_test, or a folder with such .npy "
            "files. Your own texts: a .csv or .tsv, also as .bz2, .gz or .xz, of class and texts, or a folder with "
            "train.csv and test.csv.",
            exists=True,
        ),
    ] = None
    data_dir: Annotated[Path, Option(help="Where data sets lie, or are downloaded to.")] = Path("data")
    download: Annotated[bool, Option("--download", help="Fetch the data set where it is not there.")] = False
    train_rows: Annotated[int | None, Option(help="Use only so many training rows, drawn at random.")] = None
    test_rows: Annotated[
        int | None, Option(help="Measure errors on only so many test rows, drawn at random.")
    ] = None
    image_size: Annotated[int, Option(min=8, help="Side of the images of a folder, in pixels.")] = 224
    crop_fraction: Annotated[
        float | None,
        Option(
            help="Share of the shorter side of a folder's images that the middle square keeps, which networks are "
            "tested on; a torchvision network is trained on random windows of the whole image.",
            show_default="0.875 with a torchvision network, else 1",
        ),
    ] = None
    image_shape: Annotated[
        str | None,
        Option(
            help="CHANNELS,HEIGHT,WIDTH of images that --data has as flat rows, such as 1,28,28.",
            show_default="rows of pixels",
        ),
    ] = None
    layout: Annotated[
        str | None,
        Option(
            help="Where --data has the channels of its images: channels_first or channels_last.",
            show_default="found by their number",
        ),
    ] = None
    text_column: Annotated[
        list[str] | None,
        Option(
            help="Column of the texts in --data: its name in the header, or its position from 0; repeat to join "
            "several.",
            show_default="all but the class",
            metavar=COLUMN,
        ),
    ] = None
    label_column: Annotated[
        str | None,
        Option(
            help="Column of the class in --data, by name or position from 0; its labels may be texts or numbers.",
            show_default="the first, with classes from 1 and no header",
            metavar=COLUMN,
        ),
    ] = None
    sep: Annotated[
        str | None, Option(help="Character between the columns of --data.", show_default="comma; .tsv: tab")
    ] = None
    encoding: Annotated[
        str | None,
        Option(help="Encoding of texts in --data, such as cp1252 or utf-16.", show_default="utf-8"),
    ] = None
    header: Annotated[
        bool | None,
        Option(
            "--header/--no-header",
            help="Whether the first line of --data has the names of the columns.",
            show_default="where a column is named",
        ),
    ] = None
    skip_unreadable: Annotated[
        bool,
        Option(
            "--skip-unreadable", help="Go on without images or rows of texts that cannot be read, and say so."
        ),
    ] = False

    @property
    def name(self) -> str:
        """What a run's settings call the data."""
        return self.dataset or str(self.data)

    def holds_texts(self) -> bool:
        """Tell whether the rows are texts, before anything is loaded."""
        if self.data is None:
            return DATASETS.get(self.dataset or "") == "texts"
        from ..datasets import is_text_csv

        return is_text_csv(self.data)

    def shape(self) -> tuple[int, ...] | None:
        """Read the shape of an image, such as "1,28,28".

        Raises
        ------
        ValueError
            For anything but three whole numbers above zero.
        """
        if self.image_shape is None:
            return None
        parts = self.image_shape.split(",")
        if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) for part in parts):
            raise ValueError(
                f"--image-shape must be CHANNELS,HEIGHT,WIDTH such as 1,28,28, got {self.image_shape!r}."
            )
        return tuple(map(int, parts))

    def check(self) -> None:
        """Check what needs no network, which takes seconds to make.

        Raises
        ------
        ValueError
            For an unknown set, both or neither of `dataset` and `data`, or
            options of a table where there is none.
        OSError
            Where the folder of a known set is not there.
        """
        if (self.dataset is None) == (self.data is None):
            raise ValueError("give either --dataset NAME or --data FILE.")
        if self.dataset is not None and self.dataset not in DATASETS:
            raise ValueError(f"--dataset must be one of {', '.join(DATASETS)}, got {self.dataset!r}.")
        if self.crop_fraction is not None and self.dataset != "folder":
            raise ValueError("--crop-fraction is for --dataset folder.")
        of_tables = [option_of(name) for name in _OF_TABLES if getattr(self, name) not in (None, [])]
        if of_tables and not (self.data is not None and self.holds_texts()):
            raise ValueError(f"{', '.join(of_tables)} is for --data with a table of texts, .csv or .tsv.")
        if self.dataset not in (None, "digits") and not self.download and not self.data_dir.exists():
            # Its loader says what it looks for.
            self._read()

    def load(self, classifier: Any, networks: Sequence[str], *, needs_test: bool = True) -> "Bunch":
        """Load training and test rows, and check both before anything is trained or written.

        Parameters
        ----------
        classifier : estimator
            Learns from them.
        networks : sequence of str
            Names of all networks that are trained.
        needs_test : bool, default=True

        Raises
        ------
        ValueError
            For fewer rows than asked for, or rows and labels that `classifier`
            cannot learn from or be tested on.
        """
        from . import _bunch

        reads = "texts" if _bunch.reads_texts(classifier) else "images"
        holds = "texts" if self.holds_texts() else "images"
        if reads != holds:
            raise ValueError(
                f"{self.name} holds {holds}, but {type(classifier).__name__} reads {reads}: take a network such as "
                f"{examples(holds)}."
            )
        bunch = self._read(networks)
        if self.dataset == "folder" and bunch.y_train is None:
            raise ValueError(
                f"{self.data_dir} has images without class folders, and a command needs their labels."
            )
        if needs_test and bunch.X_test is None:
            raise ValueError(
                "there are no test rows to measure errors on: add X_test and y_test, for texts test.csv beside "
                "train.csv, for images test/CLASS/*, or take --only-select."
            )
        _bunch.check(bunch, classifier)
        if self.test_rows is not None:
            _bunch.thin_test(bunch, self.test_rows)
        if self.train_rows is not None:
            _bunch.thin_train(bunch, self.train_rows)
        return bunch

    def _read(self, networks: Sequence[str] = ()) -> "Bunch":
        from .. import datasets

        on_error = "skip" if self.skip_unreadable else "raise"
        if self.data is not None:
            if self.holds_texts():
                return datasets.load_text_csv(self.data, on_error=on_error, **self._table())
            return datasets.load_arrays(self.data)
        if self.dataset == "digits":
            return datasets.load_digits()
        if self.dataset != "folder":
            return getattr(datasets, f"load_{self.dataset}")(self.data_dir, download=self.download)
        with warnings.catch_warnings():
            # Its warning says how many were skipped; the list says which.
            warnings.filterwarnings("ignore", ".* unreadable images were skipped", UserWarning)
            crop = usual_crop_fraction(networks) if self.crop_fraction is None else self.crop_fraction
            bunch = datasets.load_image_folder(
                self.data_dir, image_size=self.image_size, crop_fraction=crop, on_error=on_error
            )
        for _, reason in bunch.skipped:
            typer.echo(f"skipped, unreadable: {reason}", err=True)
        return bunch

    def _table(self) -> dict[str, Any]:
        """Make options into parameters of load_text_csv, those that were given; numbers are positions."""
        given = {
            "text_column": [_column(name) for name in self.text_column or ()] or None,
            "label_column": None if self.label_column is None else _column(self.label_column),
            # A shell hands a tab on as two characters.
            "sep": "\t" if self.sep == r"\t" else self.sep,
            "encoding": self.encoding,
            "header": self.header,
        }
        return {name: value for name, value in given.items() if value is not None}


def _column(name: str) -> str | int:
    return int(name) if name.isascii() and name.isdigit() else name
