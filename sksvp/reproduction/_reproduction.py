"""Reproduce a table or a figure of the paper: its trainings one by one through a store, and the result beside it."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from .._device import resolve_device
from .._inputs._parameters import ListOf, RealNumber, WholeNumber
from .._inputs._paths import as_path
from ._job import Job
from ._layouts import LAYOUTS
from ._plan import plan_of
from ._sheet import Sheet
from ._write import write_report

SCALES = ("full", "small", "smoke")


class Reproduction:
    """One table or figure of the paper, on one data set at one scale.

    Trainings are kept in a store, where each serves all tables that need it. A run that was stopped
    goes on with the next training, and a training with its last checkpoint.

    Parameters
    ----------
    name : str
        Such as ``"table2"``; see `table_names`.
    dataset : str, optional
        A data set of the paper or one that stands in for it; by default the table's first.
    data_dir : str or path-like, default="data"
        Folder of its files.
    download : bool, default=False
        Whether to download them if they are missing.
    scale : {"full", "small", "smoke"}, default="small"
        ``"full"``: the paper's networks, epochs and rows. ``"small"``: for two cores of a
        CPU. ``"smoke"``: whether all runs, in a minute, on a small stand-in where
        `data_dir` does not exist.
    seeds : int, optional
        Number of repetitions, with the seeds 0, 1, ...; by default the scale's or the
        paper's.
    lines : list of str, optional
        Lines of the table to train, by words of the paper with colons between: a strategy,
        a network or both, such as ``"random"``, ``"resnet20"`` or ``"entropy:resnet20"``.
        By default all. Lines and shares that are not asked for are shown if the store has
        them.
    shares : list of float, optional
        Columns of the table to train; by default all.
    weights : str or path-like, optional
        Folder of pretrained weights of torchvision's networks, NAME.safetensors or
        NAME.pth, for ``"figure8"``.
    store : str, path-like or RunStore, default="runs/reproduce/store"
        Where trained models are kept.
    device : str, default="auto"
        Device of the networks.
    checkpoint_every : int, default=1
        Epochs after which an unfinished training is kept; 0 means never.
    report : callable, default=print
        Called with a line for each training.

    Attributes
    ----------
    data_name : str
        The data set of the trainings.
    clock : {"cpu_seconds", "seconds"}
        Whose seconds are shown: of the processor on a CPU, by the wall on a GPU.
    store : RunStore
        Where trained models are kept.

    Raises
    ------
    ValueError
        For unknown names, or a data set that the table does not have.
    OSError
        If files of the data set are missing; the message says which.

    References
    ----------
    Coleman et al., Selection via Proxy: Efficient Data Selection for Deep Learning,
    ICLR 2020.

    Examples
    --------
    >>> from sksvp.reproduction import Reproduction
    >>> table = Reproduction("table2", scale="smoke", data_dir="no-such-folder", seeds=1)
    >>> table.data_name, len(table.plan())
    ('digits', 33)
    """

    @validate_params(
        {
            "scale": [StrOptions(set(SCALES))],
            "download": ["boolean"],
            "seeds": [WholeNumber(1, 1000), None],
            "lines": [ListOf(str), None],
            "shares": [ListOf(RealNumber(0, 1, closed="right")), None],
            "checkpoint_every": [WholeNumber(0)],
            "device": [str],
            "weights": [str, os.PathLike, None],
            "report": [callable],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        name,
        *,
        dataset=None,
        data_dir="data",
        download=False,
        scale="small",
        seeds=None,
        lines=None,
        shares=None,
        weights=None,
        store="runs/reproduce/store",
        device="auto",
        checkpoint_every=1,
        report: Callable[[str], None] = print,
    ):
        resolve_device(device)
        if weights is not None:
            weights = as_path(weights, "weights")
            if not weights.is_dir():
                raise NotADirectoryError(f"weights={str(weights)!r} must be a folder of files of weights.")
        self._job = Job(
            name,
            dataset=dataset,
            data_dir=data_dir,
            download=download,
            scale=scale,
            seeds=seeds,
            lines=lines,
            shares=shares,
            weights=weights,
            store=store,
            device=device,
            checkpoint_every=checkpoint_every,
            report=report,
        )
        self._layout = LAYOUTS[self._job.table.settings["layout"]]
        self.data_name = self._job.data_name
        self.clock = self._job.clock
        self.store = self._job.trainings.store

    def plan(self) -> pd.DataFrame:
        """List the trainings, what is stored of them, and the seconds that the others will take.

        Seconds are those of the store for networks of the same recipe, else from some timed steps on this machine.

        Returns
        -------
        DataFrame
            One line for each training in the order of the run: key, network, rows, n_rows, seed,
            stored (bool), seconds and cpu_seconds (of what is stored as measured).
        """
        return plan_of(self._job.trainings, self._layout.needs(self._job))

    def run(self) -> Sheet:
        """Train what the store does not have, and return the result.

        Returns
        -------
        Sheet
        """
        for need in self._layout.needs(self._job):
            need.run(self._job.trainings)
        return self.sheet()

    def sheet(self) -> Sheet:
        """Return the result of what the store has; cells without a training are NaN.

        Returns
        -------
        Sheet
        """
        return self._layout.sheet_of(self._job)

    def write(self, folder) -> list[Path]:
        """Write the result as report.md, report.html, results.csv and, with matplotlib, figure.svg and figure.png.

        Parameters
        ----------
        folder : str or path-like
            It is made if it does not exist.

        Returns
        -------
        list of Path
            The files.
        """
        return write_report(self._job, self.sheet(), as_path(folder, "folder"))
