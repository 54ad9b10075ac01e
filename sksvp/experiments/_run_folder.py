"""The folder of a run: its configuration, its finished trainings, and nothing half-written."""

import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from .._storage._files import replacing, write_json

# Not the hidden ones, which are half-written.
_RECORDS = "[!.]*.json"
# Trainings and rounds that a stopped run goes on from.
_IN_PROGRESS = ("trainings-in-progress/*/*/state-*", "checkpoints/*/state-*", "proxies/*/*/entry.json")
_ADVICE = "without a record its training is repeated, without config.json name another folder"
_PACKAGES = ("sksvp", "numpy", "scikit-learn", "skorch", "torch", "torchvision")


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
        return read_json(self._record(name))

    def __iter__(self) -> Iterator[dict]:
        for path in sorted(self.records.glob(_RECORDS)):
            yield read_json(path)

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
            _check_same(read_json(known).get("settings", {}), config, self.path)
            for _ in self:
                # What is damaged is to be known now, not when all the rest has been trained.
                pass
        self.records.mkdir(parents=True, exist_ok=True)
        with self.alone():
            for left_over in self.path.rglob(".*.part.*"):
                # A killed process could not take its unfinished file along.
                left_over.unlink()
            if not begun:
                write_json(known, {"settings": config, "versions": _versions()})

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the folder for a while.

        Raises
        ------
        ValueError
            Where another process is in it.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ValueError(
                f"out={str(self.path)!r} is in use: another process is at work in it; wait for it, or name "
                "another folder."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def add(self, name: str, record: dict) -> None:
        """Keep a finished training."""
        write_json(self._record(name), record)

    def add_selection(self, name: str, rows: pd.DataFrame) -> None:
        """Keep the rows that one selector chose, as CSV."""
        self.selections.mkdir(exist_ok=True)
        with replacing(self.selections / f"{name}.csv") as part:
            # The name of a file need not be text.
            rows.to_csv(part, index=False, errors="backslashreplace")


def read_json(path: Path) -> dict:
    """Read a JSON object of a run; what is damaged is named."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); {_ADVICE}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged (no JSON object); {_ADVICE}.")
    return content


def _check_same(old: dict, new: dict, path: Path) -> None:
    new = json.loads(json.dumps(new))
    # What an earlier version did not write down was not there to be set. Not each key is a parameter.
    differences = [
        f"{key}{'=' if key.isidentifier() else ': '}{old.get(key)!r} there, {new.get(key)!r} now"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    if differences:
        raise ValueError(
            f"out={str(path)!r} was made with other settings ({'; '.join(differences)}): name another folder."
        )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
