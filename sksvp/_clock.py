"""Seconds of a block of work, on the wall and of the processor, other processes included."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

_PROCESSES = Path("/proc")


class Clock:
    """Seconds of a block, on the wall and of the processor (see `processor_seconds`).

    Attributes
    ----------
    wall, cpu : float
        Set at the end of the block; 0 before.
    """

    wall = cpu = 0.0

    def __enter__(self) -> "Clock":
        self._wall, self._cpu = time.perf_counter(), processor_seconds()
        return self

    def __exit__(self, *exception) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, processor_seconds() - self._cpu

    def add_earlier(self, model: object) -> None:
        """Add what a model's training had taken in processes before this one, which its checkpoint knows."""
        wall, cpu = getattr(model, "_earlier_seconds", (0.0, 0.0))
        self.wall += wall
        self.cpu += cpu


def processor_seconds() -> float:
    """Return the seconds of the processor that this process and those below it have used so far.

    All threads of this process count, so that blocks in parallel threads count each
    other's work too. Of the processes that it started, those count that have ended and
    were waited for and, on Linux, those that still run, as workers of joblib and of a
    `torch.utils.data.DataLoader` do. A process counts once: when it ends, its seconds
    pass from one part to the other.

    Not counted are processes that run beside this one (other ranks of ``torchrun``,
    workers on other machines), those whose parent ended before them, elsewhere than on
    Linux those that still run, and the work of a GPU.

    Returns
    -------
    float
        Only differences have a meaning; other processes count in steps of 0.01 s.
    """
    ended = os.times()
    return (
        time.process_time()
        + ended.children_user
        + ended.children_system
        + sum(_seconds_of(child) for child in _children(os.getpid()))
    )


def _seconds_of(process: int) -> float:
    """Return the seconds of a process that runs and of all below it; 0 where it is gone by now."""
    try:
        # The name of the program, which may hold anything, ends with the last bracket.
        fields = (_PROCESSES / str(process) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    # Of itself and of its children that have ended: fields 14 to 17, the state after the name being the third.
    ticks = sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK") + sum(_seconds_of(child) for child in _children(process))


def _children(process: int) -> Iterator[int]:
    """Yield the children of a process that run; none where the system does not list them."""
    try:
        threads = list((_PROCESSES / str(process) / "task").iterdir())
    except OSError:
        return
    for thread in threads:
        try:
            yield from map(int, (thread / "children").read_bytes().split())
        except OSError:
            # The thread has ended, or the kernel keeps no such list.
            continue
