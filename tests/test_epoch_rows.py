"""Epochs that visit some of the rows, drawn anew for each (RS2)."""

import numpy as np
import pytest
import torch

from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.training._batches import ShuffledBatches, TrainingRows
from sksvp.training._row_source import Rows


def _images(n=60):
    rng = np.random.RandomState(0)
    y = np.arange(n) % 3
    return (rng.rand(n, 8, 8) * 40 + 80 * y[:, None, None]).astype(np.uint8), y


def _net(**params):
    return ResNetClassifier(8, max_epochs=4, batch_size=8, device="cpu", random_state=0, **params)


def _orders(epoch_rows, n_epochs=200):
    rows = Rows(10, lambda part: torch.as_tensor(part, dtype=torch.float32)[:, None], lambda batch: batch)
    batches = ShuffledBatches(
        TrainingRows(rows, np.zeros(10)), batch_size=2, random_state=np.random.RandomState(0),
        prepare=lambda raw, visit: raw, device=torch.device("cpu"), epoch_rows=epoch_rows,
    )  # fmt: skip
    return [np.concatenate([about["rows"] for about, _ in batches]) for _ in range(n_epochs)]


def test_each_epoch_is_a_fresh_sample_without_a_row_twice():
    orders = _orders(4)
    assert {len(order) for order in orders} == {4}
    assert all(len(set(order)) == 4 for order in orders)
    visits = np.bincount(np.concatenate(orders), minlength=10)
    # Each row is drawn in 4 of 10 epochs: 80 of 200, with a standard deviation of 7.
    assert np.abs(visits - 80).max() < 28
    assert len({tuple(sorted(order)) for order in orders}) > 50


def test_all_rows_are_visited_where_nothing_is_asked():
    for order, same in zip(_orders(None, 3), _orders(10, 3), strict=True):
        np.testing.assert_array_equal(order, same)
        assert sorted(order) == list(range(10))


@pytest.mark.parametrize("build", [_net, lambda: BagOfNgramsClassifier(max_epochs=4, random_state=0)])
def test_as_many_rows_as_there_are_change_nothing(build):
    X, y = (
        _images()
        if build is _net
        else ([f"a{i % 3} b{i % 5} c{i % 7}" for i in range(60)], np.arange(60) % 3)
    )
    usual, drawn = build().fit(X, y), build()
    with drawn.drawing_rows(60):
        drawn.fit(X, y)
    np.testing.assert_array_equal(usual.predict_logits(X), drawn.predict_logits(X))


def test_a_network_takes_as_many_updates_as_for_a_subset_and_counts_only_what_it_visits():
    X, y = _images()
    net = _net()
    with net.drawing_rows(16):
        net.fit(X, y)
    assert [len(epoch["batches"]) for epoch in net.history_] == [2] * 4
    assert all(sum(batch["train_batch_size"] for batch in epoch["batches"]) == 16 for epoch in net.history_)
    # A row that no epoch visited was never learned, and is no error of the epoch.
    assert np.isinf(net.records_["forgetting_events"]).any()
    assert max(net.history_[:, "train_acc"]) > 0.4
    assert len(net.fit(X, y).history_[0]["batches"]) == 8


def test_the_rate_of_a_bag_falls_to_zero():
    X, y = [f"a{i % 3} " + "b " * (i % 11) for i in range(90)], np.arange(90) % 3
    model = BagOfNgramsClassifier(max_epochs=30, lr=0.5, random_state=0)
    with model.drawing_rows(30):
        model.fit(X, y)
    assert model.score(X, y) > 0.9
    assert len(model.history_) == 30


def test_a_kept_training_is_not_taken_for_one_of_all_rows(tmp_path):
    X, y = _images()
    net = _net(checkpoint=tmp_path, checkpoint_every=1)
    with net.drawing_rows(16):
        net.fit(X, y)
    np.testing.assert_array_equal(net.fit(X, y).predict_logits(X), _net().fit(X, y).predict_logits(X))


@pytest.mark.parametrize("n_rows", [1, 2.5, True, "all"])
def test_bad_numbers_of_rows(n_rows):
    with (
        pytest.raises(ValueError, match="n_rows must be a number of rows from 2"),
        _net().drawing_rows(n_rows),
    ):
        pass


def test_more_rows_than_there_are_and_a_record():
    X, y = _images()
    net = _net()
    with pytest.raises(ValueError, match="at most the 60 rows"), net.drawing_rows(61):
        net.fit(X, y)
    with (
        pytest.raises(ValueError, match="cannot be observed"),
        net.observe(["training_record"]),
        net.drawing_rows(20),
    ):
        net.fit(X, y)
