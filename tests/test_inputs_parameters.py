"""Constraints of parameters."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import StrOptions, validate_params

from sksvp._inputs._parameters import ListOf, TableWith, WholeNumber


@validate_params(
    {
        "number": [WholeNumber(1, 9)],
        "names": [ListOf(StrOptions({"a", "b"}))],
        "maybe": [ListOf(WholeNumber(0), can_be_empty=True)],
        "table": [TableWith(["x"])],
    },
    prefer_skip_nested_validation=True,
)
def taker(number=1, names=("a",), maybe=(), table=None):
    return True


GOOD = {"table": pd.DataFrame({"x": [1], "y": [2]})}


@pytest.mark.parametrize(
    "values",
    [{}, {"number": np.int64(9)}, {"names": ["a", "b", "a"]}, {"maybe": np.arange(3)}, {"maybe": range(2)}],
)
def test_good_values(values):
    assert taker(**GOOD | values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"number": True}, r"'number' parameter of taker must be an int in the range \[1, 9\]"),
        ({"number": np.True_}, "'number' parameter"),
        ({"number": 1.0}, "'number' parameter"),
        ({"number": 10}, "'number' parameter"),
        ({"names": "a"}, "'names' parameter of taker must be a list whose values are a str among"),
        ({"names": []}, "'names' parameter"),
        ({"names": ["a", "c"]}, "'names' parameter"),
        ({"names": {"a"}}, "'names' parameter"),
        ({"maybe": np.zeros((2, 2), int)}, "'maybe' parameter"),
        ({"maybe": np.array(3)}, "'maybe' parameter"),
        (
            {"table": pd.DataFrame({"y": [1]})},
            "'table' parameter of taker must be a DataFrame with the columns x",
        ),
        ({"table": None}, "'table' parameter"),
    ],
    ids=str,
)
def test_bad_values(values, words):
    with pytest.raises(ValueError, match=words):
        taker(**GOOD | values)
