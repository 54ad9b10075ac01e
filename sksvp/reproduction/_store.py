"""A folder of trained models, each of which is trained once and serves every table that needs it."""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._inputs._paths import as_path
from .._storage._files import make_folder, remove_left_over, replacing
from .._storage._lock import FolderLock
from .._storage._sealed import DamagedFile, read_sealed, read_sealed_json, write_sealed, write_sealed_json

_STORE_KIND = "store of trained models 1"
_MODEL_KIND = "trained model 1"
_KEY = re.compile(r"[0-9a-f]{16}")
_UNFINISHED = "unfinished"


class RunStore:
    """Trained models on disk: one folder each, named by a hash of its settings and its data.

    A folder has ``run.json`` (settings, error, history, seconds, versions, hardware),
    ``model.safetensors`` and files of arrays (``rows.npz``, rankings, scores by epoch)
    with a checksum each. ``run.json`` is written last, so that a model is whole or
    unfinished. Several processes may work in one store: who needs a model that another
    process trains waits for it.

    Parameters
    ----------
    path : str or path-like
        Folder of the store. It is made with the first model.

    Raises
    ------
    ValueError
        If the folder is a store of another version, or has other files in it.

    Examples
    --------
    >>> from sksvp.reproduction import RunStore
    >>> len(RunStore("runs/reproduce/store-of-nobody"))
    0
    """

    def __init__(self, path):
        self.path = as_path(path, "path").absolute()
        self._mark = self.path / "store.json"
        if self._mark.exists():
            read_sealed_json(self._mark, _STORE_KIND, advice="name another folder")
        elif self.path.exists() and not self._is_empty():
            raise ValueError(f"{self.path} is no store of trained models: name another folder.")

    def _is_empty(self) -> bool:
        """Tell whether the folder has nothing but a mark that another process writes, or was killed at."""
        if not self.path.is_dir():
            return False
        others = [path for path in self.path.iterdir() if not path.match(f".{self._mark.name}.*.part*")]
        return not others or self._mark.exists()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the records of the finished models, the oldest first."""
        records = [self.read(path.name) for path in self._folders() if self.has(path.name)]
        return iter(sorted(records, key=lambda record: (record["finished"], record["key"])))

    def __len__(self) -> int:
        return sum(self.has(path.name) for path in self._folders())

    def unfinished(self) -> list[str]:
        """Return the keys of models whose training has begun and not ended.

        Returns
        -------
        list of str
            The keys.
        """
        return [path.name for path in self._folders() if not self.has(path.name)]

    def find(self, beginning: str) -> str:
        """Return the key of the finished model that begins so.

        Parameters
        ----------
        beginning : str
            First characters of a key.

        Returns
        -------
        str
            The whole key.

        Raises
        ------
        ValueError
            If no key begins so, or several do.
        """
        if not isinstance(beginning, str) or not beginning:
            raise ValueError(f"beginning must be the first characters of a key, got {beginning!r:.60}.")
        found = [path.name for path in self._folders() if self.has(path.name)]
        matching = [key for key in found if key.startswith(beginning)]
        if len(matching) != 1:
            which = f"{len(matching)} models" if matching else "no model"
            raise ValueError(
                f"beginning={beginning[:60]!r} is that of {which} out of {len(found)} in {self.path}."
            )
        return matching[0]

    def has(self, key: str) -> bool:
        """Tell whether the model is finished.

        Parameters
        ----------
        key : str
            Name of its folder.

        Returns
        -------
        bool
            Whether its record is there.
        """
        return (self.folder(key) / "run.json").exists()

    def read(self, key: str) -> dict[str, Any]:
        """Read the record of a finished model.

        Parameters
        ----------
        key : str
            Name of its folder.

        Returns
        -------
        dict
            The record.

        Raises
        ------
        OSError
            If there is no such model.
        ValueError
            If the record is damaged or of another version.
        """
        path = self.folder(key) / "run.json"
        return read_sealed_json(path, _MODEL_KIND, advice="without its folder the model is trained again")

    def folder(self, key: str) -> Path:
        """Return the folder of a model.

        Parameters
        ----------
        key : str
            16 hexadecimal digits.

        Returns
        -------
        Path
            The folder, whether it exists or not.

        Raises
        ------
        ValueError
            For anything else than a key.
        """
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise ValueError(f"key must be 16 hexadecimal digits, got {key!r:.60}.")
        return self.path / key

    def _folders(self) -> list[Path]:
        if not self.path.is_dir():
            return []
        return [path for path in sorted(self.path.iterdir()) if _KEY.fullmatch(path.name)]

    # For the trainings of this package -------------------------------------------------------

    @contextmanager
    def _working_on(self, key: str) -> Iterator[Path]:
        """Lock the folder of a model, which is made; wait for another process that works on it."""
        folder = self.folder(key)
        if not self._mark.exists():
            make_folder(self.path)
            write_sealed_json(self._mark, _STORE_KIND, {})
        make_folder(folder)
        lock = FolderLock(folder, ".lock")
        lock.wait()
        with closing(lock):
            remove_left_over(folder)
            yield folder

    def _add(self, key: str, record: dict[str, Any]) -> None:
        write_sealed_json(self.folder(key) / "run.json", _MODEL_KIND, {"key": key, **record})

    def _unfinished_folder(self, key: str) -> Path:
        """Return the folder of a training's checkpoints."""
        return self.folder(key) / _UNFINISHED

    def _write_arrays(self, key: str, name: str, arrays: dict[str, np.ndarray]) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_sealed(self.folder(key) / f"{name}.npz", buffer.getbuffer())

    def _has_arrays(self, key: str, name: str) -> bool:
        return (self.folder(key) / f"{name}.npz").exists()

    def _read_arrays(self, key: str, name: str) -> dict[str, np.ndarray]:
        path = self.folder(key) / f"{name}.npz"
        try:
            with np.load(io.BytesIO(read_sealed(path)), allow_pickle=False) as file:
                return dict(file)
        except (zipfile.BadZipFile, DamagedFile) as error:
            raise DamagedFile(f"{path} is damaged: remove it, and it is made again.") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
