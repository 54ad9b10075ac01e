"""Test rows on which trainings measure their error after every epoch."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from ._inputs._labels import check_labels
from ._inputs._lengths import indexable_rows
from ._inputs._names import names

_ROWS: ContextVar[tuple[Any, np.ndarray] | None] = ContextVar("test rows", default=None)


def measuring_test_error(X: Any, y: Any) -> AbstractContextManager[None]:
    """Have our networks and `BagOfNgramsClassifier` measure their error on test rows after every epoch.

    The trainings within the block, also those of proxies that a selector trains, have
    ``test_error`` in their ``history_``, a share of the rows, and are otherwise as
    without. Their seconds are those of the training alone, in ``test_seconds`` and
    ``test_cpu_seconds`` are those of the tests.

    Parameters
    ----------
    X : rows of length n_samples
        Test rows, of the same form as the training rows.
    y : array-like of shape (n_samples,)
        Their labels. A label that is no training row's counts as an error.

    Returns
    -------
    context manager
        For a ``with`` block, the time of the trainings.

    Raises
    ------
    ValueError
        For X and y of different length, and for missing labels.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sksvp.estimators import ResNetClassifier, measuring_test_error
    >>> X, y = load_digits(return_X_y=True)
    >>> network = ResNetClassifier(depth=8, max_epochs=3, batch_size=32, image_shape=(1, 8, 8), random_state=0)
    >>> with measuring_test_error(X[300:], y[300:]):
    ...     network = network.fit(X[:300], y[:300])
    >>> len(network.history_[:, "test_error"])
    3
    """
    indexable_rows(X=X, y=y)
    with names("y"):
        labels = check_labels(y)
    return _setting((X, labels))


def without_tests() -> AbstractContextManager[None]:
    """Train within the block without tests."""
    return _setting(None)


def epoch_tests() -> tuple[Any, np.ndarray] | None:
    """Return the rows and labels of the tests, if there are any."""
    return _ROWS.get()


def less_tests(seconds: tuple[float, float], history: Any) -> tuple[float, float]:
    """Return seconds, on the wall and of the processor, without those of the tests in a history."""
    spent = [[epoch.get(name, 0.0) for name in ("test_seconds", "test_cpu_seconds")] for epoch in history]
    wall, cpu = np.subtract(seconds, np.sum(spent or [[0.0, 0.0]], axis=0)).tolist()
    return wall, cpu


@contextmanager
def _setting(rows: tuple[Any, np.ndarray] | None) -> Iterator[None]:
    before = _ROWS.set(rows)
    try:
        yield
    finally:
        _ROWS.reset(before)
