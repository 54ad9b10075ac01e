"""Beta sampling: harder rows where much is kept, easier ones where little is."""

from typing import Any, ClassVar

import numpy as np
from scipy.stats import beta

from .._inputs._parameters import RealNumber
from ._sampler import Sampler, draw_by_weight
from ._training_record import TrainingRecord, score_visits

# Of the density: the sum of its two parameters, and the visits and rows that set its centre.
_CONCENTRATION = 16.0
_N_VISITS = 30
_N_HARDEST = 10


class BetaSample(Sampler):
    """Draw rows by a score times a density over how sure the proxy was of them.

    The density is a beta distribution over the mean probability of a row's own class
    in the first 30 visits. Where nearly all rows are kept it is centred at the rows
    of the highest score; the fewer are kept, the more it moves to easy rows.

    Parameters
    ----------
    score : str or strategy, default="dual"
        What scores the rows.
    exponent : float, default=4.0
        How late the density moves, as the share of rows that are left out grows. The
        authors took 5.5 for CIFAR-10, 4 for CIFAR-100 and 11 for ImageNet.
    drop_label_issues : bool or float, default=False
        Whether rows whose label is doubtful are left out before; see `Sampler`.

    References
    ----------
    Cho et al., Lightweight Dataset Pruning without Full Training via Example
    Difficulty and Prediction Uncertainty, ICML 2025.
    """

    _parameter_constraints: ClassVar[dict] = {
        **Sampler._parameter_constraints,
        "exponent": [RealNumber(0, None, closed="neither")],
    }

    def __init__(
        self, score: Any = "dual", exponent: float = 4.0, *, drop_label_issues: bool | float = False
    ):
        super().__init__(score, drop_label_issues=drop_label_issues)
        self.exponent = exponent

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that are read: the score's and the training record."""
        return tuple(dict.fromkeys((*super().requires, "training_record")))

    def _sample(self, evidence, order, scores, n_samples, rng) -> np.ndarray:
        losses = TrainingRecord.of(evidence).require("loss")[:_N_VISITS]
        sure = score_visits(lambda loss: np.exp(-loss).mean(axis=0), losses, rows=order)
        a, b = beta_parameters(sure[:_N_HARDEST].mean(), 1.0 - n_samples / len(order), self.exponent)
        # A score that can be negative is counted from its lowest value.
        height = scores - min(scores.min(), 0.0)
        with np.errstate(divide="ignore"):
            log_weights = np.log(height) + beta.logpdf(np.clip(sure, 1e-6, 1 - 1e-6), a, b)
        return draw_by_weight(log_weights, n_samples, rng)


def beta_parameters(hardest: float, left_out: float, exponent: float) -> tuple[float, float]:
    """Return both parameters of the density.

    Parameters
    ----------
    hardest : float
        Mean probability of the own class over the rows of the highest score.
    left_out : float
        Share of the rows that are not chosen.
    exponent : float
        See `BetaSample`.
    """
    b = max((_CONCENTRATION - 1.0) * (1.0 - hardest) * (1.0 - left_out**exponent), 1e-3)
    return _CONCENTRATION - b, b
