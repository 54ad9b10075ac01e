"""How much faster a proxy selects than the target."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

# `history_` of a learner, or what was read back from a file.
History = Sequence[Mapping[Any, Any]]
_PARTS = ("proxy_fit", "inference", "ranking")
_CLOCKS = {"wall": "", "cpu": "_cpu"}


@validate_params({"clock": [StrOptions(set(_CLOCKS))]}, prefer_skip_nested_validation=True)
def selection_speedup(history: History, baseline_history: History, *, clock: str = "wall"):
    """Compare the seconds that two runs spent on selection, up to each number of labels.

    The seconds of a selection are those of the training of the proxy before it, of
    the inference on the pool, and of the ranking. Targets do not count, nor does a
    proxy that is trained after the last selection to report its error.

    Parameters
    ----------
    history : list of dict
        `history_` of a learner that has run its rounds with a proxy.
    baseline_history : list of dict
        `history_` of a learner whose target chose for itself.
    clock : {"wall", "cpu"}, default="wall"
        Seconds by the wall, or of the processor. If other work shared the machine,
        only seconds of the processor can be compared.

    Returns
    -------
    pandas.DataFrame
        One line for each round after the random start: ``n_labeled``; ``seconds``
        and ``baseline_seconds``, spent on selection so far; ``speedup``, their
        ratio, infinite if no second was spent.

    Raises
    ------
    TypeError
        If a history is no list of dict.
    ValueError
        If a history lacks an entry, has no round after the random start, the numbers of labels
        differ, or the clock is unknown.

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

    totals, seconds = _selection_seconds(history, "history", clock)
    baseline_totals, baseline_seconds = _selection_seconds(baseline_history, "baseline_history", clock)
    if totals != baseline_totals:
        raise ValueError(
            f"history and baseline_history must have the same numbers of labels, got {totals} and "
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


def check_history(history: Any, name: str, keys: tuple[str, ...]) -> None:
    """Check that a history is a list of dict with certain keys.

    Raises
    ------
    TypeError
        If it is no list of dict.
    ValueError
        If an entry lacks a key.
    """
    if not isinstance(history, list | tuple) or not all(isinstance(entry, Mapping) for entry in history):
        raise TypeError(f"{name} must be a list of dict, such as history_ of a learner, got {history!r}.")
    for number, entry in enumerate(history):
        missing = [key for key in keys if key not in entry]
        if missing:
            raise ValueError(f"{name} must have {', '.join(missing)} in each entry, entry {number} has not.")


def _selection_seconds(history: History, name: str, clock: str) -> tuple[list[int], np.ndarray]:
    """Return the numbers of labels, and the seconds of selection up to each, without the random start."""
    parts = [part + _CLOCKS[clock] for part in _PARTS]
    check_history(history, name, ("round", "n_labeled", *parts))
    rounds = [entry for entry in history if entry["round"] > 0]
    if not rounds:
        raise ValueError(f"{name} must hold a round after the random start, got {len(history)} entries.")
    spent = [sum(entry[part] or 0.0 for part in parts) for entry in rounds]
    return [int(entry["n_labeled"]) for entry in rounds], np.cumsum(spent)
