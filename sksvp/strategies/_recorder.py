"""Recorders: what is noted of each row whenever a training visits it."""

import sys
from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._docs import inherit_method_docs
from ._rows import as_array, check_rows


class Recorder:
    """Base of the recorders: sees every visit of a training batch before the update of its batch.

    A child names itself and its arrays, computes in `judge` one value per row from
    the scores of a batch, and stores the values in `_keep`. Every way of training
    calls `judge` and `note`, or `update`, which does both.

    Parameters
    ----------
    n_rows : int
        Number of training rows.

    Attributes
    ----------
    name : str
        Kind of evidence that `result` is, in the words of a strategy's `requires`.
    is_kept : bool
        Whether our networks keep it in every training, since it costs next to nothing.
    needs_scores : bool
        Whether `judge` reads how the scores of the classes differ, and not only which
        is the highest.
    needs_features : bool
        Whether `judge` reads the features of the rows in place of the scores.
    is_dear : bool
        Whether it takes memory or time of its own, so that it sees a training only if a
        strategy asks for it, or a memory keeps the training for strategies to come.
    arrays : tuple of str
        Names of the attributes, all arrays, that hold what was noted.
    """

    name: ClassVar[str]
    is_kept: ClassVar[bool] = False
    n_rows: int
    needs_scores: ClassVar[bool] = False
    needs_features: ClassVar[bool] = False
    is_dear: ClassVar[bool] = False
    arrays: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        inherit_method_docs(cls)

    def __init__(self, n_rows: int):
        if not isinstance(n_rows, Integral) or isinstance(n_rows, bool) or not 0 <= int(n_rows) < 2**63:
            raise ValueError(f"n_rows must be a number of rows, got {n_rows!r}.")
        self.n_rows = int(n_rows)

    @staticmethod
    def judge(logits: Any, y: Any) -> Any:
        """Return the value that is noted of each row of a batch.

        Parameters
        ----------
        logits : array or tensor of shape (n_batch, n_classes)
            Scores of the classes; a model that only names labels gives a 1 for its
            label. The features, (n_batch, n_features), if `needs_features` is true.
            Tensors stay on their device.
        y : array or tensor of shape (n_batch,), int
            Columns of the true classes.

        Returns
        -------
        array or tensor of shape (n_batch, ...)
        """
        raise NotImplementedError

    def note(self, rows: ArrayLike, values: ArrayLike) -> None:
        """Note the values of one visit of some rows.

        Parameters
        ----------
        rows : array-like of shape (n_batch,), int
            Row numbers, each at most once.
        values : array-like of shape (n_batch, ...)
            From `judge`.

        Raises
        ------
        ValueError
            For different lengths, a row number outside ``0 .. n_rows - 1``, or a
            row that comes twice.
        """
        rows, values = as_array(rows, "rows"), as_array(values, "values")
        if rows.ndim != 1 or rows.shape != values.shape[:1]:
            raise ValueError(
                f"rows must be 1-D and of equal length with values, got {rows.shape} and {values.shape}."
            )
        check_rows(rows, self.n_rows, "rows")
        if len(rows):
            self._keep(rows, values)

    def _keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        raise NotImplementedError

    def update(self, rows: ArrayLike, logits: Any, y: Any) -> None:
        """Note one visit of some rows; see `judge` and `note`.

        Parameters
        ----------
        rows : array-like of shape (n_batch,), int
            Row numbers, each at most once.
        logits : array or tensor of shape (n_batch, n_classes)
            Scores of the classes, see `judge`.
        y : array or tensor of shape (n_batch,), int
            Columns of the true classes.

        Raises
        ------
        ValueError
            For logits that are not 2-D, or a y of another length; see also `note`.
        """
        if not hasattr(logits, "argmax") or logits.ndim != 2:
            raise ValueError(f"logits must be a 2-D array or tensor, got {logits!r:.80}.")
        if not hasattr(y, "dtype") or tuple(y.shape) != tuple(logits.shape[:1]):
            raise ValueError(f"y must be a column number for each row of the logits, got {y!r:.80}.")
        values = self.judge(logits, y)
        self.note(rows, values if isinstance(values, np.ndarray) else values.cpu().numpy())

    def result(self) -> np.ndarray:
        """Return the evidence so far.

        Returns
        -------
        ndarray of shape (n_rows, ...)
            One entry per row.
        """
        raise NotImplementedError

    def state(self) -> dict[str, np.ndarray]:
        """Return what was noted, as arrays by name, for `restore`.

        Returns
        -------
        dict of str to ndarray
            What `restore` needs.
        """
        return {"n_rows": np.array(self.n_rows), **{name: getattr(self, name) for name in self.arrays}}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from what `state` of a recorder of as many rows returned.

        Parameters
        ----------
        state : mapping of str to ndarray
            Arrays by name.

        Raises
        ------
        ValueError
            For a state of another number of rows.
        """
        if state["n_rows"] != self.n_rows:
            raise ValueError(f"The state is of {state['n_rows']} rows, the recorder of {self.n_rows}.")
        for name in self.arrays:
            setattr(self, name, state[name].copy())


def is_right(logits: Any, y: Any) -> Any:
    """Tell for each row of a batch whether its true class has the highest score, the first of equal ones."""
    return logits.argmax(axis=1) == y


def one_hot(columns: np.ndarray, n_classes: int) -> np.ndarray:
    """Return scores of a model that only names labels: 1 for its label, 0 for the others."""
    return np.equal.outer(columns, np.arange(n_classes)).astype(np.float32)


def library_of(array: Any) -> Any:
    """Return NumPy for its arrays, torch for its tensors."""
    return np if isinstance(array, np.ndarray) else sys.modules["torch"]
