"""What kind of model a proxy is, and the way of its rows through Pipelines to the classifier at the end."""

import os
import sys
from collections.abc import Iterator

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

# Values of X that one scoring call sees at most, where the model does not stream by itself.
_VALUES_PER_BLOCK = 1 << 25
_MAX_ROWS_PER_BLOCK = 1 << 16


def classifier_of(proxy):
    """Return the classifier at the end of Pipelines and frozen wrappers."""
    while True:
        if isinstance(proxy, FrozenEstimator):
            proxy = proxy.estimator
        elif isinstance(proxy, Pipeline):
            proxy = proxy.steps[-1][1]
        else:
            return proxy


def check_classifies(estimator, name: str) -> None:
    """Check that what is to be trained on class labels is no regressor, by itself or at the end of others.

    Not that it is a classifier: a raw skorch ``NeuralNet`` and wrappers without
    tags do not say so of themselves.

    Parameters
    ----------
    estimator : estimator
    name : str
        Of the parameter.

    Raises
    ------
    ValueError
        For a regressor.
    """
    if hasattr(estimator, "__sklearn_tags__") and is_regressor(estimator):
        raise ValueError(f"{name} must be a classifier, got the regressor {estimator!r}.")


def learns_numbers(estimator, classes: np.ndarray) -> bool:
    """Tell whether these classes, sorted, are trained as other numbers: by a skorch net, whose loss takes no others."""
    net = classifier_of(estimator)
    if not is_skorch_net(net):
        return False
    from ._skorch_nets import encode_labels

    return not np.array_equal(encode_labels(net, classes), classes)


def pass_heads(proxy, X):
    """Send rows through the fitted steps before the classifier; return the classifier and what reaches it."""
    while True:
        if isinstance(proxy, FrozenEstimator):
            proxy = proxy.estimator
        elif isinstance(proxy, Pipeline):
            if len(proxy) > 1:
                X = proxy[:-1].transform(X)
            proxy = proxy.steps[-1][1]
        else:
            return proxy, X


def has_head(proxy) -> bool:
    """Tell whether steps stand before the classifier."""
    while isinstance(proxy, FrozenEstimator | Pipeline):
        if isinstance(proxy, Pipeline):
            if len(proxy) > 1:
                return True
            proxy = proxy.steps[-1][1]
        else:
            proxy = proxy.estimator
    return False


def is_frozen(proxy) -> bool:
    """Tell whether the classifier is not trained by `fit`, because it or a Pipeline around it is frozen."""
    while isinstance(proxy, Pipeline):
        proxy = proxy.steps[-1][1]
    return isinstance(proxy, FrozenEstimator)


def resamples(proxy) -> bool:
    """Tell whether a step changes the rows, as imbalanced-learn's Pipeline allows."""
    if not isinstance(proxy, Pipeline):
        return False
    return any(hasattr(step, "fit_resample") for _, step in proxy.steps) or resamples(proxy.steps[-1][1])


def is_skorch_net(classifier) -> bool:
    """Tell whether a classifier is a net of skorch's own, without loading skorch."""
    skorch = sys.modules.get("skorch")
    return skorch is not None and isinstance(classifier, skorch.NeuralNet)


def streams(classifier) -> bool:
    """Tell whether a classifier scores in batches by itself: skorch nets and our own estimators."""
    return is_skorch_net(classifier) or hasattr(classifier, "predict_logits")


def scoring_blocks(proxy, X) -> Iterator[object]:
    """Cut X into blocks of rows that can be scored one by one within bounded memory."""
    n_rows = _num_samples(X)
    if streams(classifier_of(proxy)) and not has_head(proxy):
        yield X
        return
    values = int(np.prod(getattr(X, "shape", (n_rows,))[1:], dtype=np.int64))
    size = int(np.clip(_VALUES_PER_BLOCK // max(1, values), 1, _MAX_ROWS_PER_BLOCK))
    if size >= n_rows:
        yield X
        return
    for start in range(0, n_rows, size):
        yield _safe_indexing(X, slice(start, min(start + size, n_rows)))


def check_row_count(array: np.ndarray, n_rows: int, what: str, proxy) -> np.ndarray:
    """Return the array if it has one row per row of X.

    Raises
    ------
    ValueError
        For another number of rows.
    """
    if len(array) != n_rows:
        raise ValueError(
            f"The proxy {type(classifier_of(proxy)).__name__} gave {what} of {len(array)} rows for the "
            f"{n_rows} rows of X; each row needs one (a scoring iterator must not drop its last batch)."
        )
    return array


def check_trained_alone(what: str, model: BaseEstimator | None) -> None:
    """Refuse a folder for a model that several processes train: all but one would wait for its lock forever.

    Raises
    ------
    ValueError
        Where several processes have been started, naming the folder's parameter.
    """
    together = getattr(classifier_of(model), "distributed", False)
    if together and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError(
            f"{what} is held by one process at a time, and distributed=True needs all of them: leave one of them out "
            "(a network's own checkpoint survives interruptions too)."
        )
