"""Raw rows on the device that trains or scores: kept there, or read ahead."""

import mmap
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .._inputs._rows import LazyRows

Read = Callable[[np.ndarray], Tensor]

# Share of a GPU's free memory that rows may take; the rest is for the network.
_RESIDENT_SHARE = 0.4
# Number of rows that are read at a time in a copy to a GPU.
_COPIED_ROWS = 4096
# Number of batches that wait for the device.
_AHEAD = 2


@dataclass(frozen=True)
class Rows:
    """Rows of one X, in the form that a network reads.

    Parameters
    ----------
    n : int
        Number of rows.
    read : callable
        ``read(indices) -> Tensor``, the raw batch of those rows.
    clean_view : callable
        ``clean_view(batch) -> Tensor``, the network's input without any augmentation.
    is_slow : bool, default=False
        Whether reading takes more than a copy, for example from files.
    read_anew : callable, default=None
        If rows are read differently in every epoch, ``read_anew(seed)`` returns
        the `read` of one epoch. None means that `read` serves all epochs.
    """

    n: int
    read: Read
    clean_view: Callable[[Tensor], Tensor]
    is_slow: bool = False
    read_anew: Callable[[int], Read] | None = None


class RowSource:
    """Gives batches of raw rows on a device.

    If a GPU has room for all rows, they are copied there once and the GPU cuts the
    batches. A thread reads ahead rows that must be fetched: images in files, memory
    maps, and whatever a GPU has no room for. Rows in the computer's memory are cut
    as they lie.

    Parameters
    ----------
    rows : Rows
    device : torch.device
    read_often : bool, default=True
        Whether the rows are read several times, so that a copy on the GPU pays.
    """

    def __init__(self, rows: Rows, device: torch.device, *, read_often: bool = True):
        self._read = rows.read
        self._device = device
        on_gpu = device.type == "cuda"
        self._resident = _copy_if_it_fits(rows, device) if on_gpu and read_often else None
        self._reads_ahead = self._resident is None and (rows.is_slow or on_gpu)

    def batches(self, order: np.ndarray, parts: Iterable[slice]) -> Iterator[Tensor]:
        """Yield the raw batch of each part of an order of rows."""
        if self._resident is not None:
            # One copy of the order: a copy for each batch would cost more than cutting the batch.
            there = torch.from_numpy(order).to(self._device)
            for part in parts:
                yield self._resident[there[part]]
        else:
            fetch = self._fetch_to_gpu() if self._device.type == "cuda" else self._fetch
            each = (order[part] for part in parts)
            yield from read_ahead(fetch, each) if self._reads_ahead else map(fetch, each)

    def _fetch(self, rows: np.ndarray) -> Tensor:
        return self._read(rows).to(self._device)

    def _fetch_to_gpu(self) -> Read:
        # Device and stream belong to a thread; the thread that reads ahead copies on the stream of this one.
        stream = torch.cuda.current_stream(self._device)

        def fetch(rows: np.ndarray) -> Tensor:
            batch = self._read(rows)
            with torch.cuda.stream(stream):
                # The thread would wait for a copy from memory that is not pinned.
                return batch.pin_memory().to(stream.device, non_blocking=True)

        return fetch


def is_slow_to_read(X) -> bool:
    """Tell whether rows of a checked X come from a disk."""
    # The check of X turns a memory map into a plain array that is a view of it.
    while isinstance(X, np.ndarray) and not isinstance(X, np.memmap):
        X = X.base
    return isinstance(X, LazyRows | np.memmap | mmap.mmap)


def read_ahead(read: Read, parts: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """Yield ``read(part)`` for each part in order; a thread reads up to two parts ahead.

    An error of `read` is raised when its part is due.
    """
    waiting: deque[Future[Tensor]] = deque()
    with ThreadPoolExecutor(1) as thread:
        try:
            for part in parts:
                waiting.append(thread.submit(read, part))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # If the caller stops early, the parts that are left are not read.
            thread.shutdown(cancel_futures=True)


def _copy_if_it_fits(rows: Rows, device: torch.device) -> Tensor | None:
    first = rows.read(np.arange(1))
    n_bytes = rows.n * first.numel() * first.element_size()
    if n_bytes > _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    resident = torch.empty(rows.n, *first.shape[1:], dtype=first.dtype, device=device)
    blocks = np.split(np.arange(rows.n), range(_COPIED_ROWS, rows.n, _COPIED_ROWS))
    for block, raw in zip(blocks, read_ahead(rows.read, blocks), strict=True):
        resident[block[0] : block[-1] + 1] = raw.to(device)
    return resident
