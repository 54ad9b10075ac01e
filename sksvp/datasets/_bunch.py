"""The Bunch that all loaders return."""

import numpy as np
from sklearn.utils import Bunch


def split_bunch(
    train: tuple,
    test: tuple | None,
    *,
    target_names: np.ndarray,
    descr: str,
    layout: str = "channels_last",
    **extra,
) -> Bunch:
    """Return training and test rows as a Bunch; without test rows, X_test and y_test are None."""
    X_train, y_train = train
    X_test, y_test = (None, None) if test is None else test
    return Bunch(
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        target_names=target_names,
        layout=layout,
        DESCR=descr,
        **extra,
    )
