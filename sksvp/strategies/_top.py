"""Top: the rows of the highest score."""

from typing import Any

import numpy as np

from ._sampler import Sampler


class Top(Sampler):
    """Choose the rows of the highest score, as a score does by itself.

    Parameters
    ----------
    score : str or strategy
        What scores the rows.
    drop_label_issues : bool or float, default=False
        Whether rows whose label is doubtful are left out before; see `Sampler`.

    Examples
    --------
    >>> from sksvp.strategies import Entropy, Evidence, Top
    >>> evidence = Evidence(probabilities=[[1.0, 0.0], [0.5, 0.5], [0.8, 0.2]])
    >>> rows, scores = Top(Entropy()).rank(evidence, 2, random_state=0)
    >>> rows.tolist()
    [1, 2]
    """

    hardest_first = True

    def __init__(self, score: Any, *, drop_label_issues: bool | float = False):
        super().__init__(score, drop_label_issues=drop_label_issues)

    def _sample(self, evidence, order, scores, n_samples, rng) -> np.ndarray:
        return np.arange(n_samples)
