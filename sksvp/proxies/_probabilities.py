"""Class probabilities of a fitted proxy, as logits where there are any."""

import numpy as np
from sklearn.utils.validation import _num_samples

from ._proxies import check_row_count, classifier_of, is_skorch_net, pass_heads, scoring_blocks


def can_give_probabilities(proxy) -> bool:
    """Tell whether `gather_probabilities` will find something, fitted or not."""
    classifier = classifier_of(proxy)
    return hasattr(classifier, "predict_logits") or hasattr(classifier, "predict_proba")


def gather_probabilities(proxy, X) -> dict[str, np.ndarray]:
    """Score all rows of X with a fitted proxy.

    Parameters
    ----------
    proxy : classifier
        Fitted.
    X : rows of length n
        The clean view, in the order of the result.

    Returns
    -------
    dict
        ``{"logits": (n, k) float32}`` for networks whose loss takes logits:
        probabilities in float32 round the surest rows to 1. Else
        ``{"probabilities": (n, k)}``.
    """
    blocks = [_score(*pass_heads(proxy, block)) for block in scoring_blocks(proxy, X)]
    name = blocks[0][0]
    scores = np.concatenate([block for _, block in blocks]) if len(blocks) > 1 else blocks[0][1]
    return {name: check_row_count(scores, _num_samples(X), name, proxy)}


def _score(classifier, X) -> tuple[str, np.ndarray]:
    if hasattr(classifier, "predict_logits"):
        return "logits", np.asarray(classifier.predict_logits(X))
    if is_skorch_net(classifier):
        from ._skorch_nets import net_logits, net_probabilities

        logits = net_logits(classifier, X)
        return (
            ("logits", logits) if logits is not None else ("probabilities", net_probabilities(classifier, X))
        )
    return "probabilities", np.asarray(classifier.predict_proba(X))
