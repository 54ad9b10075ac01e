"""Which rows are labelled, read from every container."""

import enum

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import DataConversionWarning

from sksvp._inputs._labels import check_labels, read_labels
from sksvp.active._labels import LabelTable


@pytest.mark.parametrize(
    ("y", "rows", "labels"),
    [
        ([0, None, 1], [0, 2], [0, 1]),
        ([0.0, np.nan, 1.0], [0, 2], [0, 1]),
        (np.array([2.0, np.nan]), [0], [2]),
        (["a", None, "b", pd.NA, np.nan], [0, 2], ["a", "b"]),
        (np.array(["a", "b"]), [0, 1], ["a", "b"]),
        (pd.Series([1, None, 0], dtype="Int64"), [0, 2], [1, 0]),
        (pd.Series(["x", None], dtype="string"), [0], ["x"]),
        (pd.Series(["x", None, "y"], dtype="category"), [0, 2], ["x", "y"]),
        (pl.Series([1, None, 0]), [0, 2], [1, 0]),
        (pl.Series(["x", None]), [0], ["x"]),
        ([True, None, False], [0, 2], [True, False]),
        ([None, None], [], []),
    ],
    ids=str,
)
def test_missing_marks(y, rows, labels):
    found, read = read_labels(y)
    assert found.tolist() == rows
    assert read.tolist() == labels
    # Floats came of NaN only.
    assert [type(label) for label in read.tolist()] == [type(label) for label in labels]


@pytest.mark.parametrize(
    ("y", "missing_label", "rows"),
    [
        (np.array([-1, 0, 1]), -1, [1, 2]),
        ([-1, None, 1], -1, [2]),
        (["?", "a"], "?", [1]),
        (np.array(["?", "a"], dtype=object), "?", [1]),
        (["?", pd.NA, "a"], "?", [2]),
        ([None, None], -1, []),
    ],
    ids=str,
)
def test_missing_label(y, missing_label, rows):
    assert read_labels(y, missing_label=missing_label)[0].tolist() == rows


@pytest.mark.parametrize(
    ("y", "missing_label", "message"),
    [
        (["a", "b"], -1, "missing_label=-1 is one of the numbers, but labels in y are texts"),
        ([0, 1], "?", "missing_label='\\?' is one of the texts, but labels in y are numbers"),
        ([0, 1, "?"], "?", "missing_label='\\?' is one of the texts, but labels in y are numbers"),
        ([0, "a"], None, "must hold numbers or texts, not both"),
        ([0.5, 1.5, 2.5], None, "Unknown label type: continuous"),
        ([0.0, np.inf], None, "infinity"),
        ([[0, 1], [1, 0]], None, "multilabel"),
        pytest.param([object(), object()], None, "numbers or texts", id="objects"),
        ([1j, 0], None, "numbers or texts"),
        ([True, 1, 0], None, "must hold booleans or numbers, not both"),
        ([1, 0, 2], True, "missing_label=True is one of the booleans, but labels in y are numbers"),
        ([True, False], 1, "missing_label=1 is one of the numbers, but labels in y are booleans"),
        (["a", ""], None, "empty text in row 1"),
        (["a", "1", 1], None, "must hold numbers or texts, not both"),
        ([2**60, 2**60 + 1, 0.0], None, "no single dtype can hold"),
        ([2**60, -(2**63) - 1], None, "no single dtype can hold"),
        (np.array(["2020-01-01"], dtype="M8[D]"), None, "Unknown label type"),
    ],
    ids=str,
)
def test_what_are_no_labels(y, missing_label, message):
    with pytest.raises(ValueError, match=message):
        read_labels(y, missing_label=missing_label)


def test_a_column_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning):
        assert read_labels([[0], [1]])[1].tolist() == [0, 1]


def test_no_integer_dtype_is_changed():
    assert read_labels(np.array([3, 1], dtype=np.int32))[1].dtype == np.int32
    assert read_labels(np.array([3.0, 1.0]))[1].dtype == np.float64


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), max_size=15),
    st.integers(1, 4),
)
def test_table_is_a_dict(pairs, size):
    """Chunk by chunk: what a plain dict says, and nothing of a chunk with a conflict."""
    table, model = LabelTable(10), {}
    for start in range(0, len(pairs), size):
        chunk = pairs[start : start + size]
        told = dict(model)
        conflict = any(told.setdefault(row, label) != label for row, label in chunk)
        rows = np.array([row for row, _ in chunk])
        labels = np.array([label for _, label in chunk])
        if conflict:
            with pytest.raises(ValueError, match="Conflicting labels for row"):
                table.add(rows, labels)
            continue
        added, corrected = table.add(rows, labels)
        assert added.tolist() == sorted(set(told) - set(model)) and len(corrected) == 0
        model = told
    known = np.flatnonzero(table.labelled)
    assert dict(zip(known.tolist(), table.labels_of(known).tolist(), strict=True)) == model


