"""Folder of an active learner's run: states, a journal of the labels, and the parameters."""

import os
import pickle
import threading
import warnings
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from .._inputs._labels import check_class_labels
from .._storage._checkpoint import Checkpoint
from .._storage._describe import IGNORED, describe, digest, in_words, with_content
from .._storage._journal import Journal
from .._storage._pickles import check_pickle
from .._storage._sealed import DamagedFile, read_sealed, write_sealed
from ..proxies import as_proxy, frozen_parts
from ._state import State

_LEARNERS = ("learner.pkl", "learner-copy.pkl")
_LABELS = "labels.jsonl"
_IGNORED_OF_LEARNER = ("oracle",)

# The checkpoint of this process that holds each folder.
_HOLDERS: "WeakValueDictionary[str, LearnerCheckpoint]" = WeakValueDictionary()


class LearnerCheckpoint(Checkpoint):
    """The folder of a learner's run, with its states and a journal of the labels.

    `fit` and `resume` open it and take it over from another learner of the same
    thread, as when a cell of a notebook runs again. That learner can continue only
    after the folder was released without further steps. A folder is never taken
    over from another thread or process, which may be in the middle of a step.
    """

    kind = "learner state 3"
    _in_use = "End that process, or call close() of the learner of this one."
    _gone_on = (
        "without this learner, which is a copy or was replaced. Reopen it by ProxyActiveLearner.resume."
    )
    damaged_advice = (
        f"Restore the folder, or remove its state-*.bin and call fit as before: it starts again with the labels in "
        f"{_LABELS}."
    )

    _was_closed = False
    _user: tuple[int, int] | None = None

    def __init__(self, folder: Path, identity: dict):
        holder = _HOLDERS.get(str(folder.resolve()))
        # A forked process has a copy of the holder, and must not release its parent's lock.
        if holder is not None and holder._user == _here():
            holder.close()
        super().__init__(folder, identity)
        self._journal = Journal(folder / _LABELS)

    def _take_lock(self) -> None:
        super()._take_lock()
        _HOLDERS[str(self.folder.resolve())] = self
        self._user = _here()

    def hold(self) -> None:
        """See `Checkpoint.hold`; raises an error after `close_for_good`."""
        if self._was_closed:
            raise ValueError(
                f"checkpoint: this learner was closed, and another one may have continued its run in "
                f"{str(self.folder)!r}. Reopen it by ProxyActiveLearner.resume, or call fit again."
            )
        if not self.is_held and self._other_holds():
            raise ValueError(
                f"checkpoint: the run in {str(self.folder)!r} is in use by another learner of this process, which was "
                "fitted or resumed later or of which this one is a copy. Use that learner, or call its close()."
            )
        super().hold()
        self._user = _here()

    def _other_holds(self) -> bool:
        """Tell whether another learner of this process holds the folder."""
        holder = _HOLDERS.get(str(self.folder.resolve()))
        if holder is None or holder is self or not holder.is_held or holder._user is None:
            return False
        return holder._user[0] == os.getpid()

    def close_for_good(self) -> None:
        """Release the folder and never hold it again."""
        self.close()
        self._was_closed = True

    # States and labels ----------------------------------------------------------------------

    def load_state(self) -> State | None:
        """Return the state of the run with all labels of the journal; None for a new run. See `Checkpoint.load`."""
        saved = self.load()
        if saved is None:
            return None
        state = State.from_parts(saved.told, saved.arrays)
        if self._add_labels_of_journal(state):
            self.save_state(state)
        return state

    def begin_state(self, state: State, *, keeps_labels: bool) -> None:
        """Write the first state of a run.

        Parameters
        ----------
        state : State
            State of the new run.
        keeps_labels : bool
            If True, labels in the journal of an earlier run, whose states were lost,
            are added to the state.
        """
        if not keeps_labels:
            self._journal.set_aside()
        elif self._add_labels_of_journal(state):
            warnings.warn(
                f"{self._journal.path} has labels of a run whose states are lost: they are used.",
                UserWarning,
                stacklevel=4,
            )
        self.begin(*state.to_parts())

    def note_labels(self, state: State, rows: np.ndarray) -> None:
        """Add labels of rows, which came with the last step, to the journal with the next `save_state`."""
        classes, codes = state.table.classes, state.table.codes[rows]
        replaced = {row: classes[code] for step, row, code in state.corrections if step == state.step}
        self._journal.add(
            [
                {"row": row, "label": classes[code], "step": state.step}
                | ({"replaces": replaced[row]} if row in replaced else {})
                for row, code in zip(rows.tolist(), codes, strict=True)
            ]
        )

    def save_state(self, state: State) -> None:
        """Write new labels, then the state: a damaged state loses no label."""
        self.hold()
        self._journal.flush()
        self.save(*state.to_parts())

    def _add_labels_of_journal(self, state: State) -> bool:
        """Add labels to a state that came after it was written; return whether there were any."""
        latest: dict[int, dict[str, Any]] = {}
        for entry in self._journal.read():
            # The last label of a row counts, in the order in which the last labels came.
            latest.pop(entry["row"], None)
            latest[entry["row"]] = entry
        beyond = sum(row >= state.n_rows for row in latest)
        if beyond:
            warnings.warn(
                f"{self._journal.path} has {beyond} labels of rows beyond the {state.n_rows} of X: append these rows "
                "and teach the labels again.",
                UserWarning,
                stacklevel=5,
            )
        known = {row: state.table.classes[code] for row, code in enumerate(state.table.codes) if code >= 0}
        missing: dict[int, dict[int, Any]] = {}
        for row, entry in latest.items():
            if row < state.n_rows and known.get(row) != entry["label"]:
                missing.setdefault(entry["step"], {})[row] = entry["label"]
        for labels in missing.values():
            values = check_class_labels(np.array([*labels.values()], dtype=object))
            state.record(np.array([*labels]), values, overwrite=True)
        return bool(missing)

    def __getstate__(self) -> dict:
        # A copy can continue the run after the original was closed.
        return {**self.__dict__, "_was_closed": False, "_user": None}


