"""Classes that labels may have."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._inputs._labels import check_labels
from .._inputs._names import names


def read_classes(classes: Any, name: str = "classes") -> list:
    """Return class labels as a list; ValueError or TypeError, with the name of the parameter, if they are none."""
    with names(name):
        return check_labels(list(classes) if isinstance(classes, set) else classes).tolist()


def check_classes(
    rows: Sequence[int] | np.ndarray, labels: list, classes: list, places: Sequence[str] = ()
) -> None:
    """Check that labels are among the classes that are allowed.

    Parameters
    ----------
    rows : sequence of int
        Row numbers.
    labels : list
        Their labels.
    classes : list
        Labels that are allowed.
    places : sequence of str, default=()
        Where each label stands, for the message.

    Raises
    ------
    ValueError
        If a label is another one; the message names it and its row.
    """
    allowed = set(classes)
    wrong = [number for number, label in enumerate(labels) if label not in allowed]
    if wrong:
        first = wrong[0]
        place = f"{places[first]}: " if places else ""
        others = f" ({len(wrong) - 1} more labels are not)" if len(wrong) > 1 else ""
        raise ValueError(
            f"{place}the label {labels[first]!r} of row {rows[first]} is not one of classes={classes}{others}."
        )
