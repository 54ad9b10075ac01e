"""The form of the training images, and how other images are read in the same form."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from sklearn.utils.validation import check_array
from torch import Tensor

from .._inputs._rows import LazyRows

_CHANNELS = (1, 3, 4)
# Number of lazy rows that are decoded for the statistics.
_STATISTICS_ROWS = 10_000
_BLOCK_ROWS = 4_096


@dataclass
class ImageFormat:
    """The form of the training images, learned by `learn_format`.

    Attributes
    ----------
    layout : {"channels_last", "channels_first"} or None
        Place of the channel axis of 4-d input; None for input without one.
    shape : tuple of (channels, height, width)
    flat : bool
        Whether the rows came as vectors.
    is_uint8 : bool
    low, high : float
        Range of the training pixels.
    mean, std : list of float
        Of the training pixels, by channel.
    """

    layout: str | None
    shape: tuple[int, int, int]
    flat: bool
    is_uint8: bool
    low: float
    high: float
    mean: list[float]
    std: list[float]

    def reader(self, X) -> Callable[[np.ndarray], Tensor]:
        """Return ``read(indices)``, which gives rows of X as (n, height, width, channels)."""
        if isinstance(X, LazyRows):
            return lambda indices: torch.from_numpy(X.read(indices))
        channels, height, width = self.shape
        # Grey images may lack the channel axis of the training images, or have one that these lacked.
        channels_last = self.layout == "channels_last" and X.ndim == 4

        def read(indices: np.ndarray) -> Tensor:
            # Indexing by rows copies, so read-only and memory-mapped arrays are fine.
            batch = X[indices] if self.is_uint8 else np.asarray(X[indices], dtype=np.float32)
            if X.ndim < 4 or self.layout is None:
                batch = batch.reshape(len(batch), channels, height, width)
            if not channels_last:
                batch = batch.transpose(0, 2, 3, 1)
            return torch.from_numpy(np.ascontiguousarray(batch))

        return read

    def normalize(self, images: Tensor) -> Tensor:
        """Centre and scale by channel: (n, h, w, c) of any dtype to (n, c, h, w) float32, channels last."""
        mean, scale = _constants(tuple(self.mean), tuple(self.std), images.device)
        return (images - mean).mul_(scale).permute(0, 3, 1, 2)

    def check_same(self, X) -> None:
        """Check that rows have the shape, dtype and range of the training images.

        Raises
        ------
        ValueError
            If they have not.
        """
        _, shape, flat = _describe(X, self.layout or "auto", self.shape if self.flat else None)
        if flat != self.flat or shape != self.shape:
            raise ValueError(
                f"X has images of shape {_name(shape, flat)}, "
                f"but the estimator was fitted on {_name(self.shape, self.flat)}."
            )
        is_uint8 = X.dtype == np.uint8
        if is_uint8 != self.is_uint8:
            kinds = {True: "uint8 pixels", False: "pixels of another dtype than uint8"}
            raise ValueError(
                f"X holds {kinds[is_uint8]}, but the estimator was fitted on {kinds[self.is_uint8]}: "
                f"bring both to one dtype and range."
            )
        if not is_uint8:
            self._check_range(X)

    def _check_range(self, X: np.ndarray) -> None:
        """Check that pixels of 0 .. 255 are not scored by a network trained on 0 .. 1, or the reverse."""
        low, high = float(X.min()), float(X.max())
        fitted, found = max(abs(self.low), abs(self.high)), max(abs(low), abs(high))
        too_large = fitted > 0 and found > 100 * fitted
        # A single dark image is possible, so this rule is for non-negative images of a range like 0 .. 255.
        too_small = not self.flat and self.low >= 0 and fitted > 100 and low >= 0 and 0 < found <= 1
        if too_large or too_small:
            raise ValueError(
                f"X has pixels from {low:.4g} to {high:.4g}, but the estimator was fitted on {self.low:.4g} to "
                f"{self.high:.4g}: scale both alike."
            )


@lru_cache(maxsize=16)
def _constants(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the mean and the reciprocal of the standard deviation on the device, copied there once."""
    # The tensors may be created while scoring and used in a training later.
    with torch.inference_mode(False):
        return torch.tensor(mean, device=device), torch.tensor(std, device=device).reciprocal()


