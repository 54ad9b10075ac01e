"""From image files and Pillow images to uint8 pixels."""

import errno
import math
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

# What Pillow raises on files that are no image, cut short or damaged, by format.
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

# Failures of the machine, which say nothing about the file.
_OF_THE_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def read_image(path: str | os.PathLike, size: int, crop_fraction: float) -> np.ndarray:
    """Read an image file as a square of RGB pixels: its middle, scaled to `size`.

    Raises
    ------
    ValueError
        Where the file cannot be read as an image; names it.
    """
    try:
        with Image.open(path) as image:
            # A JPEG can be decoded at a half, quarter or eighth of its size: much faster for photographs. What is
            # left is at least twice the size wanted.
            wanted = math.ceil(2 * size / crop_fraction)
            image.draft(None, (wanted, wanted))
            ImageOps.exif_transpose(image, in_place=True)
            rgb = to_rgb(image)
            box = centre_square(rgb.size, crop_fraction)
            return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR, box=box))
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def check_header(path: str | os.PathLike) -> None:
    """Raise ValueError, naming the file, where its beginning is not that of an image we can use."""
    try:
        with Image.open(path) as image:
            _check_depth(image)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image of any 8-bit mode to RGB; transparency is dropped."""
    _check_depth(image)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def centre_square(size: tuple[int, int], crop_fraction: float) -> tuple[float, float, float, float]:
    """Return (left, upper, right, lower) of the middle square, `crop_fraction` of the shorter side wide."""
    width, height = size
    side = min(width, height) * crop_fraction
    left, upper = (width - side) / 2, (height - side) / 2
    return left, upper, left + side, upper + side


def _unreadable(path: str | os.PathLike, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
        return error
    reason = " ".join(str(error).split()) or type(error).__name__
    return ValueError(f"{path} cannot be read as an image: {reason}")


def _check_depth(image: Image.Image) -> None:
    # Pillow would clip 16-bit and floating-point pixels at 255, without a word.
    if image.mode.startswith(("I", "F")):
        raise ValueError(
            f"it has more than 8 bits a channel (mode {image.mode}), convert it to 8 bits first."
        )
