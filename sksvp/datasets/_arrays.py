"""A user's own arrays from .npz and .npy files."""

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from .._inputs._paths import as_path
from ._bunch import split_bunch
from ._files import check_regular

_NAMES = ("X", "y", "X_train", "y_train", "X_test", "y_test")
_WANTED = "'X' and 'y', or 'X_train' and 'y_train'; with test rows also 'X_test' and 'y_test'"

_DESCR = """Arrays of {path}

Training rows: {n_train:,}; test rows: {n_test:,}. The labels are those of the file.
"""


def load_arrays(path: str | os.PathLike, labels: str | os.PathLike | None = None) -> Bunch:
    """Load a user's own rows and labels from numpy's files.

    Parameters
    ----------
    path : str or path
        One of:

        - an ``.npz`` file with arrays ``X`` and ``y``, or ``X_train`` and
          ``y_train``; for test rows also ``X_test`` and ``y_test``;
        - a folder with the same names as ``.npy`` files;
        - an ``.npy`` file with X; `labels` is the file with y.

        X in ``.npy`` files is memory-mapped, so it may be larger than memory.
    labels : str or path, default=None
        The ``.npy`` file with y, if `path` is an ``.npy`` file with X.

    Returns
    -------
    Bunch
        - ``X_train`` : ndarray or memmap of shape (n, ...)
        - ``y_train`` : ndarray of shape (n,).
          Labels of the file, numbers or strings.
        - ``X_test``, ``y_test`` : the same of the test rows, or None
        - ``target_names`` : ndarray.
          The distinct labels of the training rows, sorted.
        - ``layout`` : str.
          ``"auto"``, as the file does not say where the channels are.
        - ``DESCR`` : str

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    ValueError
        If a file is damaged, holds Python objects or lacks an array, or X and y
        differ in length; the message names the file.
    """
    path = as_path(path, "path")
    arrays = _read(path, None if labels is None else as_path(labels, "labels"))
    prefix = _train_prefix(arrays, path)
    train = _pair(arrays, f"X{prefix}", f"y{prefix}", path)
    test = None
    if "X_test" in arrays or "y_test" in arrays:
        test = _pair(arrays, "X_test", "y_test", path)
        if test[0].shape[1:] != train[0].shape[1:]:
            raise ValueError(
                f"{path}: the rows of 'X_test' have shape {test[0].shape[1:]}, those of 'X{prefix}' "
                f"{train[0].shape[1:]}."
            )
    descr = _DESCR.format(path=path, n_train=len(train[1]), n_test=len(test[1]) if test else 0)
    return split_bunch(train, test, target_names=np.unique(train[1]), DESCR=descr, layout="auto")


def _read(path: Path, labels: Path | None) -> dict[str, np.ndarray]:
    """Read those arrays of `path` whose names are known."""
    kind = "folder" if path.is_dir() else path.suffix.lower()
    if labels is not None and kind != ".npy":
        raise ValueError(f"labels is for an .npy file with X, but path={str(path)!r} has its own labels.")
    if kind == "folder":
        found = [(name, path / f"{name}.npy") for name in _NAMES if (path / f"{name}.npy").is_file()]
        return {name: _load_npy(file, mapped=name.startswith("X")) for name, file in found}
    if kind == ".npz":
        return _load_npz(path)
    if kind == ".npy":
        if labels is None:
            raise ValueError(
                f"path={str(path)!r} has X alone: name the .npy file with y as labels, or take an .npz file that has "
                "y too."
            )
        return {"X": _load_npy(path, mapped=True), "y": _load_npy(labels, mapped=False)}
    raise ValueError(f"path={str(path)!r} must be an .npz file, an .npy file or a folder of .npy files.")


def _load_npy(path: Path, *, mapped: bool) -> np.ndarray:
    check_regular(path)
    try:
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as a numpy array without Python objects: {error}") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"{path} is an archive of several arrays: name it .npz.")
    return array


def _load_npz(path: Path) -> dict[str, np.ndarray]:
    check_regular(path)
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds a single array: name it .npy.")
        with archive:
            present = archive.files
            arrays = {name: archive[name] for name in _NAMES if name in present}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read as an .npz file without Python objects: {error}") from error
    if not arrays:
        raise ValueError(f"{path} must hold {_WANTED}; it holds {present}.")
    return arrays


def _train_prefix(arrays: dict[str, np.ndarray], path: Path) -> str:
    """Return the suffix of the names of the training arrays, "" or "_train"."""
    plain, split = ({"X", "y"} & arrays.keys()), ({"X_train", "y_train"} & arrays.keys())
    if plain and split:
        raise ValueError(
            f"{path} holds both {sorted(plain)} and {sorted(split)}: which are the training rows?"
        )
    if not plain and not split:
        raise ValueError(f"{path} must hold {_WANTED}; it holds {sorted(arrays)}.")
    return "_train" if split else ""


def _pair(arrays: dict[str, np.ndarray], rows: str, labels: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    missing = [name for name in (rows, labels) if name not in arrays]
    if missing:
        raise ValueError(f"{path} lacks {missing[0]!r}; it holds {sorted(arrays)}.")
    X, y = arrays[rows], arrays[labels]
    if X.ndim < 2:
        raise ValueError(
            f"{path}: {rows!r} must have at least two dimensions, rows first, got shape {X.shape}."
        )
    if y.ndim != 1:
        raise ValueError(f"{path}: {labels!r} must be one label a row, of shape (n,), got shape {y.shape}.")
    if len(X) != len(y):
        raise ValueError(f"{path}: {rows!r} has {len(X):,} rows, but {labels!r} has {len(y):,}.")
    if len(X) == 0:
        raise ValueError(f"{path}: {rows!r} has no rows.")
    return X, y
