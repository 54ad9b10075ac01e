"""Containers of rows: taken apart alike, or refused before anything is trained."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.linear_model import LogisticRegression, SGDClassifier
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import ProxyActiveLearner, ProxyCoresetSelector
from sksvp._inputs._containers import check_container, take_rows
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


@pytest.mark.parametrize("proxy", [LogisticRegression(), SGDClassifier()], ids=["fit", "passes"])
def test_arrays_on_disk_give_the_same_rows(proxy):
    in_memory = ProxyCoresetSelector(proxy, random_state=0).fit(X, y)
    on_disk = ProxyCoresetSelector(proxy, random_state=0).fit(OnDisk(X), y)
    np.testing.assert_array_equal(on_disk.order_, in_memory.order_)
    np.testing.assert_array_equal(on_disk.select(OnDisk(X)), in_memory.select(X))
