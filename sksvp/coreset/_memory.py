"""A folder that keeps trained proxies and what they said of their rows."""

import hashlib
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
from filelock import FileLock
from sklearn.base import BaseEstimator

from .._storage._files import replacing, write_json
from ._ranking_settled import ProxyStop

_PROXY = "proxy.joblib"
_MANIFEST = "entry.json"


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
    no entry, and a file that does not agree with it is known to be damaged
    before it is read. Like every pickle, an entry is to be read only from a
    folder that others cannot write.

    Parameters
    ----------
    folder : Path
        Of this training alone.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._checksums: dict[str, str] = {}

    def load(self) -> ProxyRecord | None:
        """Read the entry; None where there is none, or, with a warning, where it is damaged."""
        try:
            manifest = json.loads((self.folder / _MANIFEST).read_text(encoding="utf-8"))
            files, seconds = manifest["files"], manifest["seconds"]
            record = ProxyRecord(None, proxy_fit=seconds["proxy_fit"], inference=seconds["inference"])
            # Entries of earlier versions have no such numbers; those of the clock are the nearest to them.
            record.proxy_cpu = seconds.get("proxy_cpu", record.proxy_fit)
            record.inference_cpu = seconds.get("inference_cpu", record.inference)
            if manifest.get("stop") is not None:
                record.stop = ProxyStop.from_json(manifest["stop"])
            damaged = [name for name, checksum in files.items() if _checksum(self.folder / name) != checksum]
        except FileNotFoundError as error:
            if Path(error.filename).name == _MANIFEST:
                return None
            damaged = [Path(error.filename).name]
        except (ValueError, KeyError, TypeError, AttributeError):
            damaged = [_MANIFEST]
        if damaged:
            warnings.warn(
                f"The memory entry {self.folder} is damaged ({', '.join(damaged)}): "
                "the proxy is trained again.",
                UserWarning,
                stacklevel=2,
            )
            return None
        self._checksums = dict(files)
        record.proxy = joblib.load(self.folder / _PROXY)
        for name in files:
            if name != _PROXY:
                record.evidence[name.removesuffix(".npy")] = np.load(self.folder / name, allow_pickle=False)
        return record

    def begin(self) -> None:
        """Forget what was loaded: the next `save` writes a new training over it."""
        self._checksums = {}

    def save(self, record: ProxyRecord) -> None:
        """Write what the entry does not have yet: the proxy, then each array, then the manifest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if _PROXY not in self._checksums:
            with replacing(self.folder / _PROXY) as part:
                joblib.dump(record.proxy, part)
            self._checksums[_PROXY] = _checksum(self.folder / _PROXY)
        for name, array in record.evidence.items():
            file = f"{name}.npy"
            if file not in self._checksums:
                with replacing(self.folder / file) as part:
                    np.save(part, array, allow_pickle=False)
                self._checksums[file] = _checksum(self.folder / file)
        seconds = {
            "proxy_fit": record.proxy_fit,
            "proxy_cpu": record.proxy_cpu,
            "inference": record.inference,
            "inference_cpu": record.inference_cpu,
        }
        manifest = {"files": self._checksums, "seconds": seconds}
        if record.stop is not None:
            manifest["stop"] = record.stop.to_json()
        write_json(self.folder / _MANIFEST, manifest)


def memory_folder(memory) -> Path | None:
    """Return the folder of a `memory` parameter: a path, a joblib.Memory or None."""
    location = memory if memory is None or isinstance(memory, str | os.PathLike) else memory.location
    return None if location is None else Path(location) / "sksvp-proxies"


@contextmanager
def memory_entry(folder: Path | None, key: str | None) -> Iterator[MemoryEntry | NoEntry]:
    """Open the entry of a key, alone: another process that wants the same training waits for this one.

    Parameters
    ----------
    folder : Path or None
        Of the memory; None keeps nothing.
    key : str or None
        Of the training; None for one that cannot be repeated.
    """
    if folder is None or key is None:
        yield NoEntry()
        return
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{key}.lock"):
        yield MemoryEntry(folder / key)


def _checksum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
