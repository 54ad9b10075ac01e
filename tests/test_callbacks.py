"""Callbacks of the user's, beside those that serve a training."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring, PrintLog
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch.utils.data import TensorDataset

from sksvp import ProxyCoresetSelector, RankingSettled
from sksvp.estimators import ResNetClassifier

DIGITS = load_digits()
X, y = DIGITS.images[:160].astype(np.uint8), DIGITS.target[:160]


def resnet(*callbacks, **params):
    params = {"max_epochs": 6, "batch_size": 32, "random_state": 0, "device": "cpu", **params}
    return ResNetClassifier(8, net_params={"callbacks": list(callbacks)}, **params)


class EndAfter(Callback):
    """Ends a training as skorch's callbacks do."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.n_epochs:
            raise KeyboardInterrupt


@pytest.mark.parametrize("n_epochs", [1, 4])
def test_the_epoch_that_a_callback_ends_a_training_in_counts(n_epochs):
    """As if it had been the last of a shorter training."""
    ended = resnet(EndAfter(n_epochs), schedule="constant").fit(X, y)
    whole = resnet(max_epochs=n_epochs, schedule="constant").fit(X, y)
    assert len(ended.history_) == n_epochs
    np.testing.assert_array_equal(ended.predict_logits(X), whole.predict_logits(X))
    np.testing.assert_array_equal(ended.records_["forgetting_events"], whole.records_["forgetting_events"])
    assert ended.history_[:, "train_acc"] == whole.history_[:, "train_acc"]


def test_the_accuracy_of_the_training_can_be_watched(tmp_path):
    keep = Checkpoint(monitor="train_acc_best", dirname=tmp_path, f_history=None)
    stop = EarlyStopping("train_acc", patience=2, threshold=2.0, threshold_mode="abs", lower_is_better=False)
    model = resnet(keep, stop).fit(X, y)
    # No epoch is better than the first by as much.
    assert len(model.history_) == 3
    accuracies = model.history_[:, "train_acc"]
    best = [accuracy > max([0.0, *accuracies[:k]]) for k, accuracy in enumerate(accuracies)]
    assert model.history_[:, "train_acc_best"] == best
    assert (tmp_path / "params.pt").exists()


def test_a_rule_sees_the_epoch_that_a_callback_ends_a_training_in():
    never = RankingSettled(tolerance=0.0, n_rows=60)
    selector = ProxyCoresetSelector(resnet(EndAfter(4)), strategy="entropy", stop_proxy=never, random_state=0)
    stop = selector.fit(X, y).proxy_stop_
    assert (stop.n_epochs, stop.max_epochs, len(stop.correlations)) == (4, 6, 4)


def test_callbacks_see_the_epoch_that_a_rule_ends_a_training_in():
    seen = []

    class See(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.history[-1]["train_acc"])

    soon = RankingSettled(tolerance=1.0, patience=1, min_epochs=2, n_rows=60)
    selector = ProxyCoresetSelector(resnet(See), strategy="entropy", stop_proxy=soon, random_state=0)
    assert len(seen) == 0
    assert selector.fit(X, y).proxy_stop_.n_epochs == len(seen) < 6


def test_a_callback_that_fails_at_the_start_leaves_nothing_behind():
    class Broken(Callback):
        works = True

        def on_train_begin(self, net, **kwargs):
            if not self.works:
                raise ValueError("broken")

    model = resnet(Broken).fit(X, y)
    before = dict(vars(model.net_))
    Broken.works = False
    with pytest.raises(ValueError, match="broken"):
        model.partial_fit(X, y)
    assert vars(model.net_).keys() == before.keys()
    assert model.net_.callbacks_ == before["callbacks_"]
    Broken.works = True
    # Counted by what serves this training, whose rows are fewer.
    assert len(model.partial_fit(X[:64], y[:64]).history_) == 7


def test_no_callbacks_of_the_users_and_a_log():
    plain = ResNetClassifier(8, max_epochs=2, batch_size=32, random_state=0, device="cpu")
    silent = plain.set_params(net_params={"callbacks": "disable"}).fit(X, y)
    assert len(silent.history_[:, "train_acc"]) == 2
    lines = []
    plain.set_params(net_params={"callbacks__print_log": PrintLog(sink=lines.append)}).fit(X, y)
    assert "train_acc" in lines[0]