def test_order_of_telling_says_nothing():
    first, second = LabelTable(4), LabelTable(4)
    rows, labels = np.array([3, 0, 2]), np.array(["b", "c", "a"])
    first.add(rows, labels)
    second.add(rows[::-1], labels[::-1])
    assert first.classes == second.classes and first.codes.tolist() == second.codes.tolist()


def test_kinds_are_not_mixed_later():
    table = LabelTable(3)
    table.add(np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match="all be numbers, all be booleans or all be texts"):
        table.add(np.array([1]), np.array(["a"]))


@pytest.mark.parametrize(
    "y",
    [
        [2**60, 2**60 + 1, 2**60],
        np.array([2**60, 2**60 + 1, 2**60], dtype=object),
        [np.uint64(2**63), np.uint64(2**63 + 1), np.uint64(2**63)],
    ],
    ids=["list", "objects", "uint64"],
)
def test_large_numbers_stay_apart(y):
    assert len(set(check_labels(y).tolist())) == 2


def test_masked_labels_are_missing():
    y = np.ma.masked_array([0, 1, 2], mask=[False, True, False])
    assert read_labels(y)[0].tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"Input y contains NaN: 1 of 3 labels are missing. Label them"):
        check_labels(y, advice=" Label them.")
    assert check_labels(np.ma.masked_array([0, 1])).tolist() == [0, 1]


def test_tensors_of_torch():
    torch = pytest.importorskip("torch")
    assert check_labels(torch.tensor([0, 1])).tolist() == [0, 1]


@pytest.mark.parametrize("y", [["a", np.nan], ["a", None], [1, None], [1.0, np.nan]], ids=str)
def test_lists_with_a_missing_label_are_no_texts(y):
    with pytest.raises(ValueError, match="1 of 2 labels are missing"):
        check_labels(y)


def test_booleans_are_no_answers_where_classes_are_numbers():
    table = LabelTable(3)
    table.add(np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match="all be numbers, all be booleans"):
        table.add(np.array([1]), np.array([True]))


class Mood(str, enum.Enum):  # noqa: UP042  # str() of a StrEnum is its value
    GOOD = "good"
    BAD = "bad"


@pytest.mark.parametrize("as_array", [list, tuple, pd.Series, lambda y: np.array(y, dtype=object)])
def test_members_of_an_enumeration_are_their_values(as_array):
    assert check_labels(as_array([Mood.GOOD, Mood.BAD, "good"])).tolist() == ["good", "bad", "good"]
    assert check_labels(as_array([Mood.GOOD, Mood.BAD])).tolist() == ["good", "bad"]


@pytest.mark.parametrize("as_array", [list, pd.Series, lambda y: np.array(y, dtype=object)])
def test_texts_that_numpy_would_cut(as_array):
    with pytest.raises(ValueError, match="NUL character"):
        check_labels(as_array(["a", "a\0"]))
    assert check_labels(as_array(["a", "a\0b"])).tolist() == ["a", "a\0b"]


def test_numpy_s_texts_of_any_length():
    y = np.array(["a", "long"], dtype=np.dtypes.StringDType())
    assert check_labels(y).tolist() == ["a", "long"]
    y = np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None))
    assert [part.tolist() for part in read_labels(y)] == [[0], ["a"]]


def test_tensors_in_bfloat16():
    torch = pytest.importorskip("torch")
    assert check_labels(torch.tensor([1, 2], dtype=torch.bfloat16)).tolist() == [1, 2]


@pytest.mark.parametrize("missing_label", [[1], {}, (), object(), np.array([1])])
def test_what_no_single_label_is(missing_label):
    with pytest.raises(TypeError, match="missing_label must be a number"):
        read_labels([1, 2], missing_label=missing_label)


def test_floats_beyond_the_integers():
    rows, labels = read_labels([1e300, np.nan, 2e300])
    assert (rows.tolist(), labels.tolist()) == ([0, 2], [1e300, 2e300])
