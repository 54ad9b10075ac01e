"""Constraints of parameters that scikit-learn's `validate_params` does not have.

It accepts its own kinds of constraints only, so each class here is one of them.
"""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, make_constraint


class WholeNumber(Interval):
    """An int that is not a bool.

    Parameters
    ----------
    low : int
        Smallest value.
    high : int, optional
        Largest value.
    """

    def __init__(self, low: int, high: int | None = None):
        super().__init__(Integral, low, high, closed="left" if high is None else "both")

    def is_satisfied_by(self, value: Any) -> bool:
        """Tell whether a value is such an int."""
        return not isinstance(value, bool | np.bool_) and super().is_satisfied_by(value)


class RealNumber(Interval):
    """A real number that is not a bool, in an interval with the given ends.

    Parameters
    ----------
    low, high : float or None
        Ends of the interval. None means that there is none.
    closed : {"left", "right", "both", "neither"}
        The ends that belong to the interval.
    """

    def __init__(self, low: float | None, high: float | None, *, closed: str):
        super().__init__(Real, low, high, closed=closed)

    def is_satisfied_by(self, value: Any) -> bool:
        """Tell whether a value is such a number."""
        return not isinstance(value, bool | np.bool_) and super().is_satisfied_by(value)


class ListOf(HasMethods):
    """A list, tuple, range or 1-d array of values that meet one of several constraints.

    Parameters
    ----------
    *constraints
        As in `validate_params`.
    can_be_empty : bool, default=False
    """

    def __init__(self, *constraints: Any, can_be_empty: bool = False):
        super().__init__(["__len__", "__getitem__"])
        self.can_be_empty = can_be_empty
        self.constraints = [make_constraint(constraint) for constraint in constraints]

    def is_satisfied_by(self, value: Any) -> bool:
        """Tell whether a value is such a list."""
        is_list = isinstance(value, list | tuple | range) or (
            isinstance(value, np.ndarray) and value.ndim == 1
        )
        if not is_list or (len(value) == 0 and not self.can_be_empty):
            return False
        return all(any(one.is_satisfied_by(part) for one in self.constraints) for part in value)

    def __str__(self) -> str:
        return f"a list whose values are {' or '.join(map(str, self.constraints))}"


class TableWith(HasMethods):
    """A DataFrame with certain columns.

    Parameters
    ----------
    columns : sequence of str
        Their names.
    """

    def __init__(self, columns: Sequence[str]):
        super().__init__(["groupby"])
        self.columns = columns

    def is_satisfied_by(self, value: Any) -> bool:
        """Tell whether a value is such a DataFrame."""
        return super().is_satisfied_by(value) and set(self.columns) <= set(value.columns)

    def __str__(self) -> str:
        return f"a DataFrame with the columns {', '.join(self.columns)}"
