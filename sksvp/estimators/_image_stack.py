"""Images in lists, columns and object arrays, stacked to one array."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .._inputs._containers import check_unmasked

# Modes of Pillow whose arrays have the values of the pixels in 1, 3 or 4 channels.
_PLAIN_MODES = ("1", "L", "RGB", "RGBA", "I", "I;16", "F")


def stack_images(X: Any) -> Any:
    """Return images as one array if they come one by one, else X unchanged.

    Parameters
    ----------
    X : array, tensor, lazy rows, list, Series, one-column table or column of a data set
        Images. Each is an array, a tensor, a Pillow image or a list of numbers.

    Raises
    ------
    TypeError
        For paths, a torch data set, or rows that are no images.
    ValueError
        For a single image, images of different shapes or dtypes, or masked pixels; the
        message names the first image that differs.
    """
    if isinstance(X, Dataset | DataLoader):
        given = "loader.dataset" if isinstance(X, DataLoader) else "dataset"
        raise TypeError(
            f"X must be an array, a tensor or lazy rows, got a torch {type(X).__name__}: "
            f"X, y = sksvp.datasets.from_torch({given}) makes it both."
        )
    if isinstance(X, Image.Image | str | bytes | os.PathLike):
        raise ValueError(f"X must be several images, got one {type(X).__name__}.")
    if isinstance(X, Tensor):
        return _to_numpy(X)
    check_unmasked(X, "X")
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        X = _only_column(X)
    if hasattr(X, "to_numpy") and len(getattr(X, "shape", ())) == 1:
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OSUT":
        return _stack(list(X))
    # A column of a Hugging Face data set is a sequence, too.
    return _stack(list(X)) if isinstance(X, Sequence) else X


def _only_column(table: Any) -> Any:
    """Return the column of a table whose cells are images; a table of numbers is returned unchanged."""
    cells = [
        name
        for row in table.head(1).to_numpy()
        for name, cell in zip(table.columns, row, strict=True)
        if np.ndim(_as_array(cell, 0))
    ]
    if not cells:
        return table
    if len(table.columns) > 1:
        raise ValueError(
            f"X must be the images alone, got a table of {len(table.columns)} columns: X[{cells[0]!r}]."
        )
    return table[cells[0]]


def _stack(images: list) -> np.ndarray:
    arrays = [_as_array(image, row) for row, image in enumerate(images)]
    for row, (array, image) in enumerate(zip(arrays, images, strict=True)):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"X must hold images of one shape: image {row} has {array.shape}, the first one {arrays[0].shape}."
            )
        # Python's numbers have no dtype of their own.
        is_number = isinstance(image, Sequence) or np.ndim(image) == 0
        if not is_number and (array.dtype == np.uint8) != (arrays[0].dtype == np.uint8):
            raise ValueError(
                f"X must hold images of one dtype: image {row} has {array.dtype}, the first one {arrays[0].dtype}."
            )
    return np.array(images) if not arrays else np.stack(arrays)


def _as_array(image: Any, row: int) -> np.ndarray:
    if isinstance(image, str | bytes | os.PathLike):
        raise TypeError(
            f"X must hold images, but row {row} is {image!r}. sksvp.datasets.ImageFolderRows(root, files) reads "
            "images from files."
        )
    if isinstance(image, Image.Image):
        return np.asarray(image if image.mode in _PLAIN_MODES else image.convert("RGB"))
    if isinstance(image, Tensor):
        return _to_numpy(image)
    try:
        return np.asarray(image)
    except ValueError as error:
        raise ValueError(f"X must hold images, but row {row} has lists of different lengths.") from error


def _to_numpy(tensor: Tensor) -> np.ndarray:
    """Copy a tensor of any device and number type to numpy, which has no bfloat16."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
