"""How much the evidence of a row speaks against its label."""

import math
from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._shares import exact_share
from ._evidence import Evidence, log_softmax
from ._probabilities import block_slices, check_class_matrix, columns_of_labels
from ._rows import check_rows
from ._training_record import TrainingRecord, log_probabilities, score_visits

LABEL_ISSUE_WAYS = ("aum", "loss", "probability", "both")
# In place of infinity, for a class of probability 0.
_FAR = 1e6


@validate_params(
    {"evidence": [Evidence], "by": [StrOptions({"auto", *LABEL_ISSUE_WAYS})]},
    prefer_skip_nested_validation=False,
)
def label_suspicion(evidence: Evidence, *, by: str = "auto", rows: np.ndarray | None = None) -> np.ndarray:
    """Score how much the evidence of each row speaks against its label.

    Parameters
    ----------
    evidence : Evidence
        With labels, and with a training record or class probabilities.
    by : {"auto", "aum", "loss", "probability", "both"}, default="auto"
        What is read. ``"aum"``: the negated area under the margin, that is, how far
        the best other class was ahead of the own one on average over the training.
        ``"loss"``: the mean loss, less the loss of a guess. Both leave out the first
        visits, before most rows were right for the first time, which tell of no label. ``"probability"``: the
        logarithm of the highest probability of another class less that of the own one.
        ``"both"``: the sum of ``"aum"`` and ``"probability"``, each in units of its
        root mean square. ``"auto"`` is ``"aum"`` where there is a training record, else
        ``"probability"``.
    rows : ndarray of int, optional
        Which rows to score; all by default.

    Returns
    -------
    ndarray of shape (n_rows,) or (len(rows),), float64
        The suspicion. Above 0 the evidence prefers another class, or, for the loss,
        finds the own one less likely than a guess.

    Raises
    ------
    ValueError
        If evidence is missing, or if the classes of the columns are not known.

    References
    ----------
    Pleiss et al., Identifying Mislabeled Data using the Area Under the Margin
    Ranking, NeurIPS 2020.

    Examples
    --------
    >>> from sksvp.strategies import Evidence, label_suspicion
    >>> evidence = Evidence(y=["a", "a", "b"], probabilities=[[0.8, 0.2], [0.2, 0.8], [0.5, 0.5]])
    >>> label_suspicion(evidence).round(2).tolist()
    [-1.39, 1.39, 0.0]
    """
    if by == "auto":
        by = "aum" if "training_record" in evidence.kinds else "probability"
    if rows is None:
        rows = np.arange(evidence.n_rows)
    check_rows(rows, evidence.n_rows, "rows")
    labels = np.asarray(evidence.require("y"))
    if by == "both":
        aum, probability = (
            _in_own_units(label_suspicion(evidence, by=way, rows=rows)) for way in ("aum", "probability")
        )
        return aum + probability
    if by == "probability":
        return _lead_of_others(evidence, rows)
    record = TrainingRecord.of(evidence)
    first = _first_telling_visit(record)
    if by == "aum":
        return -score_visits(_mean, record.require("margin")[first:], rows=rows)
    return score_visits(_mean, record.require("loss")[first:], rows=rows) - math.log(len(np.unique(labels)))


def _first_telling_visit(record: TrainingRecord) -> int:
    """Return the first visit at which most rows were right, 0 if there was none."""
    margins = record.channels.get("margin")
    if margins is None:
        return 0
    return int(np.argmax((margins > 0).mean(axis=1) > 0.5))


def _mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=0)


def _in_own_units(scores: np.ndarray) -> np.ndarray:
    return scores / (np.sqrt(np.mean(scores**2)) or 1.0)


def _lead_of_others(evidence: Evidence, rows: np.ndarray) -> np.ndarray:
    """Return the logarithm of the highest probability of another class less that of the own one."""
    is_log = evidence.logits is not None
    name = "logits" if is_log else "probabilities"
    values = check_class_matrix(evidence.logits if is_log else evidence.require(name), name)
    columns = own_columns(evidence, values.shape[1])
    scores = np.empty(len(rows))
    for part in block_slices(len(rows), values.shape[1]):
        block = values[rows[part]]
        logs = log_softmax(block) if is_log else log_probabilities(block)
        own = (np.arange(len(logs)), columns[rows[part]])
        own_logs = logs[own]
        logs[own] = -np.inf
        scores[part] = logs.max(axis=1) - own_logs
    if np.isnan(scores).any():
        raise ValueError(f"{name} must not hold NaN, got NaN in row {rows[np.isnan(scores)][0]}.")
    return np.clip(scores, -_FAR, _FAR)


def own_columns(evidence: Evidence, n_columns: int) -> np.ndarray:
    """Return the column of each row's label.

    Parameters
    ----------
    evidence : Evidence
        With labels.
    n_columns : int
        Number of columns of its probabilities.

    Returns
    -------
    ndarray of shape (n_rows,), int

    Raises
    ------
    ValueError
        If a label has no column.
    """
    labels = np.asarray(evidence.require("y"))
    classes = np.unique(labels) if evidence.classes is None else evidence.classes
    columns = columns_of_labels(labels, classes)
    if len(classes) != n_columns or columns.min() < 0:
        raise ValueError(
            f"Each label needs a column of the probabilities: there are {len(np.unique(labels))} labels and "
            f"{n_columns} columns{'' if evidence.classes is None else f' of the classes {classes.tolist()[:10]}'}."
        )
    return columns


def mark_most_suspicious(scores: np.ndarray, flag: Any) -> np.ndarray:
    """Mark the rows whose suspicion is above 0, or a share of the rows.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        From `label_suspicion`.
    flag : bool or float in [0, 1)
        True marks those above 0, False none, and a share so many rows, rounded down:
        the most suspicious, and of equal ones the first.

    Returns
    -------
    ndarray of shape (n_rows,), bool
    """
    if isinstance(flag, bool | np.bool_):
        return (scores > 0) & flag
    return mark_highest(scores, math.floor(exact_share(flag, len(scores))))


def mark_highest(scores: np.ndarray, n_rows: int) -> np.ndarray:
    """Mark so many rows of the highest score, of equal ones the first.

    Parameters
    ----------
    scores : ndarray of shape (n_scores,)
    n_rows : int

    Returns
    -------
    ndarray of shape (n_scores,), bool
    """
    marked = np.zeros(len(scores), dtype=bool)
    marked[np.argsort(-scores, kind="stable")[:n_rows]] = True
    return marked
