"""Which kind of proxy a model is."""

import numpy as np
from sklearn.base import BaseEstimator

from ._linear_text import LinearText
from ._network import Network
from ._no_proxy import NoProxy
from ._numbered_labels import NumberedLabels
from ._partial_fit import PartialFit
from ._pipelines import classifier_of
from ._proxy import Proxy
from ._skorch_net import SkorchNet
from ._staged_ensemble import StagedEnsemble
from ._staged_xgboost import StagedXGBoost

# The first kind that matches is used. A new kind is one more line here.
_KINDS: tuple[type[Proxy], ...] = (
    SkorchNet,
    Network,
    LinearText,
    StagedXGBoost,
    NumberedLabels,
    StagedEnsemble,
    PartialFit,
    Proxy,
)


def as_proxy(estimator: BaseEstimator | None, *, classes: np.ndarray | None = None) -> Proxy:
    """Look at a model as a proxy.

    Parameters
    ----------
    estimator : classifier or None
        Fitted or not, alone or inside Pipelines and ``FrozenEstimator``. None stands for
        X itself, which gives features and is never trained.
    classes : ndarray, optional
        Labels that a fitted classifier was trained on.

    Returns
    -------
    Proxy
        An object of the kind that the classifier is.

    Raises
    ------
    TypeError
        If the estimator has no `fit` and `get_params`.
    ValueError
        If the labels are of several kinds.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sksvp.proxies import as_proxy
    >>> as_proxy(make_pipeline(StandardScaler(), LogisticRegression())).gives
    ('probabilities', 'features', 'inputs')
    """
    if estimator is None:
        return NoProxy()
    # Not by validate_params, whose time counts here: a fit asks several times.
    if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        raise TypeError(f"estimator must have the methods fit and get_params, got {estimator!r}.")
    classifier = classifier_of(estimator)
    kind = next(kind for kind in _KINDS if kind.is_kind_of(classifier))
    return kind(estimator, classes=None if classes is None else _sorted_labels(classes))


def _sorted_labels(classes: np.ndarray) -> np.ndarray:
    try:
        if np.ndim(classes) != 1:
            raise ValueError(f"an array of {np.ndim(classes)} dimensions")
        return np.unique(classes)
    except (TypeError, ValueError) as error:
        raise ValueError(f"classes must be 1-d labels of one kind, got {classes!r}.") from error
