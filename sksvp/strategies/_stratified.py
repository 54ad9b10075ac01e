"""Stratified choice: rows of every difficulty, without the hardest."""

import math
from typing import Any, ClassVar

import numpy as np

from .._inputs._parameters import RealNumber, WholeNumber
from .._inputs._shares import exact_share
from ._area_under_margin import AreaUnderMargin
from ._evidence import Evidence
from ._sampler import Sampler


class Stratified(Sampler):
    """Choose rows from strata of equal width over a score: coverage-centric core-set selection (CCS).

    The hardest rows are dropped first, since they are often mislabelled and teach a
    model little where few rows are kept. The others are put into strata of equal
    width. The places are shared out evenly among the strata; what a small one cannot
    fill goes to the larger ones. Rows are drawn at random within their stratum.

    Parameters
    ----------
    score : str or strategy, default="aum"
        What scores the rows.
    hardest_dropped : float, default=0.0
        Share of the rows that are dropped before, below 1. They are the ones with
        the lowest area under the margin where the score reads a training record, and
        else the ones with the highest score. With wrong labels in the data it should
        be above their share. Fewer are dropped where otherwise too few would be left.
    n_strata : int, default=50
        Number of strata.
    drop_label_issues : bool or float, default=False
        Whether rows whose label is doubtful are left out before; see `Sampler`. With a
        training record both parameters drop rows of a low area under the margin:
        `hardest_dropped` a share of the rows that remain, whatever their labels.

    References
    ----------
    Zheng et al., Coverage-centric Coreset Selection for High Pruning Rates, ICLR
    2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import Entropy, Evidence, Stratified
    >>> surest = np.array([1.0, 1.0, 1.0, 1.0, 0.8, 0.8, 0.5])
    >>> evidence = Evidence(probabilities=np.column_stack([surest, 1 - surest]))
    >>> rows, scores = Stratified(Entropy()).rank(evidence, 3, random_state=0)
    >>> sorted(surest[rows].tolist())
    [0.5, 0.8, 1.0]
    """

    _parameter_constraints: ClassVar[dict] = {
        **Sampler._parameter_constraints,
        "hardest_dropped": [RealNumber(0, 1, closed="left")],
        "n_strata": [WholeNumber(1, 1_000_000)],
    }

    def __init__(
        self,
        score: Any = "aum",
        hardest_dropped: float = 0.0,
        n_strata: int = 50,
        *,
        drop_label_issues: bool | float = False,
    ):
        super().__init__(score, drop_label_issues=drop_label_issues)
        self.hardest_dropped = hardest_dropped
        self.n_strata = n_strata

    def _sample(self, evidence, order, scores, n_samples, rng) -> np.ndarray:
        n_dropped = min(math.floor(exact_share(self.hardest_dropped, len(order))), len(order) - n_samples)
        left = np.sort(self._easiest_first(evidence, order)[: len(order) - n_dropped])
        strata = _strata(scores[left], self.n_strata)
        quotas = fill_evenly(np.bincount(strata, minlength=self.n_strata), n_samples)
        shuffled = rng.permutation(len(left))
        by_stratum = shuffled[np.argsort(strata[shuffled], kind="stable")]
        place_in_stratum = np.arange(len(left)) - np.searchsorted(strata[by_stratum], strata[by_stratum])
        return left[by_stratum[place_in_stratum < quotas[strata[by_stratum]]]]

    def _easiest_first(self, evidence: Evidence, order: np.ndarray) -> np.ndarray:
        """Return the places of the rows, the easiest first."""
        if "training_record" not in self.requires or isinstance(self._scorer(), AreaUnderMargin):
            return np.arange(len(order))[::-1]
        return np.argsort(AreaUnderMargin().score(evidence, order), kind="stable")


def _strata(scores: np.ndarray, n_strata: int) -> np.ndarray:
    """Return the stratum of each score; the largest belongs to the last, equal scores to one."""
    low, width = scores.min(), np.ptp(scores)
    if width == 0:
        return np.zeros(len(scores), dtype=np.intp)
    return np.minimum(((scores - low) / width * n_strata).astype(np.intp), n_strata - 1)


def fill_evenly(sizes: np.ndarray, n_samples: int) -> np.ndarray:
    """Share out places evenly among groups: from the smallest, each gets its part of the rest, or all it has.

    Parameters
    ----------
    sizes : ndarray of shape (n_groups,), int
        Rows of each group.
    n_samples : int
        Places, at most the sum of the sizes.

    Returns
    -------
    ndarray of shape (n_groups,), int
        Places of each group, `n_samples` in sum.
    """
    quotas = np.zeros_like(sizes)
    rest = n_samples
    smallest_first = np.argsort(sizes, kind="stable")
    for n_left, group in zip(range(len(sizes), 0, -1), smallest_first, strict=True):
        quotas[group] = min(sizes[group], rest // n_left)
        rest -= quotas[group]
    return quotas
