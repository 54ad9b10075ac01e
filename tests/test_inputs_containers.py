"""Containers of rows: taken apart alike, or refused before anything is trained."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import ProxyActiveLearner, ProxyCoresetSelector
from sksvp._inputs._containers import check_container, take_rows
from sksvp._storage._fingerprint import fingerprint
from sksvp.proxies import Incremental

X, y = blobs()


class OnDisk:
    """Indexed as h5py's datasets are: along the first axis, by ascending row numbers."""

    __module__ = "h5py._hl.dataset"

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype = values.shape, values.dtype

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        if not isinstance(key, int | slice) and (np.diff(key) <= 0).any():
            raise TypeError("Indexing elements must be in increasing order")
        return self.values[key]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


class OfColumns:
    """Indexed by columns, with a method for rows, as datasets.Dataset of Hugging Face is."""

    __module__ = "datasets.arrow_dataset"

    def __init__(self, columns):
        self.columns = columns
        self.column_names = list(columns)
        self.shape = (len(self), len(columns))

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, key):
        if isinstance(key, str):
            return list(self.columns[key])
        if isinstance(key, tuple):
            raise TypeError("'<' not supported between instances of 'int' and 'ellipsis'")
        return {name: list(np.asarray(column)[key]) for name, column in self.columns.items()}

    def select(self, rows):
        return OfColumns({name: np.asarray(column)[list(rows)] for name, column in self.columns.items()})


class Columns:
    """Has a shape, and is indexed by columns, as datasets.Dataset is."""

    shape = X.shape

    def __len__(self):
        return len(X)

    def __getitem__(self, key):
        raise KeyError(key)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(X)


@pytest.mark.parametrize(
    "container",
    [X, X.tolist(), pd.DataFrame(X), sparse.csr_matrix(X), torch.tensor(X), OnDisk(X), tuple(X)],
    ids=lambda value: type(value).__name__,
)
def test_rows_are_taken_in_any_order(container):
    check_container(container)
    rows = take_rows(container, np.array([5, 2, 9]))
    array = rows.toarray() if sparse.issparse(rows) else np.asarray(rows)
    np.testing.assert_array_equal(array, X[[5, 2, 9]])


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (TensorDataset(torch.tensor(X)), r"torch TensorDataset: X, y = sksvp.datasets.from_torch\(dataset\)"),
        (DataLoader(TensorDataset(torch.tensor(X))), r"torch DataLoader.*from_torch\(loader.dataset\)"),
        (Stream(), "torch Stream"),
        (Columns(), r"taken by their numbers.*test_inputs_containers.Columns"),
        ({"a": X, "b": X}, r"taken by their numbers.*dict.*pandas.DataFrame\(X\)"),
        (torch.tensor(X).to_sparse(), "taken by their numbers.*Tensor"),
        (set(range(60)), "taken by their numbers.*set"),
        (iter(X), "taken by their numbers.*iterator"),
        (None, "taken by their numbers.*NoneType"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_containers_are_refused_before_the_training(container, message, tmp_path):
    proxy = CountedTraining(tmp_path / "log")
    for estimator in (
        ProxyCoresetSelector(proxy, strategy="entropy"),
        Incremental(SGDClassifier()),
        ProxyActiveLearner(proxy),
    ):
        with pytest.raises(TypeError, match=message):
            estimator.fit(container, y)
    assert n_trainings(proxy.log) == 0
    selector = ProxyCoresetSelector(LogisticRegression(), strategy="random").fit(X, y)
    with pytest.raises(TypeError, match="arrays\\[1\\] must"):
        selector.select(y, container)


def test_tables_of_columns_give_the_same_rows():
    columns = {f"x{number}": column for number, column in enumerate(X.T)}
    table = FunctionTransformer(lambda rows: np.column_stack([rows[name] for name in columns]))
    in_memory = ProxyCoresetSelector(LogisticRegression(), random_state=0).fit(X, y)
    of_columns = ProxyCoresetSelector(make_pipeline(table, LogisticRegression()), random_state=0)
    of_columns.fit(OfColumns(columns), y)
    np.testing.assert_array_equal(of_columns.order_, in_memory.order_)
    np.testing.assert_array_equal(
        in_memory.select(OfColumns(columns)).columns["x0"], in_memory.select(X)[:, 0]
    )
    assert len(take_rows(OfColumns(columns), slice(2, 9, 3))) == 3
    changed = {**columns, "x0": columns["x0"] + 1}
    assert fingerprint(OfColumns(columns)) == fingerprint(OfColumns(dict(columns)))
    assert fingerprint(OfColumns(columns)) != fingerprint(OfColumns(changed))


@pytest.mark.parametrize("proxy", [LogisticRegression(), SGDClassifier()], ids=["fit", "passes"])
def test_arrays_on_disk_give_the_same_rows(proxy):
    in_memory = ProxyCoresetSelector(proxy, random_state=0).fit(X, y)
    on_disk = ProxyCoresetSelector(proxy, random_state=0).fit(OnDisk(X), y)
    np.testing.assert_array_equal(on_disk.order_, in_memory.order_)
    np.testing.assert_array_equal(on_disk.select(OnDisk(X)), in_memory.select(X))
