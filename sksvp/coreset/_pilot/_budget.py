"""What a pilot costs, and how much of it fits a budget of seconds."""

import time
from dataclasses import dataclass, field

# With fewer repeats a spread says nothing.
LEAST_REPEATS = 3


@dataclass
class Costs:
    """Seconds of the parts of one repeat.

    Parameters
    ----------
    proxies : float
        Of training all proxies.
    judging : float
        Of judging one candidate.
    choosing : dict of str to float
        Of choosing rows by each candidate, as far as that is known.
    """

    proxies: float
    judging: float
    choosing: dict[str, float] = field(default_factory=dict)

    def of(self, names: list[str]) -> float:
        """Seconds of a repeat with some candidates."""
        return self.proxies + sum(self.judging + self.choosing.get(name, 0.0) for name in names)


class Budget:
    """Seconds of the wall clock that a pilot may take.

    Parameters
    ----------
    seconds : float or None
        None is no limit.
    """

    def __init__(self, seconds: float | None):
        self.seconds = seconds
        self._start = time.perf_counter()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        if self.seconds is None:
            return float("inf")
        return self.seconds - (time.perf_counter() - self._start)

    def check_one_fits(self, costs: Costs) -> None:
        """Check that the baseline and one candidate fit.

        Raises
        ------
        ValueError
            If they do not; the message says what they cost.
        """
        needed = LEAST_REPEATS * costs.of(["", ""])
        if needed > self.left:
            raise ValueError(
                f"budget={self.seconds:g} fits no candidate: one costs about {needed:.3g} seconds beside the baseline, "
                f"{LEAST_REPEATS} times {costs.proxies:.3g} for the proxy and {2 * costs.judging:.3g} for judging."
            )

    def plan(self, costs: Costs, names: list[str], n_repeats: int, *, done: int = 0) -> tuple[int, list[str]]:
        """Return how many repeats there will be, and which candidates are in them.

        Repeats are given up before candidates, and candidates from the end.

        Parameters
        ----------
        costs : Costs
            Of one repeat.
        names : list of str
            Candidates, the baseline first and the others by their promise.
        n_repeats : int
            Repeats that are wanted.
        done : int, default=0
            Repeats that are done.
        """
        if self.seconds is None:
            return n_repeats, names
        kept = list(names)
        while len(kept) > 2 and (LEAST_REPEATS - done) * costs.of(kept) > self.left:
            kept.pop()
        more = int(max(self.left, 0.0) / costs.of(kept))
        return max(LEAST_REPEATS, min(n_repeats, done + more)), kept
