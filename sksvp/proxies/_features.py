"""Final hidden features of a fitted proxy."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _num_samples

from ._proxies import check_row_count, classifier_of, has_head, is_skorch_net, pass_heads, scoring_blocks


class NoFeatures(ValueError):
    """A fitted proxy has no features that distances can be taken of, which shows only when it is asked."""


def can_give_features(proxy) -> bool:
    """Tell whether the proxy has features; of a skorch net's module this shows only when it is asked."""
    classifier = classifier_of(proxy)
    return is_skorch_net(classifier) or hasattr(classifier, "transform") or has_head(proxy)


def gather_features(proxy, X) -> dict[str, np.ndarray]:
    """Compute the features that the proxy decides on.

    These are the final hidden vectors of a network, what a classifier's own
    `transform` returns, or what the steps of a Pipeline hand to its classifier.

    Parameters
    ----------
    proxy : classifier
        Fitted.
    X : rows of length n
        The clean view, in the order of the result.

    Returns
    -------
    dict
        ``{"features": (n, d) float32 or float64}``

    Raises
    ------
    NoFeatures, a ValueError
        For sparse features, features that are not numbers, or a network without
        a final hidden vector.
    """
    blocks = [_check(_features(*pass_heads(proxy, block)), proxy) for block in scoring_blocks(proxy, X)]
    features = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return {"features": check_row_count(features, _num_samples(X), "features", proxy)}


def _features(classifier, X):
    if is_skorch_net(classifier):
        from ._skorch_nets import net_features

        return net_features(classifier, X)
    if hasattr(classifier, "transform"):
        return classifier.transform(X)
    return X


def _check(features, proxy) -> np.ndarray:
    if sparse.issparse(features):
        raise NoFeatures(
            f"The features of the proxy {type(proxy).__name__} are sparse, {features.shape[1]} columns wide; "
            "distances need dense ones: add a TruncatedSVD step before the classifier."
        )
    features = np.asarray(features)
    if features.dtype.kind not in "biuf":
        try:
            features = features.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise NoFeatures(
                f"The features of the proxy must be numbers, got dtype {features.dtype}."
            ) from error
    if features.dtype not in (np.float32, np.float64):
        features = features.astype(np.float32 if features.dtype.itemsize <= 2 else np.float64)
    return features.reshape(len(features), -1)
