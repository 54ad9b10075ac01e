"""Which kind of proxy a model is."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, validate_params

from ._linear_text import LinearText
from ._network import Network
from ._numbered_labels import NumberedLabels
from ._partial_fit import PartialFit
from ._pipelines import classifier_of
from ._proxy import Proxy
from ._skorch_net import SkorchNet
from ._staged_ensemble import StagedEnsemble

# The first kind that matches is used. A new kind is one more line here.
_KINDS: tuple[type[Proxy], ...] = (
    SkorchNet,
    Network,
    LinearText,
    NumberedLabels,
    StagedEnsemble,
    PartialFit,
    Proxy,
)


@validate_params(
    {"estimator": [HasMethods(["fit", "get_params"])], "classes": ["array-like", None]},
    prefer_skip_nested_validation=False,
)
def as_proxy(estimator: BaseEstimator, *, classes: np.ndarray | None = None) -> Proxy:
    """Look at a model as a proxy.

    Parameters
    ----------
    estimator : classifier
        Fitted or not, alone or inside Pipelines and ``FrozenEstimator``.
    classes : ndarray, optional
        Labels that a fitted classifier was trained on.

    Returns
    -------
    Proxy
        An object of the kind that the classifier is.

    Raises
    ------
    ValueError
        If the estimator has no `fit` and `get_params`, or the labels are of several kinds.

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
    return kind(estimator, classes=None if classes is None else _sorted_labels(classes))


def _sorted_labels(classes: np.ndarray) -> np.ndarray:
    try:
        return np.unique(classes)
    except (TypeError, ValueError) as error:
        raise ValueError(f"classes must be labels of one kind, got {classes!r}.") from error
