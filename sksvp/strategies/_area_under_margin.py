"""AUM: the mean margin of a row's own class over the training."""

import numpy as np
from numpy.typing import ArrayLike

from ._evidence import Evidence
from ._strategy import ScoredStrategy
from ._training_record import TrainingRecord, check_visits, score_visits


def area_under_margin(margins: ArrayLike) -> np.ndarray:
    """Average the margins of the visits.

    Parameters
    ----------
    margins : array-like of shape (n_visits, n_rows)
        At each visit, the logit of the row's own class minus the highest of the
        others.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        The mean margin. Low values are hard rows, and very low ones are often
        labelled wrongly.

    Raises
    ------
    ValueError
        For an array that is not 2-D or holds NaN.

    References
    ----------
    Pleiss et al., Identifying Mislabeled Data using the Area Under the Margin
    Ranking, NeurIPS 2020.

    Examples
    --------
    >>> from sksvp.strategies import area_under_margin
    >>> area_under_margin([[1.0, -2.0], [3.0, 0.0]]).tolist()
    [2.0, -1.0]
    """
    return score_visits(_mean, check_visits(margins, "margins"))


def _mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=0)


class AreaUnderMargin(ScoredStrategy):
    """Choose the rows with the smallest area under the margin, the hardest ones.

    Hardest first is a poor choice by itself where little is kept, and gathers wrong
    labels. Inside `Stratified`, whose default score it is, it is one of the best.
    `scores_` hold the negated area: the highest is the hardest, as everywhere.

    See Also
    --------
    area_under_margin : The mean margin.

    References
    ----------
    Pleiss et al., Identifying Mislabeled Data using the Area Under the Margin
    Ranking, NeurIPS 2020.
    """

    requires = ("training_record",)
    hardest_first = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the negated area under the margin of `rows`."""
        return -score_visits(_mean, TrainingRecord.of(evidence).require("margin"), rows=rows)
