"""A folder that keeps the state of long work: locked, whole at any moment, the state before the last beside it."""

import errno
import os
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ._files import make_folder, remove_left_over, write_json
from ._identity import differences, name_of, versions, warn_of_versions
from ._lock import FolderLock
from ._sealed import DamagedFile
from ._states import Saved, read_newest, remove_old_states, set_aside, state_files, write_state

_Kind = TypeVar("_Kind", bound="Checkpoint")


class Checkpoint:
    """One run's folder, held by one worker at a time.

    Parameters
    ----------
    folder : Path
        Of this run alone; made where it is not there.
    identity : dict
        What makes the run this one, by name, in words.

    Raises
    ------
    ValueError
        Where another process, or another worker of this one, holds the run.
    OSError
        Where the folder cannot be written to or locked.
    """

    # What the states are of, and the version of their form.
    kind = "state 1"
    # What the user can do about a run that is held, that has gone on without a copy of its worker, or that is damaged.
    _in_use = "Wait for it, or end it."
    _gone_on = "since this copy was made. Open it anew."
    damaged_advice = "Restore the folder, or remove it to begin anew."

    def __init__(self, folder: Path, identity: dict):
        self.folder = folder
        self.identity = identity
        # Read once: they lie in files of the packages.
        self._versions = versions()
        self._number = 0
        make_folder(folder)
        self._lock = FolderLock(folder)
        self._take_lock()
        remove_left_over(folder)

    @property
    def is_held(self) -> bool:
        """Whether this worker has the run."""
        return self._lock.is_held

    def _take_lock(self) -> None:
        if not self._lock.take():
            raise ValueError(
                f"checkpoint: the run in {str(self.folder)!r} is in use {self._lock.holder()}. {self._in_use}"
            )

    def close(self) -> None:
        """Let another worker go on with the run."""
        self._lock.close()

    def hold(self) -> None:
        """Take the lock again after `close`, or for a copy, before the run goes on.

        Raises
        ------
        ValueError
            Where the run is in use, or has gone on without this copy.
        FileNotFoundError
            Where the folder was removed or moved.
        """
        if self._lock.is_gone or not self.folder.is_dir():
            raise FileNotFoundError(
                errno.ENOENT,
                "the folder of this run was removed or moved while it was in use. Put it back to go on",
                str(self.folder),
            )
        if self.is_held:
            return
        self._take_lock()
        if max(state_files(self.folder), default=0) != self._number:
            self.close()
            raise ValueError(f"checkpoint: the run in {str(self.folder)!r} has gone on {self._gone_on}")

    def load(self) -> Saved | None:
        """Return the newest whole state, None where there is no state yet.

        Raises
        ------
        ValueError
            Where the run is of other parameters or rows, or no state can be read.

        Warns
        -----
        UserWarning
            Where the newest state is damaged and the one before it is used, or the
            libraries are of other versions.
        """
        files = state_files(self.folder)
        if not files:
            return None
        try:
            saved, damaged = read_newest(self.folder, self.kind)
        except DamagedFile as error:
            raise DamagedFile(f"checkpoint: {error} {self.damaged_advice}") from None
        self._number = max(files)
        different = differences(saved.about["identity"], self.identity)
        if different:
            raise ValueError(f"checkpoint: the run in {str(self.folder)!r} is another one ({different}).")
        warn_of_versions(saved.about["versions"], self._versions, self.folder)
        set_aside(damaged)
        if damaged:
            # Two good ones again.
            self.save(saved.told, saved.arrays)
        remove_old_states(self.folder)
        return saved

    def save(self, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write a state of plain values and arrays; the one before it stays."""
        self.hold()
        write_state(self.folder, self._number + 1, self.kind, Saved(self._about, told, arrays))
        self._number += 1

    def begin(self, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write what a new run's folder holds from the start."""
        # For people; nothing reads it.
        write_json(self.folder / "run.json", self._about)
        # Twice, so that damage to one file never loses a run.
        self.save(told, arrays)
        self.save(told, arrays)

    @property
    def _about(self) -> dict:
        return {"identity": self.identity, "versions": self._versions}


def open_checkpoint(root: str | os.PathLike, identity: dict, kind: type[_Kind]) -> _Kind:
    """Open the folder of a run below a root folder, or the root itself where it is a run's folder.

    Runs of other identities have folders of their own below the root, so that
    clones in a grid search do not meet.
    """
    root = Path(root)
    return kind(root if has_states(root) else root / name_of(identity), identity)


def has_states(folder: Path) -> bool:
    """Tell whether a folder is that of one run, with states."""
    return bool(state_files(folder))
