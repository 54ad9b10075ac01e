"""The folder of a run, and files of earlier runs."""

from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .._storage._files import replacing
from .._storage._run_mark import mark_run_folder
from .._storage._sealed import check_seal

if TYPE_CHECKING:
    import numpy as np


def new_folder(command: str, out: Path | None) -> Path:
    """Make the folder of a run: `out`, or one named after the command and the moment.

    Raises
    ------
    OSError
        If it cannot be made or written to.
    """
    path = out or Path("runs") / f"{command}-{datetime.now():%Y%m%d-%H%M%S-%f}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        mark_run_folder(path)
    except OSError as error:
        raise OSError(f"--out {path}: cannot write there ({error.strerror}).") from error
    return path


def read_rows(path: Path, n_rows: int, row_numbers: "np.ndarray | None" = None) -> "np.ndarray":
    """Read the rows of a selected.csv, as positions among the training rows.

    Parameters
    ----------
    path : Path
    n_rows : int
        Number of training rows.
    row_numbers : ndarray of shape (n_rows,), optional
        Their numbers in the whole data, ascending; None means 0, 1, ...

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        For a file without a column ``row`` that has numbers of training rows, each
        once, and for a file that does not agree with the checksum beside it.
    """
    import numpy as np
    import pandas as pd

    check_seal(path)
    try:
        rows = pd.read_csv(path)["row"].to_numpy()
    except (KeyError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a selection: it needs a header with a column 'row'.") from error
    if not np.issubdtype(rows.dtype, np.integer) or len(rows) == 0:
        raise ValueError(f"{path} is not a selection: its column 'row' must hold row numbers.")
    numbers = np.arange(n_rows) if row_numbers is None else row_numbers
    foreign = np.setdiff1d(rows, numbers)
    if len(foreign):
        reason = "" if row_numbers is None else " and --train-rows left this one out"
        raise ValueError(f"{path} names row {foreign[-1]}, but there are {n_rows:,} training rows{reason}.")
    if len(np.unique(rows)) < len(rows):
        raise ValueError(f"{path} has a row twice.")
    return np.searchsorted(numbers, rows)


def save_figure(table, path: Path, *, draw: str = "save_run_figure", **settings) -> None:
    """Draw the run's figure with a function of `sksvp.plotting`, if matplotlib is installed."""
    if find_spec("matplotlib") is None:
        typer.echo("no figure: matplotlib is not installed (pip install matplotlib)", err=True)
        return
    from .. import plotting

    with replacing(path) as part:
        getattr(plotting, draw)(table, part, **settings)
