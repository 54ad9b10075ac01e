"""Worker processes, which end with the process that started them."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from joblib import Parallel, delayed

from ..strategies import add_strategies, user_strategies

_SECONDS_BETWEEN_LOOKS = 1.0


def in_workers(calls: Iterable[Callable[[], Any]], n_jobs: int) -> Iterator[Any]:
    """Make calls side by side, and yield what they return as it comes.

    Parameters
    ----------
    calls : iterable of callable
        Without arguments.
    n_jobs : int
        As joblib has it.
    """
    owner = os.getpid()
    return Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
        delayed(_call_below)(owner, call, user_strategies()) for call in calls
    )


def _call_below(owner: int, call: Callable[[], Any], strategies: dict[str, type]) -> Any:
    add_strategies(strategies)
    # Not where the call is made in the owner itself, or by workers of a cluster.
    if os.getppid() == owner:
        _end_with_parent(owner)
    return call()


@cache
def _end_with_parent(parent: int) -> None:
    """Watch the parent: killed, it cannot end its workers, which would train on for nobody.

    Windows keeps the number of a parent that is gone: nothing is noticed there.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        # At once: what is half-written is never taken for a file.
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
