"""Find the images of a folder, their classes and their splits."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._inputs._warn import warn_caller
from .._storage._run_mark import is_run_folder
from ._files import read_utf8

SUFFIXES = (
    ".avif",
    ".bmp",
    ".gif",
    ".jfif",
    ".jp2",
    ".jpe",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
_TEST_FOLDERS = ("test", "val", "valid", "validation")
# Names of splits in upper or lower case; they are not names of classes.
_SPLIT_NAMES = {"train", "training", "testing", *_TEST_FOLDERS}
# Folders of file systems, archivers and tools that track experiments.
_SYSTEM_FOLDERS = {
    "$recycle.bin",
    "__macosx",
    "__pycache__",
    "_gsdata_",
    "lightning_logs",
    "lost+found",
    "mlruns",
    "node_modules",
    "system volume information",
    "venv",
    "wandb",
}

_EXPECTED = (
    "expected are train/<class>/* or <class>/*, with test rows in test/<class>/* or val/<class>/*, or images "
    "alone"
)


@dataclass(frozen=True)
class Layout:
    """Folders of the rows, relative to the root ("" is the root itself); without classes there are no labels."""

    root: Path
    train: str
    classes: list[str]
    test: str | None
    notes: list[str]


def find_layout(root: Path) -> Layout:
    """Find training and test rows, and collect notes on folders that are not read.

    Raises
    ------
    ValueError
        If there are no rows, the layout is ambiguous, or test rows have a class
        that no training row has.
    """
    folders = _class_folders(root)
    others = [name for name in folders if name.lower() not in _SPLIT_NAMES]
    misnamed = [
        name for name in folders if name.lower() in _SPLIT_NAMES and name not in ("train", *_TEST_FOLDERS)
    ]
    train, classes, notes = "train", _class_folders(root / "train"), []
    if "train" in folders and (classes or not others or not _images_in(root / "train")):
        beside = [name for name in others if next(_images_below(root / name), None)]
        notes += [f"{root / name} is not read: {_EXPECTED}." for name in misnamed + beside]
    else:
        train, classes = "", [name for name in folders if name not in _TEST_FOLDERS]
        if misnamed:
            raise ValueError(
                f"{root / misnamed[0]} has the name of neither a class nor a split: {_EXPECTED}."
            )
        _check_not_above(root, classes)
    loose = _images_in(root / train)
    if not classes and not loose:
        raise ValueError(f"root={str(root)!r} has no images where they are looked for: {_EXPECTED}.")
    if classes and loose:
        notes.append(f"{len(loose):,} images beside the class folders of {root / train} are not read.")
    same = [name for name in _TEST_FOLDERS if (root / name).resolve() == (root / train).resolve()]
    notes += [f"{root / name} is a link to the training rows and is not read." for name in same]
    tests = {
        name: classes if _annotations(root / name) else _class_folders(root / name)
        for name in _TEST_FOLDERS
        if name not in same
    }
    # Some published sets have a folder of unlabelled test images beside the labelled ones.
    labelled = sorted(filter(tests.get, tests), key=lambda name: set(classes).isdisjoint(tests[name]))
    if not classes:
        notes += [f"{root / name} is not read: the training rows have no classes." for name in labelled]
        return Layout(root, train, [], None, notes)
    if not labelled:
        notes += [
            f"{root / name} has no class folders: it gives no test rows and is not read."
            for name in _TEST_FOLDERS
            if name in folders and name not in same
        ]
        return Layout(root, train, classes, None, notes)
    test, *unread = labelled
    foreign = [
        name for name in tests[test] if name not in classes and next(_images_below(root / test / name), None)
    ]
    if foreign:
        raise ValueError(f"{root / test} has classes that {root / train} lacks: {', '.join(foreign)}.")
    notes += [f"{root / name} is not read: {root / test} has the test rows." for name in unread]
    return Layout(root, train, classes, test, notes)


def list_split(layout: Layout, split: str) -> tuple[np.ndarray, np.ndarray | None]:
    """List the image files of a split, sorted within each class, and their labels.

    Parameters
    ----------
    layout : Layout
    split : str
        `layout.train` or `layout.test`.

    Returns
    -------
    files : ndarray of str
        File names relative to the root.
    labels : ndarray of int64, or None without classes
    """
    folder, classes = layout.root / split, layout.classes
    labels: np.ndarray | None
    if not classes:
        files, labels = np.array(_images_in(folder), dtype=np.str_), None
    elif split == layout.test and _annotations(folder):
        files, labels = _read_annotations(folder, classes)
    else:
        files, labels = _list_images(folder, classes)
    return np.char.add(f"{split}/", files) if split else files, labels


def _check_not_above(root: Path, classes: list[str]) -> None:
    """Refuse a folder of data sets, each of which would become a class, and one around the class folders."""
    for name in classes:
        inner = _class_folders(root / name)
        if "train" in inner or (len(classes) == 1 and len(inner) > 0 and not _images_in(root / name)):
            raise ValueError(
                f"root={str(root)!r} holds {name}/{'train' if 'train' in inner else inner[0]}: "
                f"is root={str(root / name)!r} meant?"
            )


def _annotations(folder: Path) -> Path | None:
    """Return the file with the class of each image, as in Tiny ImageNet, or None."""
    file = folder / f"{folder.name}_annotations.txt"
    return file if file.is_file() and (folder / "images").is_dir() else None


def _read_annotations(folder: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read file names and classes, separated by tabs."""
    path = folder / f"{folder.name}_annotations.txt"
    places = {name: place for place, name in enumerate(classes)}
    label_of: dict[str, int] = {}
    for number, line in enumerate(read_utf8(path).splitlines(), start=1):
        name, _, rest = line.partition("\t")
        wnid = rest.partition("\t")[0].strip()
        if wnid not in places:
            raise ValueError(f"{path}, line {number}: the class {wnid!r} is none of the training rows.")
        if label_of.setdefault(name, places[wnid]) != places[wnid]:
            raise ValueError(f"{path}, line {number}: {name} has another class in a line before.")
    found = _images_in(folder / "images")
    files = [name for name in found if name in label_of]
    for n_missing, what in (
        (
            len(found) - len(files),
            f"images of {folder / 'images'} have no line in {path.name} and are not read",
        ),
        (len(label_of) - len(files), f"images that {path} lists are not there"),
    ):
        if n_missing:
            warn_caller(f"{n_missing:,} {what}.")
    labels = np.array([label_of[name] for name in files], dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    return np.char.add("images/", np.array(files, dtype=np.str_))[order], labels[order]


def _class_folders(folder: Path) -> list[str]:
    """Return the names of the class folders in alphabetical order; none if `folder` is missing."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if _is_folder(entry) and not _is_system(entry.name))
    return [
        name
        for name in names
        if not _holds_only_runs(folder / name) and not _leads_back(folder / name, folder)
    ]


def _is_system(name: str) -> bool:
    name = name.lower()
    return name.startswith((".", "@", "#")) or name.endswith(".egg-info") or name in _SYSTEM_FOLDERS


def _holds_only_runs(folder: Path) -> bool:
    """Tell whether a folder is a run folder, or holds run folders and no images of its own."""
    if is_run_folder(folder):
        return True
    if next(_images_below(folder), None) is not None:
        return False
    return any(is_run_folder(Path(place)) for place, _, _ in os.walk(folder))


def _leads_back(path: Path, folder: Path) -> bool:
    """Tell whether a path is a link to a parent of `folder` or to another entry of it."""
    if not path.is_symlink():
        return False
    real, home = path.resolve(), folder.resolve()
    return home.is_relative_to(real) or (real.parent == home and real.name != path.name)


def _list_images(folder: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the image files below a split's folder, sorted within each class, and their labels."""
    homes = [(folder / name).resolve() for name in classes]
    files: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(
            Path(path).relative_to(folder).as_posix() for path in _images_below(folder / name, homes)
        )
        files += found
        labels += [label] * len(found)
    return np.array(files, dtype=np.str_), np.array(labels, dtype=np.int64)


def _images_below(folder: Path, homes: list[Path] | None = None) -> Iterator[str]:
    """Yield the image files below a folder.

    A link is followed unless it leads to a folder or image in one of the class folders
    `homes`, or to a parent of one: images would be read twice, or with the label of
    another class.
    """
    homes = [folder.resolve()] if homes is None else homes
    seen = set()
    waiting = [str(folder)] if folder.is_dir() else []
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                if _is_folder(entry):
                    if _is_system(entry.name) or is_run_folder(Path(entry.path)):
                        continue
                    if entry.is_symlink():
                        real = Path(entry.path).resolve()
                        is_above = any(home.is_relative_to(real) for home in homes)
                        if real in seen or is_above or _is_below(real, homes):
                            continue
                        seen.add(real)
                    waiting.append(entry.path)
                elif (
                    is_image(entry.name)
                    and _is_file(entry)
                    and not (entry.is_symlink() and _is_below(Path(entry.path).resolve(), homes))
                ):
                    yield entry.path


def _is_folder(entry: os.DirEntry) -> bool:
    # The entry's own methods need no system call, but raise an error for a link that leads to itself.
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _is_file(entry: os.DirEntry) -> bool:
    return os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()


def _is_below(path: Path, homes: list[Path]) -> bool:
    return any(path.is_relative_to(home) for home in homes)


def _images_in(folder: Path) -> list[str]:
    """Return the names of the image files of a folder itself, sorted."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if is_image(entry.name) and _is_file(entry))


def is_image(name: str) -> bool:
    """Tell whether a file name is that of an image."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")
