"""Find the folder of a published data set, or download its archive, check it and unpack it."""

import hashlib
import http.client
import os
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

_TIMEOUT_SECONDS = 30
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Published:
    """A published data set.

    Attributes
    ----------
    title : str
    folder : str
        Name of the archive's folder.
    url : str
        Address of the archive.
    checksum : str
        SHA-256 or MD5 of the archive, in hexadecimal.
    files : tuple of str
        What the folder must hold.
    """

    title: str
    folder: str
    url: str
    checksum: str
    files: tuple[str, ...]


def find_folder(
    published: Published,
    data_dir: Path,
    *,
    download: bool,
    verbose: int,
    has: Callable[[Path, str], bool] = lambda folder, name: (folder / name).exists(),
) -> Path:
    """Return the folder of a published set, `data_dir` or the one in it; download it if that is requested.

    Raises
    ------
    FileNotFoundError
        If the folder is not complete, or missing and not downloaded.
    OSError
        If the download fails.
    """
    inner = data_dir / published.folder
    folder = inner if inner.is_dir() else data_dir
    missing = [name for name in published.files if not has(folder, name)]
    if not missing:
        return folder
    if folder.name == published.folder or len(missing) < len(published.files):
        raise FileNotFoundError(
            f"{folder} lacks {', '.join(missing)} of {published.title}: complete it, or remove it and load "
            f"with download=True."
        )
    if not download:
        raise FileNotFoundError(
            f"data_dir={str(data_dir)!r} has no folder {published.folder} of {published.title}: unpack "
            f"{published.url} there, or load with download=True."
        )
    fetch_folder(published.url, published.checksum, inner, verbose=verbose)
    return inner


def fetch_folder(url: str, checksum: str, folder: Path, *, verbose: int = 0) -> None:
    """Download a tar archive and move its folder to `folder`.

    The archive is unpacked in a temporary folder beside `folder` and moved in one
    step, so that a broken connection or Ctrl-C leaves nothing behind.

    Parameters
    ----------
    url : str
        URL of an archive that has one folder, of the same name as `folder`.
    checksum : str
        Published or recorded SHA-256 or MD5 of the archive, in hexadecimal.
    folder : Path
        Destination. It must not exist; its parents are created.
    verbose : int
        If above 0, a progress bar is shown.

    Raises
    ------
    OSError
        If there is no network, space or permission, or the archive is not the
        published one.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part") as scratch:
        archive = Path(scratch) / "archive"
        kind = "MD5" if len(checksum) == 32 else "SHA-256"
        found = _download(url, archive, kind, verbose)
        if found != checksum:
            raise OSError(
                f"the file from {url} has the {kind} {found}, but the published archive has {checksum}: it was "
                f"truncated, or it is another file. Nothing was kept."
            )
        unpacked = Path(scratch) / "unpacked"
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        os.rename(unpacked / folder.name, folder)


def _download(url: str, target: Path, kind: str, verbose: int) -> str:
    """Write the content of `url` to `target` and return its checksum."""
    # MD5 only has to detect a truncated or changed file.
    digest = hashlib.md5(usedforsecurity=False) if kind == "MD5" else hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as source, open(target, "wb") as file:
            size = int(source.headers.get("Content-Length") or 0) or None
            with tqdm(
                total=size, unit="B", unit_scale=True, desc=url.rsplit("/", 1)[-1], disable=verbose < 1
            ) as bar:
                while block := source.read(_BLOCK_BYTES):
                    file.write(block)
                    digest.update(block)
                    bar.update(len(block))
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise OSError(
            f"{url} could not be downloaded ({reason}). Without a network, unpack the archive by "
            f"hand into the data folder."
        ) from error
    return digest.hexdigest()
