"""Checks of the sizes and row numbers that `query` and `teach` get."""

import warnings
from typing import Any

import numpy as np

from .._inputs._row_numbers import check_row_numbers
from ..strategies import check_n_samples
from ._state import State


def check_asked_again(n_samples: int, state: State) -> None:
    """Refuse another size while rows of the last query wait for labels."""
    n_waiting, n_free = len(state.waiting), int((~state.table.labelled).sum())
    # A query that was cut to the rows left can be repeated with the size that was too large.
    took_all = n_waiting == n_free
    if n_samples != state.n_asked and not (took_all and n_samples > state.n_asked):
        raise ValueError(
            f"n_samples={n_samples!r}, but {n_waiting} rows of the last query of {state.n_asked} still "
            "wait for labels: teach them, ask for the same size to see them again, or drop them with "
            "discard=True."
        )


def check_candidates(candidates: Any, state: State) -> np.ndarray:
    """Return the candidates of a query, ascending; ValueError if one has a label or does not exist."""
    rows = np.unique(check_row_numbers(candidates, state.n_rows, "candidates"))
    if len(rows) == 0:
        raise ValueError("candidates must name one row at least, got none.")
    labelled = rows[state.table.labelled[rows]]
    if len(labelled):
        raise ValueError(
            f"candidates has {len(labelled)} rows with a label, such as {labelled[:5].tolist()}."
        )
    return rows


def check_query_size(n_samples: int, state: State, candidates: np.ndarray | None = None) -> int:
    """Return the number of rows of a query: at most the candidates, which are all rows without a label by default."""
    n_free = int((~state.table.labelled).sum()) if candidates is None else len(candidates)
    if n_free == 0:
        raise ValueError(
            f"All {state.n_rows} rows are labelled, none is left to query. Mark rows without a label in y "
            "by None, NaN or pd.NA, or by missing_label=...; or append rows with extend."
        )
    if n_samples > n_free:
        left = "rows are left without a label" if candidates is None else "candidates are given"
        warnings.warn(
            f"n_samples={n_samples}, but only {n_free} {left}: all of them are returned.",
            UserWarning,
            stacklevel=4,
        )
        n_samples = n_free
    return check_n_samples(n_samples, n_free)


def check_asked(rows: np.ndarray, state: State) -> None:
    """Refuse rows that no query asked for."""
    asked = state.table.labelled.copy()  # repeated labels are compared, not refused
    asked[state.waiting] = True
    extra = rows[~asked[rows]]
    if len(extra):
        raise ValueError(
            f"rows has {len(extra)} that were not asked for, such as {extra[:5].tolist()}; allow_extra=True "
            "accepts them."
        )
