"""A folder that keeps trained proxies and what they said of their rows."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from .._storage._files import make_folder, remove_left_over, replacing
from .._storage._identity import differences, name_of
from .._storage._lock import FolderLock
from .._storage._pickles import check_own, check_pickle
from .._storage._sealed import DamagedFile, read_sealed_json, sha256_of, write_sealed_json
from ._ranking_settled import ProxyStop

_PROXY = "proxy.joblib"
_MANIFEST = "entry.json"
_KIND = "trained proxy 1"
_SECONDS = ("proxy_fit", "proxy_cpu", "inference", "inference_cpu")


@dataclass
class ProxyRecord:
    """A trained proxy, the evidence gathered so far, and the seconds that they took.

    Attributes
    ----------
    proxy : classifier
        Fitted.
    evidence : dict
        Arrays of length n, under the names that `Evidence` takes.
    proxy_fit : float
        Seconds of the training.
    proxy_cpu : float
        Seconds of the processor, all threads, in the same time.
    inference : dict
        Seconds of gathering each kind of evidence.
    inference_cpu : dict
        Those of the processor.
    stop : ProxyStop or None
        How the training ended, where a rule watched it.
    """

    proxy: BaseEstimator
    evidence: dict[str, np.ndarray] = field(default_factory=dict)
    proxy_fit: float = 0.0
    proxy_cpu: float = 0.0
    inference: dict[str, float] = field(default_factory=dict)
    inference_cpu: dict[str, float] = field(default_factory=dict)
    stop: ProxyStop | None = None


class NoEntry:
    """Stands in for an entry where nothing is kept."""

    def load(self) -> None:
        """Return None: nothing was kept."""

    def begin(self) -> None:
        """Nothing is kept, so nothing is to be forgotten."""

    def save(self, record: ProxyRecord) -> None:
        """Keep nothing."""


class MemoryEntry:
    """One training in a memory: a folder with the proxy, its evidence and a manifest with their checksums.

    The manifest is written last, so that a training which was broken off leaves
    no entry. The proxy is a pickle: it is read last, where all else fits and nobody
    else could have written it.

    Parameters
    ----------
    folder : Path
        Of this training alone.
    identity : dict
        What makes the training this one.
    """

    def __init__(self, folder: Path, identity: dict):
        self.folder = folder
        self.identity = identity
        self._checksums: dict[str, str] = {}

    def load(self) -> ProxyRecord | None:
        """Read the entry; None where there is none, or, with a warning, where it is damaged.

        Raises
        ------
        PermissionError
            Where others wrote, or could have written, the proxy.
        """
        try:
            return self._read()
        except (FileNotFoundError, ValueError) as error:
            if not (self.folder / _MANIFEST).exists():
                return None
            warnings.warn(
                f"The memory entry {self.folder} is damaged ({error}): the proxy is trained again.",
                UserWarning,
                stacklevel=2,
            )
            return None

    def _read(self) -> ProxyRecord:
        manifest = read_sealed_json(self.folder / _MANIFEST, _KIND, advice="")
        if differences(manifest["identity"], self.identity):
            raise DamagedFile(f"{_MANIFEST} is of another training")
        checksums = dict(manifest["files"])
        damaged = [name for name, checksum in checksums.items() if sha256_of(self.folder / name) != checksum]
        if damaged:
            raise DamagedFile(", ".join(damaged))
        check_pickle(self.folder / _PROXY)
        evidence = {
            name.removesuffix(".npy"): np.load(self.folder / name, allow_pickle=False)
            for name in checksums
            if name != _PROXY
        }
        stop = None if manifest["stop"] is None else ProxyStop.from_json(manifest["stop"])
        proxy = joblib.load(self.folder / _PROXY)
        self._checksums = checksums
        return ProxyRecord(proxy, evidence, stop=stop, **manifest["seconds"])

    def begin(self) -> None:
        """Forget what was loaded: the next `save` writes a new training over it."""
        self._checksums = {}

    def save(self, record: ProxyRecord) -> None:
        """Write what the entry does not have yet: the proxy, then each array, then the manifest."""
        self._write(_PROXY, lambda part: joblib.dump(record.proxy, part))
        for name, array in record.evidence.items():
            self._write(f"{name}.npy", partial(np.save, arr=array, allow_pickle=False))
        seconds = {name: getattr(record, name) for name in _SECONDS}
        manifest = {
            "identity": self.identity,
            "files": self._checksums,
            "seconds": seconds,
            "stop": None if record.stop is None else record.stop.to_json(),
        }
        write_sealed_json(self.folder / _MANIFEST, _KIND, manifest)

    def _write(self, name: str, write: Callable[[Path], object]) -> None:
        if name in self._checksums:
            return
        with replacing(self.folder / name, mode=0o644) as part:
            write(part)
            checksum = sha256_of(part)
        self._checksums[name] = checksum


def memory_folder(memory) -> Path | None:
    """Return the folder of a `memory` parameter: a path, a joblib.Memory or None."""
    location = memory if memory is None or isinstance(memory, str | os.PathLike) else memory.location
    return None if location is None else Path(location) / "sksvp-proxies"


@contextmanager
def memory_entry(folder: Path | None, key: dict | None) -> Iterator[MemoryEntry | NoEntry]:
    """Open the entry of a training, alone: another process that wants the same training waits for this one.

    Parameters
    ----------
    folder : Path or None
        Of the memory; None keeps nothing.
    key : dict or None
        What makes the training this one; None for one that cannot be repeated.

    Raises
    ------
    PermissionError
        Where others can write into the entry: it could not be read again.

    Warns
    -----
    UserWarning
        After some seconds of waiting; says who holds the entry.
    """
    if folder is None or key is None:
        yield NoEntry()
        return
    folder = folder / name_of(key)
    make_folder(folder)
    check_own(folder)
    lock = FolderLock(folder)
    lock.wait()
    with closing(lock):
        remove_left_over(folder)
        yield MemoryEntry(folder, key)
