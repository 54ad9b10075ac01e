"""What the estimates of both experiments have: lines of the table, passes and rankings."""

from typing import Any

import numpy as np

from .._inputs._containers import take_rows
from ..proxies import Proxy
from ..strategies import DataSize, Evidence, estimate_cost
from ._timed import POWERS, resident_bytes, time_pass, watching_peak

# Rows on which a pass, and on which a ranking is timed.
PASSED, RANKED = 2000, 4000
COLUMNS = ("part", "name", "n_rows", "times", "seconds", "cpu_seconds", "memory")


def ranking_cost(
    rule: Any, evidence: Evidence, n_kept: int, n_rows: int, *, n_classes: int, apart: bool = False
) -> tuple[np.ndarray, float]:
    """Return the seconds and the bytes of a ranking.

    They come from `estimate_cost` where a strategy states its growth, else from rankings of
    some rows.

    Parameters
    ----------
    rule : Strategy
    evidence : Evidence
        Of some rows; it tells the number of features and of visits.
    n_kept, n_rows : int
        Rows to choose, and rows.
    n_classes : int
    apart : bool, default=False
        Whether each class is ranked by itself.
    """
    tables = [evidence.parts[kind] for kind in ("features", "inputs") if kind in evidence.parts]
    record = evidence.parts.get("training_record")
    widths = (max((table.shape[1] for table in tables), default=1), max(2, n_classes))
    visits = {} if record is None else {"n_visits": int(np.shape(record)[1])}
    size = DataSize(n_rows, *widths, n_kept, visits.get("n_visits", 1))
    law = rule.growth(size) if hasattr(rule, "growth") else None
    if law is None:
        return _time_ranking(rule, evidence, n_kept, n_rows)
    n_parts = n_classes if apart and not law.is_by_class else 1
    n_rows, n_kept = -(-n_rows // n_parts), -(-n_kept // n_parts)
    cost = estimate_cost(rule, max(2, n_rows), *widths, min(n_kept, n_rows), **visits)
    return n_parts * np.array([cost.seconds, cost.cpu_seconds]), float(cost.memory)


def _time_ranking(rule: Any, evidence: Evidence, n_kept: int, n_rows: int) -> tuple[np.ndarray, float]:
    """Rank some rows, and carry seconds and memory on to all of them by their growth between two sizes."""
    large = min(evidence.n_rows, RANKED)
    small = max(2, large // 2)

    def rank(size: int) -> None:
        kept = max(1, size * n_kept // n_rows)
        rule.rank(evidence, kept, candidates=np.arange(size), random_state=0)

    before = resident_bytes()
    first = time_pass(lambda: rank(small))
    with watching_peak() as peak:
        second = time_pass(lambda: rank(large))
    growth = np.log(max(second[1], 1e-6) / max(first[1], 1e-6)) / np.log(max(large / small, 1.01))
    carried = (n_rows / large) ** float(np.clip(growth, *POWERS))
    return second * carried, max(0.0, peak[0] - before) * n_rows / large


def time_scoring(proxy: Proxy, X: Any, rows: np.ndarray, kinds: list[str]) -> np.ndarray:
    """Return the seconds that a pass takes for each row."""
    if not kinds:
        return np.zeros(2)
    part = take_rows(X, np.sort(rows))
    return time_pass(lambda: proxy.gather(part, kinds)) / len(rows)


def estimate_line(
    part: str,
    name: str,
    n_rows: int,
    times: int,
    seconds: np.ndarray,
    memory: float,
    once: np.ndarray | float = 0.0,
) -> dict[str, Any]:
    """Return a line of the table; `seconds` are those of one time, and `once` comes to all of them."""
    wall, cpu = (seconds * times + once).tolist()
    known = resident_bytes()
    peak = known + memory if known else np.nan
    return dict(zip(COLUMNS, (part, name, n_rows, times, wall, cpu, peak), strict=True))