def _here() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


# Parameters ----------------------------------------------------------------------------------


def keep_learner(checkpoint: Checkpoint, learner: BaseEstimator) -> None:
    """Write the parameters of an interactive learner into its run's folder, for `resume`.

    Raises
    ------
    ValueError
        If the learner cannot be pickled.
    """
    content = _pickle(learner)
    for name in _LEARNERS:
        write_sealed(checkpoint.folder / name, content, mode=0o644)


def is_interactive(folder: Path) -> bool:
    """Tell whether `resume` can reopen the run in a folder."""
    return any((folder / name).exists() for name in _LEARNERS)


def read_learner(folder: Path) -> BaseEstimator:
    """Return the unfitted learner of an interactive run.

    It is a pickle and must be read only after everything else of the run fits.

    Raises
    ------
    DamagedFile
        If the file and its copy are damaged.
    PermissionError
        If another user wrote, or could have written, the file.
    """
    for path in (folder / name for name in _LEARNERS):
        try:
            content = read_sealed(path)
        except (FileNotFoundError, DamagedFile):
            continue
        check_pickle(path)
        return pickle.loads(content)
    raise DamagedFile(
        f"{folder / _LEARNERS[0]} and its copy are damaged. Call fit with the parameters, X and y of the run: this "
        "continues the run too."
    )


def describe_run(learner: BaseEstimator, **content: Any) -> dict[str, str]:
    """Describe the parameters and the content of a run by name, in words that can be compared.

    Parameters
    ----------
    learner : ProxyActiveLearner
        The parameters of it, proxy, target and strategy are described, except
        `checkpoint`, `oracle`, `verbose` and `device`.
    **content : str
        Fingerprints of X and y.

    Returns
    -------
    dict of str to str
        Identity of the run.
    """
    described = {name: str(value) for name, value in content.items()}
    frozen = frozen_parts(learner)
    for name, value in learner.get_params(deep=True).items():
        last = name.rpartition("__")[2]
        if last in IGNORED or name in _IGNORED_OF_LEARNER or last.startswith("_"):
            continue
        if name in frozen:
            described[name] = f"FrozenEstimator {digest(_learned(value))}"
        else:
            described[name] = in_words(with_content(last, value))
    return described


def _learned(frozen: FrozenEstimator) -> object:
    """Describe what a frozen model has learned, equally in any process."""
    classifier = as_proxy(frozen).classifier
    net = getattr(classifier, "net_", classifier)
    module = getattr(net, "module_", None)
    return joblib.hash(frozen) if module is None else describe(module)


def _pickle(learner: BaseEstimator) -> bytes:
    try:
        return pickle.dumps(learner)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"checkpoint keeps the learner's parameters in a file, but they cannot be pickled: {error}"
        ) from error
