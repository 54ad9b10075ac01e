"""Which kind of proxy a model is."""

import numpy as np
from sklearn.base import BaseEstimator

from ._linear_text import LinearText
from ._network import Network
from ._partial_fit import PartialFit
from ._pipelines import classifier_of
from ._proxy import Proxy
from ._skorch_net import SkorchNet
from ._staged_ensemble import StagedEnsemble

# The first that fits is taken; a new kind is a line here.
_KINDS: tuple[type[Proxy], ...] = (SkorchNet, Network, LinearText, StagedEnsemble, PartialFit, Proxy)


def as_proxy(estimator: BaseEstimator, *, classes: np.ndarray | None = None) -> Proxy:
    """Look at a model as a proxy.

    Parameters
    ----------
    estimator : classifier
        Fitted or not; inside Pipelines and ``FrozenEstimator`` as well.
    classes : ndarray, optional
        Labels that a fitted one was trained on.

    Returns
    -------
    Proxy
        Of the kind that the classifier is.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sksvp.proxies import as_proxy
    >>> as_proxy(make_pipeline(StandardScaler(), LogisticRegression())).gives
    ('probabilities', 'features')
    """
    classifier = classifier_of(estimator)
    kind = next(kind for kind in _KINDS if kind.is_kind_of(classifier))
    return kind(estimator, classes=None if classes is None else np.unique(classes))
