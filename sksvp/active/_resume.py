"""Finding the run of some rows in a checkpoint folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from .._storage._checkpoint import is_run_folder
from .._storage._fingerprint import fingerprint
from .._storage._states import read_newest
from ._checkpoint import LearnerCheckpoint, is_interactive, read_learner
from ._state import State

if TYPE_CHECKING:
    from ._learner import ProxyActiveLearner


def find_run(folder: Path, X: Any) -> tuple["ProxyActiveLearner", LearnerCheckpoint, State]:
    """Open the interactive run below, or in, a folder.

    Parameters
    ----------
    folder : Path
        A root, or the folder of one run.
    X : rows
        All rows of the run.

    Returns
    -------
    learner : ProxyActiveLearner
        With its parameters, unfitted.
    checkpoint : LearnerCheckpoint
        Locked.
    state : State

    Raises
    ------
    ValueError
        Where there is no such run, none of these rows, or several of them.
    """
    found = _candidates(folder)
    if len(found) > 1:
        found = _only_those_that_fit(folder, found, X)
    run_folder = found[0]
    checkpoint = LearnerCheckpoint(run_folder, _identity(run_folder))
    try:
        state = checkpoint.load_state()
        if state is None:
            raise ValueError(f"folder={str(folder)!r} holds no state of a run.")
        difference = _difference(state, X)
        if difference:
            raise ValueError(f"The run in {str(run_folder)!r} is of another X: {difference}.")
        learner: Any = read_learner(run_folder)
    except BaseException:
        checkpoint.close()
        raise
    learner.set_params(checkpoint=str(run_folder.parent if run_folder != folder else folder))
    return learner, checkpoint, state


def _identity(folder: Path) -> dict[str, str]:
    saved, _ = read_newest(folder, LearnerCheckpoint.kind)
    return saved.about["identity"]


def _candidates(folder: Path) -> list[Path]:
    folders = (
        [folder]
        if is_run_folder(folder)
        else sorted(path for path in folder.glob("*") if is_run_folder(path))
    )
    if not folders:
        raise ValueError(f"folder={str(folder)!r} holds no run; give the checkpoint of the learner.")
    found = [path for path in folders if is_interactive(path)]
    if not found:
        raise ValueError(
            f"folder={str(folder)!r} holds runs of fit with rounds only: the same fit goes on with them, resume is "
            "for runs by query and teach."
        )
    return found


def _only_those_that_fit(folder: Path, found: list[Path], X: Any) -> list[Path]:
    """Tell several runs apart by the rows they were fitted on."""
    known: dict[int, str] = {}
    fitting, unreadable = [], None
    for path in found:
        try:
            n_rows, content = _identity(path)["X"].split(" rows ")
        except ValueError as error:
            unreadable = error
            continue
        start = int(n_rows)
        if start > _num_samples(X):
            continue
        if start not in known:
            known[start] = fingerprint(_safe_indexing(X, np.arange(start)))
        if known[start] == content:
            fitting.append(path)
    if not fitting and unreadable is not None:
        raise unreadable
    if len(fitting) != 1:
        names = ", ".join(path.name for path in fitting or found)
        what = "several runs of this X" if fitting else "several runs, none of this X"
        raise ValueError(
            f"folder={str(folder)!r} holds {what}: {names}. Their run.json tells them apart; give the folder of one."
        )
    return fitting


def _difference(state: State, X: Any) -> str:
    """Say how X differs from the rows of a run; nothing where it does not."""
    n_rows = _num_samples(X)
    if n_rows != state.n_rows:
        parts = " + ".join(str(length) for length, _ in state.parts)
        return f"X has {n_rows} rows, the run {parts}" + (
            f" = {state.n_rows} (fitted, then appended)" if len(state.parts) > 1 else ""
        )
    start = 0
    for length, content in state.parts:
        stop = start + length
        part = X if length == n_rows else _safe_indexing(X, np.arange(start, stop))
        if fingerprint(part) != content:
            return f"rows {start} .. {stop - 1} have other values"
        start = stop
    return ""
