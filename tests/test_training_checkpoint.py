"""A training that is interrupted or killed goes on to the same network as an unbroken one."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EpochScoring, LRScheduler
from test_image_classifiers import needs_torchvision

from sksvp import ProxyCoresetSelector
from sksvp.coreset import RankingSettled
from sksvp.estimators import (
    ResNetClassifier,
    TorchvisionClassifier,
    VDCNNClassifier,
    WhitenedConvNetClassifier,
)
from sksvp.training._resume import training_folder

pytestmark = pytest.mark.cpu

DIGITS = load_digits()
X = DIGITS.images[:96].astype(np.uint8)
y = DIGITS.target[:96]


class Watcher(Callback):
    """Counts epochs, and interrupts in the middle of the batches of one where a test wants that."""

    def initialize(self):
        self.n_epochs_ = 0
        return self

    def on_batch_begin(self, net, training=True, **kwargs):
        # Neither a parameter nor an attribute of the class: these would make another training.
        if str(len(net.history)) == os.environ.get("STOP_IN_EPOCH") and len(net.history[-1]["batches"]) == 2:
            signal.raise_signal(signal.SIGINT)

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs_ += 1


def adam(parameters, lr, momentum, weight_decay):
    return torch.optim.Adam(parameters, lr=lr)


def make(folder=None, kind=ResNetClassifier, **params):
    params = {"max_epochs": 6, "batch_size": 32, "random_state": 3, "device": "cpu", **params}
    if kind is ResNetClassifier:
        params = {"depth": 8, **params}
    if isinstance(params["random_state"], np.random.RandomState):
        # As another process has it.
        params["random_state"] = np.random.RandomState(5)
    net_params = {"callbacks": [Watcher], **params.pop("net_params", {})}
    return kind(checkpoint=folder, checkpoint_every=2, net_params=net_params, **params)


def interrupt(model, epoch, monkeypatch, rows=X):
    with monkeypatch.context() as patch:
        patch.setenv("STOP_IN_EPOCH", str(epoch))
        with pytest.raises(KeyboardInterrupt):
            model.fit(rows, y)
    assert not hasattr(model, "net_")


def n_trained(model):
    return dict(model.net_.callbacks_)["Watcher"].n_epochs_


def assert_same(a, b, rows=X):
    np.testing.assert_array_equal(a.predict_logits(rows), b.predict_logits(rows))
    np.testing.assert_array_equal(a.records_["forgetting_events"], b.records_["forgetting_events"])
    for name in ("epoch", "train_loss", "train_acc"):
        assert a.history_[:, name] == b.history_[:, name]
    assert all(
        torch.equal(p, q)
        for p, q in zip(
            a.net_.module_.state_dict().values(), b.net_.module_.state_dict().values(), strict=True
        )
    )


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"net_params": {"optimizer": adam}},
        {"net_params": {"optimizer__fused": True}},
        {"random_state": np.random.RandomState(5), "class_weight": "balanced"},
        {"kind": WhitenedConvNetClassifier, "widths": (8, 8, 8), "augment": ("shift", "alternating-flip")},
    ],
    ids=["sgd", "adam", "fused", "generator", "one-cycle"],
)
@pytest.mark.parametrize("epoch", [2, 3, 6])
def test_interrupted_training_goes_on_to_the_same_bits(params, epoch, tmp_path, monkeypatch):
    whole = make(**params).fit(X, y)
    interrupt(make(tmp_path, **params), epoch, monkeypatch)
    resumed = make(tmp_path, **params).fit(X, y)
    assert n_trained(resumed) == 6 - (epoch - 1) // 2 * 2
    assert_same(whole, resumed)


def test_texts_and_dropout_go_on_too(tmp_path, monkeypatch, has_bf16):
    """mobilenet drops out: torch's own generator is part of the state."""
    needs_torchvision()
    texts = [f"{'good' if label % 2 else 'bad'} {row}" for row, label in enumerate(y)]
    small = {"kind": VDCNNClassifier, "length": 64, "widths": (4, 4, 8, 8), "hidden": 8}
    mobile = {"kind": TorchvisionClassifier, "network": "mobilenet_v3_small"}
    for rows, params in ((texts, small), (X, mobile)):
        folder = tmp_path / params["kind"].__name__
        whole = make(max_epochs=4, **params).fit(rows, y)
        interrupt(make(folder, max_epochs=4, **params), 3, monkeypatch, rows)
        assert_same(whole, make(folder, max_epochs=4, **params).fit(rows, y), rows)


