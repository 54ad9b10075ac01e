"""Images in folders named after their classes, read when they are needed."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._parameters import RealNumber, WholeNumber
from .._inputs._paths import as_path
from .._inputs._rows import Box, WindowedRows
from .._inputs._warn import warn_caller
from ..text import check_texts
from ._bunch import split_bunch
from ._class_names import warn_of_alike
from ._image_layout import SUFFIXES, Layout, find_layout, list_split
from ._pixels import centre_square, check_header, read_image
from ._threads import N_JOBS, thread_map

_DESCR = """Image folders, read when they are needed

Training rows: {n_train:,}; test rows: {n_test:,}; {classes}. Every image is its middle square,
scaled to {size} x {size} RGB pixels; random resized crops are cut from the whole image.
Skipped as unreadable: {n_skipped:,}.

Source: {root}
"""


_READING = {
    "image_size": [WholeNumber(1, 16_384)],
    "crop_fraction": [RealNumber(0, 1, closed="right")],
    "n_jobs": N_JOBS,
}


class ImageFolderRows(WindowedRows):
    """Lazy rows over image files, decoded by Pillow in threads.

    `load_image_folder` returns them; use this class for a list of files of your own.

    Parameters
    ----------
    root : path
        Folder that the file names are relative to.
    files : array-like of str
        File names relative to `root`.
    image_size : int
        Height and width of the returned images, in pixels.
    crop_fraction : float
        Share of the shorter side that the middle square keeps. `read_windows`
        ignores it.
    n_jobs : int or None
        Number of threads; None means one per CPU.

    Notes
    -----
    `content_key` depends on paths, sizes and modification times, not on pixels.
    """

    @validate_params(_READING, prefer_skip_nested_validation=True)
    def __init__(
        self, root, files, *, image_size: int = 224, crop_fraction: float = 1.0, n_jobs: int | None = None
    ):
        self._files = np.asarray(check_texts(files, "files"), dtype=np.str_)
        if len(self._files) == 0:
            raise ValueError("files must name at least one image.")
        super().__init__(len(self._files), (image_size, image_size, 3))
        self._root = str(as_path(root, "root").resolve())
        self._crop_fraction = crop_fraction
        self._n_jobs = n_jobs

    @property
    def paths(self) -> list[str]:
        """Full path of each row's file."""
        return [self._path(row) for row in self._rows]

    def _path(self, row) -> str:
        return os.path.join(self._root, self._files[row])

    def _read_source(self, rows: np.ndarray) -> np.ndarray:
        middle = partial(centre_square, crop_fraction=self._crop_fraction)
        return self._read_source_windows(rows, [middle] * len(rows))

    def _read_source_windows(
        self, rows: np.ndarray, boxes: Sequence[Callable[[tuple[int, int]], Box]]
    ) -> np.ndarray:
        size = self._image_shape[0]
        images = np.empty((len(rows), *self._image_shape), dtype=np.uint8)

        def decode(place: int) -> None:
            images[place] = read_image(self._path(rows[place]), size, boxes[place])

        thread_map(decode, range(len(rows)), self._n_jobs)
        return images

    def _source_key(self, rows: np.ndarray) -> str:
        digest = hashlib.sha256(repr(self._crop_fraction).encode())
        for row in rows:
            path = self._path(row)
            status = os.stat(path)
            digest.update(
                f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode("utf-8", "surrogateescape")
            )
        return digest.hexdigest()


