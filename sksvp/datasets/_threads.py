"""Apply a function to many items in threads. Pillow's decoders release Python's lock."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from joblib import cpu_count

Item = TypeVar("Item")
Result = TypeVar("Result")

_LARGEST_CHUNK = 256


def thread_map(function: Callable[[Item], Result], items: Sequence[Item], n_jobs: int | None) -> list[Result]:
    """Return ``[function(item) for item in items]``, computed by `n_jobs` threads.

    None means one thread per CPU, and negative numbers count from there as in
    scikit-learn. The first error in the order of the items is raised.
    """
    n_threads = min(count_threads(n_jobs), len(items))
    if n_threads <= 1:
        return [function(item) for item in items]
    # One task per image costs as much as decoding a small image; too few tasks leave threads idle.
    length = max(1, min(_LARGEST_CHUNK, len(items) // (4 * n_threads)))
    chunks = [items[start : start + length] for start in range(0, len(items), length)]
    # A new pool for each call is safe with pickling and forks.
    with ThreadPoolExecutor(n_threads) as pool:
        done = pool.map(lambda chunk: [function(item) for item in chunk], chunks)
        return [result for chunk in done for result in chunk]


def count_threads(n_jobs: int | None) -> int:
    """Return the number of threads of `n_jobs`.

    Raises
    ------
    ValueError
        If `n_jobs` is 0.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs must be None or a number other than 0, got 0.")
    if n_jobs is None:
        return cpu_count()
    return n_jobs if n_jobs > 0 else max(1, cpu_count() + 1 + n_jobs)
