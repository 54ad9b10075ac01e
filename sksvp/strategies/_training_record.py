"""The training record: what a training noted of each row, visit by visit."""

import os
import zipfile
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from .._inputs._paths import as_path
from .._storage._files import replacing
from ._evidence import Evidence
from ._probabilities import as_columns, block_slices, check_class_matrix, check_columns
from ._recorder import Recorder, library_of
from ._rows import as_array, naming

CHANNELS = ("loss", "squared", "margin")
_LARGEST = float(np.finfo(np.float16).max)


class TrainingRecord:
    """What a training noted of each row at each of its visits.

    Scores of the training dynamics, such as `EL2N` and `AreaUnderMargin`, read it.
    The proxies of sksvp keep one where a strategy asks for it. A training of any
    other tool feeds one through `from_losses` or `from_probabilities`.

    Parameters
    ----------
    loss : array-like of shape (n_visits, n_rows)
        Cross-entropy of the row's own class, in nats, before the update of the visit.
    squared : array-like of shape (n_visits, n_rows), optional
        Sum of the squared class probabilities.
    margin : array-like of shape (n_visits, n_rows), optional
        Logit of the row's own class minus the highest of the others.

    Attributes
    ----------
    channels : dict of str to ndarray of shape (n_visits, n_rows)
        The parameters that are there, by name.
    n_visits, n_rows : int
        Numbers of visits and of rows.

    Raises
    ------
    ValueError
        For arrays that are not 2-D or of different shapes, for NaN, and for a
        negative loss.

    Examples
    --------
    >>> from sksvp.strategies import TrainingRecord
    >>> record = TrainingRecord.from_losses([[0.7, 0.7, 0.7], [0.1, 0.6, 0.9]])
    >>> record.n_visits, record.n_rows
    (2, 3)
    """

    def __init__(self, loss: ArrayLike, *, squared: ArrayLike | None = None, margin: ArrayLike | None = None):
        if loss is None:
            raise ValueError("loss must be an array of shape (n_visits, n_rows), got None.")
        given = {"loss": loss, "squared": squared, "margin": margin}
        self.channels = {
            name: check_visits(values, name) for name, values in given.items() if values is not None
        }
        shapes = {name: values.shape for name, values in self.channels.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"All channels must have the same shape (n_visits, n_rows), got {shapes}.")
        if self.channels["loss"].min() < 0:
            raise ValueError(f"loss must not be negative, got {self.channels['loss'].min():g}.")
        self.n_visits, self.n_rows = self.channels["loss"].shape

    @classmethod
    def from_losses(cls, losses: ArrayLike) -> Self:
        """Build a record of losses alone.

        Parameters
        ----------
        losses : array-like of shape (n_visits, n_rows)
            Cross-entropy of each row at each visit, in nats. For a language model,
            the mean loss of a row's tokens.

        Returns
        -------
        TrainingRecord
            It serves the scores that read the loss: `Variability`,
            `DynamicUncertainty`, `Dual` and `LossCorrelation`.
        """
        with naming("losses"):
            return cls(losses)

    @classmethod
    def from_probabilities(cls, probabilities: Iterable[ArrayLike], y: ArrayLike) -> Self:
        """Build a record of the class probabilities of each visit.

        Parameters
        ----------
        probabilities : array-like of shape (n_visits, n_rows, n_classes), or iterable
            The probabilities, visit by visit. An iterable holds one visit in memory
            at a time.
        y : array-like of shape (n_rows,), int
            Columns of the true classes.

        Returns
        -------
        TrainingRecord
            With all channels. The margin is the one of log-probabilities, which is
            the margin of the logits.

        Raises
        ------
        ValueError, TypeError
            For probabilities that are no probabilities, or labels that are no
            columns of them.
        """
        if not isinstance(probabilities, Iterable) or getattr(probabilities, "ndim", 1) == 0:
            raise TypeError(f"probabilities must be an iterable of visits, got {probabilities!r:.80}.")
        columns = as_columns(y)
        visits = [_judge_probabilities(visit, columns) for visit in probabilities]
        if not visits:
            raise ValueError("probabilities must hold at least one visit, got none.")
        return cls.from_array(np.stack(visits, axis=1))

    @classmethod
    def from_array(cls, array: np.ndarray) -> Self:
        """Build a record of an array of shape (n_rows, n_visits, 3), as the recorder gives it.

        Parameters
        ----------
        array : ndarray of shape (n_rows, n_visits, 3)
            Loss, sum of squared probabilities, and margin.

        Returns
        -------
        TrainingRecord
            With all channels.
        """
        array = as_array(array, "array")
        if array.ndim != 3 or array.shape[2] != len(CHANNELS):
            raise ValueError(
                f"array must have the shape (n_rows, n_visits, {len(CHANNELS)}), got {array.shape}."
            )
        return cls(**{name: array[:, :, place].T for place, name in enumerate(CHANNELS)})

    @classmethod
    def of(cls, evidence: Evidence) -> "TrainingRecord":
        """Return the training record of an evidence, whether a recorder kept it or it came from outside.

        Parameters
        ----------
        evidence : Evidence
            With the record as its part `training_record`.

        Returns
        -------
        TrainingRecord

        Raises
        ------
        ValueError
            If there is none, or if the training ended before every row had been visited.
        """
        if not isinstance(evidence, Evidence):
            raise TypeError(f"evidence must be an Evidence, got {type(evidence).__name__}.")
        record = evidence.require("training_record")
        if isinstance(record, TrainingRecord):
            return record
        if np.shape(record)[1:2] == (0,):
            raise ValueError("The training ended before every row had been visited: it has no record.")
        return cls.from_array(np.asarray(record))

    def require(self, name: str) -> np.ndarray:
        """Return the channel called `name`, (n_visits, n_rows); ValueError where it is missing.

        Parameters
        ----------
        name : {"loss", "squared", "margin"}
            Name of the channel.

        Returns
        -------
        ndarray of shape (n_visits, n_rows)
            The channel.
        """
        if not isinstance(name, str) or name not in CHANNELS:
            raise ValueError(f"name must be one of {CHANNELS}, got {name!r:.80}.")
        if name not in self.channels:
            raise ValueError(
                f"The score needs the channel {name} of the training record, which has {', '.join(self.channels)}. "
                "TrainingRecord.from_probabilities keeps all of them."
            )
        return self.channels[name]

    def save(self, path: str | os.PathLike) -> None:
        """Write the record to one ``.npz`` file.

        Parameters
        ----------
        path : path-like
            The file. It is replaced as a whole, or not at all.
        """
        with replacing(as_path(path, "path")) as part, open(part, "wb") as file:
            np.savez(file, names=[*self.channels], **self.channels)  # type: ignore[arg-type]  # of a flag that is not passed

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read a record that `save` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        TrainingRecord

        Raises
        ------
        ValueError
            For a file that is damaged or holds no record.
        """
        path = as_path(path, "path")
        try:
            with np.load(path, allow_pickle=False) as file:
                # The names stand in the file once more, since the checksums of its parts do not cover them.
                return cls(**{name: file[name] for name in file["names"].tolist()})
        except (zipfile.BadZipFile, EOFError, AttributeError, TypeError, KeyError) as error:
            raise ValueError(f"{path} holds no training record, or is damaged.") from error

    def __len__(self) -> int:
        return self.n_rows

    def __repr__(self) -> str:
        return f"TrainingRecord(n_visits={self.n_visits}, n_rows={self.n_rows}, channels={[*self.channels]})"


class RecordVisits(Recorder):
    """Keeps the training record: loss, sum of squared probabilities and margin of every visit.

    A row takes six bytes a visit.

    Parameters
    ----------
    n_rows : int
        Number of training rows.

    See Also
    --------
    TrainingRecord : The record itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import RecordVisits
    >>> visits = RecordVisits(2)
    >>> visits.update([0, 1], np.array([[0.0, 0.0], [0.0, 4.0]]), np.array([0, 1]))
    >>> visits.result().shape
    (2, 1, 3)
    """

    name: ClassVar[str] = "training_record"
    needs_scores: ClassVar[bool] = True
    arrays: ClassVar[tuple[str, ...]] = ("_visits", "_n_visits")

    def __init__(self, n_rows: int):
        super().__init__(n_rows)
        self._visits = np.empty((0, len(CHANNELS), n_rows), dtype=np.float16)
        self._n_visits = np.zeros(n_rows, dtype=np.int32)

    @staticmethod
    def judge(logits: Any, y: Any) -> Any:
        """Return loss, sum of squared probabilities and margin of a batch, (n_batch, 3) float32."""
        xp = library_of(logits)
        logits = logits.astype(np.float32) if xp is np else logits.float()
        is_own = y[:, None] == xp.arange(logits.shape[1], device=logits.device)
        own = xp.where(is_own, logits, 0.0).sum(axis=1)
        other = xp.amax(xp.where(is_own, -xp.inf, logits), axis=1)
        highest = xp.maximum(own, other)
        parts = xp.exp(logits - highest[:, None])
        total = parts.sum(axis=1)
        loss = xp.log(total) + (highest - own)
        return xp.stack([loss, (parts * parts).sum(axis=1) / total**2, own - other], 1)

    def _keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        visits = self._n_visits[rows]
        missing = visits.max() + 1 - len(self._visits)
        if missing > 0:
            blank = np.full((missing, len(CHANNELS), self.n_rows), np.nan, dtype=np.float16)
            self._visits = np.concatenate([self._visits, blank])
        # What lies beyond the range of float16, also infinity, becomes its end.
        self._visits[visits, :, rows] = np.clip(values, -_LARGEST, _LARGEST)
        self._n_visits[rows] += 1

    def result(self) -> np.ndarray:
        """Return the visits that every row has had, (n_rows, n_visits, 3) float16."""
        return self._visits[: self._n_visits.min(initial=len(self._visits))].transpose(2, 0, 1)


def score_visits(
    function: Callable[..., np.ndarray], *channels: np.ndarray, rows: np.ndarray | None = None
) -> np.ndarray:
    """Score rows by a function of their visits, in blocks.

    Parameters
    ----------
    function : callable
        ``function(*blocks) -> (n_block,)`` of float64 blocks of shape (n_visits, n_block).
    *channels : ndarray of shape (n_visits, n_rows)
        What the function reads.
    rows : ndarray of int, optional
        Which rows to score; all by default.

    Returns
    -------
    ndarray of shape (n_rows,) or (len(rows),), float64
    """
    n_visits, n_rows = channels[0].shape
    rows = np.arange(n_rows) if rows is None else rows
    scores = np.empty(len(rows), dtype=np.float64)
    for part in block_slices(len(rows), n_visits):
        scores[part] = function(*(channel[:, rows[part]].astype(np.float64) for channel in channels))
    return scores


def check_visits(values: ArrayLike, name: str) -> np.ndarray:
    """Return `values` as an array of shape (n_visits, n_rows) without NaN, else raise."""
    # Infinite margins and losses are legal: a class masked by minus infinity.
    with naming(name):
        array = check_array(
            values, dtype=[np.float64, np.float32, np.float16], ensure_all_finite=False, input_name=name
        )
    if np.isnan(array).any():
        raise ValueError(f"{name} must not hold NaN; leave out visits that not every row has had.")
    return array


def _judge_probabilities(visit: ArrayLike, columns: np.ndarray) -> np.ndarray:
    values = check_class_matrix(visit, "probabilities")
    check_columns(columns, values)
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError("probabilities must lie in [0, 1] and hold no NaN.")
    return RecordVisits.judge(log_probabilities(values), columns)


def log_probabilities(probabilities: ArrayLike) -> np.ndarray:
    """Return the logarithms of probabilities in float64; 0 counts as the smallest number of float32."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), np.finfo(np.float32).tiny))
