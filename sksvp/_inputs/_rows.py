"""Base classes of lazy containers: images that stay outside memory and are read row by row."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Self, overload

import numpy as np

# (left, upper, right, lower) in pixels, of an image's (width, height).
Box = tuple[float, float, float, float]


class LazyRows(ABC):
    """Rows of images of one size that are read when they are needed.

    scikit-learn and our estimators use it like a uint8 array of shape
    ``(n, height, width, channels)`` that can only be indexed along its first
    axis. ``rows[3]`` is one image, any other index gives a cheap view of those
    rows, and `read` or ``np.asarray`` read pixels into memory. Views share the
    source, so cross-validation copies row numbers only, not images.

    A subclass calls ``super().__init__`` and implements `_read_source` and
    `_source_key`; both get row numbers of the whole source.

    Parameters
    ----------
    n_rows : int
        Number of rows of the source.
    image_shape : tuple of (height, width, channels)
        Shape of every image.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, n_rows: int, image_shape: tuple[int, int, int]):
        self._rows = np.arange(n_rows, dtype=np.intp)
        self._image_shape = tuple(int(side) for side in image_shape)

    @abstractmethod
    def _read_source(self, rows: np.ndarray) -> np.ndarray:
        """Return images of these source rows, uint8 of shape (len(rows), height, width, channels)."""

    @abstractmethod
    def _source_key(self, rows: np.ndarray) -> str:
        """Return a string that differs if the images of these source rows differ."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (n, height, width, channels) of the rows."""
        return (len(self._rows), *self._image_shape)

    @property
    def size(self) -> int:
        """Number of pixel values."""
        return len(self._rows) * int(np.prod(self._image_shape))

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape})"

    def __iter__(self) -> Iterator[np.ndarray]:
        for row in range(len(self)):
            yield self[row]

    @overload
    def __getitem__(self, key: int | np.integer) -> np.ndarray: ...

    @overload
    def __getitem__(self, key: Any) -> Self: ...

    def __getitem__(self, key):
        """Return one image for an integer, or a view for any other index; numpy's rules apply.

        Raises
        ------
        IndexError
            If a row does not exist, a mask has another length, or the index has
            more than one axis.
        """
        # scikit-learn indexes X[key, ...].
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]
        if isinstance(key, tuple):
            raise IndexError(f"lazy rows can be indexed along their first axis only, got {key!r}.")
        rows = self._rows[key]
        if np.ndim(rows) == 0:
            return self._read_checked(np.atleast_1d(rows))[0]
        if np.ndim(rows) != 1:
            raise IndexError(f"lazy rows need an integer, a slice or a 1-d index, got {key!r}.")
        view = copy.copy(self)
        # Without the copy a slice would keep all row numbers alive, and views could change each other.
        view._rows = rows.copy()
        return view

    def read(self, indices) -> np.ndarray:
        """Read rows into memory.

        Parameters
        ----------
        indices : array-like of int or bool, or slice
            Rows of this container, in any order; repeats are allowed.

        Returns
        -------
        ndarray of shape (len(indices), height, width, channels), uint8
            A new array in C order.

        Raises
        ------
        IndexError
            If a row does not exist.
        ValueError
            If an image cannot be read; the message names it.
        """
        return self._read_checked(self._rows[self._positions(indices)])

    def _positions(self, indices) -> np.ndarray:
        """Return the positions of rows by numpy's rules of indexing."""
        try:
            positions = np.arange(len(self))[indices]
        except (TypeError, ValueError, OverflowError) as error:
            raise IndexError(f"indices must be row numbers, a mask or a slice: {error}") from error
        if np.ndim(positions) != 1:
            raise IndexError(f"indices must have one axis, got {indices!r}.")
        return positions

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError(
                "lazy rows cannot be converted to an array without a copy: they are not in memory."
            )
        images = self._read_checked(self._rows)
        return images if dtype is None else images.astype(dtype, copy=False)

    def content_key(self) -> str:
        """Return a string that is equal for equal content and, in practice, differs for any other.

        It is the same in all processes. It is cheap if the source need not decode
        images: an image folder uses paths, sizes and modification times.

        Returns
        -------
        str
            Digest of the content.
        """
        return f"{type(self).__name__}:{self.shape}:{self._source_key(self._rows)}"

    def _read_checked(self, rows: np.ndarray) -> np.ndarray:
        return self._checked(rows, self._read_source)

    def _checked(self, rows: np.ndarray, read: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        if len(rows) == 0:
            return np.empty((0, *self._image_shape), dtype=self.dtype)
        images = np.ascontiguousarray(read(rows))
        expected = (len(rows), *self._image_shape)
        if images.dtype != self.dtype or images.shape != expected:
            raise ValueError(
                f"{type(self).__name__} must read uint8 images of shape {expected}, got {images.dtype} images "
                f"of shape {images.shape}."
            )
        return images


class WindowedRows(LazyRows):
    """Lazy rows over images of any shape and size, from which windows can be read.

    `read` and ``np.asarray`` cut the same view from every image. A training with
    random crops reads windows of the whole images instead.
    """

    @abstractmethod
    def _read_source_windows(
        self, rows: np.ndarray, boxes: Sequence[Callable[[tuple[int, int]], Box]]
    ) -> np.ndarray:
        """Return one window of each of these source rows in the format of `_read_source`."""

    def read_windows(self, indices, choose: Callable[[int, tuple[int, int]], Box]) -> np.ndarray:
        """Read one window of each row's whole image, scaled to the size of all rows.

        Parameters
        ----------
        indices : array-like of int or bool, or slice
            Rows of this container, in any order; repeats are allowed.
        choose : callable
            ``choose(position, (width, height))`` returns the window as (left, upper,
            right, lower), in pixels of the whole image, for a row's position in this
            container. It is called from several threads.

        Returns
        -------
        ndarray of shape (len(indices), height, width, channels), uint8
            The windows, in the order of `indices`.

        Raises
        ------
        IndexError
            If a row does not exist.
        TypeError
            If `choose` is not a function.
        ValueError
            If an image cannot be read, or a window is not within its image.
        """
        if not callable(choose):
            raise TypeError(f"choose must be a function, got {choose!r}.")
        positions = self._positions(indices)
        boxes = [partial(_window, choose, int(position)) for position in positions]
        return self._checked(self._rows[positions], lambda rows: self._read_source_windows(rows, boxes))


def _window(choose: Callable[[int, tuple[int, int]], Box], index: int, size: tuple[int, int]) -> Box:
    window = choose(index, size)
    if np.shape(window) != (4,) or not np.all(np.isfinite(np.asarray(window, dtype=float))):
        raise ValueError(
            f"choose must return a window (left, upper, right, lower) in pixels, got {window!r} for row {index}."
        )
    left, upper, right, lower = window
    width, height = size
    if not (0 <= left < right <= width and 0 <= upper < lower <= height):
        raise ValueError(
            f"choose must return a window within the image of {width} x {height} pixels, got {window!r} for row "
            f"{index}."
        )
    return window
