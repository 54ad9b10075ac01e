"""EL2N: how far the class probabilities are from the label, early in training."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._parameters import WholeNumber
from ._evidence import Evidence
from ._probabilities import check_class_matrix
from ._strategy import ScoredStrategy
from ._training_record import TrainingRecord, score_visits


def el2n(probabilities: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Score rows by the length of the error vector, the class probabilities minus the label.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities.
    y : array-like of shape (n_rows,), int
        Columns of the true classes.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        ``||p - onehot(y)||``, between 0 (sure and right) and the root of 2 (sure and
        wrong).

    Raises
    ------
    ValueError, TypeError
        For probabilities that are no probabilities, or labels that are no columns
        of them.

    References
    ----------
    Paul, Ganguli and Dziugaite, Deep Learning on a Data Diet: Finding Important
    Examples Early in Training, NeurIPS 2021.

    Examples
    --------
    >>> from sksvp.strategies import el2n
    >>> el2n([[1.0, 0.0], [0.5, 0.5]], [0, 0]).round(3).tolist()
    [0.0, 0.707]
    """
    values = check_class_matrix(probabilities, "probabilities")
    record = TrainingRecord.from_probabilities([values], y)
    return score_visits(_mean_error_length, record.require("loss"), record.require("squared"))


def error_length(loss: np.ndarray, squared: np.ndarray) -> np.ndarray:
    """Return the length of the error vector at each visit."""
    # Rounding can leave less than nothing under the root.
    return np.sqrt(np.maximum(1.0 - 2.0 * np.exp(-loss) + squared, 0.0))


def _mean_error_length(loss: np.ndarray, squared: np.ndarray) -> np.ndarray:
    return error_length(loss, squared).mean(axis=0)


class EL2N(ScoredStrategy):
    """Choose the rows whose class probabilities were farthest from their labels early in training.

    The score is the mean of `el2n` over the first visits. One training's score is
    noisy; the mean over a window of visits takes most of the noise away. The
    probabilities are those of the training batches, before the update. (The
    authors took one epoch of ten trainings, in evaluation mode.)

    Parameters
    ----------
    first_visit : int, default=0
        The first visit of the window, from 0.
    n_visits : int, default=10
        Length of the window. A shorter training is taken to its end.

    See Also
    --------
    el2n : The score of one visit.
    Stratified : Takes rows of every difficulty, which is the better choice where
        little is kept.

    References
    ----------
    Paul, Ganguli and Dziugaite, Deep Learning on a Data Diet: Finding Important
    Examples Early in Training, NeurIPS 2021.
    """

    requires: tuple[str, ...] = ("training_record",)
    _parameter_constraints: ClassVar[dict] = {
        "first_visit": [WholeNumber(0)],
        "n_visits": [WholeNumber(1)],
    }

    hardest_first = True

    def __init__(self, first_visit: int = 0, n_visits: int = 10):
        self.first_visit = first_visit
        self.n_visits = n_visits

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the mean EL2N of `rows` over the window."""
        record = TrainingRecord.of(evidence)
        window = self._window(record)
        channels = [record.require(name)[window] for name in ("loss", "squared")]
        return score_visits(_mean_error_length, *channels, rows=rows)

    def _window(self, record: TrainingRecord) -> slice:
        if self.first_visit >= record.n_visits:
            raise ValueError(
                f"first_visit={self.first_visit} must be below {record.n_visits}, the visits of the training."
            )
        return slice(self.first_visit, self.first_visit + self.n_visits)
