"""Checks of loaded rows and labels, and the choice of some of them."""

import numpy as np
import typer
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Bunch, get_tags

from .._inputs._labels import check_labels
from .._inputs._rows import LazyRows
from .._storage._fingerprint import fingerprint
from ..text import PackedTexts


def reads_texts(classifier: BaseEstimator) -> bool:
    """Tell whether a classifier reads texts."""
    return get_tags(classifier).input_tags.string


def check(bunch: Bunch, classifier: BaseEstimator) -> None:
    """Refuse rows and labels that the first training, or the first test, would refuse."""
    labels = check_labels(bunch.y_train)
    classes = np.unique(labels)
    if classes.dtype.kind in "mM":
        raise ValueError(f"y must be class labels, numbers or texts, got {classes.dtype}.")
    if len(classes) < 2:
        raise ValueError(f"y has one class only, {classes[0]}, over {len(labels)} rows; two are needed.")
    # Loaders have checked lazy images and packed texts, and reading all of them takes long.
    in_memory = not isinstance(bunch.X_train, LazyRows | PackedTexts)
    learned = clone(classifier)
    if in_memory:
        learned._check_training(bunch.X_train, labels, reset=True)
        _tell_flat_rows(bunch.X_train, classifier)
    if bunch.X_test is None:
        return
    try:
        check_labels(bunch.y_test)
        foreign = np.setdiff1d(bunch.y_test, bunch.y_train)
        if len(foreign):
            raise ValueError(f"no training row has the label {foreign[0]}, but test rows do.")
        if in_memory:
            learned._validate(bunch.X_test, reset=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the test rows do not fit the training rows: {error}") from error


def _tell_flat_rows(X: np.ndarray, classifier: BaseEstimator) -> None:
    """Tell the user if flat rows are not taken for images."""
    if np.ndim(X) == 2 and getattr(classifier, "image_shape", ()) is None:
        typer.echo(
            f"note: each row of {X.shape[1]:,} numbers is one line of pixels, without augmentation; if the rows are "
            "images, give their --image-shape.",
            err=True,
        )


def data_digest(bunch: Bunch) -> str:
    """Hash all rows and labels, so that a run is not resumed with other data of the same name."""
    parts = (bunch.X_train, bunch.y_train, bunch.X_test, bunch.y_test)
    return "-".join("none" if part is None else fingerprint(part) for part in parts)


def thin_train(bunch: Bunch, n_rows: int) -> None:
    """Keep some training rows, at least one of each class, and their numbers as `row_numbers`."""
    y = np.asarray(bunch.y_train)
    order = np.random.RandomState(0).permutation(len(y))
    first = np.sort(np.unique(y[order], return_index=True)[1])
    _check_number("--train-rows", n_rows, len(first), len(y), "training")
    # The first row of each class, then the others in their order.
    order = np.r_[order[first], np.delete(order, first)]
    rows = np.sort(order[:n_rows])
    bunch.row_numbers = rows
    bunch.X_train, bunch.y_train = bunch.X_train[rows], y[rows]
    for name in ("filenames_train", "lines_train"):
        if bunch.get(name) is not None:
            bunch[name] = np.asarray(bunch[name])[rows]


def thin_test(bunch: Bunch, n_rows: int) -> None:
    """Keep some test rows."""
    if bunch.X_test is None:
        raise ValueError("--test-rows needs test rows, and the data has none.")
    y = np.asarray(bunch.y_test)
    _check_number("--test-rows", n_rows, 1, len(y), "test")
    rows = np.sort(np.random.RandomState(0).permutation(len(y))[:n_rows])
    bunch.X_test, bunch.y_test = bunch.X_test[rows], y[rows]


def _check_number(option: str, given: int, fewest: int, most: int, which: str) -> None:
    if not fewest <= given <= most:
        least = "1" if fewest == 1 else f"{fewest:,}, the number of classes,"
        raise ValueError(
            f"{option} must be from {least} to {most:,}, the number of {which} rows, got {given:,}."
        )
