"""Where a command writes."""

from datetime import datetime
from pathlib import Path


def new_folder(command: str, out: Path | None) -> Path:
    """Make the folder of a run: `out`, or one named after the command and the moment.

    Raises
    ------
    OSError
        Where it cannot be made or written to.
    """
    path = out or Path("runs") / f"{command}-{datetime.now():%Y%m%d-%H%M%S-%f}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"--out {path}: cannot write there ({error.strerror}).") from error
    return path
