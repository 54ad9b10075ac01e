"""A folder that keeps the state of long work: locked, written atomically, with the state before the last beside it."""

import hashlib
import io
import json
import os
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from .. import __version__
from ._files import replacing, write_json

_STATES = "state-*.bin"
_INFO = "run.json"
_PACKAGES = ("scikit-learn", "torch", "skorch", "numpy")


class Checkpoint:
    """One run's folder, held by one worker at a time.

    A state is a file of its own, ``state-NUMBER.bin``: a checksum, then an npz.
    The last two are kept, so that damage to the newest loses one step. The lock
    is the operating system's: with its process it is gone.

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
    """

    # What the user can do about a run that is held, or that has gone on without a copy of its worker.
    _in_use = "by another process or thread. Wait for it, or end it."
    _gone_on = "since this copy was made. Open it anew."

    def __init__(self, folder: Path, identity: dict):
        self.folder = folder
        self.identity = identity
        # Read once: they lie in files of the packages.
        self._versions = _versions()
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._lock: FileLock | None = None
        self._take_lock()
        for left_over in folder.glob(".*.part*"):
            # A killed process could not take its unfinished file along.
            left_over.unlink()

    def _take_lock(self) -> None:
        # Any thread may go on with a run.
        lock = FileLock(self.folder / "lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"checkpoint: the run in {str(self.folder)!r} is in use {self._in_use}"
            ) from None
        self._lock = lock

    def close(self) -> None:
        """Let another worker go on with the run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def hold(self) -> None:
        """Take the lock again after `close`, or for a copy, before the run goes on.

        Raises
        ------
        ValueError
            Where the run is in use, or has gone on without this copy.
        """
        if self._lock is not None:
            return
        self._take_lock()
        newest = max(map(_number, _state_files(self.folder)), default=0)
        if newest != self._number:
            self.close()
            raise ValueError(f"checkpoint: the run in {str(self.folder)!r} has gone on {self._gone_on}")

    def load(self) -> dict[str, np.ndarray] | None:
        """Return the arrays of the newest good state, None where there is no state yet.

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
        paths = _state_files(self.folder)
        if not paths:
            return None
        damaged = []
        for path in reversed(paths):
            arrays = _read_state(path)
            if arrays is not None:
                break
            damaged.append(path)
        else:
            raise ValueError(
                f"checkpoint: all states in {str(self.folder)!r} are damaged. Restore the folder, or remove it to "
                "begin anew."
            )
        self._number = _number(paths[-1])
        header = json.loads(arrays.pop("header").tobytes())
        self._check_same(header["identity"])
        _check_versions(header["versions"], self._versions, self.folder)
        if damaged:
            warnings.warn(
                f"The checkpoint {damaged[0]} is damaged: the state before it is used, and the last step is "
                "done again.",
                UserWarning,
                stacklevel=2,
            )
            for bad in damaged:
                bad.rename(bad.with_name(f"damaged-{bad.name}"))
            # Two good ones again.
            self.save(arrays)
        self._remove_old()
        return arrays

    def _check_same(self, there: dict) -> None:
        differences = [
            f"{name}={there.get(name, 'nothing')} there, {self.identity.get(name, 'nothing')} now"
            for name in sorted({*there, *self.identity})
            if there.get(name) != self.identity.get(name)
        ]
        if differences:
            raise ValueError(
                f"checkpoint: the run in {str(self.folder)!r} is another one ({'; '.join(differences)})."
            )

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Write a state, then remove those older than the one before it."""
        self.hold()
        header = json.dumps({"identity": self.identity, "versions": self._versions}).encode()
        buffer = io.BytesIO()
        np.savez(buffer, header=np.frombuffer(header, dtype=np.uint8), **arrays)  # type: ignore[arg-type]
        write_sealed(self.folder / f"state-{self._number + 1:08d}.bin", buffer.getvalue())
        _sync_folder(self.folder)
        self._number += 1
        self._remove_old()

    def _remove_old(self) -> None:
        for path in _state_files(self.folder)[:-2]:
            path.unlink()

    def begin(self, arrays: dict[str, np.ndarray]) -> None:
        """Write what a new run's folder holds from the start."""
        # For people; nothing reads it.
        write_json(self.folder / _INFO, {"identity": self.identity, "versions": self._versions})
        # Twice, so that damage to one file never loses a run.
        self.save(arrays)
        self.save(arrays)

    def __getstate__(self) -> dict:
        # A copy has no lock; it takes it with its first step.
        return {**self.__dict__, "_lock": None}


def open_checkpoint(
    root: str | os.PathLike, identity: dict, kind: type[Checkpoint] = Checkpoint
) -> Checkpoint:
    """Open the folder of a run below a root folder, or the root itself where it is a run's folder.

    Runs of other identities have folders of their own below the root, so that
    clones in a grid search do not meet.
    """
    root = Path(root)
    if is_run_folder(root):
        return kind(root, identity)
    text = json.dumps(identity, sort_keys=True)
    return kind(root / hashlib.blake2b(text.encode(), digest_size=10).hexdigest(), identity)


def is_run_folder(folder: Path) -> bool:
    """Tell whether a folder is that of one run."""
    return bool(_state_files(folder))


def read_newest(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the newest good state of a folder, which is neither locked nor mended.

    Raises
    ------
    ValueError
        Where no state can be read.
    """
    for path in reversed(_state_files(folder)):
        arrays = _read_state(path)
        if arrays is not None:
            return arrays
    raise ValueError(f"All states in {str(folder)!r} are damaged.")


def read_identity(folder: Path) -> dict:
    """Return what the newest good state of a folder says of its run.

    Raises
    ------
    ValueError
        Where no state can be read.
    """
    return json.loads(read_newest(folder)["header"].tobytes())["identity"]


# Files ---------------------------------------------------------------------------------------


def _state_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(_STATES))


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _read_state(path: Path) -> dict[str, np.ndarray] | None:
    content = read_sealed(path)
    if content is None:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file with a checksum before its content, for `read_sealed`; the old file stays until it is whole."""
    with replacing(path) as part:
        part.write_bytes(_checksum(content) + b"\n" + content)


def read_sealed(path: Path) -> bytes | None:
    """Return the content of a file, None where it is not what was written."""
    try:
        checksum, _, content = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    return content if checksum == _checksum(content) else None


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode()


def _sync_folder(folder: Path) -> None:
    """Make the names of new files last as well; systems without this need none."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _versions() -> dict[str, str]:
    found = {"sksvp": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _check_versions(there: dict[str, str], here: dict[str, str], folder: Path) -> None:
    changed = [
        f"{name} {there.get(name)} -> {here.get(name)}" for name in here if here[name] != there.get(name)
    ]
    if changed:
        warnings.warn(
            f"The run in {str(folder)!r} was made with other versions ({', '.join(changed)}): models trained again "
            "may come out otherwise.",
            UserWarning,
            stacklevel=3,
        )
