"""The training record: what a training noted of each row, visit by visit."""

import os
import zipfile
from collections.abc import Callable, Iterable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from .._inputs._paths import as_path
from .._storage._files import replacing
from .._storage._npz import map_part
from ._evidence import Evidence
from ._probabilities import as_columns, block_slices, check_class_matrix, check_columns
from ._record_changes import RecordChanges, change_between
from ._record_feature_norms import RecordFeatureNorms
from ._record_visits import CHANNELS, RecordVisits
from ._rows import as_array, naming

# Channels that a training notes only if it is asked to, each by a recorder of its own.
_ON_DEMAND = (RecordFeatureNorms.name, RecordChanges.name)


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
    feature_norm : array-like of shape (n_visits, n_rows), optional
        Squared length of the final hidden vector, the input of the last layer. A
        proxy notes it only if a strategy reads it.
    change : array-like of shape (n_visits, n_rows), optional
        Sum over the classes of ``|p (log p - log q)|``, with the probabilities p of this
        visit and q of the visit before; 0 at the first visit. A proxy notes it only if a
        strategy reads it.

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
        negative loss, length or change.

    Examples
    --------
    >>> from sksvp.strategies import TrainingRecord
    >>> record = TrainingRecord.from_losses([[0.7, 0.7, 0.7], [0.1, 0.6, 0.9]])
    >>> record.n_visits, record.n_rows
    (2, 3)
    """

    def __init__(
        self,
        loss: ArrayLike,
        *,
        squared: ArrayLike | None = None,
        margin: ArrayLike | None = None,
        feature_norm: ArrayLike | None = None,
        change: ArrayLike | None = None,
    ):
        if loss is None:
            raise ValueError("loss must be an array of shape (n_visits, n_rows), got None.")
        given = {
            "loss": loss,
            "squared": squared,
            "margin": margin,
            "feature_norm": feature_norm,
            "change": change,
        }
        self.channels = {
            name: check_visits(values, name) for name, values in given.items() if values is not None
        }
        shapes = {name: values.shape for name, values in self.channels.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"All channels must have the same shape (n_visits, n_rows), got {shapes}.")
        for name in self.channels.keys() - {"margin"}:
            below = [visit.min() for visit in self.channels[name] if _has_sign(visit)]
            if below and min(below) < 0:
                raise ValueError(f"{name} must not be negative, got {min(below):g}.")
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
            With all channels but `feature_norm`. The margin is the one of
            log-probabilities, which is the margin of the logits.

        Raises
        ------
        ValueError, TypeError
            For probabilities that are no probabilities, or labels that are no
            columns of them.
        """
        if not isinstance(probabilities, Iterable) or getattr(probabilities, "ndim", 1) == 0:
            raise TypeError(f"probabilities must be an iterable of visits, got {probabilities!r:.80}.")
        columns, former = as_columns(y), None
        visits, changes = [], []
        for visit in probabilities:
            logs = _check_probabilities(visit, columns)
            visits.append(RecordVisits.judge(logs, columns))
            logs = RecordChanges.judge(logs, columns)
            changes.append(np.zeros(len(logs)) if former is None else change_between(logs, former))
            former = logs
        if not visits:
            raise ValueError("probabilities must hold at least one visit, got none.")
        return cls.from_array(np.stack(visits, axis=1), change=np.stack(changes))

    @classmethod
    def from_array(cls, array: np.ndarray, **channels: ArrayLike) -> Self:
        """Build a record of an array of shape (n_rows, n_visits, 3), as the recorder gives it.

        Parameters
        ----------
        array : ndarray of shape (n_rows, n_visits, 3)
            Loss, sum of squared probabilities, and margin.
        **channels : array-like of shape (n_visits, n_rows)
            Further channels by name.

        Returns
        -------
        TrainingRecord
            With these channels.
        """
        array = as_array(array, "array")
        if array.ndim != 3 or array.shape[2] != len(CHANNELS):
            raise ValueError(
                f"array must have the shape (n_rows, n_visits, {len(CHANNELS)}), got {array.shape}."
            )
        return cls(**{name: array[:, :, place].T for place, name in enumerate(CHANNELS)}, **channels)

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
        parts = {
            name: part for name, part in evidence.parts.items() if name in ("training_record", *_ON_DEMAND)
        }
        former, checked = evidence._checked_record
        # A large record is checked once, not by every score.
        if former.keys() != parts.keys() or any(former[name] is not part for name, part in parts.items()):
            further = {name: np.asarray(parts[name]).T for name in _ON_DEMAND if name in parts}
            checked = cls.from_array(np.asarray(record), **further)
            evidence._checked_record = parts, checked
        return checked

    def require(self, name: str) -> np.ndarray:
        """Return the channel called `name`, (n_visits, n_rows); ValueError where it is missing.

        Parameters
        ----------
        name : {"loss", "squared", "margin", "feature_norm", "change"}
            Name of the channel.

        Returns
        -------
        ndarray of shape (n_visits, n_rows)
            The channel.
        """
        known = (*CHANNELS, *_ON_DEMAND)
        if not isinstance(name, str) or name not in known:
            raise ValueError(f"name must be one of {known}, got {name!r:.80}.")
        if name not in self.channels:
            way = "" if name == "feature_norm" else " TrainingRecord.from_probabilities computes it."
            raise ValueError(
                f"The score needs the channel {name} of the training record, which has {', '.join(self.channels)}."
                f"{way}"
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
    def load(cls, path: str | os.PathLike, *, mmap_mode: str | None = None) -> Self:
        """Read a record that `save` wrote.

        Parameters
        ----------
        path : path-like
            The file.
        mmap_mode : {None, "r"}, default=None
            ``"r"`` leaves the channels in the file and maps it into memory, so that a
            record larger than the memory can be scored. The file must not change while
            it is mapped. It is read once in either case, to check it.

        Returns
        -------
        TrainingRecord

        Raises
        ------
        ValueError
            For a file that is damaged or holds no record, and another `mmap_mode`.
        """
        path = as_path(path, "path")
        if mmap_mode is not None and not (isinstance(mmap_mode, str) and mmap_mode == "r"):
            raise ValueError(f"mmap_mode must be None or 'r', got {mmap_mode!r:.80}.")
        try:
            with np.load(path, allow_pickle=False) as file:
                # The names stand in the file once more, since the checksums of its parts do not cover them.
                names = file["names"].tolist()
                if mmap_mode is None:
                    return cls(**{name: file[name] for name in names})
            return cls(**{name: map_part(path, f"{name}.npy") for name in names})
        except (zipfile.BadZipFile, EOFError, AttributeError, TypeError, KeyError) as error:
            raise ValueError(f"{path} holds no training record, or is damaged.") from error

    def __len__(self) -> int:
        return self.n_rows

    def __repr__(self) -> str:
        return f"TrainingRecord(n_visits={self.n_visits}, n_rows={self.n_rows}, channels={[*self.channels]})"


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
    if any(_has_nan(visit) for visit in array):
        raise ValueError(f"{name} must not hold NaN; leave out visits that not every row has had.")
    return array


def _has_nan(values: np.ndarray) -> bool:
    if values.dtype != np.float16:
        return bool(np.isnan(values).any())
    # NumPy computes with float16 in software; the bits of a NaN lie above those of infinity.
    return bool((values.view(np.int16) & 0x7FFF).max(initial=0) > 0x7C00)


def _has_sign(values: np.ndarray) -> bool:
    """Tell whether there are values with a sign, which may be -0."""
    return bool((values.view(np.int16) if values.dtype == np.float16 else values).min(initial=0) < 0)


def _check_probabilities(visit: ArrayLike, columns: np.ndarray) -> np.ndarray:
    """Return the log-probabilities of a visit."""
    values = check_class_matrix(visit, "probabilities")
    check_columns(columns, values)
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError("probabilities must lie in [0, 1] and hold no NaN.")
    return log_probabilities(values)


def log_probabilities(probabilities: ArrayLike) -> np.ndarray:
    """Return the logarithms of probabilities in float64; 0 counts as the smallest number of float32."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), np.finfo(np.float32).tiny))
