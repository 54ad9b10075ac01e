"""Worker processes, which end with the process that started them."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from ..strategies import add_strategies, user_strategies

_SECONDS_BETWEEN_LOOKS = 1.0


def in_workers(
    calls: Sequence[Callable[[], Any]], n_jobs: int, *, threads: int | None = None
) -> Iterator[Any]:
    """Make calls at the same time, and yield each result as soon as it is there.

    Parameters
    ----------
    calls : sequence of callable
        Without arguments.
    n_jobs : int
        As joblib's `n_jobs`; there are never more workers than calls.
    threads : int, optional
        torch threads of each call; None changes nothing.
    """
    owner = os.getpid()
    return Parallel(n_jobs=min(n_jobs, len(calls)) or 1, return_as="generator_unordered")(
        delayed(_call_below)(owner, threads, user_strategies(), call) for call in calls
    )


def _call_below(owner: int, threads: int | None, strategies: dict[str, type], call: Callable[[], Any]) -> Any:
    add_strategies(strategies)
    # With one worker the call is made in the owner itself; workers of a cluster are not its children.
    if os.getppid() == owner:
        _end_with_parent(owner)
    with _limited_threads(threads):
        return call()


@contextmanager
def _limited_threads(threads: int | None) -> Iterator[None]:
    """Limit the torch threads of this process for a while; None changes nothing."""
    if threads is None:
        yield
        return
    # tqdm's lock between processes would be reported as leaked when Ctrl-C ends a worker.
    tqdm.set_lock(threading.RLock())
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _end_with_parent(parent: int) -> None:
    """Watch the parent: a killed parent cannot end its workers, which would train on for nobody.

    Windows keeps the number of a parent that has ended: nothing is noticed there.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        # Half-written files have names that nobody reads.
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
