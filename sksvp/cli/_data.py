"""The data of a command: a known set, image folders or the user's own arrays or texts."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Bunch, get_tags

from .._inputs._labels import check_labels
from .._inputs._rows import LazyRows
from .._storage._fingerprint import fingerprint
from ..text import PackedTexts
from ._models import usual_crop_fraction

TEXT_DATASETS = (
    "ag_news",
    "amazon_review_full",
    "amazon_review_polarity",
    "dbpedia",
    "imdb",
    "yahoo_answers",
    "yelp_review_full",
    "yelp_review_polarity",
)
DATASETS = ("digits", "cifar10", "cifar100", "folder", *TEXT_DATASETS)


def holds_texts(dataset: str | None, data: Path | None) -> bool:
    """Tell whether the rows of a command are texts, before anything is loaded."""
    if data is None:
        return dataset in TEXT_DATASETS
    from ..datasets._text_csv import is_text_csv

    return is_text_csv(data)


def text_table(
    *,
    text_column: list[str] | None,
    label_column: str | None,
    sep: str | None,
    encoding: str | None,
    header: bool | None,
) -> dict[str, Any]:
    """Make options into parameters of load_text_csv, those that were given; numbers are positions."""
    given = {
        "text_column": [_column(name) for name in text_column or ()] or None,
        "label_column": None if label_column is None else _column(label_column),
        # A shell hands a tab on as two characters.
        "sep": "\t" if sep == r"\t" else sep,
        "encoding": encoding,
        "header": header,
    }
    return {name: value for name, value in given.items() if value is not None}


def _column(name: str) -> str | int:
    return int(name) if name.isascii() and name.isdigit() else name


def load_data(
    dataset: str | None,
    data: Path | None,
    data_dir: Path,
    *,
    download: bool,
    image_size: int,
    crop_fraction: float | None,
    networks: Sequence[str],
    on_error: str,
    n_train: int | None,
    n_test: int | None,
    needs_test: bool,
    classifier: BaseEstimator,
    table: dict[str, Any],
) -> Bunch:
    """Load training and test rows, and check both before anything is trained or written.

    Raises
    ------
    ValueError
        For an unknown set, both or neither of `dataset` and `data`, a `table`
        (see `text_table`) or `crop_fraction` where there is none, fewer rows than asked for, or
        rows and labels that `classifier` cannot learn from or be tested on.
    """
    from .. import datasets

    if (dataset is None) == (data is None):
        raise ValueError("give either --dataset NAME or --data FILE.")
    if crop_fraction is not None and dataset != "folder":
        raise ValueError("--crop-fraction is for --dataset folder.")
    _check_kind(dataset, data, classifier)
    of_texts = data is not None and holds_texts(None, data)
    if table and not of_texts:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in table)
        raise ValueError(f"{options} is for --data with a table of texts, .csv or .tsv.")
    if data is not None and of_texts:
        bunch = datasets.load_text_csv(data, on_error=on_error, **table)
    elif data is not None:
        bunch = datasets.load_arrays(data)
    elif dataset in TEXT_DATASETS:
        bunch = getattr(datasets, f"load_{dataset}")(data_dir, download=download)
    elif dataset == "digits":
        bunch = datasets.load_digits()
    elif dataset == "cifar10":
        bunch = datasets.load_cifar10(data_dir, download=download)
    elif dataset == "cifar100":
        bunch = datasets.load_cifar100(data_dir, download=download)
    elif dataset == "folder":
        with warnings.catch_warnings():
            # Its warning says how many were skipped; the list says which.
            warnings.filterwarnings("ignore", ".* unreadable images were skipped", UserWarning)
            bunch = datasets.load_image_folder(
                data_dir,
                image_size=image_size,
                crop_fraction=usual_crop_fraction(networks) if crop_fraction is None else crop_fraction,
                on_error=on_error,
            )
        for _, reason in bunch.skipped:
            typer.echo(f"skipped, unreadable: {reason}", err=True)
        if bunch.y_train is None:
            raise ValueError(
                f"{data_dir} has images without class folders, and a command needs their labels."
            )
    else:
        raise ValueError(f"--dataset must be one of {', '.join(DATASETS)}, got {dataset!r}.")
    if needs_test and bunch.X_test is None:
        raise ValueError(
            "there are no test rows to measure errors on: add X_test and y_test, for texts test.csv beside "
            "train.csv, for images test/CLASS/*, or take --only-select."
        )
    _check(bunch, classifier)
    if n_test is not None:
        _thin_test(bunch, n_test)
    if n_train is not None:
        _thin_train(bunch, n_train)
        _check_classes(bunch)
    return bunch


def _check_kind(dataset: str | None, data: Path | None, classifier: BaseEstimator) -> None:
    """Refuse networks for images where the rows are texts, and the other way round."""
    wanted, given = (
        "texts" if texts else "images"
        for texts in (get_tags(classifier).input_tags.string, holds_texts(dataset, data))
    )
    if wanted != given:
        names = "vdcnn9 or bag-of-ngrams" if given == "texts" else "resnet20"
        raise ValueError(
            f"{dataset or data} holds {given}, but {type(classifier).__name__} reads {wanted}: take a network such "
            f"as {names}."
        )


def _check(bunch: Bunch, classifier: BaseEstimator) -> None:
    """Refuse what would end a run later: in its first training, or when the first network is tested."""
    labels = check_labels(bunch.y_train)
    classes = np.unique(labels)
    if classes.dtype.kind in "mM":
        raise ValueError(f"y must be class labels, numbers or texts, got {classes.dtype}.")
    if len(classes) < 2:
        raise ValueError(f"y has one class only, {classes[0]}, over {len(labels)} rows; two are needed.")
    # Lazy images and packed texts have one form, which their loader has checked; reading them all takes long.
    in_memory = not isinstance(bunch.X_train, LazyRows | PackedTexts)
    learned = clone(classifier)
    if in_memory:
        learned._check_training(bunch.X_train, labels, reset=True)
        _tell_flat_rows(bunch.X_train, classifier)
    if bunch.X_test is None:
        return
    try:
        check_labels(bunch.y_test)
        _check_classes(bunch)
        if in_memory:
            learned._validate(bunch.X_test, reset=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the test rows do not fit the training rows: {error}") from error


def _check_classes(bunch: Bunch) -> None:
    """Refuse test rows of classes that no training row has."""
    if bunch.X_test is None:
        return
    foreign = np.setdiff1d(bunch.y_test, bunch.y_train)
    if len(foreign):
        raise ValueError(f"no training row has the label {foreign[0]}, but test rows do.")


def _tell_flat_rows(X: np.ndarray, classifier: BaseEstimator) -> None:
    """Say it where flat rows are taken as they are: a user who has images would be none the wiser."""
    if np.ndim(X) == 2 and getattr(classifier, "image_shape", ()) is None:
        typer.echo(
            f"note: rows of {X.shape[1]:,} numbers are learned as one line of pixels each, without augmentation; where "
            "they are images, give their --image-shape.",
            err=True,
        )


def data_digest(bunch: Bunch) -> str:
    """Hash all rows and labels, so that a run is not gone on with other data under the same name."""
    parts = (bunch.X_train, bunch.y_train, bunch.X_test, bunch.y_test)
    return "-".join("none" if part is None else fingerprint(part) for part in parts)


def _some_rows(option: str, n: int, n_kept: int, *, at_least: int) -> np.ndarray:
    """Draw rows to keep, in order, the same ones in every run."""
    if not at_least <= n_kept <= n:
        raise ValueError(f"{option} must lie between {at_least} and {n}, the rows there are, got {n_kept}.")
    return np.sort(np.random.RandomState(0).permutation(n)[:n_kept])


def _thin_train(bunch: Bunch, n_rows: int) -> None:
    rows = _some_rows("--train-rows", len(bunch.y_train), n_rows, at_least=2)
    bunch.row_numbers = rows
    bunch.X_train, bunch.y_train = bunch.X_train[rows], np.asarray(bunch.y_train)[rows]
    if "filenames_train" in bunch:
        bunch.filenames_train = np.asarray(bunch.filenames_train)[rows]


def _thin_test(bunch: Bunch, n_rows: int) -> None:
    if bunch.X_test is None:
        raise ValueError("--test-rows needs test rows, and the data have none.")
    rows = _some_rows("--test-rows", len(bunch.y_test), n_rows, at_least=1)
    bunch.X_test, bunch.y_test = bunch.X_test[rows], np.asarray(bunch.y_test)[rows]
