"""Container of what is known about each row."""

from collections.abc import Callable, Sized
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import validate_params

from ._probabilities import block_slices, check_class_matrix
from ._rows import as_array, check_rows


class Evidence:
    """What is known of each row when rows are ranked.

    Every part is optional and has one entry per row of the data.

    Parameters
    ----------
    y : array-like of shape (n_rows,), optional
        Labels.
    logits : array-like of shape (n_rows, n_classes), optional
        Outputs of a network before its softmax. They are used instead of
        `probabilities`, which round to 1 for very certain rows.
    probabilities : array-like of shape (n_rows, n_classes), optional
        Class probabilities.
    features : array-like or sparse matrix of shape (n_rows, n_features), optional
        Final hidden features.
    inputs : array-like or sparse matrix of shape (n_rows, n_inputs), optional
        Features that have not seen the labels.
    classes : array-like of shape (n_classes,), optional
        Label of each column of the logits or probabilities, if known.
    n_rows : int, optional
        Number of rows, needed only if there is no other part.
    **records : array-like of shape (n_rows, ...)
        Results of recorders by their names, such as how often a row was forgotten
        in training; see `Recorder`.

    Attributes
    ----------
    n_rows : int
        Number of rows.

    Raises
    ------
    ValueError
        For parts of different length, classes of another number than the columns,
        or no part at all.
    """

    def __init__(
        self,
        *,
        y: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        features: Any = None,
        inputs: Any = None,
        classes: ArrayLike | None = None,
        n_rows: int | None = None,
        **records: ArrayLike | None,
    ):
        self.y = y
        self.logits = logits
        self.probabilities = probabilities
        self.features = features
        self.inputs = inputs
        self._records = tuple(records)
        # The parts of the training record, and that record once it has been checked.
        self._checked_record: tuple[dict[str, Any], Any] = ({}, None)
        vars(self).update(records)
        self.n_rows = self._common_length(n_rows)
        self.classes = None if classes is None else as_array(classes, "classes")
        if self.classes is not None and self.classes.ndim != 1:
            raise ValueError(f"classes must be a 1-D array, got the shape {self.classes.shape}.")
        for name in ("logits", "probabilities"):
            part = getattr(self, name)
            if part is not None and self.classes is not None and np.shape(part)[1:] != self.classes.shape:
                raise ValueError(
                    f"classes must name each column of the {name}, got {len(self.classes)} classes for the shape "
                    f"{np.shape(part)}."
                )

    def __getstate__(self):
        # The record is made of the parts, which would be stored twice.
        return {**vars(self), "_checked_record": ({}, None)}

    def _common_length(self, n_rows: int | None) -> int:
        lengths = {
            name: _length(part, name)
            for name, part in {"y": self.y, **self.parts}.items()
            if part is not None
        }
        if n_rows is not None:
            if not isinstance(n_rows, Integral) or isinstance(n_rows, bool) or n_rows < 0:
                raise ValueError(f"n_rows must be a number of rows, got {n_rows!r}.")
            lengths["n_rows"] = int(n_rows)
        if not lengths:
            raise ValueError("Evidence needs y, logits, probabilities, features, inputs, a record or n_rows.")
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValueError(
                f"All parts of the evidence must have one entry per row, got different lengths: {listed}."
            )
        return next(iter(lengths.values()))

    @property
    def parts(self) -> dict[str, Any]:
        """The parts that are there, without the labels, by the names of the parameters."""
        named = {
            name: getattr(self, name)
            for name in ("logits", "probabilities", "features", "inputs", *self._records)
        }
        return {name: part for name, part in named.items() if part is not None}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of evidence that are there, named as in a strategy's `requires`."""
        return tuple(dict.fromkeys("probabilities" if name == "logits" else name for name in self.parts))

    def require(self, kind: str) -> Any:
        """Return the part of the evidence called `kind`; raise ValueError if it is missing.

        Parameters
        ----------
        kind : str
            Name of the part.

        Returns
        -------
        array-like of shape (n_rows, ...)
            The part.
        """
        if not isinstance(kind, str) or not 0 < len(kind) < 100:
            raise ValueError(f"kind must be the name of a part, got {kind!r:.80}.")
        part = self.y if kind == "y" else self.parts.get(kind)
        if part is None:
            raise ValueError(
                f"The strategy needs {kind}; this evidence has {', '.join(self.kinds) or 'none of any kind'}."
            )
        return part

    @validate_params({"function": [callable]}, prefer_skip_nested_validation=False)
    def score_rows(
        self, function: Callable[..., np.ndarray], *, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Score rows by a function of their class probabilities, in blocks.

        Parameters
        ----------
        function : callable
            ``function(block, log=bool) -> (len(block),)``, such as `entropy`. It
            gets log-probabilities in float64, with ``log=True``, where there are
            logits, else the probabilities.
        rows : ndarray of int, optional
            Which rows to score; all by default.

        Returns
        -------
        ndarray of shape (n_rows,) or (len(rows),), float64
            The scores.

        Raises
        ------
        ValueError
            If there are neither logits nor probabilities, or for NaN or infinity in
            the logits.
        """
        log = self.logits is not None
        if log:
            values = check_class_matrix(self.logits, "logits")
        else:
            values = check_class_matrix(self.require("probabilities"), "probabilities")
        if rows is not None:
            check_rows(rows, self.n_rows, "rows")
        n_scores = self.n_rows if rows is None else len(rows)
        scores = np.empty(n_scores, dtype=np.float64)
        for part in block_slices(n_scores, values.shape[1]):
            block = values[part if rows is None else rows[part]]
            scores[part] = function(log_softmax(block) if log else block, log=log)
        return scores


def _length(part: Any, name: str) -> int:
    shape = getattr(part, "shape", None)
    if shape is None and isinstance(part, Sized) and not isinstance(part, str | bytes):
        return len(part)
    if not shape:
        raise ValueError(f"{name} must have one entry per row, got {part!r:.80}.")
    return int(shape[0])


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities in float64; ValueError for NaN or infinity in a row's largest logit."""
    shifted = logits.astype(np.float64)
    highest = shifted.max(axis=1, keepdims=True, initial=-np.inf)
    # Minus infinity masks a class and is allowed; NaN and infinity show in the maximum.
    if not np.isfinite(highest).all():
        raise ValueError("logits must be finite, got NaN or infinity.")
    shifted -= highest
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
