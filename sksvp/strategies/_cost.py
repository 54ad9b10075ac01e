"""What a strategy will take: seconds and memory, before it is run."""

import math
import tracemalloc
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import nnls
from sklearn.utils._param_validation import HasMethods, validate_params

from .._clock import Clock
from .._inputs._parameters import WholeNumber
from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._registry import resolve_strategy

# Seconds after which no larger run is timed, and the rows and the values of the evidence of the first and the last.
_ENOUGH = 0.5
_FIRST_ROWS = 2000
_MAX_VALUES = 2**24
# Kinds of evidence that are made up.
_TABLES = ("features", "inputs")
_CHANNELS = ("feature_norm", "change")
_MADE_UP = {*_TABLES, *_CHANNELS, "probabilities", "training_record", "forgetting_events"}
# Bounds of the power of the rows that a strategy of unknown growth can have.
_POWERS = (0.0, 3.0)
# No data have more rows, columns or classes.
_MOST = 10**12


class Cost(NamedTuple):
    """What a choice takes.

    Parameters
    ----------
    seconds : float
        On the wall.
    cpu_seconds : float
        Of the processor, over all threads.
    memory : int
        Bytes at the peak: the evidence, with single-precision features and
        probabilities, and what the strategy holds beside it; not Python and its
        libraries.
    """

    seconds: float
    cpu_seconds: float
    memory: int


class _Run(NamedTuple):
    size: DataSize
    seconds: float
    cpu_seconds: float


@validate_params(
    {
        "strategy": [str, HasMethods(["rank"])],
        "n_rows": [WholeNumber(2, _MOST)],
        "n_features": [WholeNumber(1, _MOST)],
        "n_classes": [WholeNumber(2, _MOST)],
        "n_samples": [WholeNumber(1, _MOST)],
        "n_visits": [WholeNumber(1, _MOST)],
    },
    prefer_skip_nested_validation=True,
)
def estimate_cost(
    strategy: Any, n_rows: int, n_features: int, n_classes: int, n_samples: int, *, n_visits: int = 20
) -> Cost:
    """Estimate the seconds and the memory that a strategy takes to rank rows, before it is run.

    The strategy is run on made-up evidence of growing size for about a second in
    all. Its stated growth carries the seconds of these runs to the whole size; the
    memory follows from the sizes. For a strategy of the user that does not define
    `growth`, both are carried on by the power of the rows with which they grow from
    one run to the next.

    Parameters
    ----------
    strategy : str or Strategy
        A registered name or a strategy.
    n_rows : int
        Rows of the data.
    n_features : int
        Columns of the features.
    n_classes : int
        Classes.
    n_samples : int
        Rows to choose, at most `n_rows`.
    n_visits : int, default=20
        Visits of each row in a training record.

    Returns
    -------
    Cost
        `seconds`, `cpu_seconds` and `memory` in bytes. The seconds are within a
        factor of two on evidence such as the one that is made up: clusters, one a
        class, and classes of one size. How often a lazy strategy (facility location,
        k-centers, BADGE) looks at a row depends on the data.

    Raises
    ------
    ValueError
        For sizes out of range, an unknown strategy, or one that requires evidence
        that cannot be made up.
    TypeError
        For anything that is no strategy.

    Examples
    --------
    >>> from sksvp.strategies import estimate_cost
    >>> cost = estimate_cost("entropy", 1_000_000, 64, 10, 100_000)
    >>> round(cost.memory / 1e6)
    113
    """
    if n_samples > n_rows:
        raise ValueError(f"n_samples must be at most n_rows={n_rows}, got {n_samples}.")
    strategy = resolve_strategy(strategy)
    size = DataSize(int(n_rows), int(n_features), int(n_classes), int(n_samples), int(n_visits))
    if unknown := set(strategy.requires) - _MADE_UP:
        raise ValueError(
            f"{type(strategy).__name__} requires {', '.join(sorted(unknown))}, of which estimate_cost can make up none."
        )
    growth = _growth(strategy, size)
    runs = _timed_runs(strategy, size)
    evidence = evidence_bytes(strategy, size)
    clocks = ([run.seconds for run in runs], [run.cpu_seconds for run in runs])
    if growth is None:
        seconds, cpu_seconds = (
            _carried_on(size, [(run.size, value) for run, value in zip(runs, values, strict=True)])
            for values in clocks
        )
        memory = _carried_on(size, [(run.size, _peak_bytes(strategy, run.size)) for run in runs[-2:]])
    else:
        laws = [strategy.growth(run.size).terms for run in runs]
        seconds, cpu_seconds = (
            _fitted(growth.terms, list(zip(laws, values, strict=True))) for values in clocks
        )
        memory = growth.memory
    return Cost(seconds, cpu_seconds, int(evidence + memory))


def _growth(strategy: Any, size: DataSize) -> Growth | None:
    return strategy.growth(size) if hasattr(strategy, "growth") else None


def _timed_runs(strategy: Any, size: DataSize) -> list[_Run]:
    """Run the strategy at growing sizes until a run takes long enough to tell."""
    runs: list[_Run] = []
    for small in _small_sizes(strategy, size):
        evidence = made_up_evidence(strategy, small)
        if not runs:
            # The first run of all compiles loops and loads libraries.
            strategy.rank(evidence, small.n_samples, random_state=0)
        with Clock() as clock:
            strategy.rank(evidence, small.n_samples, random_state=0)
        runs.append(_Run(small, clock.wall, clock.cpu))
        if clock.cpu > _ENOUGH:
            break
    return runs


