"""Cells of any size in CSV files."""

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ANY_SIZE = 2**31 - 1
_lock = threading.Lock()
_n_readers = 0
_limit_before = 0


@contextmanager
def large_cells() -> Iterator[None]:
    """Let the csv module read cells of any size; its own limit is 128 kB.

    The limit applies to the whole process. It is restored when the last of the
    threads that read at the same time has finished.
    """
    global _n_readers, _limit_before
    with _lock:
        if _n_readers == 0:
            _limit_before = csv.field_size_limit(_ANY_SIZE)
        _n_readers += 1
    try:
        yield
    finally:
        with _lock:
            _n_readers -= 1
            if _n_readers == 0:
                csv.field_size_limit(_limit_before)
