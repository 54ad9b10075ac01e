"""Several processes train one network together: two on the CPU here, as torchrun starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from trained_together import X, resnet, train_linear, y

from sksvp import ProxyActiveLearner, ProxyCoresetSelector
from sksvp.estimators import ResNetClassifier
from sksvp.training._batches import batch_bounds
from sksvp.training._team import Team

pytest.importorskip("accelerate")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("together")


@pytest.fixture(scope="module")
def told(folder):
    """What the two processes say of their work."""
    program = Path(__file__).with_name("trained_together.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    done = subprocess.run(
        [*command, str(program), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads((folder / f"told-{rank}.json").read_text()) for rank in range(2)]


def test_all_processes_end_with_the_same_network(told):
    first, second = (each["train"] for each in told)
    for name in ("logits", "events", "loss", "train_acc"):
        assert first[name] == second[name]
    assert (np.argmax(first["logits"], axis=1) == y).mean() > 0.8
    assert told[0]["unseeded"] == told[1]["unseeded"]
    # A copy by pickle needs no other processes.
    assert told[0]["unseeded"]["copy"] == told[0]["unseeded"]["logits"]
    # The one network is an ordinary classifier.
    assert told[0]["selector"] == told[1]["selector"]


def test_compiled_networks_train_together_as_well(told):
    for each in told:
        plain, compiled = each["compiled"]["logits"]
        np.testing.assert_allclose(compiled, plain, rtol=1e-3, atol=1e-3)
    assert told[0]["compiled"] == told[1]["compiled"]


def test_saved_classifier_is_that_of_one_process(told, folder):
    model = ResNetClassifier.load(folder / "model-0.safetensors")
    np.testing.assert_allclose(model.predict_logits(X), told[0]["train"]["logits"], rtol=1e-5, atol=1e-5)


def test_every_row_is_with_one_process_in_each_epoch(told):
    parts = [each["train"]["seen"] for each in told]
    assert len(parts[0]) == len(parts[1]) == 12 * len(batch_bounds(len(X), 32, least=4))
    for epoch in range(1, 13):
        rows = [row for part in parts for seen_in, rows, _ in part if seen_in == epoch for row in rows]
        assert sorted(rows) == list(range(len(X)))
    # Halves of each batch, to a row.
    assert all(abs(len(a[1]) - len(b[1])) <= 1 for a, b in zip(*parts, strict=True))


def test_forgetting_events_are_those_of_all_processes(told):
    events, before = np.zeros(len(X)), np.zeros(len(X), dtype=bool)
    ever = before.copy()
    for epoch in range(1, 13):
        right = np.zeros(len(X), dtype=bool)
        for each in told:
            for seen_in, rows, here in each["train"]["seen"]:
                if seen_in == epoch:
                    right[rows] = here
        assert right.mean() == told[0]["train"]["train_acc"][epoch - 1]
        events += before & ~right
        ever |= right
        before = right
    np.testing.assert_array_equal(told[0]["train"]["events"], np.where(ever, events, np.inf))


def test_records_are_those_of_all_processes(told):
    """From the definitions, of the logits and features that each process saw."""
    n_visits = 4
    logits, norms = np.full((n_visits, len(X), 10), np.nan), np.full((n_visits, len(X)), np.nan)
    for each in told:
        for epoch, rows, outputs, lengths in each["recorded"]["seen"]:
            logits[epoch - 1, rows] = outputs
            norms[epoch - 1, rows] = lengths
    own = logits[:, np.arange(len(X)), y]
    others = logits.copy()
    others[:, np.arange(len(X)), y] = -np.inf
    logs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    change = np.zeros((n_visits, len(X)))
    change[1:] = np.abs(np.exp(logs[1:]) * (logs[1:] - logs[:-1])).sum(axis=2)
    for each in told:
        records = each["recorded"]["records"]
        loss, squared, margin = np.moveaxis(records["training_record"], 2, 0)
        np.testing.assert_allclose(loss.T, -logs[:, np.arange(len(X)), y], rtol=2e-3, atol=1e-4)
        np.testing.assert_allclose(squared.T, (np.exp(logs) ** 2).sum(axis=2), rtol=2e-3)
        np.testing.assert_allclose(margin.T, own - others.max(axis=2), rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(np.transpose(records["feature_norm"]), norms, rtol=1e-5)
        np.testing.assert_allclose(np.transpose(records["change"]), change, rtol=2e-2, atol=3e-3)
        assert records == told[0]["recorded"]["records"]


def test_gradient_and_loss_are_those_of_the_whole_batch(told):
    """Shares of unequal size included; only batch norm sees a process's own rows."""
    for name, class_weights in (("weights", None), ("with class weights", torch.linspace(0.1, 3, 10))):
        weights, losses = train_linear(Team("cpu"), class_weights)
        for each in told:
            np.testing.assert_allclose(each["linear"][name][0], weights, rtol=1e-4, atol=1e-6)
            if class_weights is None:
                np.testing.assert_allclose(each["linear"][name][1], losses, rtol=1e-5)


def test_interrupted_training_goes_on_together(told):
    for each in told:
        assert each["interrupted"]["epochs"] == 6 and each["interrupted"]["epochs of the second call"] == 2
        resumed, whole = each["interrupted"]["records"]
        assert resumed == whole
        assert set(whole) == {"forgetting_events", "training_record", "feature_norm", "change"}
        assert (
            each["interrupted"]["resumed"] == each["interrupted"]["whole"] == told[0]["interrupted"]["whole"]
        )


def test_rows_that_do_not_fit_are_refused(told):
    for each in told:
        assert "must be given the same X and y, got 133 rows" in each["other_rows"]["error"]
        assert "2 processes need at least 4 rows in X and in a batch, got 3" in each["too_few"]["error"]


def test_one_process_alone_trains_as_without_the_option():
    alone = resnet(max_epochs=2).fit(X, y)
    plain = resnet(max_epochs=2).set_params(distributed=False).fit(X, y)
    np.testing.assert_array_equal(alone.predict_logits(X), plain.predict_logits(X))


def test_memory_would_have_them_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="memory is held by one process at a time"):
        ProxyCoresetSelector(resnet(), memory=tmp_path, random_state=0).fit(X, y)


def test_a_run_kept_by_one_process_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for models in ({"proxy": resnet()}, {"proxy": LogisticRegression(), "target": resnet()}):
        with pytest.raises(ValueError, match="checkpoint is held by one process at a time"):
            ProxyActiveLearner(**models, checkpoint=tmp_path).fit(X)


def test_gpus_that_are_not_there(monkeypatch):
    with pytest.raises(ValueError, match=r"device='cuda:1' names one GPU"):
        _refused("cuda:1", monkeypatch)
    with pytest.raises(ValueError, match=r"4 processes were started on this machine, but torch sees 1 CUDA"):
        _refused("cuda", monkeypatch)


def _refused(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr("sksvp.estimators._base.resolve_precision", lambda *args: torch.float32)
    monkeypatch.setattr("sksvp.estimators._base.resolve_device", lambda device: torch.device("cpu"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    ResNetClassifier(8, distributed=True, device=device).fit(X, y)
