"""Seconds of a block of work."""

import time


class Clock:
    """Seconds of a block, on the wall and of the processor (all threads of this process).

    Attributes
    ----------
    wall, cpu : float
        Set at the end of the block; 0 before.
    """

    wall = cpu = 0.0

    def __enter__(self) -> "Clock":
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exception) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu

    def add_earlier(self, model: object) -> None:
        """Add what a model's training had taken in processes before this one, which its checkpoint knows."""
        wall, cpu = getattr(model, "_earlier_seconds", (0.0, 0.0))
        self.wall += wall
        self.cpu += cpu
