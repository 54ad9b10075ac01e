import hashlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.utils import _safe_indexing, indexable

from sksvp._inputs._rows import LazyRows


class StoredRows(LazyRows):
    """Lazy rows over an array, which count what was read."""

    def __init__(self, images):
        super().__init__(len(images), images.shape[1:])
        self.images = images
        self.n_read = 0

    def _read_source(self, rows):
        self.n_read += len(rows)
        return self.images[rows]

    def _source_key(self, rows):
        return hashlib.sha256(self.images[rows].tobytes()).hexdigest()


@pytest.fixture
def images():
    return np.random.RandomState(0).randint(0, 256, (7, 4, 5, 3), dtype=np.uint8)


@pytest.fixture
def rows(images):
    return StoredRows(images)


def test_looks_like_an_array(rows, images):
    assert rows.shape == (7, 4, 5, 3)
    assert (len(rows), rows.ndim, rows.dtype, rows.size) == (7, 4, np.uint8, images.size)
    assert repr(rows) == "StoredRows(shape=(7, 4, 5, 3))"
    assert rows.n_read == 0


@pytest.mark.parametrize("key", [0, 6, -1, -7, np.int64(3)])
def test_an_integer_reads_one_image(rows, images, key):
    np.testing.assert_array_equal(rows[key], images[key])
    assert rows.n_read == 1


@pytest.mark.parametrize(
    "key",
    [
        slice(None),
        slice(1, 5, 2),
        slice(None, None, -1),
        [],
        [2, 2, -1],
        np.array([5, 0]),
        range(3),
        np.array([True, False, True, False, False, False, True]),
        [True, False, True, False, False, False, True],
    ],
)
def test_other_indices_give_views_as_numpy_would(rows, images, key):
    view = rows[key]
    expected = images[list(key) if isinstance(key, range) else key]
    assert isinstance(view, StoredRows)
    assert view.shape == (len(expected), 4, 5, 3)
    assert rows.n_read == 0
    np.testing.assert_array_equal(np.asarray(view), expected.reshape(view.shape))
    np.testing.assert_array_equal(rows[key, ...].read(slice(None)), expected.reshape(view.shape))


@given(st.data())
def test_views_of_views_are_indexed_as_arrays_are(data):
    images = np.arange(9, dtype=np.uint8).reshape(9, 1, 1, 1)
    lazy, expected = StoredRows(images), images
    for _ in range(data.draw(st.integers(0, 4))):
        n = len(expected)
        if n and data.draw(st.booleans()):
            key = np.array(data.draw(st.lists(st.integers(-n, n - 1), max_size=12)), dtype=int)
        elif data.draw(st.booleans()):
            key = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
        else:
            key = data.draw(st.slices(n))
        lazy, expected = lazy[key], expected[key]
    np.testing.assert_array_equal(np.asarray(lazy), expected)


@pytest.mark.parametrize(
    "key",
    [7, -8, [0, 7], [True, False], [[0, 1]], np.array([0.5]), "a", None, True, (0, 0), (slice(None), 1)],
)
def test_what_numpy_rows_do_not_allow_is_an_index_error(rows, key):
    with pytest.raises(IndexError):
        rows[key]


@pytest.mark.parametrize("indices", [7, [0, 7], 0, [[0]]])
def test_read_refuses_other_than_rows(rows, indices):
    with pytest.raises(IndexError):
        rows.read(indices)


def test_read_gives_a_new_contiguous_array(rows, images):
    batch = rows[2:].read([3, 0, 0])
    np.testing.assert_array_equal(batch, images[[5, 2, 2]])
    assert batch.flags.c_contiguous and batch.flags.writeable and batch.dtype == np.uint8
    batch[:] = 0
    np.testing.assert_array_equal(rows.read([5]), images[[5]])


def test_iteration_ends(rows, images):
    np.testing.assert_array_equal(list(rows), images)


def test_array_protocol(rows, images):
    as_float = np.asarray(rows, dtype=np.float32)
    assert as_float.dtype == np.float32
    np.testing.assert_array_equal(as_float, images)
    np.testing.assert_array_equal(np.array(rows, copy=True), images)
    with pytest.raises(ValueError, match="without a copy"):
        np.array(rows, copy=False)


def test_scikit_learn_indexes_it(rows, images):
    y = np.array([0, 1, 0, 1, 0, 1, 0])
    X, _ = indexable(rows, y)
    assert X is rows
    np.testing.assert_array_equal(np.asarray(_safe_indexing(rows, [4, 1])), images[[4, 1]])
    train, test = next(StratifiedKFold(3).split(rows, y))
    np.testing.assert_array_equal(np.asarray(_safe_indexing(rows, test)), images[test])
    X_train, X_test, _, _ = train_test_split(rows, y, random_state=0)
    assert isinstance(X_train, StoredRows) and len(X_train) + len(X_test) == 7
    assert len(train) + len(test) == 7


def test_pickle_keeps_the_view(rows, images):
    view = pickle.loads(pickle.dumps(rows[[6, 0]]))
    np.testing.assert_array_equal(np.asarray(view), images[[6, 0]])


def test_content_key_tells_content_and_order(rows, images):
    assert rows.content_key() == StoredRows(images.copy()).content_key()
    assert rows[[0, 1]].content_key() == rows[:2].content_key()
    assert rows[[0, 1]].content_key() != rows[[1, 0]].content_key()
    assert rows[:2].content_key() != rows[:3].content_key()
    changed = images.copy()
    changed[6, 0, 0, 0] ^= 1
    assert StoredRows(changed).content_key() != rows.content_key()


def test_a_source_that_breaks_its_word_is_an_error(images):
    class WrongRows(StoredRows):
        def _read_source(self, rows):
            return self.images[rows].astype(float)

    with pytest.raises(
        ValueError, match=r"WrongRows must read uint8 .*, got float64 images of shape \(1, 4, 5, 3\)"
    ):
        WrongRows(images).read([0])
