"""Millions of texts in one block of memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self, overload

import numpy as np


class PackedTexts(Sequence):
    """Texts stored as UTF-8 in one buffer, with the interface of a 1-d array of str.

    A text takes its bytes and 16 more. A Python str takes about 50 more, and four
    bytes per character if it contains an emoji. ``texts[3]`` returns a str; any other
    index returns a cheap view of those rows on the same buffer.

    Parameters
    ----------
    texts : iterable of str
        The texts, which are read once, in order.

    Examples
    --------
    >>> from sksvp.text import PackedTexts
    >>> texts = PackedTexts(["a fine film", "", "naïve"])
    >>> texts[2], len(texts), list(texts[:2])
    ('naïve', 3, ['a fine film', ''])
    """

    dtype = np.dtype(object)
    ndim = 1

    def __init__(self, texts: Iterable[str] = ()):
        buffer = bytearray()
        ends = [0]
        if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
            raise TypeError(f"texts must be several texts, got {type(texts).__name__}.")
        for text in np.atleast_1d(texts) if isinstance(texts, np.ndarray) else texts:
            if not isinstance(text, str):
                raise TypeError(
                    f"texts must hold str, but text {len(ends) - 1} is of type {type(text).__name__}."
                )
            buffer += text.encode("utf-8", "surrogatepass")
            ends.append(len(buffer))
        self._set(np.frombuffer(buffer, dtype=np.uint8), np.asarray(ends, dtype=np.int64))

    def _set(self, buffer: np.ndarray, bounds: np.ndarray) -> None:
        self._buffer = buffer
        self._starts = bounds[:-1]
        self._stops = bounds[1:]

    @property
    def shape(self) -> tuple[int]:
        """(n,)."""
        return (len(self._starts),)

    @property
    def size(self) -> int:
        """Number of texts."""
        return len(self._starts)

    @property
    def nbytes(self) -> int:
        """Bytes of the texts of this view."""
        return int((self._stops - self._starts).sum())

    def __len__(self) -> int:
        return len(self._starts)

    def __repr__(self) -> str:
        return f"PackedTexts({len(self):,} texts, {self.nbytes:,} bytes)"

    def __iter__(self) -> Iterator[str]:
        for row in range(len(self)):
            yield self._read(row)

    @overload
    def __getitem__(self, key: int) -> str: ...

    @overload
    def __getitem__(self, key: Any) -> Self: ...

    def __getitem__(self, key):
        """Return one text for an integer, or a view for any other index; numpy's rules apply."""
        # scikit-learn indexes X[key, ...].
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]
        if isinstance(key, tuple):
            raise IndexError(f"packed texts have one axis, got the index {key!r}.")
        starts = self._starts[key]
        if np.ndim(starts) == 0:
            return self._read(key)
        if np.ndim(starts) != 1:
            raise IndexError(f"packed texts need an integer, a slice or a 1-d index, got {key!r}.")
        # copy.copy would call __reduce__, which packs the rows into a new buffer.
        view = type(self).__new__(type(self))
        view._buffer, view._starts, view._stops = self._buffer, starts, self._stops[key]
        return view

    def _read(self, row) -> str:
        return self._buffer[self._starts[row] : self._stops[row]].tobytes().decode("utf-8", "surrogatepass")

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError("packed texts cannot be converted to an array without a copy.")
        out = np.empty(len(self), dtype=object)
        out[:] = list(self)
        return out if dtype is None else out.astype(dtype)

    def __eq__(self, other) -> np.ndarray:  # type: ignore[override]  # row by row, as for arrays
        return np.asarray(self) == (np.asarray(other) if isinstance(other, PackedTexts) else other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self):
        # Only the rows of a view are pickled, so that workers do not receive the whole set.
        lengths = self._stops - self._starts
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        if len(self) and np.array_equal(self._starts, bounds[:-1]) and bounds[-1] == len(self._buffer):
            buffer = self._buffer
        else:
            parts = [self._buffer[start:stop] for start, stop in zip(self._starts, self._stops, strict=True)]
            buffer = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint8)
        return (texts_in_buffer, (np.ascontiguousarray(buffer), bounds))


def texts_in_buffer(buffer, bounds: np.ndarray) -> PackedTexts:
    """Use a buffer of UTF-8 and the n + 1 boundaries of its texts without a copy."""
    texts = PackedTexts.__new__(PackedTexts)
    texts._set(np.frombuffer(buffer, dtype=np.uint8), np.asarray(bounds, dtype=np.int64))
    return texts
