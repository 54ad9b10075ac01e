"""CIFAR-10 and CIFAR-100 from their published Python files."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from .._inputs._paths import as_path
from ._bunch import split_bunch
from ._download import Published, find_folder
from ._unpickle import load_pickled_dict

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE

_DESCR = """{title}: colour images of 32 x 32 pixels, {n_classes} classes

Training rows: {n_train:,}; test rows: {n_test:,}; both in the published order. Read from {folder}.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, University of
Toronto, 2009. https://www.cs.toronto.edu/~kriz/cifar.html
"""


_CIFAR10 = Published(
    title="CIFAR-10",
    folder="cifar-10-batches-py",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    checksum="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    files=(*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"),
)
_CIFAR100 = Published(
    title="CIFAR-100",
    folder="cifar-100-python",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    checksum="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    files=("train", "test", "meta"),
)


@validate_params(
    {"download": ["boolean"], "verbose": ["verbose"]},
    prefer_skip_nested_validation=True,
)
def load_cifar10(data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0) -> Bunch:
    """Load CIFAR-10 from its published Python files.

    Parameters
    ----------
    data_dir : str or path
        The folder ``cifar-10-batches-py``, or its parent folder.
    download : bool, default=False
        Whether to download the published archive (170 MB), check it and unpack it
        into `data_dir` if the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        - ``X_train`` : ndarray of shape (50000, 32, 32, 3), uint8, C-contiguous
        - ``y_train`` : ndarray of shape (50000,), int64
        - ``X_test`` : ndarray of shape (10000, 32, 32, 3), uint8, C-contiguous
        - ``y_test`` : ndarray of shape (10000,), int64
        - ``target_names`` : ndarray of shape (10,), str.
          Name of each label.
        - ``layout`` : str.
          The estimators' `layout` for these images.
        - ``DESCR`` : str

        Batches with fewer rows than the published 10,000 load as they are.

    Raises
    ------
    FileNotFoundError
        If files are missing.
    OSError
        If a download fails.
    ValueError
        If a file is truncated or holds something else; the message names it.

    Notes
    -----
    The files are pickles. The unpickler accepts numpy arrays and plain containers
    and refuses any other object.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny
    Images, 2009.
    """
    return _load(
        _CIFAR10,
        data_dir,
        "labels",
        "label_names",
        n_classes=10,
        download=download,
        verbose=verbose,
    )


@validate_params(
    {"download": ["boolean"], "coarse": ["boolean"], "verbose": ["verbose"]},
    prefer_skip_nested_validation=True,
)
def load_cifar100(
    data_dir: str | os.PathLike, *, download: bool = False, coarse: bool = False, verbose: int = 0
) -> Bunch:
    """Load CIFAR-100 from its published Python files.

    Parameters
    ----------
    data_dir : str or path
        The folder ``cifar-100-python``, or its parent folder.
    download : bool, default=False
        Whether to download the published archive (169 MB), check it and unpack it
        into `data_dir` if the folder is missing.
    coarse : bool, default=False
        Whether labels are the 20 superclasses instead of the 100 classes.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_cifar10`, with 100 or 20 `target_names`.

    Raises
    ------
    FileNotFoundError, OSError, ValueError
        In the cases of `load_cifar10`.
    """
    kind, n_classes = ("coarse", 20) if coarse else ("fine", 100)
    return _load(
        _CIFAR100,
        data_dir,
        f"{kind}_labels",
        f"{kind}_label_names",
        n_classes=n_classes,
        download=download,
        verbose=verbose,
    )


def _load(
    published: Published,
    data_dir: str | os.PathLike,
    label_key: str,
    names_key: str,
    *,
    n_classes: int,
    download: bool,
    verbose: int,
) -> Bunch:
    folder = find_folder(published, as_path(data_dir, "data_dir"), download=download, verbose=verbose)
    *train_files, test_file, names_file = [folder / name for name in published.files]
    names = _read_names(names_file, names_key, n_classes)
    train = _read_batches(train_files, label_key, n_classes)
    test = _read_batches([test_file], label_key, n_classes)
    descr = _DESCR.format(
        title=published.title, n_classes=n_classes, n_train=len(train[1]), n_test=len(test[1]), folder=folder
    )
    return split_bunch(train, test, target_names=names, layout="channels_last", DESCR=descr)


def _read_names(path: Path, key: str, n_classes: int) -> np.ndarray:
    names = _entry(load_pickled_dict(path), key, path)
    if not isinstance(names, list) or len(names) != n_classes:
        raise ValueError(f"{path}: {key!r} must be a list of {n_classes} names, got {names!r:.200}.")
    return np.array([name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names])


def _read_batches(paths: Sequence[Path], label_key: str, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Read batches into one array with the channels last."""
    batches = [_read_batch(path, label_key, n_classes) for path in paths]
    images = np.empty((sum(len(rows) for rows, _ in batches), _SIDE, _SIDE, 3), dtype=np.uint8)
    start = 0
    for rows, _ in batches:
        # The files store all red values of an image, then all green, then all blue ones.
        images[start : start + len(rows)] = rows.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
        start += len(rows)
    return images, np.concatenate([labels for _, labels in batches])


def _read_batch(path: Path, label_key: str, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    content = load_pickled_dict(path)
    rows = _entry(content, "data", path)
    if (
        not isinstance(rows, np.ndarray)
        or rows.dtype != np.uint8
        or rows.ndim != 2
        or rows.shape[1] != _PIXELS
    ):
        found = f"{rows.dtype} of shape {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
        raise ValueError(f"{path}: 'data' must be uint8 of shape (n, {_PIXELS}), got {found}.")
    return rows, _checked_labels(
        _entry(content, label_key, path), len(rows), n_classes, f"{path}: {label_key!r}"
    )


def _checked_labels(labels: object, n_rows: int, n_classes: int, name: str) -> np.ndarray:
    if isinstance(labels, np.ndarray) and labels.ndim == 1:
        labels = labels.tolist()
    if (
        not isinstance(labels, list)
        or len(labels) != n_rows
        or not all(isinstance(label, (int, np.integer)) and 0 <= label < n_classes for label in labels)
    ):
        raise ValueError(
            f"{name} must be a list of {n_rows} whole numbers from 0 to {n_classes - 1}, one for each image."
        )
    return np.array(labels, dtype=np.int64)


def _entry(content: dict[str, object], key: str, path: Path) -> object:
    if key not in content:
        raise ValueError(
            f"{path} has no entry {key!r}, it has {sorted(content)}: it belongs to another data set."
        )
    return content[key]
