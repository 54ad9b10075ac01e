"""Dataset cartography: mean and spread of the probability of a row's own class."""

import numpy as np
from numpy.typing import ArrayLike

from ._evidence import Evidence
from ._strategy import ScoredStrategy
from ._training_record import TrainingRecord, check_visits, score_visits


def confidence(losses: ArrayLike) -> np.ndarray:
    """Average the probability of the own class over the visits.

    Parameters
    ----------
    losses : array-like of shape (n_visits, n_rows)
        Cross-entropy at each visit, the negative logarithm of that probability.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        Between 0 (hard to learn) and 1 (easy).

    Raises
    ------
    ValueError
        For an array that is not 2-D or holds NaN.

    References
    ----------
    Swayamdipta et al., Dataset Cartography: Mapping and Diagnosing Datasets with
    Training Dynamics, EMNLP 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import confidence
    >>> confidence(-np.log([[0.5, 0.1], [1.0, 0.3]])).round(3).tolist()
    [0.75, 0.2]
    """
    return score_visits(lambda loss: np.exp(-loss).mean(axis=0), check_visits(losses, "losses"))


def variability(losses: ArrayLike) -> np.ndarray:
    """Compute the standard deviation of the probability of the own class over the visits.

    Parameters
    ----------
    losses : array-like of shape (n_visits, n_rows)
        Cross-entropy at each visit, the negative logarithm of that probability.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        Between 0 and 0.5, with division by the number of visits. High values are
        ambiguous rows.

    Raises
    ------
    ValueError
        For an array that is not 2-D or holds NaN.

    References
    ----------
    Swayamdipta et al., Dataset Cartography: Mapping and Diagnosing Datasets with
    Training Dynamics, EMNLP 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import variability
    >>> variability(-np.log([[0.5, 0.1], [1.0, 0.3]])).round(3).tolist()
    [0.25, 0.1]
    """
    return score_visits(_spread, check_visits(losses, "losses"))


def _spread(loss: np.ndarray) -> np.ndarray:
    return np.exp(-loss).std(axis=0)


def correctness(margins: ArrayLike) -> np.ndarray:
    """Compute the share of visits at which a row was classified right.

    Parameters
    ----------
    margins : array-like of shape (n_visits, n_rows)
        Margin of the own class at each visit; above 0 is right.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        Between 0 and 1.

    Raises
    ------
    ValueError
        For an array that is not 2-D or holds NaN.

    References
    ----------
    Swayamdipta et al., Dataset Cartography: Mapping and Diagnosing Datasets with
    Training Dynamics, EMNLP 2020.

    Examples
    --------
    >>> from sksvp.strategies import correctness
    >>> correctness([[0.5, -1.0], [1.0, 0.3]]).tolist()
    [1.0, 0.5]
    """
    return score_visits(lambda margin: (margin > 0).mean(axis=0), check_visits(margins, "margins"))


class Variability(ScoredStrategy):
    """Choose the most ambiguous rows: those whose probability of the own class varied most in training.

    See Also
    --------
    variability : The score.
    confidence, correctness : The other two numbers of the data map.

    References
    ----------
    Swayamdipta et al., Dataset Cartography: Mapping and Diagnosing Datasets with
    Training Dynamics, EMNLP 2020.
    """

    requires = ("training_record",)
    hardest_first = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the variability of `rows`."""
        return score_visits(_spread, TrainingRecord.of(evidence).require("loss"), rows=rows)
