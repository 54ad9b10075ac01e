"""Apply a function to many items in threads. Pillow's decoders release Python's lock."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral
from typing import TypeVar

from joblib import cpu_count
from sklearn.utils._param_validation import Interval

from .._inputs._parameters import WholeNumber

Item = TypeVar("Item")
Result = TypeVar("Result")

# Constraints of the parameter n_jobs.
N_JOBS = [WholeNumber(1), Interval(Integral, None, -1, closed="right"), None]

_LARGEST_CHUNK = 256
# More threads do not read faster, and a system refuses to start thousands.
_MOST_THREADS = 256


def thread_map(function: Callable[[Item], Result], items: Sequence[Item], n_jobs: int | None) -> list[Result]:
    """Return ``[function(item) for item in items]``, computed by `n_jobs` threads.

    None means one thread per CPU, and negative numbers count from there as in
    scikit-learn. The first error in the order of the items is raised.
    """
    n_jobs = cpu_count() if n_jobs is None else n_jobs
    n_threads = n_jobs if n_jobs > 0 else cpu_count() + 1 + n_jobs
    n_threads = min(n_threads, len(items), _MOST_THREADS)
    if n_threads <= 1:
        return [function(item) for item in items]
    # One task per image costs as much as decoding a small image; too few tasks leave threads idle.
    length = max(1, min(_LARGEST_CHUNK, len(items) // (4 * n_threads)))
    chunks = [items[start : start + length] for start in range(0, len(items), length)]
    # A new pool for each call is safe with pickling and forks.
    with ThreadPoolExecutor(n_threads) as pool:
        done = pool.map(lambda chunk: [function(item) for item in chunk], chunks)
        return [result for chunk in done for result in chunk]
