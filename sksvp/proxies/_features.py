"""Features in the form that distances are taken of."""

from typing import Any

import numpy as np
from scipy import sparse


class NoFeatures(ValueError):
    """A fitted proxy has no features that distances can be taken of. This shows only when it is asked."""


def as_features(features: Any, name: str) -> np.ndarray:
    """Turn what a model gives as features into a float array of shape (n, d).

    Parameters
    ----------
    features : array-like of shape (n, ...)
        Integers and booleans become floats. Further axes are flattened.
    name : str
        Name of the model, for messages.

    Returns
    -------
    ndarray of shape (n, d), float32 or float64

    Raises
    ------
    NoFeatures
        If the features are sparse or no numbers.
    """
    if sparse.issparse(features):
        raise NoFeatures(
            f"The features of the proxy {name} are sparse, {features.shape[1]} columns wide; distances need dense "
            "ones: add a TruncatedSVD step before the classifier."
        )
    features = np.asarray(features)
    if features.dtype not in (np.float32, np.float64):
        is_small = features.dtype.kind in "biuf" and features.dtype.itemsize <= 2
        try:
            features = features.astype(np.float32 if is_small else np.float64)
        except (TypeError, ValueError) as error:
            raise NoFeatures(
                f"The features of the proxy must be numbers, got dtype {features.dtype}."
            ) from error
    return features.reshape(len(features), -1)
