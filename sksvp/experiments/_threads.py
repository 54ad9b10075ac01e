"""Threads of one training."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from tqdm import tqdm


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Give this process so many torch threads for a while; None changes nothing."""
    if threads is not None:
        # A worker's own lock will do: a semaphore of its process would be told of as leaked when Ctrl-C ends it.
        tqdm.set_lock(threading.RLock())
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
