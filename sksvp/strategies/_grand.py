"""GraNd: the length of the loss's gradient in the last layer."""

import numpy as np

from ._el2n import EL2N
from ._evidence import Evidence


class GraNd(EL2N):
    """Choose the rows with the longest gradient of the loss in the last layer, early in training.

    The gradient of a row is the outer product of its error vector and its features
    with a 1 for the bias, so its length is `EL2N` times the root of the squared
    length of the features plus 1. It is never built. The features are those of the
    trained proxy: exact for a linear model, whose features do not change.

    Parameters
    ----------
    first_visit : int, default=0
        The first visit of the window, from 0.
    n_visits : int, default=10
        Length of the window. A shorter training is taken to its end.

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

    requires = ("training_record", "features")
    hardest_first = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the gradient length of `rows`."""
        features = np.asarray(evidence.require("features"))[rows].astype(np.float64)
        return super().score(evidence, rows) * np.sqrt(np.einsum("ij,ij->i", features, features) + 1.0)