def test_whatever_callbacks_put_into_the_history(tmp_path, monkeypatch):
    class Notes(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("number", np.float32(0.5))
            net.history.record("is_odd", np.bool_(len(net.history) % 2))
            net.history.record("object", object())

    callbacks = {"net_params": {"callbacks": [Watcher, Notes, EpochScoring("accuracy", on_train=True)]}}
    interrupt(make(tmp_path, **callbacks), 3, monkeypatch)
    resumed = make(tmp_path, **callbacks).fit(X, y)
    assert resumed.history_[:, "number"] == [0.5] * 6
    assert resumed.history_[:, "is_odd"] == [True, False] * 3
    assert resumed.history_[:, "accuracy"] == pytest.approx(resumed.history_[:, "train_acc"])


def test_finished_training_is_not_done_again(tmp_path):
    first = make(tmp_path).fit(X, y)
    again = make(tmp_path, verbose=0).fit(X, y)
    assert n_trained(again) == 0
    assert_same(first, again)


def test_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, monkeypatch):
    whole = make().fit(X, y)
    interrupt(make(tmp_path), 5, monkeypatch)
    newest = sorted(tmp_path.glob("*/state-*.bin"))[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged"):
        resumed = make(tmp_path).fit(X, y)
    assert n_trained(resumed) == 4
    assert_same(whole, resumed)


def test_another_training_is_refused_with_the_difference(tmp_path, monkeypatch):
    interrupt(make(tmp_path), 3, monkeypatch)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    with pytest.raises(ValueError, match=r"lr=0\.1 there, 0\.05 now"):
        make(folder, lr=0.05).fit(X, y)
    with pytest.raises(ValueError, match=r"X=96 rows .* there, 90 rows"):
        make(folder).fit(X[:90], y[:90])
    with pytest.raises(ValueError, match=r"X=96 rows \w+ there, 96 rows \w+ float32 now"):
        make(folder).fit(X.astype(np.float32), y)
    # Not part of what is trained.
    make(folder, verbose=1).fit(X, y)


class Halve(Callback):
    def on_epoch_end(self, net, **kwargs):
        for group in net.optimizer_.param_groups:
            group["lr"] /= 2


@pytest.mark.parametrize("schedule", ["constant", "cifar", "one-cycle"])
@pytest.mark.parametrize(
    "rates", [Halve(), LRScheduler("StepLR", step_size=1, gamma=0.5)], ids=["own", "skorch"]
)
def test_rates_of_callbacks_go_on(tmp_path, monkeypatch, schedule, rates):
    params = {"schedule": schedule}
    callbacks = {"callbacks": [Watcher, ("rates", rates)]}
    whole = make(**params, net_params=callbacks).fit(X, y)
    interrupt(make(tmp_path, **params, net_params=callbacks), 4, monkeypatch)
    resumed = make(tmp_path, **params, net_params=callbacks).fit(X, y)
    assert n_trained(resumed) == 4
    assert_same(whole, resumed)


def test_another_number_of_processes_is_another_training(tmp_path):
    model, alone, two = make(), SimpleNamespace(size=1), SimpleNamespace(size=2)
    with closing(training_folder(tmp_path / "alone", model, X, y, None, alone)) as folder:
        assert "processes" not in folder.identity
    with closing(training_folder(tmp_path / "two", model, X, y, None, two)) as folder:
        assert folder.identity["processes"] == "2"


def test_one_training_has_one_worker(tmp_path):
    class Meets(Watcher):
        def on_epoch_end(self, net, **kwargs):
            with pytest.raises(ValueError, match=r"in use by this process, since .*the selector's memory"):
                make(folder, net_params={"callbacks": [Meets]}).fit(X, y)
            signal.raise_signal(signal.SIGINT)

    folder = tmp_path
    with pytest.raises(KeyboardInterrupt):
        make(folder, net_params={"callbacks": [Meets]}).fit(X, y)


def test_clones_in_a_grid_do_not_meet(tmp_path):
    grid = {"lr": [0.05, 0.1]}
    plain = GridSearchCV(make(max_epochs=2), grid, cv=2).fit(X, y)
    kept = GridSearchCV(make(tmp_path, max_epochs=2), grid, cv=2).fit(X, y)
    np.testing.assert_array_equal(plain.cv_results_["mean_test_score"], kept.cv_results_["mean_test_score"])
    assert len(list(tmp_path.iterdir())) == 5


def test_proxy_that_stops_by_itself_remembers_its_rankings(tmp_path, monkeypatch):
    rule = RankingSettled(tolerance=0.3, patience=2, min_epochs=3)

    def select(folder):
        proxy = make(folder, max_epochs=12)
        return ProxyCoresetSelector(proxy, strategy="entropy", stop_proxy=rule, random_state=0)

    whole = select(None).fit(X, y)
    n_epochs = len(whole.proxy_.history_)
    assert 3 <= n_epochs < 12
    with monkeypatch.context() as patch:
        patch.setenv("STOP_IN_EPOCH", "3")
        with pytest.raises(KeyboardInterrupt):
            select(tmp_path).fit(X, y)
    resumed = select(tmp_path).fit(X, y)
    assert n_trained(resumed.proxy_) == n_epochs - 2
    assert_same(whole.proxy_, resumed.proxy_)
    np.testing.assert_array_equal(whole.indices_, resumed.indices_)


PROGRAM = textwrap.dedent(
    """
    import sys
    from test_training_checkpoint import X, make, y

    make(sys.argv[1], max_epochs=8).fit(X, y)
    """
)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_killed_training_goes_on_to_the_same_bits(tmp_path):
    whole = make(max_epochs=8).fit(X, y)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    states = []
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path], env=environment)
        # Killed while it trains on: once it has kept one more state, if it is not done by then.
        deadline = time.monotonic() + 120
        while process.poll() is None and _states(tmp_path) == states:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        states = _states(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    resumed = make(tmp_path, max_epochs=8).fit(X, y)
    assert n_trained(resumed) < 8
    assert_same(whole, resumed)
    assert not list(tmp_path.glob("*/.*part*"))


def _states(folder):
    return sorted(path.name for path in folder.glob("*/state-*.bin"))


def test_bad_checkpoint_parameters():
    with pytest.raises(ValueError, match="checkpoint_every"):
        ResNetClassifier(8, checkpoint_every=0).fit(X, y)
    with pytest.raises(ValueError, match="checkpoint"):
        make(3).fit(X, y)


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=rf"No space left on device: '{tmp_path}/.*\.(json|bin)'"):
        make(tmp_path).fit(X, y)
    assert list(tmp_path.glob("*/*.part*")) == []
