"""The folder of a run: locked, written atomically, with the state before the last kept beside it."""

import hashlib
import io
import json
import os
import pickle
import warnings
from importlib.metadata import PackageNotFoundError, version
from numbers import Real
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from filelock import FileLock, Timeout
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from .. import __version__
from .._files import replacing, write_json
from ..coreset._memory_key import describe
from ..evidence._proxies import classifier_of

_STATES = "state-*.bin"
_LEARNERS = ("learner.pkl", "learner-copy.pkl")
_INFO = "run.json"
_PACKAGES = ("scikit-learn", "torch", "skorch", "numpy")
# Parameters that say nothing of what is chosen or trained.
_IGNORED = ("verbose", "device")
_IGNORED_OF_LEARNER = ("checkpoint", "oracle")


class Checkpoint:
    """One run's folder, held by one learner at a time.

    A state is a file of its own, ``state-NUMBER.bin``: a checksum, then an npz.
    The last two are kept, so that damage to the newest loses one step. The lock
    is the operating system's: with its process it is gone.

    Parameters
    ----------
    folder : Path
        Of this run alone; made where it is not there.
    identity : dict
        What makes the run this one; see `describe_run`.

    Raises
    ------
    ValueError
        Where another process, or another learner of this one, holds the run.
    """

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
                f"checkpoint: the run in {str(self.folder)!r} is in use by another process, or by another "
                "learner of this one. End that process, or call that learner's close()."
            ) from None
        self._lock = lock

    def close(self) -> None:
        """Let another learner go on with the run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def hold(self) -> None:
        """Take the lock again after `close`, or for a copy of a learner, before the run goes on.

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
            raise ValueError(
                f"checkpoint: the run in {str(self.folder)!r} has gone on since this copy of the learner was "
                "made. Reopen it with ProxyActiveLearner.resume."
            )

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
            f"{name}: {there.get(name, 'nothing')} there, {self.identity.get(name, 'nothing')} now"
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
        _write_sealed(self.folder / f"state-{self._number + 1:08d}.bin", buffer.getvalue())
        _sync_folder(self.folder)
        self._number += 1
        self._remove_old()

    def _remove_old(self) -> None:
        for path in _state_files(self.folder)[:-2]:
            path.unlink()

    def begin(self, learner: BaseEstimator, arrays: dict[str, np.ndarray], *, is_interactive: bool) -> None:
        """Write what a new run's folder holds from the start.

        Raises
        ------
        ValueError
            For an interactive learner that cannot be pickled: `resume` would not
            find its parameters.
        """
        if is_interactive:
            content = _pickle(learner)
            for name in _LEARNERS:
                _write_sealed(self.folder / name, content)
        # For people; nothing reads it.
        write_json(self.folder / _INFO, {"identity": self.identity, "versions": self._versions})
        # Twice, so that damage to one file never loses a run.
        self.save(arrays)
        self.save(arrays)

    def __getstate__(self) -> dict:
        # A copy has no lock; it takes it with its first step.
        return {**self.__dict__, "_lock": None}


def open_checkpoint(root: str | os.PathLike, identity: dict) -> Checkpoint:
    """Open the folder of a run below a root folder, or the root itself where it is a run's folder."""
    root = Path(root)
    if is_run_folder(root):
        return Checkpoint(root, identity)
    text = json.dumps(identity, sort_keys=True)
    return Checkpoint(root / hashlib.blake2b(text.encode(), digest_size=10).hexdigest(), identity)


def is_run_folder(folder: Path) -> bool:
    """Tell whether a folder is that of one run."""
    return bool(_state_files(folder))


def read_learner(folder: Path) -> BaseEstimator | None:
    """Return the unfitted learner of an interactive run; None where the folder is of another kind.

    Raises
    ------
    ValueError
        Where its file and the copy are damaged.
    """
    paths = [folder / name for name in _LEARNERS]
    if not any(path.exists() for path in paths):
        return None
    for path in paths:
        content = _read_sealed(path)
        if content is not None:
            return pickle.loads(content)
    raise ValueError(
        f"{paths[0]} and its copy are damaged. Call fit again with the parameters, X and y of the run: that "
        "goes on with it too."
    )


def read_identity(folder: Path) -> dict:
    """Return what the newest good state of a folder says of its run.

    Raises
    ------
    ValueError
        Where no state can be read.
    """
    for path in reversed(_state_files(folder)):
        arrays = _read_state(path)
        if arrays is not None:
            return json.loads(arrays["header"].tobytes())["identity"]
    raise ValueError(f"All states in {str(folder)!r} are damaged.")


def describe_run(learner: BaseEstimator, **content: Any) -> dict[str, str]:
    """Describe what makes a run: parameters and content, by name, in words that can be compared.

    Parameters
    ----------
    learner : ProxyActiveLearner
        Its parameters, those of proxy, target and strategy included; not
        `checkpoint`, `oracle`, `verbose` and `device`.
    **content : str
        Fingerprints.
    """
    described = {name: str(value) for name, value in content.items()}
    for name, value in learner.get_params(deep=True).items():
        last = name.rpartition("__")[2]
        if last in _IGNORED or name in _IGNORED_OF_LEARNER or last.startswith("_"):
            continue
        described[name] = _in_words(value)
    return described


def _in_words(value: Any) -> str:
    """Return a parameter as text; of an object with parameters its class: they follow by their own names."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, FrozenEstimator):
        return f"FrozenEstimator {_digest(_learned(value))}"
    if hasattr(value, "get_params"):
        return f"{type(value).__name__} {_digest(describe(type(value)))}"
    if value is None or isinstance(value, str | Real):
        return repr(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str | Real) for item in value):
        return repr([item.item() if isinstance(item, np.generic) else item for item in value])
    return f"{type(value).__name__} {_digest(describe(value))}"


def _learned(frozen: FrozenEstimator) -> object:
    """Return what a frozen model has learned, in a form that is equal in any process."""
    classifier = classifier_of(frozen)
    net = getattr(classifier, "net_", classifier)
    module = getattr(net, "module_", None)
    return joblib.hash(frozen) if module is None else describe(module)


def _digest(description: object) -> str:
    return f"({hashlib.blake2b(repr(description).encode(), digest_size=4).hexdigest()})"


# Files ---------------------------------------------------------------------------------------


def _state_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(_STATES))


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _read_state(path: Path) -> dict[str, np.ndarray] | None:
    content = _read_sealed(path)
    if content is None:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _write_sealed(path: Path, content: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(_checksum(content) + b"\n" + content)


def _read_sealed(path: Path) -> bytes | None:
    """Return the content of a file, None where it is not what was written."""
    try:
        checksum, _, content = path.read_bytes().partition(b"\n")
    except OSError:
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


def _pickle(learner: BaseEstimator) -> bytes:
    try:
        return pickle.dumps(learner)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"checkpoint keeps the learner's parameters in a file, and they cannot be pickled: {error}"
        ) from error


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