def test_a_validation_loss_is_the_mean_loss_of_the_clean_rows():
    """Cross-entropy of the held-out rows, in evaluation mode, weighted by the sizes of the batches."""
    X_val, y_val = DIGITS.images[160:230].astype(np.uint8), DIGITS.target[160:230]
    names = np.array([f"digit {k}" for k in range(10)])
    plain = resnet(max_epochs=3).fit(X, names[y])
    model = resnet(max_epochs=3)
    model.net_params["train_split"] = predefined_split(Dataset(X_val, names[y_val]))
    model.fit(X, names[y])
    np.testing.assert_array_equal(model.predict_logits(X), plain.predict_logits(X))
    assert model.history_[:, "train_loss"] == plain.history_[:, "train_loss"]
    expected = -model.predict_log_proba(X_val)[np.arange(70), y_val].mean()
    assert model.history_[-1, "valid_loss"] == pytest.approx(expected, rel=1e-5)
    assert len(model.records_["forgetting_events"]) == len(X)


@pytest.mark.parametrize("kind", [Dataset, TensorDataset])
def test_early_stopping_watches_the_validation_loss(kind):
    held_out = (DIGITS.images[160:230].astype(np.uint8), DIGITS.target[160:230])
    if kind is TensorDataset:
        held_out = tuple(map(torch.from_numpy, held_out))
    score = EpochScoring("accuracy", name="valid_accuracy")
    model = resnet(score, EarlyStopping(patience=2, threshold=10.0, threshold_mode="abs"))
    model.net_params["train_split"] = predefined_split(kind(*held_out))
    model.fit(X, y)
    assert len(model.history_) == 3
    accuracy = model.score(DIGITS.images[160:230].astype(np.uint8), DIGITS.target[160:230])
    assert model.history_[-1, "valid_accuracy"] == pytest.approx(accuracy)
    # In another epoch too.
    assert np.isfinite(model.partial_fit(X, y).history_[-1, "valid_loss"])


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Dataset(X[:5], y[:5] + 20), "labels that are not in classes"),
        (Dataset(X[:5, :4], y[:5]), "images of shape"),
        (Dataset(X[:5]), "y must be class labels"),
        ([(X[0], 0)], r"must be predefined_split\(skorch.dataset.Dataset"),
    ],
)
def test_a_validation_that_does_not_fit_is_named_before_the_training(dataset, message):
    trained = []

    class Trained(Callback):
        def on_epoch_begin(self, net, **kwargs):
            trained.append(1)

    model = resnet(Trained())
    model.net_params["train_split"] = predefined_split(dataset)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert trained == []


def test_scores_without_the_cache_see_the_labels():
    cached = EpochScoring("accuracy", name="cached", on_train=True)
    anew = EpochScoring("accuracy", name="anew", on_train=True, use_caching=False)
    model = resnet(cached, anew, max_epochs=3).fit(X, y)
    assert model.history_[-1, "anew"] == pytest.approx(model.score(X, y))
    assert model.history_[-1, "cached"] == pytest.approx(model.history_[-1, "train_acc"])


def test_a_checkpoint_in_safetensors_has_the_weights(tmp_path):
    keep = Checkpoint(
        monitor=None, dirname=tmp_path, f_params="params.safetensors", f_optimizer=None, use_safetensors=True
    )
    model = resnet(keep, max_epochs=2).fit(X, y)
    expected = model.predict_logits(X)
    with torch.no_grad():
        for weights in model.net_.module_.parameters():
            weights.zero_()
    model.net_.load_params(f_params=tmp_path / "params.safetensors", use_safetensors=True)
    np.testing.assert_array_equal(model.predict_logits(X), expected)


def test_skorch_need_not_record_the_loss(capsys):
    model = resnet(max_epochs=2, verbose=1)
    model.net_params["callbacks__train_loss"] = None
    model.fit(X, y)
    assert "train_loss" not in model.history_[-1] and "acc=" in capsys.readouterr().err
