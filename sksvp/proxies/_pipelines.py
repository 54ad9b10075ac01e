"""The way of rows through Pipelines and frozen wrappers to the classifier at their end."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import _routing_enabled, process_routing

# What is learned here ignores labels, unless a tag says that they are required.
_LABEL_FREE = (
    "sklearn.preprocessing.",
    "sklearn.decomposition.",
    "sklearn.feature_extraction.",
    "sklearn.random_projection",
    "sklearn.kernel_approximation",
    "sklearn.impute.",
    "sklearn.cluster.",
)


def layers(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and what is inside it, from the outermost Pipeline or frozen wrapper to the classifier."""
    yield estimator
    while isinstance(estimator, FrozenEstimator | Pipeline):
        estimator = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator.steps[-1][1]
        yield estimator


def classifier_of(estimator: Any) -> Any:
    """Return the classifier at the end of Pipelines and frozen wrappers."""
    return [*layers(estimator)][-1]


def replace_classifier(estimator: Any, classifier: BaseEstimator) -> Any:
    """Return an estimator, which is changed in place, with another classifier at the end of its Pipelines."""
    if not isinstance(estimator, Pipeline):
        return classifier
    name, last = estimator.steps[-1]
    estimator.steps[-1] = (name, replace_classifier(last, classifier))
    return estimator


def _heads(estimator: Any) -> Iterator[Any]:
    """Yield the steps before the classifier, except those that pass rows through."""
    for layer in layers(estimator):
        for _, step in layer.steps[:-1] if isinstance(layer, Pipeline) else ():
            if step is not None and not isinstance(step, str):
                yield step


def parts_of(estimator: Any) -> list[Any]:
    """Return the steps before the classifier and the classifier."""
    return [*_heads(estimator), classifier_of(estimator)]


def pass_heads(estimator: Any, X: Any) -> Any:
    """Send rows through the fitted steps before the classifier."""
    # One by one: a Pipeline of them refuses steps that learn nothing and those that resample.
    for step in _heads(estimator):
        if not hasattr(step, "fit_resample"):
            X = step.transform(X)
    return X


def pass_label_free(estimator: Any, X: Any) -> Any:
    """Send rows through the steps before the classifier, up to the first that needs labels to be fitted.

    A step that may have used the labels is fitted anew without them.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    X : rows of length n
        The rows that it was fitted on.

    Returns
    -------
    rows of length n
    """
    for step in _heads(estimator):
        if hasattr(step, "fit_resample"):
            continue
        if not _ignores_labels(step):
            try:
                step = clone(step).fit(X)
            except (TypeError, ValueError):
                # It was fitted on these rows before: what it lacks is the labels.
                break
        X = step.transform(X)
    return X


def _ignores_labels(step: Any) -> bool:
    if isinstance(step, FrozenEstimator):
        return True
    return type(step).__module__.startswith(_LABEL_FREE) and not get_tags(step).target_tags.required


def has_head(estimator: Any) -> bool:
    """Tell whether steps stand before the classifier."""
    return any(isinstance(layer, Pipeline) and len(layer) > 1 for layer in layers(estimator))


def is_frozen(estimator: Any) -> bool:
    """Tell whether the classifier is not trained by `fit`, because it or a Pipeline around it is frozen."""
    return any(isinstance(layer, FrozenEstimator) for layer in layers(estimator))


def resamples(estimator: Any) -> bool:
    """Tell whether a step changes the rows, as imbalanced-learn's Pipeline allows."""
    return any(hasattr(step, "fit_resample") for step in _heads(estimator))


def frozen_parts(estimator: BaseEstimator) -> dict[str, FrozenEstimator]:
    """Return the frozen wrappers among an estimator and its parameters, by the parameters' names."""
    parts = {"": estimator, **estimator.get_params(deep=True)}
    return {name: part for name, part in parts.items() if isinstance(part, FrozenEstimator)}


def fit_heads(estimator: Any, X: Any, y: np.ndarray, fit_params: dict) -> tuple[Any, dict]:
    """Fit, in place, the steps before the classifier; return what they make of X and the classifier's parameters."""
    while isinstance(estimator, Pipeline):
        name = estimator.steps[-1][0]
        head_params, fit_params = _split_fit_params(estimator, name, fit_params)
        if len(estimator) > 1:
            head = estimator[:-1]
            X = head.fit_transform(X, y, **head_params)
            estimator.steps[:-1] = head.steps
        estimator = estimator.steps[-1][1]
    return X, fit_params


def _split_fit_params(pipeline: Pipeline, name: str, fit_params: dict) -> tuple[dict, dict]:
    """Divide a Pipeline's fit parameters between the steps before the last and the last."""
    if not fit_params:
        return {}, {}
    if _routing_enabled():
        last_params = dict(process_routing(pipeline, "fit", **fit_params)[name].fit)
        if len(pipeline) == 1:
            return {}, last_params
        consumed = pipeline[:-1].get_metadata_routing().consumes("fit_transform", fit_params)
        return {key: fit_params[key] for key in consumed}, last_params
    prefix = f"{name}__"
    head_params = {key: value for key, value in fit_params.items() if not key.startswith(prefix)}
    return head_params, {
        key.removeprefix(prefix): fit_params[key] for key in fit_params if key not in head_params
    }
