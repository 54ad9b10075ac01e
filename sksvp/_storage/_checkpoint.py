"""A locked folder that keeps the last two states of a run."""

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
    """The folder of one run. One worker at a time holds its lock.

    Parameters
    ----------
    folder : Path
        Folder of this run alone. It is created if it is missing.
    identity : dict of str to str
        Parameters and fingerprints of the run. Another run has another identity.

    Raises
    ------
    ValueError
        If another process, or another worker of this process, holds the run.
    OSError
        If the folder cannot be written to or locked.
    """

    # Kind of the states, and the version of their format.
    kind = "state 1"
    # Advice for a run that is in use, that another copy of its worker has continued, or that is damaged.
    _in_use = "Wait for it, or end it."
    _gone_on = "since this copy was made. Open it anew."
    damaged_advice = "Restore the folder, or remove it to begin anew."

    def __init__(self, folder: Path, identity: dict):
        self.folder = folder
        self.identity = identity
        # They are read from files, so they are read once.
        self._versions = versions()
        self._number = 0
        make_folder(folder)
        self._lock = FolderLock(folder)
        self._take_lock()
        remove_left_over(folder)

    @property
    def is_held(self) -> bool:
        """Whether this worker holds the run."""
        return self._lock.is_held

    def _take_lock(self) -> None:
        if not self._lock.take():
            raise ValueError(
                f"checkpoint: the run in {str(self.folder)!r} is in use {self._lock.holder()}. {self._in_use}"
            )

    def close(self) -> None:
        """Release the lock, so that another worker can continue the run."""
        self._lock.close()

    def hold(self) -> None:
        """Take the lock if this worker does not hold it, as after `close` or in a copy.

        Raises
        ------
        ValueError
            If the run is in use, or another copy has continued it.
        FileNotFoundError
            If the folder was removed or moved.
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
        """Return the newest undamaged state, or None if there is no state yet.

        Raises
        ------
        ValueError
            If the run has another identity, or all states are damaged.

        Warns
        -----
        UserWarning
            If the newest state is damaged and the one before it is used, or the
            run was made with other versions of the libraries.
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
            # There must be two undamaged states again.
            self.save(saved.told, saved.arrays)
        remove_old_states(self.folder)
        return saved

    def save(self, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write a state of plain values and arrays. The state before it is kept."""
        self.hold()
        write_state(self.folder, self._number + 1, self.kind, Saved(self._about, told, arrays))
        self._number += 1

    def begin(self, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write the first state of a new run, and a description of the run."""
        # The description is for people. No code reads it.
        write_json(self.folder / "run.json", self._about)
        # The state is written twice, so that damage to one file does not lose the run.
        self.save(told, arrays)
        self.save(told, arrays)

    @property
    def _about(self) -> dict:
        return {"identity": self.identity, "versions": self._versions}


def open_checkpoint(root: str | os.PathLike, identity: dict, kind: type[_Kind]) -> _Kind:
    """Open the folder of a run below a root folder, or the root itself if it is the folder of a run.

    Each identity has its own folder below the root, so that the clones of a grid
    search do not share one.
    """
    root = Path(root)
    return kind(root if has_states(root) else root / name_of(identity), identity)


def has_states(folder: Path) -> bool:
    """Tell whether a folder holds states of a run."""
    return bool(state_files(folder))
