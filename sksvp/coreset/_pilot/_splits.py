"""Held-out rows of a pilot."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ..._inputs._containers import take_rows

N_FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Training rows and held-out rows of one repeat.

    Parameters
    ----------
    X, y : rows and labels
        Training rows.
    X_test, y_test : rows and labels
        Held-out rows.
    training : ndarray of int
        Numbers of the training rows in the data.
    numbers : ndarray of int
        Numbers of the held-out rows among all that are held out in some repeat.
    """

    X: Any
    y: np.ndarray
    X_test: Any
    y_test: np.ndarray
    training: np.ndarray
    numbers: np.ndarray


def splits_of(
    X: Any, y: np.ndarray, test: tuple[Any, np.ndarray] | None, n_repeats: int, seed: int
) -> Iterator[Split]:
    """Yield the split of each repeat: a fifth of the rows held out in turns, or the same test rows each time."""
    if test is not None:
        for _ in range(n_repeats):
            yield Split(X, y, *test, np.arange(len(y)), np.arange(len(test[1])))
        return
    for number in range(n_repeats):
        # After five repeats another division into fifths begins.
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed + number // N_FOLDS)
        training, held_out = list(folds.split(np.zeros(len(y)), y))[number % N_FOLDS]
        X_train, X_held = take_rows(X, training), take_rows(X, held_out)
        yield Split(X_train, y[training], X_held, y[held_out], training, held_out)


def check_classes(y: np.ndarray, *, has_test: bool) -> None:
    """Check that every class has rows enough for the splits.

    Raises
    ------
    ValueError
        If there is one class only, or a class is too small; the message names it.
    """
    classes, sizes = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise ValueError(f"y has one class only, {classes.tolist()[0]!r}; a pilot needs two.")
    smallest = sizes.argmin()
    if not has_test and sizes[smallest] < N_FOLDS:
        raise ValueError(
            f"y has {sizes[smallest]} row(s) of class {classes.tolist()[smallest]!r}, and a pilot that holds out "
            f"rows of its own needs {N_FOLDS} of each class."
        )
