import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from sksvp._storage import _fingerprint
from sksvp._storage._fingerprint import fingerprint

arrays = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=6),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True) | st.integers(0, 255).map(float),
)


@settings(max_examples=100, deadline=None)
@given(arrays)
def test_equal_content_in_any_layout_width_and_container(array):
    expected = fingerprint(array)
    for other in (
        array.astype(np.float64),
        np.asfortranarray(array),
        np.repeat(array, 2, axis=0)[::2],
        array.tolist(),
        tuple(array.tolist()),
        torch.from_numpy(array),
        torch.from_numpy(array).double(),
        array.astype(object),
    ):
        assert fingerprint(other) == expected


@settings(max_examples=100, deadline=None)
@given(arrays, st.data())
def test_any_changed_value_shows(array, data):
    index = tuple(data.draw(st.integers(0, side - 1)) for side in array.shape)
    value = data.draw(st.floats(width=32, allow_nan=False))
    changed = array.copy()
    changed[index] = value
    is_same = np.array_equal(array, changed, equal_nan=True)
    assert (fingerprint(array) == fingerprint(changed)) == is_same


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_blocks_are_cut_alike_for_all_containers(block, monkeypatch):
    monkeypatch.setattr(_fingerprint, "_BLOCK", block)
    X = np.random.RandomState(0).randint(0, 300, (10, 3)).astype(np.float32)
    frame = pd.DataFrame(X.astype(np.int64), columns=list("abc"), index=range(5, 15))
    assert (
        len({fingerprint(X), fingerprint(frame), fingerprint(pl.DataFrame(X)), fingerprint(X.tolist())}) == 1
    )


def test_frames_of_many_kinds_agree_with_plain_values():
    values = [[1, 2.5, True], [2, np.nan, False]]
    frame = pd.DataFrame(values, columns=list("abc"))
    nullable = frame.astype({"a": "Int64", "b": "Float64", "c": "boolean"})
    assert fingerprint(frame) == fingerprint(nullable) == fingerprint(np.array(values, dtype=np.float64))
    mixed = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert fingerprint(mixed) == fingerprint(np.array([[1, "x"], [2, None]], dtype=object))
    assert fingerprint(mixed) == fingerprint(pl.DataFrame({"a": [1, 2], "b": ["x", None]}))
    assert fingerprint(mixed) != fingerprint(mixed.assign(b=["y", None]))
    dates = pd.DataFrame({"a": pd.to_datetime(["2020-01-01", "2021-01-01"])})
    assert fingerprint(dates) == fingerprint(dates.copy()) != fingerprint(dates[::-1])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
        min_size=1,
    )
)
def test_texts_agree_in_all_containers(texts):
    expected = fingerprint(texts)
    for other in (
        np.array(texts, dtype=object),
        np.array(texts),
        pd.Series(texts, dtype=object),
        pd.Series(texts, dtype="string"),
        pl.Series(texts),
        tuple(texts),
    ):
        assert fingerprint(other) == expected
    assert fingerprint([*texts, ""]) != expected
    assert fingerprint([text + "x" for text in texts]) != expected


def test_texts_do_not_run_into_each_other():
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
    assert fingerprint(["1", "2"]) != fingerprint([1, 2])
    assert fingerprint(["a", None]) != fingerprint(["a", ""])


def test_shape_counts():
    X = np.arange(12)
    assert len({fingerprint(X), fingerprint(X.reshape(3, 4)), fingerprint(X.reshape(4, 3))}) == 3
    assert fingerprint(np.empty((0, 3))) != fingerprint(np.empty((0, 2)))


def test_numbers_are_compared_exactly():
    X = np.array([[0.1, 0.2], [0.3, 1e9 + 1]])
    assert fingerprint(X) != fingerprint(X.astype(np.float32))
    near = X.copy()
    near[1, 1] += 1
    assert fingerprint(X) != fingerprint(near)
    large = np.array([2**60, 2**60 + 1])
    assert fingerprint(large) != fingerprint(large[::-1])
    for other in (large.tolist(), large.astype(object), large.astype(np.uint64).astype(object)):
        assert fingerprint(other) == fingerprint(large)
    assert fingerprint([10**30, 0.5]) != fingerprint([10**30 + 1, 0.5])
    assert fingerprint([10**400]) != fingerprint([10**401])


def test_zeros_and_nans_are_one():
    assert fingerprint(np.array([-0.0, 0.5])) == fingerprint(np.array([0.0, 0.5]))
    other_nan = np.array([0x7FC00001], dtype=np.uint32).view(np.float32)
    assert fingerprint(other_nan) == fingerprint(np.array([np.nan]))


def test_uint8_is_hashed_as_it_lies():
    images = np.random.RandomState(0).randint(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    read_only = images.copy()
    read_only.flags.writeable = False
    expected = fingerprint(images)
    assert fingerprint(read_only) == fingerprint(images[::-1][::-1]) == expected
    assert fingerprint(torch.from_numpy(images)) == fingerprint(images.astype(np.float64)) == expected


def test_memory_map(tmp_path):
    X = np.random.RandomState(0).rand(50, 3)
    np.save(tmp_path / "x.npy", X)
    assert fingerprint(np.load(tmp_path / "x.npy", mmap_mode="r")) == fingerprint(X)


def test_sparse_matrices_agree_in_all_formats():
    X = sparse.random(20, 30, density=0.1, format="csr", random_state=0)
    unsorted = X.copy()
    unsorted.indices[X.indptr[0] : X.indptr[1]] = unsorted.indices[X.indptr[0] : X.indptr[1]][::-1]
    unsorted.data[X.indptr[0] : X.indptr[1]] = unsorted.data[X.indptr[0] : X.indptr[1]][::-1]
    unsorted.has_sorted_indices = False
    explicit = X.tolil().tocsr()
    explicit.data[0] = 0.0
    expected = fingerprint(X)
    assert fingerprint(X.tocsc()) == fingerprint(sparse.csr_array(X)) == fingerprint(unsorted) == expected
    assert fingerprint(explicit) != expected


def test_lazy_rows_tell_their_own_key():
    class Lazy:
        shape = (3, 2, 2, 1)

        def __init__(self, key):
            self.key = key

        def content_key(self):
            return self.key

    assert fingerprint(Lazy("a")) == fingerprint(Lazy("a")) != fingerprint(Lazy("b"))


def test_bfloat16_and_scalars():
    tensor = torch.tensor([1.5, 2.0], dtype=torch.bfloat16)
    assert fingerprint(tensor) == fingerprint([1.5, 2.0])
    assert fingerprint(torch.tensor(3.0)) == fingerprint(np.float64(3.0))
