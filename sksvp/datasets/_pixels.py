"""Read image files and Pillow images as uint8 pixels."""

import errno
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from PIL import ExifTags, Image, ImageOps

from .._inputs._rows import Box

# Errors of Pillow, by format, on files that are not images, truncated or damaged.
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

# Errors of the machine, which do not mean that the file is damaged.
_OF_THE_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def read_image(path: str | os.PathLike, size: int, choose: Callable[[tuple[int, int]], Box]) -> np.ndarray:
    """Read a window of an image file as a square of RGB pixels.

    Parameters
    ----------
    path : path-like
    size : int
        Height and width of the result.
    choose : callable
        ``choose((width, height))`` returns the window as (left, upper, right,
        lower), in pixels of the whole image in its recorded orientation.

    Raises
    ------
    ValueError
        If the file cannot be read as an image; the message names it.
    """
    with _unreadable_as_value_error(path):
        image = Image.open(path)
    with image:
        with _unreadable_as_value_error(path):
            width, height = _upright_size(image)
        # An error of a user's function is not one of the image.
        left, upper, right, lower = choose((width, height))
        with _unreadable_as_value_error(path):
            # A JPEG can be decoded at a half, quarter or eighth of its size, which is much faster for photographs.
            # The decoded window is at least twice the requested size.
            share = min(right - left, lower - upper) / min(width, height)
            wanted = math.ceil(round(2 * size / share, 6))
            image.draft(None, (wanted, wanted))
            ImageOps.exif_transpose(image, in_place=True)
            rgb = to_rgb(image)
            across, down = rgb.width / width, rgb.height / height
            box = (left * across, upper * down, right * across, lower * down)
            return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR, box=box))


def check_header(path: str | os.PathLike) -> None:
    """Raise ValueError with the file's name if it does not begin like an image that we can read."""
    with _unreadable_as_value_error(path), Image.open(path) as image:
        _check_depth(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image of any 8-bit mode to RGB; transparency is dropped."""
    _check_depth(image)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def centre_square(size: tuple[int, int], crop_fraction: float) -> Box:
    """Return (left, upper, right, lower) of the middle square, whose side is `crop_fraction` of the shorter side."""
    width, height = size
    side = min(width, height) * crop_fraction
    left, upper = (width - side) / 2, (height - side) / 2
    return left, upper, left + side, upper + side


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return (width, height) in the orientation that the camera recorded."""
    sideways = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return (image.height, image.width) if sideways else image.size


@contextmanager
def _unreadable_as_value_error(path: str | os.PathLike) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} cannot be read as an image: {reason}") from error


def _check_depth(image: Image.Image) -> None:
    # Pillow would silently clip 16-bit and floating-point pixels at 255.
    if image.mode.startswith(("I", "F")):
        raise ValueError(
            f"it has more than 8 bits per channel (mode {image.mode}), convert it to 8 bits first."
        )
