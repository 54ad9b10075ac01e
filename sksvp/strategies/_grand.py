"""GraNd: the length of the loss's gradient in the last layer."""

from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ._el2n import EL2N, error_length
from ._evidence import Evidence
from ._picking import check_table, squared_lengths
from ._training_record import TrainingRecord, score_visits


class GraNd(EL2N):
    """Choose the rows with the longest gradient of the loss in the last layer, early in training.

    The gradient of a row is the outer product of its error vector and its features
    with a 1 for the bias, so its length is `EL2N` times the root of the squared
    length of the features plus 1. It is never built. The features of a linear model are
    the rows themselves, and the length is exact.

    Parameters
    ----------
    first_visit : int, default=0
        The first visit of the window, from 0.
    n_visits : int, default=10
        Length of the window. A shorter training is taken to its end.
    features : {"end", "visits"}, default="end"
        Whose features: those of the trained proxy, or those of each visit, which is the
        mean gradient of the window exactly. They are the same for a linear model, whose
        features do not change. The proxy notes those of the visits only where they
        are asked for.

    See Also
    --------
    EL2N : The same without the features.

    References
    ----------
    Paul, Ganguli and Dziugaite, Deep Learning on a Data Diet: Finding Important
    Examples Early in Training, NeurIPS 2021; at initialisation the score follows
    the length of the input alone: Kirsch, Does Deep Learning on a Data Diet
    Reproduce?, 2023.
    """

    _parameter_constraints: ClassVar[dict] = {
        **EL2N._parameter_constraints,
        "features": [StrOptions({"end", "visits"})],
    }

    def __init__(self, first_visit: int = 0, n_visits: int = 10, features: str = "end"):
        super().__init__(first_visit, n_visits)
        self.features = features

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """Kinds of evidence that `rank` reads."""
        return ("training_record", "feature_norm" if self.features == "visits" else "features")

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the gradient length of `rows`."""
        if self.features == "visits":
            record = TrainingRecord.of(evidence)
            window = self._window(record)
            channels = [record.require(name)[window] for name in ("loss", "squared", "feature_norm")]
            return score_visits(_gradient_length, *channels, rows=rows)
        features = check_table(evidence.require("features"), accept_sparse=True)
        return super().score(evidence, rows) * np.sqrt(squared_lengths(features)[rows] + 1.0)


def _gradient_length(loss: np.ndarray, squared: np.ndarray, feature_norm: np.ndarray) -> np.ndarray:
    return (error_length(loss, squared) * np.sqrt(feature_norm + 1.0)).mean(axis=0)
