"""Torch datasets as lazy rows and labels."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from sklearn.utils._param_validation import validate_params

from .._inputs._rows import LazyRows
from .._inputs._warn import warn_caller
from ._pixels import to_rgb
from ._threads import N_JOBS, thread_map

if TYPE_CHECKING:
    from torch.utils.data import Dataset

_CHANNELS = (1, 3, 4)
_KEPT_MODES = ("L", "RGB", "RGBA")
_BLOCK_ROWS = 1_024
_PROBED_ROWS = 5


class TorchDatasetRows(LazyRows):
    """Lazy rows over the images of a map-style torch dataset; `from_torch` returns them.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Map-style dataset of (image, label).
    n_jobs : int or None
        Number of threads that read from the dataset; None means one per CPU.

    Notes
    -----
    `content_key` reads every image once: a dataset offers no cheaper way to
    identify its content.
    """

    @validate_params({"n_jobs": N_JOBS}, prefer_skip_nested_validation=True)
    def __init__(self, dataset: "Dataset", *, n_jobs: int | None = 1):
        _check_map_style(dataset)
        self.dataset = dataset
        self._n_jobs = n_jobs
        super().__init__(len(dataset), pixels_of(_sample(dataset, 0)[0], 0).shape)  # type: ignore[arg-type]

    def _read_source(self, rows: np.ndarray) -> np.ndarray:
        images = np.empty((len(rows), *self._image_shape), dtype=np.uint8)

        def read(place: int) -> None:
            row = int(rows[place])
            image = pixels_of(_sample(self.dataset, row)[0], row)
            if image.shape != self._image_shape:
                raise ValueError(
                    f"image {row} of the dataset has (height, width, channels) = {image.shape}, the first "
                    f"one {self._image_shape}: convert all to one size and mode in the dataset's transform."
                )
            images[place] = image

        thread_map(read, range(len(rows)), self._n_jobs)
        return images

    def _source_key(self, rows: np.ndarray) -> str:
        digest = hashlib.sha256()
        for start in range(0, len(rows), _BLOCK_ROWS):
            digest.update(self._read_source(rows[start : start + _BLOCK_ROWS]).data)
        return digest.hexdigest()


@validate_params({"n_jobs": N_JOBS}, prefer_skip_nested_validation=True)
def from_torch(dataset: "Dataset", *, n_jobs: int | None = 1) -> tuple[TorchDatasetRows, np.ndarray]:
    """Turn a torch dataset of (image, label) into X and y for scikit-learn.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Map-style dataset (with ``__len__`` and ``__getitem__``) of pairs of an
        image and a label. Images are Pillow images, or arrays or tensors of
        shape (height, width), (channels, height, width) or (height, width,
        channels), either uint8 or floating point from 0 to 1 as returned by
        torchvision's ToTensor. All must have one size and mode.
    n_jobs : int or None, default=1
        Number of threads that read from the dataset; above 1 the dataset must be
        thread-safe. None means one per CPU.

    Returns
    -------
    X : TorchDatasetRows of shape (n, height, width, channels), uint8
        Lazy rows, for our estimators and for scikit-learn's indexing. The dataset
        is called each time an image is read.
    y : ndarray of shape (n,)
        Labels. For torchvision's own datasets, TensorDataset, Subset and
        ConcatDataset no image is loaded; for others every row is loaded once.

    Raises
    ------
    TypeError
        If the dataset is iterable, or rows are not pairs of an image and a label.
    ValueError
        If there are no rows, labels are not single values, or images are of
        another kind, range or size; the message names the row.

    Notes
    -----
    The dataset must return the clean view of each image. Leave random transforms
    to the estimator, as scores of augmented images are noisy. A few rows are read
    twice, and a warning is issued if they differ. Leave normalisation to the
    estimator as well. Floating-point pixels are rounded to 256 levels, which
    inverts ToTensor exactly.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from sksvp.datasets import from_torch
    >>> images = torch.zeros(10, 3, 32, 32, dtype=torch.uint8)
    >>> X, y = from_torch(TensorDataset(images, torch.arange(10) % 2))
    >>> X.shape, y.shape
    ((10, 32, 32, 3), (10,))
    """
    X = TorchDatasetRows(dataset, n_jobs=n_jobs)
    _warn_if_random(X)
    labels = _known_labels(dataset)
    if labels is None:
        loaded = thread_map(lambda row: _label(_sample(dataset, row)[1], row), range(len(X)), n_jobs)
        labels = np.asarray(loaded)
    return X, labels


def pixels_of(image: Any, row: int) -> np.ndarray:
    """Return an image of any accepted kind as uint8 of shape (height, width, channels).

    Raises
    ------
    TypeError
        If `image` is not an image.
    ValueError
        If its dtype, range or shape is not accepted; the message names the row.
    """
    import torch

    channels_first = isinstance(image, torch.Tensor)
    if isinstance(image, Image.Image):
        image = np.asarray(image if image.mode in _KEPT_MODES else to_rgb(image))
    elif isinstance(image, torch.Tensor):
        image = _on_host(image)
        image = (image.float() if image.is_floating_point() else image).numpy()
    elif not isinstance(image, np.ndarray):
        raise TypeError(
            f"row {row} of the dataset has a {type(image).__name__} where a Pillow image, a tensor or an "
            f"array is expected."
        )
    return _levels(_channels_last(image, row, channels_first), row)


def _channels_last(image: np.ndarray, row: int, channels_first: bool) -> np.ndarray:
    """Move the channels last; if both axes could be channels, tensors have them first and arrays last."""
    if image.ndim == 2:
        return image[:, :, np.newaxis]
    if image.ndim == 3:
        for axis in (0, 2) if channels_first else (2, 0):
            if image.shape[axis] in _CHANNELS:
                return np.moveaxis(image, axis, 2)
    raise ValueError(
        f"image {row} of the dataset has shape {image.shape}: expected are two axes, or three with 1, 3 or 4 "
        f"channels first or last."
    )


def _levels(image: np.ndarray, row: int) -> np.ndarray:
    if image.dtype == np.uint8:
        return image
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(
            f"image {row} of the dataset is {image.dtype}: expected are uint8, or floats from 0 to 1."
        )
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"image {row} of the dataset has floating-point pixels from {low:.4g} to {high:.4g}, expected "
            f"are 0 to 1: leave normalisation to the estimator."
        )
    return np.rint(image * 255).astype(np.uint8)


def _check_map_style(dataset: Any) -> None:
    from torch.utils.data import IterableDataset

    if (
        isinstance(dataset, IterableDataset)
        or not hasattr(dataset, "__getitem__")
        or not hasattr(dataset, "__len__")
    ):
        raise TypeError(
            f"dataset must be map-style, with __len__ and __getitem__, got {type(dataset).__name__}: rows "
            f"are chosen by number."
        )
    try:
        n_rows = len(dataset)
    except TypeError as error:
        raise TypeError(f"dataset must have a length: {error}") from error
    if n_rows == 0:
        raise ValueError("dataset has no rows.")


def _sample(dataset: Any, row: int) -> tuple[Any, Any]:
    try:
        sample = dataset[row]
    except LookupError as error:
        raise TypeError(
            f"dataset must give a row for each number below its length, got {type(error).__name__} for row {row}."
        ) from error
    if not isinstance(sample, (tuple, list)) or len(sample) != 2:
        size = f" of length {len(sample)}" if isinstance(sample, (tuple, list)) else ""
        raise TypeError(
            f"row {row} of the dataset must be a pair (image, label), got a {type(sample).__name__}{size}."
        )
    return sample[0], sample[1]


def _warn_if_random(X: TorchDatasetRows) -> None:
    rows = np.unique(np.linspace(0, len(X) - 1, _PROBED_ROWS).astype(np.intp))
    if not np.array_equal(X.read(rows), X.read(rows)):
        warn_caller(
            "the dataset gives another image when a row is read again: random transforms make the scores of "
            "a selection noisy. Remove them from the dataset; the estimators augment images themselves."
        )


def _known_labels(dataset: Any) -> np.ndarray | None:
    """Return the labels of a dataset if they can be read without images, else None."""
    from torch.utils.data import ConcatDataset, Subset, TensorDataset

    # Types must match exactly: a subclass may return rows other than the stored ones.
    if type(dataset) is Subset:
        labels = _known_labels(dataset.dataset)
        return None if labels is None else labels[np.asarray(dataset.indices)]
    if type(dataset) is ConcatDataset:
        parts = [_known_labels(part) for part in dataset.datasets]
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if len(known) == len(parts) else None
    if type(dataset) is TensorDataset:
        return _plain_labels(dataset.tensors[1], len(dataset))
    if type(dataset).__module__.startswith("torchvision.datasets.") and not getattr(
        dataset, "target_transform", None
    ):
        return _plain_labels(getattr(dataset, "targets", None), len(dataset))
    return None


def _plain_labels(labels: Any, n_rows: int) -> np.ndarray | None:
    """Return stored labels as an array if they are one value per row, else None."""
    if labels is None:
        return None
    labels = np.asarray(_on_host(labels))
    return labels if labels.shape == (n_rows,) else None


def _label(label: Any, row: int) -> Any:
    value = np.asarray(_on_host(label))
    if value.ndim != 0:
        raise ValueError(
            f"row {row} of the dataset has a label of shape {value.shape}: expected is a single value."
        )
    return value.item()


def _on_host(value: Any) -> Any:
    """Move a tensor to the CPU; return any other value unchanged."""
    return value.detach().cpu() if hasattr(value, "detach") else value
