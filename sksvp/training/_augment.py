"""Random crops, shifts and flips of a whole batch, on the batch's device."""

import math
from collections.abc import Collection

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from ._batches import TrainingView, Visit

AUGMENTATIONS = ("crop", "flip", "resized-crop", "shift", "alternating-flip")
# Window of a resized crop: least share of the image's area, and largest ratio of the sides.
_LEAST_AREA = 0.08
_MOST_RATIO = 4 / 3
# Most windows that are drawn until one fits into the image.
_TRIES = 10


def augmentation(
    names: Collection[str], size: tuple[int, int], n_rows: int, random_state: np.random.RandomState
) -> TrainingView:
    """Return ``augment(images, visit)`` of one training, which augments the images of a batch.

    Parameters
    ----------
    names : collection of str
        Names of augmentations, from `AUGMENTATIONS`.
    size : tuple of (height, width)
        Size of an image in pixels.
    n_rows : int
        Number of training rows.
    random_state : numpy.random.RandomState
        Draws which rows are mirrored first; the generator of a visit draws all else.
    """
    side = max(size)
    steps: dict[str, TrainingView] = {
        "resized-crop": lambda images, visit: random_resized_crop(images, size, visit.generator),
        "crop": lambda images, visit: random_crop(images, side // 8, visit.generator),
        "shift": lambda images, visit: random_shift(images, max(1, side // 16), visit.generator),
        "flip": lambda images, visit: random_flip(images, visit.generator),
    }
    if "alternating-flip" in names:
        flip = AlternatingFlip(random_state.random_sample(n_rows) < 0.5)
        steps["alternating-flip"] = lambda images, visit: flip(images, visit.rows, visit.epoch)
    chosen = [step for name, step in steps.items() if name in names]

    def augment(images: Tensor, visit: Visit) -> Tensor:
        for step in chosen:
            images = step(images, visit)
        return images

    return augment


def random_crop(images: Tensor, padding: int, generator: Generator) -> Tensor:
    """Pad each image with zeros (black) and cut a window of the old size at a random position.

    Parameters
    ----------
    images : Tensor of shape (n, height, width, channels)
        Pixels before normalisation.
    padding : int
        Number of pixels added on each side.
    generator : torch.Generator
        Draws the positions, on the device of the images.

    Returns
    -------
    Tensor of shape (n, height, width, channels)
    """
    n, height, width, _ = images.shape
    padded = F.pad(images, (0, 0, padding, padding, padding, padding))
    top, left = torch.randint(0, 2 * padding + 1, (2, n), generator=generator, device=images.device)
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    return _windows(padded, rows, columns)


def random_shift(images: Tensor, reach: int, generator: Generator) -> Tensor:
    """Shift each image by at most `reach` pixels along both axes and fill the gap by reflection.

    Parameters
    ----------
    images : Tensor of shape (n, height, width, channels)
        Pixels, of any dtype.
    reach : int
        Largest shift in pixels; smaller if a side is too short for the reflection.
    generator : torch.Generator
        Draws the shifts, on the device of the images.

    Returns
    -------
    Tensor of shape (n, height, width, channels)
    """
    n, height, width, _ = images.shape
    shifts = torch.randint(-reach, reach + 1, (2, n), generator=generator, device=images.device)
    return _windows(images, _mirrored(shifts[0], height), _mirrored(shifts[1], width))


def random_flip(images: Tensor, generator: Generator) -> Tensor:
    """Mirror each image, left to right, with probability one half; shapes as in `random_crop`."""
    flipped = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(flipped[:, None, None, None], images.flip(2), images)


class AlternatingFlip:
    """Mirror each image, left to right, in every second visit; the first view is drawn at random.

    Two consecutive visits never show the same view. Independent draws would show
    it half of the time; short trainings gain from the alternation [1]_.

    Parameters
    ----------
    coins : ndarray of shape (n_rows,), bool
        Whether the first visit mirrors a row.

    References
    ----------
    .. [1] K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024
       (arXiv:2404.00498).
    """

    def __init__(self, coins: np.ndarray):
        self._coins = torch.from_numpy(coins)

    def __call__(self, images: Tensor, rows: np.ndarray, epoch: int) -> Tensor:
        """Mirror the images of those rows that are due; shapes as in `random_crop`, rows of shape (n,)."""
        mirrored = self._coins[rows] if epoch % 2 == 0 else ~self._coins[rows]
        if images.device.type == "cuda":
            # A copy from memory that is not pinned would make the host wait for the GPU.
            mirrored = mirrored.pin_memory()
        there = mirrored.to(images.device, non_blocking=True)
        return torch.where(there[:, None, None, None], images.flip(2), images)


def random_resized_crop(images: Tensor, size: tuple[int, int], generator: Generator) -> Tensor:
    """Cut a window of 8 to 100 % of the area and ratio 3/4 to 4/3, and resize it to `size`.

    This is the window of ImageNet training (Szegedy et al., 2015). It is drawn for
    each image; the whole batch is resampled bilinearly in one step.

    Parameters
    ----------
    images : Tensor of shape (n, height, width, channels)
        Pixels before normalisation, of any dtype.
    size : tuple of (height, width)
        Size of the result in pixels.
    generator : torch.Generator
        Draws the windows, on the device of the images.

    Returns
    -------
    Tensor of shape (n, size[0], size[1], channels)
        The dtype is that of the images; integers are rounded.
    """
    n, height, width, _ = images.shape
    draw = torch.rand(4, n, generator=generator, device=images.device)
    area = (_LEAST_AREA + (1 - _LEAST_AREA) * draw[0]) * (height * width)
    ratio = torch.exp((2 * draw[1] - 1) * math.log(_MOST_RATIO))
    crop_width = (area * ratio).sqrt().clamp(1, width)
    crop_height = (area / ratio).sqrt().clamp(1, height)
    # The affine grid has one scale and one shift per axis, in the [-1, 1] coordinates of grid_sample.
    theta = torch.zeros(n, 2, 3, device=images.device)
    theta[:, 0, 0] = crop_width / width
    theta[:, 1, 1] = crop_height / height
    theta[:, 0, 2] = (1 - theta[:, 0, 0]) * (2 * draw[2] - 1)
    theta[:, 1, 2] = (1 - theta[:, 1, 1]) * (2 * draw[3] - 1)
    channels = images.shape[3]
    grid = F.affine_grid(theta, [n, channels, *size], align_corners=False)
    pixels = images.permute(0, 3, 1, 2)
    cut = F.grid_sample(pixels.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    if not images.is_floating_point():
        cut = cut.round().to(images.dtype)
    return cut.permute(0, 2, 3, 1)


def resized_crop_window(
    size: tuple[int, int], random_state: np.random.Generator
) -> tuple[float, float, float, float]:
    """Draw the window of `random_resized_crop` for one image of any shape, as (left, upper, right, lower).

    A window that does not fit into the image is drawn again, at most ten times.
    Then the largest middle window that the ratios allow is used.

    Parameters
    ----------
    size : tuple of (width, height)
        Size of the whole image in pixels.
    random_state : numpy.random.Generator
        Draws the window.
    """
    width, height = size
    for _ in range(_TRIES):
        share, turn = random_state.random(2)
        area = (_LEAST_AREA + (1 - _LEAST_AREA) * share) * width * height
        ratio = math.exp((2 * turn - 1) * math.log(_MOST_RATIO))
        crop_width, crop_height = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if crop_width <= width and crop_height <= height:
            left, upper = random_state.random(2) * (width - crop_width, height - crop_height)
            break
    else:
        crop_width, crop_height = min(width, height * _MOST_RATIO), min(height, width * _MOST_RATIO)
        left, upper = (width - crop_width) / 2, (height - crop_height) / 2
    # Rounding must not move the window beyond the image.
    return left, upper, min(left + crop_width, width), min(upper + crop_height, height)


def _windows(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Select the rows, (n, height), and columns, (n, width), of each image."""
    image = torch.arange(len(images), device=images.device)
    return images[image[:, None, None], rows[:, :, None], columns[:, None, :]]


def _mirrored(shifts: Tensor, side: int) -> Tensor:
    """Return the positions that shifted images read along one side, (n, side), reflected at both ends."""
    last = side - 1
    shifts = shifts.clamp(-last, last)
    positions = shifts[:, None] + torch.arange(side, device=shifts.device)
    return last - (last - positions.abs()).abs()
