"""The Bunch that all loaders return."""

from typing import Any

from sklearn.utils import Bunch


def split_bunch(train: tuple, test: tuple | None, **about: Any) -> Bunch:
    """Return training and test rows as a Bunch; without test rows, X_test and y_test are None."""
    X_train, y_train = train
    X_test, y_test = test or (None, None)
    return Bunch(X_train=X_train, y_train=y_train, X_test=X_test, y_test=y_test, **about)
