"""Weights of classes in a loss."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight


def check_class_weight(class_weight: str | Mapping | None) -> None:
    """Check weights of classes before the classes are known.

    Raises
    ------
    ValueError
        If a mapping has a weight that is not a finite number above 0.
    """
    if isinstance(class_weight, Mapping) and not all(
        isinstance(weight, Real) and not isinstance(weight, bool) and 0 < float(weight) < np.inf
        for weight in class_weight.values()
    ):
        raise ValueError(
            f"class_weight must have finite weights above 0, got {dict(class_weight)!r}; leave out the rows of a class "
            "that is not to be learned."
        )


def class_weights(class_weight: str | Mapping | None, classes: np.ndarray, encoded: np.ndarray) -> np.ndarray:
    """Return the weight of each class in the loss.

    Parameters
    ----------
    class_weight : "balanced", mapping of label to weight or None
        A class that a mapping does not name has weight 1.
    classes : ndarray of shape (n_classes,)
        Labels.
    encoded : ndarray of shape (n_samples,)
        The class of each training row, as a number. Classes without a row get
        weight 1 from "balanced".

    Returns
    -------
    ndarray of shape (n_classes,), float32

    Raises
    ------
    ValueError
        If a mapping names another class.
    """
    weights = np.ones(len(classes), dtype=np.float32)
    if isinstance(class_weight, Mapping):
        unknown = set(class_weight) - set(classes.tolist())
        if unknown:
            raise ValueError(f"class_weight names classes that are not in y: {sorted(map(str, unknown))}.")
        weights[:] = [class_weight.get(label, 1.0) for label in classes.tolist()]
    elif class_weight is not None:
        present = np.unique(encoded)
        weights[present] = compute_class_weight(class_weight, classes=present, y=encoded)
    return weights
