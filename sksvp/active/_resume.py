"""Search for the run of some rows in a checkpoint folder."""

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._storage._checkpoint import has_states
from .._storage._states import read_newest
from ._checkpoint import LearnerCheckpoint, is_interactive, read_learner
from ._same_rows import content_of, difference_from_run
from ._state import State

if TYPE_CHECKING:
    from ._learner import ProxyActiveLearner


def find_run(folder: Path, X: Any) -> tuple["ProxyActiveLearner", LearnerCheckpoint, State]:
    """Open the interactive run of some rows.

    Parameters
    ----------
    folder : Path
        A root folder of runs, or the folder of one run.
    X : rows
        All rows of the run.

    Returns
    -------
    learner : ProxyActiveLearner
        Unfitted, with the parameters of the run.
    checkpoint : LearnerCheckpoint
        The run's folder, locked.
    state : State
        State of the run.

    Raises
    ------
    ValueError
        If the folder has no interactive run, none of these rows, or several of them.
    """
    folders = [folder] if has_states(folder) else sorted(filter(has_states, folder.glob("*")))
    if not folders:
        raise ValueError(f"folder={str(folder)!r} holds no run; it must be the checkpoint of the learner.")
    found = list(filter(is_interactive, folders))
    if not found:
        raise ValueError(
            f"folder={str(folder)!r} holds runs of fit with rounds only, or with metadata or start_features: the same "
            "fit continues them; resume is for runs by query and teach."
        )
    run_folder, identity = _the_one_of(X, found, folder)
    checkpoint = LearnerCheckpoint(run_folder, identity)
    try:
        state: Any = checkpoint.load_state()
        # This is a pickle, which is opened only after everything else fits.
        learner: Any = read_learner(run_folder)
    except BaseException:
        checkpoint.close()
        raise
    learner.set_params(checkpoint=str(run_folder.parent if run_folder != folder else folder))
    return learner, checkpoint, state


def _the_one_of(X: Any, found: list[Path], root: Path) -> tuple[Path, dict[str, str]]:
    """Return the folder and the identity of the run whose rows are X."""
    content = cache(partial(content_of, X))
    fitting, reasons = {}, []
    for path in found:
        try:
            saved, _ = read_newest(path, LearnerCheckpoint.kind)
        except ValueError as error:
            reasons.append(f"{error} {LearnerCheckpoint.damaged_advice}")
            continue
        difference = difference_from_run(X, saved.told["parts"], content)
        if difference:
            reasons.append(f"The run in {str(path)!r} is of another X: {difference}.")
        else:
            fitting[path] = saved.about["identity"]
    if len(fitting) == 1:
        return fitting.popitem()
    if not fitting:
        raise ValueError(" ".join(reasons))
    names = ", ".join(path.name for path in fitting)
    raise ValueError(
        f"folder={str(root)!r} holds several runs of this X: {names}. Their run.json shows how they differ; pass the "
        "folder of one."
    )
