"""The folder of a run: its configuration, its finished trainings, and nothing half-written."""

import errno
import json
import platform
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd

from .._storage._files import remove_left_over, replacing
from .._storage._identity import differences, versions
from .._storage._lock import FolderLock
from .._storage._parts import Parts
from .._storage._sealed import check_seal, read_sealed_json, remove_seal, write_seal, write_sealed_json

# Not the hidden ones, which are half-written.
_RECORDS = "[!.]*.json"
# Trainings and rounds that a stopped run goes on from.
_IN_PROGRESS = ("trainings-in-progress/*/*/state-*", "checkpoints/*/state-*", "proxies/*/*/entry.json")
_PACKAGES = ("numpy", "scikit-learn", "skorch", "torch", "torchvision")
_RECORD_KIND = "finished training 1"
_CONFIG_KIND = "configuration of a run 1"


class RunRecords:
    """What a run has written down so far, to be read only: nothing in its folder is touched.

    Parameters
    ----------
    path : str or path-like
        The folder.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.records = self.path / "trainings"
        self.selections = self.path / "selected"

    def has(self, name: str) -> bool:
        """Whether the training of that name is finished."""
        return self._record(name).exists()

    def get(self, name: str) -> dict:
        """Read one finished training."""
        return _read_record(self._record(name))

    def settings(self) -> dict:
        """Read what decides the results of the run."""
        config = read_sealed_json(self.path / "config.json", _CONFIG_KIND, advice="name another folder")
        return config["settings"]

    def __iter__(self) -> Iterator[dict]:
        for path in sorted(self.records.glob(_RECORDS)):
            yield _read_record(path)

    def _record(self, name: str) -> Path:
        return self.records / f"{name}.json"

    def _has_work(self) -> bool:
        """Tell whether a training is finished, or kept half-way."""
        finished = any(self.records.glob(_RECORDS))
        return finished or any(any(self.path.glob(pattern)) for pattern in _IN_PROGRESS)


class RunFolder(RunRecords):
    """A run on disk, which can be stopped at any moment and taken up again.

    Parameters
    ----------
    path : str or path-like
        The folder; made where it is not there.
    config : dict
        What decides the results, as plain JSON values. A folder holds one
        configuration only.
    resume : bool
        Whether trainings already in the folder may be kept.

    Raises
    ------
    ValueError
        Where the folder has trainings and `resume` is false, they were made with
        another configuration (the message names the difference), a file in it is
        damaged, or another process is at work in it.
    """

    def __init__(self, path, config: dict, *, resume: bool):
        super().__init__(path)
        known = self.path / "config.json"
        # A run that failed before its first training, on bad data say, leaves nothing to lose.
        begun = self._has_work()
        if begun:
            if not resume:
                raise ValueError(
                    f"out={str(self.path)!r} holds a run already: resume=True goes on with it, or name another folder."
                )
            if not known.exists():
                raise ValueError(
                    f"out={str(self.path)!r} has trainings, but not the config.json that tells of what: "
                    "name another folder."
                )
            different = differences(_shown(self.settings()), _shown(config))
            if different:
                raise ValueError(
                    f"out={str(path)!r} was made with other settings ({different}): name another folder."
                )
            for _ in self:
                # What is damaged is to be known now, not when all the rest has been trained.
                pass
        self.records.mkdir(parents=True, exist_ok=True)
        with self.alone():
            remove_left_over(self.path)
            if not begun:
                content = {
                    "settings": config,
                    "versions": {"python": platform.python_version(), **versions(_PACKAGES)},
                }
                write_sealed_json(known, _CONFIG_KIND, content)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the folder for a while.

        Raises
        ------
        ValueError
            Where another process is in it.
        """
        lock = FolderLock(self.path, ".lock")
        if not lock.take():
            raise ValueError(
                f"out={str(self.path)!r} is in use {lock.holder()}: wait for it, or name another folder."
            )
        with closing(lock):
            yield

    def add(self, name: str, record: dict) -> None:
        """Keep a finished training."""
        self._check_there()
        write_sealed_json(self._record(name), _RECORD_KIND, record)

    def add_selection(self, name: str, rows: pd.DataFrame) -> None:
        """Keep the rows that one selector chose, as CSV, and its checksum beside it."""
        self._check_there()
        self.selections.mkdir(exist_ok=True)
        path = self.selections / f"{name}.csv"
        remove_seal(path)
        with replacing(path) as part:
            # The name of a file need not be text.
            rows.to_csv(part, index=False, errors="backslashreplace")
        write_seal(path)

    def show_selection(self, name: str) -> None:
        """Copy a selection to ``selected.csv``.

        Raises
        ------
        ValueError
            Where it is damaged.
        """
        chosen, shown = self.selections / f"{name}.csv", self.path / "selected.csv"
        check_seal(chosen)
        remove_seal(shown)
        with replacing(shown) as part:
            part.write_bytes(chosen.read_bytes())
        write_seal(shown)

    def _check_there(self) -> None:
        if not self.records.is_dir():
            raise FileNotFoundError(
                errno.ENOENT,
                "the folder of this run was removed or moved while it was at work",
                str(self.path),
            )


def _read_record(path: Path) -> Parts:
    return read_sealed_json(path, _RECORD_KIND, advice="without it its training is repeated")


def _shown(config: dict) -> dict[str, str]:
    """Return the entries of a configuration as they read in JSON."""
    return {name: repr(value) for name, value in json.loads(json.dumps(config)).items()}