def learn_format(X, *, layout: str, image_shape: tuple[int, int, int] | None) -> ImageFormat:
    """Learn the form of the training images: axes, dtype, range, mean and spread.

    Parameters
    ----------
    X : ndarray or LazyRows
        As `check_images` returns it.
    layout : {"auto", "channels_last", "channels_first"}
        Where the channel axis of 4-d images is.
    image_shape : tuple of (channels, height, width) or None
        What flat rows stand for; None: one row of pixels.

    Raises
    ------
    ValueError
        For an ambiguous channel axis, or a shape that does not fit.
    """
    found_layout, shape, flat = _describe(X, layout, image_shape)
    form = ImageFormat(found_layout, shape, flat, X.dtype == np.uint8, 0.0, 0.0, [0.0], [1.0])
    rows = np.arange(len(X))
    if isinstance(X, LazyRows) and len(X) > _STATISTICS_ROWS:
        rows = np.linspace(0, len(X) - 1, _STATISTICS_ROWS).astype(np.intp)
    form.low, form.high, form.mean, form.std = _statistics(form.reader(X), rows)
    return form


def check_images(X):
    """Return X as an array of uint8 or float32 pixels, or untouched where it is lazy.

    Raises
    ------
    ValueError
        For NaN or infinity, sparse or complex input, objects that are not
        numbers, dates, or anything but 2, 3 or 4 dimensions.
    """
    if isinstance(X, LazyRows):
        return X
    X = check_array(X, dtype="numeric", allow_nd=True, ensure_all_finite=True, input_name="X")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must have pixels that are numbers, got the dtype {X.dtype}.")
    if X.ndim not in (2, 3, 4):
        raise ValueError(f"X must have 2 (flat), 3 (grey) or 4 dimensions, got shape {X.shape}.")
    if X.dtype != np.uint8 and X.dtype != np.float32:
        X = X.astype(np.float32)
        if not np.isfinite(X).all():
            raise ValueError("X contains values too large for dtype('float32').")
    return X


def _describe(X, layout: str, image_shape) -> tuple[str | None, tuple[int, int, int], bool]:
    """Find the channel axis and the (channels, height, width) of the rows of X."""
    if X.ndim == 2:
        if image_shape is None:
            return None, (1, 1, X.shape[1]), True
        channels, height, width = map(int, image_shape)
        if channels * height * width != X.shape[1]:
            raise ValueError(
                f"image_shape={image_shape!r} must be (channels, height, width) with a product of {X.shape[1]}, "
                f"the pixels that X has."
            )
        return None, (channels, height, width), True
    if X.ndim == 3:
        return None, (1, *X.shape[1:]), False
    first, last = X.shape[1], X.shape[3]
    if layout == "auto":
        fits = (first in _CHANNELS, last in _CHANNELS)
        if fits[0] == fits[1]:
            state = "both axes could be" if fits[0] else "neither axis can be"
            raise ValueError(
                f"layout='auto' looks for 1, 3 or 4 channels in axis 1 or 3 of X, but {state} the channels of "
                f"shape {tuple(X.shape)}: say layout='channels_last' or layout='channels_first'."
            )
        layout = "channels_first" if fits[0] else "channels_last"
    if layout == "channels_last":
        return layout, (last, X.shape[1], X.shape[2]), False
    return layout, (first, X.shape[2], X.shape[3]), False


def _statistics(
    read: Callable[[np.ndarray], Tensor], rows: np.ndarray
) -> tuple[float, float, list[float], list[float]]:
    """Range, and mean and standard deviation by channel, block by block in float64."""
    low, high = np.inf, -np.inf
    count = 0
    mean = squares = torch.zeros((), dtype=torch.float64)
    for start in range(0, len(rows), _BLOCK_ROWS):
        pixels = read(rows[start : start + _BLOCK_ROWS])
        pixels = pixels.reshape(-1, pixels.shape[-1])
        low, high = min(low, float(pixels.min())), max(high, float(pixels.max()))
        # Chan's update joins the moments of two blocks without loss of digits.
        block_mean = pixels.double().mean(dim=0)
        block_squares = (pixels.double() - block_mean).square_().sum(dim=0)
        total = count + len(pixels)
        shift = block_mean - mean
        squares = squares + block_squares + shift.square() * (count * len(pixels) / total)
        mean = mean + shift * (len(pixels) / total)
        count = total
    std = (squares / count).sqrt()
    std[std == 0] = 1.0
    return low, high, mean.tolist(), std.tolist()


def _name(shape: tuple[int, int, int], flat: bool) -> str:
    channels, height, width = shape
    return (
        f"{channels * height * width} flat pixels"
        if flat
        else f"{height} x {width} pixels and {channels} channel(s)"
    )
