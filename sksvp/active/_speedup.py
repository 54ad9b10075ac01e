"""How much sooner a proxy has selected than the target would have."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Of a learner, or read back from a file.
History = Sequence[Mapping[Any, Any]]
_PARTS = ("proxy_fit", "inference", "ranking")
_CLOCKS = {"wall": "", "cpu": "_cpu"}


def selection_speedup(history: History, baseline_history: History, *, clock: str = "wall"):
    """Compare the seconds that two runs spent on choosing, up to each number of labels.

    What counts is what the choice needed: the training of the proxy before each
    selection, inference on the pool, and ranking. Targets, and a proxy trained
    after the last selection to report its error, do not count.

    Parameters
    ----------
    history : list of dict
        `history_` of a learner that has run its rounds with a proxy.
    baseline_history : list of dict
        The same of one in which the target chose for itself.
    clock : {"wall", "cpu"}, default="wall"
        Seconds of the wall clock, or of the processor: only these compare where
        other work shared the machine.

    Returns
    -------
    pandas.DataFrame
        One line a round after the random start: ``n_labeled``; ``seconds`` and
        ``baseline_seconds``, spent on choosing so far; ``speedup``, their ratio,
        infinite where nothing was spent.

    Raises
    ------
    ValueError
        For histories without such a round, or of other numbers of labels, and for
        another clock.

    References
    ----------
    Coleman et al., Selection via Proxy: Efficient Data Selection for Deep
    Learning, ICLR 2020, table 1.

    Examples
    --------
    >>> from sksvp.active import selection_speedup
    >>> small = {"round": 1, "n_labeled": 100, "proxy_fit": 2.0, "inference": 1.0, "ranking": 0.0}
    >>> large = {"round": 1, "n_labeled": 100, "proxy_fit": 8.0, "inference": 4.0, "ranking": 0.0}
    >>> selection_speedup([small], [large])["speedup"].tolist()
    [4.0]
    """
    import pandas as pd

    if clock not in _CLOCKS:
        raise ValueError(f"clock must be one of {sorted(_CLOCKS)}, got {clock!r}.")
    totals, seconds = _selection_seconds(history, "history", clock)
    baseline_totals, baseline_seconds = _selection_seconds(baseline_history, "baseline_history", clock)
    if totals != baseline_totals:
        raise ValueError(
            f"history and baseline_history must be of the same numbers of labels, got {totals} and "
            f"{baseline_totals}."
        )
    ratio = np.divide(
        baseline_seconds, seconds, out=np.full(len(seconds), np.inf), where=np.asarray(seconds) > 0
    )
    return pd.DataFrame(
        {
            "n_labeled": totals,
            "seconds": seconds,
            "baseline_seconds": baseline_seconds,
            "speedup": ratio,
        }
    )


def _selection_seconds(history: History, name: str, clock: str) -> tuple[list[int], np.ndarray]:
    """Return the numbers of labels and the seconds of choosing up to each, without the random start."""
    rounds = [entry for entry in history if entry["round"] > 0]
    if not rounds:
        raise ValueError(f"{name} must hold a round after the random start, got {len(history)} entries.")
    spent = [sum(entry[part + _CLOCKS[clock]] or 0.0 for part in _PARTS) for entry in rounds]
    return [int(entry["n_labeled"]) for entry in rounds], np.cumsum(spent)
