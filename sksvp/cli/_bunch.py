"""Loaded rows and labels: whether a network can learn from them, and a part of them."""

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


def thin_train(bunch: Bunch, n_rows: int) -> None:
    """Keep some training rows, and their numbers as `row_numbers`."""
    rows = _some_rows("--train-rows", len(bunch.y_train), n_rows, at_least=2)
    bunch.row_numbers = rows
    bunch.X_train, bunch.y_train = bunch.X_train[rows], np.asarray(bunch.y_train)[rows]
    if "filenames_train" in bunch:
        bunch.filenames_train = np.asarray(bunch.filenames_train)[rows]
    _check_classes(bunch)


def thin_test(bunch: Bunch, n_rows: int) -> None:
    """Keep some test rows."""
    if bunch.X_test is None:
        raise ValueError("--test-rows needs test rows, and the data have none.")
    rows = _some_rows("--test-rows", len(bunch.y_test), n_rows, at_least=1)
    bunch.X_test, bunch.y_test = bunch.X_test[rows], np.asarray(bunch.y_test)[rows]
