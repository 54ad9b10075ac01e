"""Looking at a proxy while it trains, after each of its epochs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator

from ._forgetting_events import how_events_are_counted
from ._proxies import classifier_of, is_frozen, is_skorch_net

# ``gather(kind, rows)`` returns evidence of rows as the model is by now.
Gather = Callable[[str, np.ndarray], dict[str, np.ndarray]]
# Asked after each epoch; True ends the training.
Watch = Callable[[Gather], bool]


def check_watchable(proxy: BaseEstimator, requires: tuple[str, ...]) -> None:
    """Check that a proxy's training can be looked at epoch by epoch, and ended.

    Raises
    ------
    ValueError
        For a proxy that has no epochs, or is frozen.
    """
    classifier = classifier_of(proxy)
    if not is_frozen(proxy):
        if _is_ours(classifier) or is_skorch_net(classifier):
            return
        if "forgetting_events" in requires and how_events_are_counted(proxy) == "mini_batches":
            return
    raise ValueError(
        f"stop_proxy needs a proxy that is trained in epochs here: a network of sksvp.estimators, a skorch net, or, "
        f"with forgetting events, a classifier with partial_fit; alone or as the last step of a Pipeline. Got "
        f"{type(classifier).__name__}{', frozen' if is_frozen(proxy) else ''}."
    )


def epochs_of(proxy: BaseEstimator, n_epochs: int) -> int:
    """Return the epochs of a whole training; `n_epochs` is that of mini-batches."""
    classifier = classifier_of(proxy)
    return int(classifier.max_epochs) if _is_ours(classifier) or is_skorch_net(classifier) else n_epochs


def epochs_trained(proxy: BaseEstimator, n_watched: int) -> int:
    """Return the epochs that a fitted proxy was trained: by its own history, else those that were watched.

    A callback can end a training within an epoch, or before the watch is asked.
    """
    classifier = classifier_of(proxy)
    if _is_ours(classifier):
        return len(classifier.history_)
    return len(classifier.history) if is_skorch_net(classifier) else n_watched


def _is_ours(classifier: BaseEstimator) -> bool:
    return hasattr(classifier, "watch_epochs")


@contextmanager
def watched(proxy: BaseEstimator, watch: Watch | None) -> Iterator[None]:
    """Have the next `fit` of one of our networks, or of a Pipeline around it, asked after each epoch."""
    classifier = classifier_of(proxy)
    if watch is None or not _is_ours(classifier):
        yield
        return
    with classifier.watch_epochs(watch):
        yield