@validate_params(
    {**_READING, "on_error": [StrOptions({"raise", "skip"})]},
    prefer_skip_nested_validation=True,
)
def load_image_folder(
    root: str | os.PathLike,
    *,
    image_size: int = 224,
    crop_fraction: float = 1.0,
    on_error: str = "raise",
    n_jobs: int | None = None,
) -> Bunch:
    """Load images from folders named after their classes, without reading them into memory.

    Training rows are ``root/train/<class>/...`` or, without a folder ``train``,
    ``root/<class>/...``. Test rows have the same layout under the first of ``root/test``,
    ``root/val``, ``root/valid`` and ``root/validation`` that has class folders. Images may
    be in subfolders of their class's folder. The loader ignores files without the ending of
    an image and files that are not regular; hidden files and folders, those of file systems
    and tools, such as ``@eaDir`` and ``__pycache__``, and the run folders of the command
    line; and links to a parent folder or to an image or folder that is read anyway. If
    ``root/train`` or ``root`` has no class folders, its own images are rows without labels,
    a pool for active learning. A folder ``train`` beside class folders that holds only
    images is a class. The test rows of Tiny ImageNet, ``root/val/images`` with
    ``root/val/val_annotations.txt``, are read as well.

    Parameters
    ----------
    root : str or path
        Folder that holds ``train``, the class folders or the images.
    image_size : int, default=224
        Height and width of the returned images, in pixels.
    crop_fraction : float, default=1.0
        Side of the middle square that is returned, as a share of the image's
        shorter side. 224 / 256 is usual for evaluation on ImageNet. Trainings with the
        augmentation "resized-crop" ignore it: they cut windows from the whole image.
    on_error : {"raise", "skip"}, default="raise"
        How to treat a file that is not a readable image. "raise": the beginning
        of every file is checked now; damage further in is an error when the image
        is read. "skip": every image is decoded once now, which takes as long as
        one pass over the data. Images that fail are left out, listed in `skipped`
        and reported in a warning.
    n_jobs : int, default=None
        Number of threads that decode. None means one per CPU; negative numbers
        count from there, -1 means all CPUs.

    Returns
    -------
    Bunch
        - ``X_train`` : ImageFolderRows of shape (n, image_size, image_size, 3).
          Lazy rows: ``X_train[3]`` is an image, other indices return views,
          ``X_train.read([0, 5])`` and ``np.asarray(X_train)`` read pixels.
        - ``y_train`` : ndarray of shape (n,), int64, or None without class folders
        - ``X_test``, ``y_test`` : the same of the test rows, or None
        - ``target_names`` : ndarray of str.
          Name of each label: the training classes in alphabetical order. Empty
          without class folders.
        - ``filenames_train``, ``filenames_test`` : ndarray of str, or None.
          The file of each row, relative to `root`.
        - ``skipped`` : list of (file name, reason)
        - ``layout`` : str.
          The estimators' `layout` for these images.
        - ``DESCR`` : str

    Raises
    ------
    FileNotFoundError
        If `root` is missing.
    ValueError
        If the folders have another layout, a class has no images or only test
        rows, or an image is unreadable; the message names the file.

    Warns
    -----
    UserWarning
        If images are skipped, or folders and images that look like rows are not
        read.

    Notes
    -----
    Grey, palette and CMYK images become RGB, transparency is dropped, and the
    orientation that a camera recorded (EXIF) is applied before the middle square is
    cut. Scaling is bilinear over all source pixels. Images of more than 8 bits per
    channel are refused.

    Pass a pool without labels to `ProxyActiveLearner` with
    ``np.full(len(X_train), None)`` as y.
    """
    root = as_path(root, "root")
    if not root.is_dir():
        raise FileNotFoundError(f"root={str(root)!r} is not a folder.")
    layout = find_layout(root)
    for note in layout.notes:
        warn_caller(note)
    warn_of_alike(layout.classes, root)
    reading = {"image_size": image_size, "crop_fraction": crop_fraction, "n_jobs": n_jobs}
    train = _load_split(layout, layout.train, on_error=on_error, **reading)
    test = None if layout.test is None else _load_split(layout, layout.test, on_error=on_error, **reading)

    skipped = train.skipped + (test.skipped if test else [])
    if skipped:
        named = ", ".join(name for name, _ in skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        warn_caller(
            f"{len(skipped):,} unreadable images were skipped: {named}. The Bunch lists them in 'skipped'."
        )
    descr = _DESCR.format(
        n_train=len(train.files),
        n_test=len(test.files) if test else 0,
        classes=f"{len(layout.classes)} classes" if layout.classes else "no labels",
        size=image_size,
        n_skipped=len(skipped),
        root=root,
    )
    return split_bunch(
        (train.rows, train.labels),
        (test.rows, test.labels) if test else None,
        target_names=np.array(layout.classes, dtype=np.str_),
        layout="channels_last",
        DESCR=descr,
        filenames_train=train.files,
        filenames_test=test.files if test else None,
        skipped=skipped,
    )


@dataclass(frozen=True)
class _Split:
    """The images of one split: rows, their labels and files, and (file, reason) of skipped ones."""

    rows: ImageFolderRows
    labels: np.ndarray | None
    files: np.ndarray
    skipped: list[tuple[str, str]]


def _load_split(layout: Layout, split: str, *, on_error: str, **reading) -> _Split:
    folder = layout.root / split
    files, labels = list_split(layout, split)
    _check_any(files, folder)
    rows = ImageFolderRows(layout.root, files, **reading)
    skipped: list[tuple[str, str]] = []
    if on_error == "raise":
        thread_map(check_header, rows.paths, reading["n_jobs"])
    else:
        failures = _failures(rows, reading["n_jobs"])
        kept = np.array([failure is None for failure in failures], dtype=bool)
        skipped = [(str(file), why) for file, why in zip(files, failures, strict=True) if why is not None]
        rows, files, labels = rows[kept], files[kept], None if labels is None else labels[kept]
    _check_any(files, folder)
    if split == layout.train and labels is not None:
        _check_every_class(labels, layout.classes, folder)
    return _Split(rows, labels, files, skipped)


def _failures(rows: ImageFolderRows, n_jobs: int | None) -> list[str | None]:
    """Decode every image once; return why each one cannot be read, or None."""

    def failure(row: int) -> str | None:
        try:
            rows[row]
        except ValueError as error:
            return str(error)
        return None

    return thread_map(failure, range(len(rows)), n_jobs)


def _check_any(files: np.ndarray, folder: Path) -> None:
    if len(files) == 0:
        raise ValueError(f"{folder} has no readable image ({', '.join(SUFFIXES)}).")


def _check_every_class(y: np.ndarray, classes: list[str], folder: Path) -> None:
    counts = np.bincount(y, minlength=len(classes))
    empty = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if empty:
        raise ValueError(
            f"{folder} has classes without a readable image ({', '.join(SUFFIXES)}): {', '.join(empty)}."
        )
