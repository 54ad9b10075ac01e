"""The data of a table: a known data set, a part of it, or a small stand-in."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import datasets
from .._inputs._containers import take_rows
from .._storage._fingerprint import fingerprint

_GENERATED_ROWS = (600, 300)
_WORDS = 400


@dataclass
class Data:
    """Training and test rows.

    Attributes
    ----------
    name : str
        Name in reports.
    X_train, y_train, X_test, y_test : rows and labels
    """

    name: str
    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content of all four."""
        parts = (self.X_train, self.y_train, self.X_test, self.y_test)
        return fingerprint([fingerprint(part) for part in parts])


def load_data(
    name: str,
    loader: str,
    folder: Path,
    *,
    download: bool = False,
    train_rows: int | None = None,
    test_rows: int | None = None,
    averaged: int | None = None,
) -> Data:
    """Load a data set, or as many of its rows, drawn with a fixed seed.

    Parameters
    ----------
    name : str
        Name of the data set.
    loader : str
        Function of `sksvp.datasets`, or ``"generated_texts"``.
    folder : Path
        Where its files are.
    download : bool, default=False
        Whether to download them if they are missing.
    train_rows, test_rows : int, optional
        Rows to draw; None means all.
    averaged : int, optional
        Side of the blocks of pixels whose mean stands for them; None means that images stay as
        they are.

    Returns
    -------
    Data

    Raises
    ------
    OSError, ValueError
        If files are missing or damaged; the message says which, and how to get them.
    """
    if loader == "generated_texts":
        bunch: Any = dict(zip(("X_train", "y_train", "X_test", "y_test"), generated_texts(), strict=True))
    elif loader == "load_digits":
        bunch = datasets.load_digits()
    else:
        more = {} if loader == "load_image_folder" else {"download": download}
        bunch = getattr(datasets, loader)(folder, **more)
    if bunch["X_test"] is None:
        raise ValueError(f"data_dir={str(folder)!r} has no test rows, and a table compares errors on them.")
    train = _drawn(bunch["X_train"], bunch["y_train"], train_rows)
    test = _drawn(bunch["X_test"], bunch["y_test"], test_rows)
    if averaged is not None:
        train, test = ((average_blocks(X, averaged), y) for X, y in (train, test))
    return Data(name, *train, *test)


def average_blocks(X: np.ndarray, side: int) -> np.ndarray:
    """Return smaller images: each pixel is the mean of a square block.

    Parameters
    ----------
    X : ndarray of uint8 of shape (n_images, height, width) or (n_images, height, width, n_colours)
    side : int
        Of the blocks, in pixels; it divides height and width.

    Returns
    -------
    ndarray of uint8
        Of as many axes, height and width divided by `side`.
    """
    n_images, height, width, *colours = X.shape
    blocks = X.reshape(n_images, height // side, side, width // side, side, *colours)
    return blocks.mean(axis=(2, 4), dtype=np.float32).round().astype(X.dtype)


def _drawn(X: Any, y: np.ndarray, n_rows: int | None) -> tuple[Any, np.ndarray]:
    y = np.asarray(y)
    if n_rows is None or n_rows >= len(y):
        return X, y
    rows = np.sort(np.random.RandomState(0).permutation(len(y))[:n_rows])
    return take_rows(X, rows), y[rows]


def generated_texts() -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    """Generate small texts of two classes, most of whose words say nothing of the class.

    Returns
    -------
    texts, labels, test_texts, test_labels : lists of str and ndarrays of int
    """
    rng = np.random.RandomState(0)
    words = np.array(["".join(rng.choice(list("abcdefghijklmnoprstuvw"), 5)) for _ in range(_WORDS)])
    parts: list[Any] = []
    for n_rows in _GENERATED_ROWS:
        y = rng.permutation(np.arange(n_rows) % 2)
        # A twentieth of the words is more frequent in each class.
        weights = np.ones((2, _WORDS))
        weights[0, : _WORDS // 20] = weights[1, -_WORDS // 20 :] = 4.0
        weights /= weights.sum(axis=1, keepdims=True)
        texts = [" ".join(rng.choice(words, 14, p=weights[label])) for label in y]
        parts += [texts, y]
    return tuple(parts)
