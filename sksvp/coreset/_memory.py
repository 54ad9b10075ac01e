"""A folder that keeps trained proxies and what they said of their rows."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import joblib
import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._inputs._paths import as_path
from .._inputs._warn import warn_caller
from .._storage._files import make_folder, remove_left_over, replacing
from .._storage._identity import differences, name_of
from .._storage._lock import FolderLock
from .._storage._pickles import check_own, check_pickle
from .._storage._sealed import DamagedFile, read_sealed_json, sha256_of, write_sealed_json
from ._ranking_settled import ProxyStop

_PROXY = "proxy.joblib"
_MANIFEST = "entry.json"
_KIND = "trained proxy 2"

# On the wall, and of the processor, which compare if other work shares the machine.
Seconds = tuple[float, float]


@dataclass
class ProxyRecord:
    """A trained proxy, the evidence gathered so far, and the seconds that they took.

    Attributes
    ----------
    proxy : classifier
        Fitted.
    evidence : dict of str to ndarray
        Arrays of length n, under the names that `Evidence` takes.
    seconds : dict of str to (float, float)
        Seconds on the wall and of the processor, for ``"proxy_fit"`` and for gathering
        each kind of evidence.
    stop : ProxyStop or None
        How the training ended, if a rule watched it.
    """

    proxy: BaseEstimator
    evidence: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: dict[str, Seconds] = field(default_factory=dict)
    stop: ProxyStop | None = None


class MemoryEntry:
    """One training in a memory: a folder with the proxy, its evidence and a manifest with their checksums.

    The manifest is written last, so that an interrupted training leaves no entry. The
    proxy is a pickle: it is read last, if all else matches and nobody else could have
    written it.

    Parameters
    ----------
    folder : Path or None
        Folder of this training alone. None keeps nothing.
    identity : dict
        What makes the training this one.
    """

    def __init__(self, folder: Path | None, identity: dict):
        self.folder = folder
        self.identity = identity
        self._checksums: dict[str, str] = {}

    def load(self, serves: Callable[[ProxyRecord], bool]) -> ProxyRecord | None:
        """Read the entry if it is there and serves. Without, `save` writes a new one over it.

        Raises
        ------
        PermissionError
            If others wrote, or could have written, the proxy.

        Warns
        -----
        UserWarning
            If the entry is damaged.
        """
        if self.folder is None or not (self.folder / _MANIFEST).exists():
            return None
        try:
            record, checksums = self._read(self.folder)
        except (FileNotFoundError, ValueError) as error:
            warn_caller(
                f"The memory entry {self.folder} is damaged ({error}): the proxy is trained again.",
                UserWarning,
            )
            return None
        if not serves(record):
            return None
        self._checksums = checksums
        return record

    def _read(self, folder: Path) -> tuple[ProxyRecord, dict[str, str]]:
        manifest = read_sealed_json(folder / _MANIFEST, _KIND, advice="")
        if differences(manifest["identity"], self.identity):
            raise DamagedFile(f"{_MANIFEST} is of another training")
        checksums = dict(manifest["files"])
        damaged = [name for name, checksum in checksums.items() if sha256_of(folder / name) != checksum]
        if damaged:
            raise DamagedFile(", ".join(damaged))
        check_pickle(folder / _PROXY)
        evidence = {
            name.removesuffix(".npy"): np.load(folder / name, allow_pickle=False)
            for name in checksums
            if name != _PROXY
        }
        seconds = {name: (wall, cpu) for name, (wall, cpu) in manifest["seconds"].items()}
        stop = None if manifest["stop"] is None else ProxyStop.from_json(manifest["stop"])
        return ProxyRecord(joblib.load(folder / _PROXY), evidence, seconds, stop), checksums

    def save(self, record: ProxyRecord) -> None:
        """Write what the entry does not have yet: the proxy, then each array, then the manifest."""
        if self.folder is None:
            return
        self._write(self.folder, _PROXY, lambda part: joblib.dump(record.proxy, part))
        for name, array in record.evidence.items():
            if sparse.issparse(array):
                # What a step before the classifier gives is made again.
                continue
            self._write(self.folder, f"{name}.npy", partial(np.save, arr=array, allow_pickle=False))
        manifest = {
            "identity": self.identity,
            "files": self._checksums,
            "seconds": record.seconds,
            "stop": None if record.stop is None else record.stop.to_json(),
        }
        write_sealed_json(self.folder / _MANIFEST, _KIND, manifest)

    def _write(self, folder: Path, name: str, write: Callable[[Path], object]) -> None:
        if name not in self._checksums:
            with replacing(folder / name, mode=0o644) as part:
                write(part)
                checksum = sha256_of(part)
            self._checksums[name] = checksum


def memory_folder(memory) -> Path | None:
    """Return the folder of a `memory` parameter: a path, a joblib.Memory or None."""
    location = memory if memory is None or isinstance(memory, str | os.PathLike) else memory.location
    return None if location is None else as_path(location, "memory") / "sksvp-proxies"


@contextmanager
def memory_entry(folder: Path | None, key: dict | None) -> Iterator[MemoryEntry]:
    """Open the entry of a training, alone: another process that wants the same training waits for this one.

    Parameters
    ----------
    folder : Path or None
        Folder of the memory; None keeps nothing.
    key : dict or None
        What makes the training this one; None if it cannot be repeated.

    Raises
    ------
    PermissionError
        If others can write into the entry: it could not be read again.

    Warns
    -----
    UserWarning
        After some seconds of waiting; says who holds the entry.
    """
    if folder is None or key is None:
        yield MemoryEntry(None, {})
        return
    folder = folder / name_of(key)
    make_folder(folder)
    check_own(folder)
    lock = FolderLock(folder)
    lock.wait()
    with closing(lock):
        remove_left_over(folder)
        yield MemoryEntry(folder, key)
