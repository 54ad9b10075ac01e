"""The folder of a run: its configuration and its finished trainings, each file whole."""

import errno
import json
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import validate_params

from .._inputs._paths import as_path
from .._storage._files import remove_left_over, replacing
from .._storage._identity import differences, versions
from .._storage._lock import FolderLock
from .._storage._parts import Parts
from .._storage._run_mark import mark_run_folder
from .._storage._sealed import check_seal, read_sealed_json, remove_seal, write_seal, write_sealed_json
from ._hardware import hardware_name
from ._kept import forget_training, training_folder

# Hidden files are half-written.
_RECORDS = "[!.]*.json"
# States of unfinished trainings and rounds.
_IN_PROGRESS = ("trainings-in-progress/*/*/state-*", "checkpoints/*/*/state-*", "proxies/*/*/entry.json")
_PACKAGES = ("numpy", "scikit-learn", "skorch", "torch", "torchvision")
_RECORD_KIND = "finished training 1"
_CONFIG_KIND = "configuration of a run 1"


class RunRecords:
    """The records of a run, for reading only: nothing in its folder is changed.

    Parameters
    ----------
    path : str or path-like
        The folder.
    """

    def __init__(self, path):
        # Worker processes may have another working folder.
        self.path = as_path(path, "path").absolute()
        self.records = self.path / "trainings"
        self.selections = self.path / "selected"

    def has(self, name: str) -> bool:
        """Tell whether the training of that name is finished.

        Parameters
        ----------
        name : str
            Name of the training.

        Returns
        -------
        bool
            Whether there is a record.
        """
        return self._record(name).exists()

    def get(self, name: str) -> dict:
        """Read one finished training.

        Parameters
        ----------
        name : str
            Name of the training.

        Returns
        -------
        dict
            The record.
        """
        return _read_record(self._record(name))

    def settings(self) -> dict:
        """Read the settings that decide the results of the run.

        Returns
        -------
        dict
            The settings by name.
        """
        return self._config()["settings"]

    def hardware(self) -> str:
        """Tell the precision of the trainings, if it is a setting, and the hardware on which the run was begun.

        Returns
        -------
        str
            One line of text.
        """
        config = self._config()
        precision = config["settings"].get("precision")
        return f"{f'in {precision} ' if precision else ''}on {config['hardware']}"

    def __iter__(self) -> Iterator[dict]:
        for path in sorted(self.records.glob(_RECORDS)):
            yield _read_record(path)

    def _config(self) -> Parts:
        return read_sealed_json(self.path / "config.json", _CONFIG_KIND, advice="name another folder")

    def _record(self, name: str) -> Path:
        return self.records / f"{name}.json"

    def _has_work(self) -> bool:
        """Tell whether there is a finished or an unfinished training."""
        finished = any(self.records.glob(_RECORDS))
        return finished or any(any(self.path.glob(pattern)) for pattern in _IN_PROGRESS)


class RunFolder(RunRecords):
    """A run on disk, which can be stopped at any moment and resumed.

    Parameters
    ----------
    path : str or path-like
        The folder; it is made if it does not exist.
    config : dict
        The settings that decide the results, as plain JSON values. A folder holds
        trainings of one configuration only.
    resume : bool
        Whether trainings that are already in the folder may be kept.

    Raises
    ------
    ValueError
        If the folder has trainings and `resume` is False, they were made with
        another configuration (the message names the difference), a file in it is
        damaged, or another process works in it.
    """

    @validate_params({"config": [dict], "resume": ["boolean"]}, prefer_skip_nested_validation=True)
    def __init__(self, path, config: dict, *, resume: bool):
        super().__init__(path)
        known = self.path / "config.json"
        # A run that failed before its first training, on bad data for instance, can be replaced.
        begun = self._has_work()
        if begun:
            if not resume:
                raise ValueError(
                    f"out={str(self.path)!r} holds a run already: resume=True goes on with it, or name another folder."
                )
            if not known.exists():
                raise ValueError(
                    f"out={str(self.path)!r} has trainings, but no config.json with their settings: "
                    "name another folder."
                )
            different = differences(_shown(self.settings()), _shown(config))
            if different:
                raise ValueError(
                    f"out={str(self.path)!r} was made with other settings ({different}): name another folder."
                )
            for _ in self:
                # Damaged records are found before anything is trained.
                pass
        # Loaders pass over folders with the mark, so a folder with other files must not get it.
        is_new = not self.path.exists() or not any(self.path.iterdir())
        self.records.mkdir(parents=True, exist_ok=True)
        if is_new:
            mark_run_folder(self.path)
        with self.alone():
            remove_left_over(self.path)
            if not begun:
                content = {
                    "settings": config,
                    "versions": {"python": platform.python_version(), **versions(_PACKAGES)},
                    "hardware": hardware_name(),
                }
                write_sealed_json(known, _CONFIG_KIND, content)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder against other processes for a while.

        Yields
        ------
        None
            Nothing; the folder is locked within the block.

        Raises
        ------
        ValueError
            If another process works in it.
        """
        lock = FolderLock(self.path, ".lock")
        if not lock.take():
            raise ValueError(
                f"out={str(self.path)!r} is in use {lock.holder()}: wait for it, or name another folder."
            )
        with closing(lock):
            yield

    def add(self, name: str, record: dict) -> None:
        """Write the record of a finished training, and remove its unfinished states.

        Parameters
        ----------
        name : str
            Name of the training.
        record : dict
            Plain values.
        """
        self._check_there()
        write_sealed_json(self._record(name), _RECORD_KIND, record)
        forget_training(training_folder(self.path, name))

    def add_selection(self, name: str, rows: pd.DataFrame) -> None:
        """Write the rows that one selector chose, as CSV with a checksum file beside it.

        Parameters
        ----------
        name : str
            Name of the selection.
        rows : DataFrame
            The chosen rows.
        """
        self._check_there()
        self.selections.mkdir(exist_ok=True)
        path = self.selections / f"{name}.csv"
        remove_seal(path)
        with replacing(path) as part:
            # File names can have bytes that are not text.
            rows.to_csv(part, index=False, errors="backslashreplace")
        write_seal(path)

    def show_selection(self, name: str) -> None:
        """Copy a selection to ``selected.csv``.

        Parameters
        ----------
        name : str
            Name of the selection.

        Raises
        ------
        ValueError
            If it is damaged.
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


def records_of(kind: str, records: Iterable[dict], *, and_others: Sequence[str] = ()) -> list[dict]:
    """Return the records of one kind, of which there must be one, and those of other kinds.

    Raises
    ------
    TypeError
        For an object that cannot be iterated.
    ValueError
        If there are none.
    """
    try:
        known = [record for record in records if isinstance(record, dict)]
    except TypeError as error:
        raise TypeError(f"records must be an iterable of dict, got {records!r}.") from error
    found = [record for record in known if record.get("kind") in (kind, *and_others)]
    if not any(record["kind"] == kind for record in found):
        raise ValueError(f"records must hold finished trainings of the kind {kind!r}, and there are none.")
    return found


def _read_record(path: Path) -> Parts:
    return read_sealed_json(path, _RECORD_KIND, advice="without it its training is repeated")


def _shown(config: dict) -> dict[str, str]:
    """Return the entries of a configuration as they are after a round trip through JSON."""
    return {name: repr(value) for name, value in json.loads(json.dumps(config)).items()}
