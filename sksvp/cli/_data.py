"""The data of a command: a known data set, image folders or the user's own arrays or texts."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from ._groups import Group, option, refuse_idle
from ._models import examples, usual_crop_fraction

if TYPE_CHECKING:
    from sklearn.utils import Bunch

# The kind of rows of each known data set. Loaders in sksvp.datasets have their names; that of ``folder`` is
# load_image_folder.
DATASETS = {
    **dict.fromkeys(("digits", "cifar10", "cifar100", "mnist", "folder"), "images"),
    **dict.fromkeys(("ag_news", "amazon_review_full", "amazon_review_polarity", "dbpedia", "imdb"), "texts"),
    **dict.fromkeys(("yahoo_answers", "yelp_review_full", "yelp_review_polarity"), "texts"),
}
# Options that only some data sets have a use for.
_OF_TABLES = ("text_column", "label_column", "sep", "encoding", "header", "quoting")
_OF_FOLDERS = ("image_size", "crop_fraction")
_OF_FILES = ("data_dir", "download")


@dataclass(frozen=True)
class Data(Group):
    """Where rows and labels come from."""

    panel: ClassVar[str] = "Data"
    parameters: ClassVar[dict[str, str]] = {"path": "data", "test": "test_data", "root": "data_dir"}

    dataset: str | None = option(
        f"A known data set: {', '.join(DATASETS)} (folder: train/CLASS/* or CLASS/* under --data-dir).",
        choices=tuple(DATASETS),
    )
    data: Path | None = option(
        "Your own arrays: an .npz with X, y or X_train, y_train, X_test, y_test, or a folder with such .npy files. "
        "Your own texts: a .csv or .tsv, also as .bz2, .gz or .xz, of class and texts, or a folder with train.csv and "
        "test.csv; or a .txt, also as .bz2, .gz or .xz, whose lines begin with __label__CLASS.",
        exists=True,
    )
    test_data: Path | None = option("The test rows, where --data is one file of texts.", exists=True)
    data_dir: Path | None = option("Folder of the data sets, or where they are downloaded to.", unset="data")
    download: bool = option("Download the data set if it is missing.", default=False)
    train_rows: int | None = option(
        "Use only so many training rows, drawn at random, at least one of each class.", low=2
    )
    test_rows: int | None = option("Measure errors on only so many test rows, drawn at random.")
    image_size: int | None = option(
        "Side of the images of a folder, in pixels.", low=8, high=10_000, unset="224"
    )
    crop_fraction: float | None = option(
        "Share of the shorter side of a folder's images that the middle square keeps, on which networks are tested; "
        "a torchvision network is trained on random windows of the whole image.",
        low=0,
        high=1,
        unset="0.875 with a torchvision network, else 1",
    )
    image_shape: str | None = option(
        "CHANNELS,HEIGHT,WIDTH of images that --data has as flat rows, such as 1,28,28.",
        unset="rows of pixels",
    )
    layout: str | None = option(
        "Where --data has the channels of its images: channels_first or channels_last.",
        unset="found by their number",
    )
    text_column: list[str] | None = option(
        "Column of the texts in --data: its name in the header, or its position from 0; repeat to join several.",
        unset="all but the class",
    )
    label_column: str | None = option(
        "Column of the class in --data, by name or position from 0; its labels may be texts or numbers.",
        unset="the first, with classes from 1 and no header",
    )
    sep: str | None = option("Character between the columns of --data.", unset="comma; .tsv: tab")
    encoding: str | None = option("Encoding of texts in --data, such as cp1252 or utf-16.", unset="utf-8")
    header: bool | None = option(
        "Whether the first line of --data has the names of the columns.",
        "--header/--no-header",
        unset="yes, if a column is named",
    )
    quoting: bool | None = option(
        "Whether double quotes in --data enclose cells; without, they are characters like any other.",
        "--quoting/--no-quoting",
        unset="yes",
    )
    skip_unreadable: bool = option(
        "Leave out images or rows of texts that cannot be read, and list them.", default=False
    )

    @property
    def name(self) -> str:
        """Name of the data in a run's settings."""
        return self.dataset or str(self.data)

    def settings(self) -> dict[str, Any]:
        """Return the options that decide a run's results."""
        given = {name: getattr(self, name) for name in ("train_rows", "test_rows", "layout")}
        return {"dataset": self.name, **given, "image_shape": self.shape()}

    @property
    def root(self) -> Path:
        """Folder of the known data sets."""
        return self.data_dir or Path("data")

    @property
    def is_table(self) -> bool:
        """Whether the rows are in tables of texts."""
        from ..datasets import is_text_csv

        return self.data is not None and is_text_csv(self.data)

    def holds_texts(self) -> bool:
        """Tell whether the rows are texts, before anything is loaded."""
        if self.data is None:
            return DATASETS.get(self.dataset or "") == "texts"
        from ..datasets import is_label_prefix_file

        return self.is_table or is_label_prefix_file(self.data)

    def shape(self) -> tuple[int, ...] | None:
        """Read the shape of an image, such as "1,28,28".

        Raises
        ------
        ValueError
            For anything but three whole numbers above zero.
        """
        if self.image_shape is None:
            return None
        if not re.fullmatch(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}){2}", self.image_shape):
            raise ValueError(
                f"--image-shape must be CHANNELS,HEIGHT,WIDTH such as 1,28,28, got {self.image_shape!r}."
            )
        return tuple(map(int, self.image_shape.split(",")))

    def check(self) -> None:
        """Check what needs no network, since networks take seconds to build.

        Raises
        ------
        ValueError
            For both or neither of `dataset` and `data`, and for options that the
            data has no use for.
        OSError
            If the folder of a known data set does not exist.
        """
        if (self.dataset is None) == (self.data is None):
            raise ValueError("give either --dataset NAME or --data FILE.")
        has_own_texts = self.data is not None and self.holds_texts()
        for names, is_used, reason in (
            (_OF_FILES, self.dataset not in (None, "digits"), "the data is not a --dataset of files"),
            (_OF_FOLDERS, self.dataset == "folder", "the data is not --dataset folder"),
            (_OF_TABLES, self.is_table, "the data is not a table of texts, .csv or .tsv, in --data"),
            (("test_data",), has_own_texts, "the data is not a file of texts in --data"),
            (
                ("skip_unreadable",),
                has_own_texts or self.dataset == "folder",
                "the data is neither --dataset folder nor texts in --data",
            ),
        ):
            if not is_used:
                refuse_idle({name: getattr(self, name) for name in names}, reason)
        self.shape()
        if self.dataset not in (None, "digits") and not self.download and not self.root.exists():
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
            Whether there must be test rows.

        Returns
        -------
        Bunch

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
        if bunch.y_train is None:
            raise ValueError(
                f"{self.root} has images without class folders, and a command needs their labels."
            )
        if needs_test and bunch.X_test is None:
            raise ValueError(
                "there are no test rows to measure errors on: add X_test and y_test to arrays, test.csv beside "
                "train.csv or --test-data to texts, test/CLASS/* to images, or take --only-select."
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
        if self.is_table:
            return datasets.load_text_csv(self.data, self.test_data, on_error=on_error, **self._table())
        if self.data is not None and self.holds_texts():
            return datasets.load_label_prefix(self.data, self.test_data, on_error=on_error)
        if self.data is not None:
            if self.data.is_dir() and not any(self.data.glob("*.npy")):
                raise ValueError(
                    f"--data {self.data} has no arrays or texts. A folder of images is read by --dataset folder "
                    f"--data-dir {self.data}."
                )
            return datasets.load_arrays(self.data)
        if self.dataset == "digits":
            return datasets.load_digits()
        if self.dataset != "folder":
            return getattr(datasets, f"load_{self.dataset}")(self.root, download=self.download)
        with warnings.catch_warnings():
            # It says how many were skipped; the list below says which.
            warnings.filterwarnings("ignore", ".* unreadable images were skipped", UserWarning)
            crop = usual_crop_fraction(networks) if self.crop_fraction is None else self.crop_fraction
            bunch = datasets.load_image_folder(
                self.root, image_size=self.image_size or 224, crop_fraction=crop, on_error=on_error
            )
        for _, reason in bunch.skipped:
            typer.echo(f"skipped, unreadable: {reason}", err=True)
        return bunch

    def _table(self) -> dict[str, Any]:
        """Return the options of a table that were given, as parameters of load_text_csv."""
        given = {
            "text_column": [_column(name) for name in self.text_column or ()] or None,
            "label_column": None if self.label_column is None else _column(self.label_column),
            # A shell passes a tab on as two characters.
            "sep": "\t" if self.sep == r"\t" else self.sep,
            "encoding": self.encoding,
            "header": self.header,
            "quoting": self.quoting,
        }
        return {name: value for name, value in given.items() if value is not None}


def _column(name: str) -> str | int:
    """Return a position for a number; a column that is named by a number needs another name."""
    return int(name) if re.fullmatch(r"[0-9]{1,9}", name) else name
