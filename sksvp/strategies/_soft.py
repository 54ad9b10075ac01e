"""Soft choice: between the highest scores and chance."""

from typing import Any, ClassVar

import numpy as np

from .._inputs._parameters import RealNumber
from ._sampler import Sampler, draw_by_weight


class Soft(Sampler):
    """Draw rows with probabilities that grow with their score (Gumbel top-k).

    A row is drawn in proportion to ``exp(score / temperature)``, with scores in
    units of their standard deviation. A temperature near 0 gives the rows of the
    highest score, a high one random rows.

    Parameters
    ----------
    score : str or strategy
        What scores the rows.
    temperature : float, default=1.0
        In standard deviations of the score, above 0.
    drop_label_issues : bool or float, default=False
        Whether rows whose label is doubtful are left out before; see `Sampler`.

    References
    ----------
    Kool, van Hoof and Welling, Stochastic Beams and Where to Find Them: The
    Gumbel-Top-k Trick for Sampling Sequences Without Replacement, ICML 2019.
    """

    _parameter_constraints: ClassVar[dict] = {
        **Sampler._parameter_constraints,
        "temperature": [RealNumber(0, None, closed="neither")],
    }

    def __init__(self, score: Any, temperature: float = 1.0, *, drop_label_issues: bool | float = False):
        super().__init__(score, drop_label_issues=drop_label_issues)
        self.temperature = temperature

    def _sample(self, evidence, order, scores, n_samples, rng) -> np.ndarray:
        spread = scores.std()
        return draw_by_weight(scores / (self.temperature * (spread if spread > 0 else 1.0)), n_samples, rng)
