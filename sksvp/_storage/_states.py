"""Numbered states of a run in a folder. The newest undamaged one is used, and the last two are kept."""

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._inputs._warn import warn_caller
from ._parts import Parts, read_parts
from ._sealed import DamagedFile, check_kind, read_sealed, write_sealed

_ARRAY = "array/"
_NAME = re.compile(r"state-(\d{8,})\.bin")


@dataclass
class Saved:
    """One state.

    Attributes
    ----------
    about : dict
        Identity of the run and versions of the packages.
    told : dict
        Plain values.
    arrays : dict of str to ndarray
    """

    about: dict[str, Any]
    told: dict[str, Any]
    arrays: dict[str, np.ndarray]


def state_files(folder: Path) -> dict[int, Path]:
    """Return the files of states by their number, ascending; other files are ignored."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.glob("state-*.bin"))
    return dict(sorted((int(name[1]), path) for name, path in found if name and path.is_file()))


def write_state(folder: Path, number: int, kind: str, saved: Saved) -> None:
    """Write a state, and remove all but the last two."""
    header = json.dumps({"kind of file": kind, "about": saved.about, "told": saved.told}).encode()
    arrays = {f"{_ARRAY}{name}": array for name, array in saved.arrays.items()}
    buffer = io.BytesIO()
    np.savez(buffer, header=np.frombuffer(header, dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    write_sealed(folder / f"state-{number:08d}.bin", buffer.getbuffer())
    remove_old_states(folder)


def remove_old_states(folder: Path) -> None:
    """Keep the last two states."""
    for path in list(state_files(folder).values())[:-2]:
        path.unlink()


def read_newest(folder: Path, kind: str) -> tuple[Saved, list[Path]]:
    """Return the newest undamaged state of a folder, and the files of later, damaged ones.

    Raises
    ------
    DamagedFile
        If all states are damaged.
    ValueError
        If a state is of another kind or version.
    """
    damaged: list[Path] = []
    for path in reversed(state_files(folder).values()):
        try:
            return _read_state(path, kind), damaged
        except DamagedFile:
            damaged.append(path)
    raise DamagedFile(f"All states in {str(folder)!r} are damaged.")


def set_aside(damaged: list[Path]) -> None:
    """Rename damaged states, and warn that the one before them is used."""
    if damaged:
        warn_caller(f"The checkpoint {damaged[0]} is damaged: the state before it is used.")
    for path in damaged:
        path.rename(path.with_name(f"damaged-{path.name}"))


def _read_state(path: Path, kind: str) -> Saved:
    content = read_sealed(path)
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        parts = Parts(file, path)
    header = read_parts(parts["header"].tobytes(), path)
    check_kind(path, header["kind of file"], kind)
    arrays = {name.removeprefix(_ARRAY): array for name, array in parts.items() if name.startswith(_ARRAY)}
    return Saved(header["about"], header["told"], Parts(arrays, path))
