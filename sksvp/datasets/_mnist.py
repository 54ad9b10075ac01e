"""MNIST, and the sets that are published in its files: Fashion-MNIST, Kuzushiji-MNIST."""

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from .._inputs._paths import as_path
from .._torchvision import import_torchvision
from ._bunch import split_bunch
from ._files import check_regular

_PARTS = ("train", "t10k")
# Where torchvision unpacks them, too.
_FOLDERS = (Path(), Path("MNIST", "raw"))
_UNSIGNED_BYTES = 8

_DESCR = """Grey images of {height} x {width} pixels in the files of MNIST, {n_classes} classes

Training rows: {n_train:,}; test rows: {n_test:,}; both in the published order. Read from {folder}.

Source of MNIST: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document
recognition, Proceedings of the IEEE 86(11), 1998.
"""


@validate_params(
    {"download": ["boolean"], "verbose": ["verbose"]},
    prefer_skip_nested_validation=True,
)
def load_mnist(data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0) -> Bunch:
    """Load MNIST, or a set that is published in files of the same names.

    Parameters
    ----------
    data_dir : str or path
        The folder of ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, as they are or as
        ``.gz``, or the folder that torchvision downloads them to.
    download : bool, default=False
        Whether torchvision downloads MNIST (12 MB) into `data_dir` if it is missing.
    verbose : int, default=0
        Accepted as by the other loaders.

    Returns
    -------
    Bunch
        - ``X_train`` : ndarray of shape (60000, 28, 28), uint8
        - ``y_train`` : ndarray of shape (60000,), int64
        - ``X_test`` : ndarray of shape (10000, 28, 28), uint8
        - ``y_test`` : ndarray of shape (10000,), int64
        - ``target_names`` : ndarray of shape (10,), str.
          Name of each label.
        - ``layout`` : str.
          The estimators' `layout` for these images.
        - ``DESCR`` : str

        Files with other numbers of rows or pixels load as they are.

    Raises
    ------
    FileNotFoundError
        If files are missing.
    ImportError
        If torchvision is to download and is not installed.
    OSError
        If a download fails.
    ValueError
        If a file is truncated or holds something else; the message names it.

    Notes
    -----
    Grey images are not mirrored by the default of the estimators' `augment`.

    Source: Y. LeCun et al., Gradient-based learning applied to document
    recognition, 1998.
    """
    root = as_path(data_dir, "data_dir")
    if download and _find(root) is None:
        _download(root)
    folder = _find(root)
    if folder is None:
        raise FileNotFoundError(
            f"data_dir={str(data_dir)!r} lacks {', '.join(_missing(root))} of MNIST: put the four files there, or "
            "load with download=True."
        )
    train, test = (_read_part(folder, part) for part in _PARTS)
    if train[0].shape[1:] != test[0].shape[1:]:
        raise ValueError(
            f"{folder} has training images of {train[0].shape[1:]} and test images of {test[0].shape[1:]}."
        )
    names = np.array([str(label) for label in range(int(max(train[1].max(), test[1].max())) + 1)])
    about = {
        "height": train[0].shape[1],
        "width": train[0].shape[2],
        "n_classes": len(names),
        "n_train": len(train[1]),
        "n_test": len(test[1]),
        "folder": folder,
    }
    return split_bunch(
        train, test, target_names=names, layout="channels_last", DESCR=_DESCR.format_map(about)
    )


def _names(part: str) -> tuple[str, str]:
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"


def _file(folder: Path, name: str) -> Path:
    """Return the file of this name, or its compressed form if there is none."""
    plain = folder / name
    return plain if plain.exists() else folder / f"{name}.gz"


def _missing(folder: Path) -> list[str]:
    return [name for part in _PARTS for name in _names(part) if not _file(folder, name).exists()]


def _find(root: Path) -> Path | None:
    """Return the folder that has all four files."""
    return next((root / inner for inner in _FOLDERS if not _missing(root / inner)), None)


def _download(root: Path) -> None:
    try:
        import_torchvision().datasets.MNIST(str(root), download=True)
    except (RuntimeError, OSError) as error:
        raise OSError(f"MNIST could not be downloaded into {root}: {error}") from error


def _read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    files = [_file(folder, name) for name in _names(part)]
    (X, y), (images, labels) = (
        (read_idx(path, n_axes) for path, n_axes in zip(files, (3, 1), strict=True)),
        files,
    )
    if len(X) != len(y):
        raise ValueError(f"{images} has {len(X)} images, {labels} has {len(y)} labels.")
    return X, y.astype(np.int64)


def read_idx(path: Path, n_axes: int) -> np.ndarray:
    """Read an array of unsigned bytes from a file in the format IDX.

    Parameters
    ----------
    path : Path
        The file, compressed if its name ends in ``.gz``.
    n_axes : int
        Number of axes that it must have.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    ValueError
        If it is truncated or holds something else.
    """
    check_regular(path)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is no complete gzip file: {error}") from error
    start = 4 * (1 + n_axes)
    if len(content) < start or content[:4] != bytes((0, 0, _UNSIGNED_BYTES, n_axes)):
        raise ValueError(f"{path} is no IDX file of unsigned bytes with {n_axes} axes.")
    shape = tuple(np.frombuffer(content, ">u4", count=n_axes, offset=4).tolist())
    if math.prod(shape) != len(content) - start or 0 in shape:
        raise ValueError(
            f"{path} says that it has the shape {shape}, and holds {len(content) - start:,} values."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
