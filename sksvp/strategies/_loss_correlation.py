"""CLD: how alike the course of a row's loss is to the course of its class."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, column_or_1d

from ._evidence import Evidence
from ._probabilities import block_slices
from ._rows import naming
from ._strategy import ScoredStrategy
from ._training_record import TrainingRecord, check_visits


def loss_correlation(
    losses: ArrayLike,
    y: ArrayLike,
    *,
    validation_losses: ArrayLike | None = None,
    validation_y: ArrayLike | None = None,
) -> np.ndarray:
    """Correlate the changes of a row's loss with those of its class.

    Parameters
    ----------
    losses : array-like of shape (n_visits, n_rows)
        Cross-entropy of each row at each visit.
    y : array-like of shape (n_rows,)
        Labels.
    validation_losses : array-like of shape (n_visits, n_validation), optional
        Losses of rows that were held out, at the same visits. Their mean of a class
        is its course, as the authors have it. Without them, and for a class of which
        they have no row, it is the mean of the class's own rows.
    validation_y : array-like of shape (n_validation,), optional
        Labels of the rows that were held out.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        Pearson's correlation of the changes from visit to visit, between -1 and 1.
        It is 0 where a row or its class does not change.

    Raises
    ------
    ValueError
        For arrays that are not 2-D, hold NaN or infinity, or do not fit together,
        and for fewer than two visits.

    References
    ----------
    Nagaraj, Ravikumar and Roy, Coresets from Trajectories: Selecting Data via
    Correlation of Loss Differences, TMLR 2025.

    Examples
    --------
    >>> from sksvp.strategies import loss_correlation
    >>> losses = [[3.0, 3.2, 1.0], [2.0, 2.1, 1.5], [1.5, 1.5, 1.4], [1.4, 1.5, 1.6]]
    >>> loss_correlation(losses, [0, 0, 0]).round(1).tolist()
    [0.9, 1.0, -0.2]
    """
    return _score(check_visits(losses, "losses"), y, validation_losses, validation_y)


def _score(
    losses: np.ndarray,
    y: ArrayLike,
    validation_losses: ArrayLike | None = None,
    validation_y: ArrayLike | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    with naming("y"):
        labels = column_or_1d(y)
    check_consistent_length(losses.T, labels)
    if len(losses) < 2:
        raise ValueError(f"losses must have at least 2 visits, got {len(losses)}.")
    if not all(np.isfinite(visit).all() for visit in losses):
        raise ValueError("losses must be finite, got infinity.")
    if (validation_losses is None) != (validation_y is None):
        raise ValueError("validation_losses and validation_y come together, got one of them.")
    classes, members = np.unique(labels, return_inverse=True)
    course = _class_means(losses, members, len(classes))
    if validation_losses is not None:
        held_out = check_visits(validation_losses, "validation_losses")
        held_labels = column_or_1d(validation_y)
        check_consistent_length(held_out.T, held_labels)
        if len(held_out) != len(losses):
            raise ValueError(
                f"validation_losses must have the {len(losses)} visits of losses, got {len(held_out)}."
            )
        for place, label in enumerate(classes):
            of_class = held_labels == label
            if of_class.any():
                course[:, place] = held_out[:, of_class].mean(axis=1, dtype=np.float64)
    expected = _centred_changes(course)
    rows = np.arange(len(labels)) if rows is None else rows
    scores = np.empty(len(rows))
    for part in block_slices(len(rows), len(losses)):
        block = losses[:, rows[part]].astype(np.float64)
        scores[part] = _correlation(block, expected[:, members[rows[part]]])
    return scores


def _class_means(losses: np.ndarray, members: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the mean loss of each class at each visit, (n_visits, n_classes)."""
    sizes = np.bincount(members, minlength=n_classes)
    sums = [np.bincount(members, weights=visit, minlength=n_classes) for visit in losses]
    return np.asarray(sums) / sizes


def _centred_changes(losses: np.ndarray) -> np.ndarray:
    changes = np.diff(losses, axis=0)
    return changes - changes.mean(axis=0)


def _correlation(loss: np.ndarray, expected: np.ndarray) -> np.ndarray:
    changes = _centred_changes(loss)
    lengths = np.sqrt((changes**2).sum(axis=0) * (expected**2).sum(axis=0))
    products = (changes * expected).sum(axis=0)
    # What rounding leaves of no change at all is no correlation.
    return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 1e-12)


class LossCorrelation(ScoredStrategy):
    """Choose the rows whose loss falls as that of their class does.

    Rows that are typical of how their class is learned come first, so that wrong
    labels come last. It is meant with ``class_balanced=True``. The course of a class
    is here the mean of its own rows; `loss_correlation` takes rows that were held
    out as well.

    See Also
    --------
    loss_correlation : The score.

    References
    ----------
    Nagaraj, Ravikumar and Roy, Coresets from Trajectories: Selecting Data via
    Correlation of Loss Differences, TMLR 2025.
    """

    requires = ("training_record",)
    needs_labels = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the correlation of `rows` with their class."""
        return _score(TrainingRecord.of(evidence).require("loss"), evidence.require("y"), rows=rows)