def _small_sizes(strategy: Any, size: DataSize) -> Iterator[DataSize]:
    """Yield sizes of twice as many rows each time, up to the whole.

    Where classes come one after the other, the size of a class grows first, then their number.
    """
    law = _growth(strategy, size)
    is_by_class = law is not None and law.is_by_class
    width = size.n_features + size.n_classes + size.n_visits
    last = min(size.n_rows, max(_FIRST_ROWS, _MAX_VALUES // width))
    n_rows = min(_FIRST_ROWS, last)
    while True:
        share = n_rows / size.n_rows
        n_samples = round(size.n_samples * share)
        n_classes = size.n_classes
        if is_by_class:
            n_classes = max(1, round(n_classes * share))
        else:
            # A tenth, so that what depends on the picks alone shows.
            n_samples = min(size.n_samples, max(n_samples, n_rows // 10))
        yield size._replace(n_rows=n_rows, n_classes=n_classes, n_samples=max(1, n_samples))
        if n_rows >= last:
            return
        n_rows = min(2 * n_rows, last)


def made_up_evidence(strategy: Any, size: DataSize) -> Evidence:
    """Make clustered features, the probabilities of a fair classifier of them, and the dynamics of a training."""
    rng = np.random.default_rng(0)
    n_rows, n_classes = size.n_rows, size.n_classes
    y = np.arange(n_rows) % n_classes
    parts: dict[str, Any] = {"y": y}
    for name in [name for name in _TABLES if name in strategy.requires]:
        centres = rng.standard_normal((n_classes, size.n_features), dtype=np.float32)
        table = 1.5 * rng.standard_normal((n_rows, size.n_features), dtype=np.float32)
        table += centres[y]
        parts[name] = np.maximum(table, 0.0, out=table)
    for name in [name for name in _CHANNELS if name in strategy.requires]:
        parts[name] = rng.random((size.n_visits, n_rows), dtype=np.float32).astype(np.float16).T
    if "probabilities" in strategy.requires:
        # Two columns at least, also of a part of the classes.
        logits = rng.standard_normal((n_rows, max(2, n_classes)), dtype=np.float32)
        logits[np.arange(n_rows), y] += rng.uniform(0.0, 12.0, n_rows)
        odds = np.exp(logits)
        parts["probabilities"] = odds / odds.sum(axis=1, keepdims=True)
        parts["classes"] = np.arange(max(2, n_classes))
    if "training_record" in strategy.requires:
        visits = np.empty((size.n_visits, 3, n_rows), dtype=np.float16)
        falling = np.linspace(2.0, 0.1, size.n_visits)[:, None] * rng.uniform(0.2, 1.0, n_rows)
        visits[:, 0] = falling * rng.uniform(0.5, 1.0, falling.shape)
        visits[:, 1], visits[:, 2] = np.exp(-visits[:, 0]), 1.0 - visits[:, 0]
        parts["training_record"] = visits.transpose(2, 0, 1)
    if "forgetting_events" in strategy.requires:
        parts["forgetting_events"] = np.where(
            rng.random(n_rows) < 0.1, np.inf, rng.geometric(0.5, n_rows) - 1.0
        )
    return Evidence(**parts)


def evidence_bytes(strategy: Any, size: DataSize) -> int:
    """Return the bytes of the evidence, as `made_up_evidence` makes it."""
    row = 8
    row += 4 * size.n_features * len(set(_TABLES) & set(strategy.requires))
    row += 2 * size.n_visits * len(set(_CHANNELS) & set(strategy.requires))
    row += 4 * size.n_classes * ("probabilities" in strategy.requires)
    row += 6 * size.n_visits * ("training_record" in strategy.requires)
    row += 8 * ("forgetting_events" in strategy.requires)
    return size.n_rows * row


def _peak_bytes(strategy: Any, size: DataSize) -> int:
    """Return the bytes that a run holds at its peak beside the evidence."""
    evidence = made_up_evidence(strategy, size)
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        strategy.rank(evidence, size.n_samples, random_state=0)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_tracing:
            tracemalloc.stop()


def _fitted(terms: tuple[float, ...], runs: list[tuple[tuple[float, ...], float]]) -> float:
    """Return the sum of the terms whose factors, none negative, fit the runs best in relation to their seconds."""
    seconds = np.array([max(value, 1e-9) for _, value in runs])
    # Larger runs tell more of the whole.
    weights = np.sqrt(seconds / seconds.max()) / seconds
    matrix = np.array([law for law, _ in runs]) * weights[:, None]
    scales = np.maximum(matrix.max(axis=0), 1e-300)
    factors, _ = nnls(matrix / scales, seconds * weights)
    return float(np.sum(factors / scales * np.asarray(terms)))


def _carried_on(size: DataSize, runs: list[tuple[DataSize, float]]) -> float:
    """Carry a value of the largest run on to the whole size by the power with which it grew there."""
    (last, value) = runs[-1]
    if last.n_rows == size.n_rows:
        return value
    power = 1.0
    if len(runs) > 1:
        (before, earlier) = runs[-2]
        power = math.log(max(value, 1e-9) / max(earlier, 1e-9)) / math.log(last.n_rows / before.n_rows)
    return value * (size.n_rows / last.n_rows) ** min(max(power, _POWERS[0]), _POWERS[1])
