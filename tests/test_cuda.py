"""What an NVIDIA GPU computes, beside the CPU; skipped where there is none."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from test_training_checkpoint import Watcher, interrupt, make
from torch._dynamo.testing import CompileCounterWithBackend

from sksvp import ProxyCoresetSelector
from sksvp.datasets import from_torch
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier, VDCNNClassifier
from sksvp.training import Rows, _recorded_step, _row_source
from sksvp.training._recorded_step import RecordedStep
from sksvp.training._row_source import RowSource

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

DIGITS = load_digits()
X, y = DIGITS.images[:600].astype(np.uint8), DIGITS.target[:600]


def resnet(**params):
    params = {"max_epochs": 12, "batch_size": 32, "lr": 0.05, "random_state": 0, "device": "cuda", **params}
    return ResNetClassifier(8, **params)


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_network_learns_and_scores_as_on_the_cpu(precision, tmp_path):
    model = resnet(precision=precision).fit(X, y)
    assert model.score(X, y) > 0.9
    model.save(tmp_path / "model.safetensors")
    there = ResNetClassifier.load(tmp_path / "model.safetensors", device="cpu")
    # Convolutions of a GPU may round their inputs to TF32.
    np.testing.assert_allclose(model.predict_logits(X), there.predict_logits(X), rtol=2e-2, atol=2e-2)
    np.testing.assert_allclose(model.transform(X), there.transform(X), rtol=2e-2, atol=2e-2)


def test_rows_are_the_same_wherever_they_lie(monkeypatch):
    order = np.random.default_rng(0).permutation(600)
    parts = [slice(start, 600, 7) for start in range(7)]
    for share in (0.4, 0.0):
        monkeypatch.setattr(_row_source, "_RESIDENT_SHARE", share)
        rows = Rows(600, lambda part: torch.from_numpy(X[part]), clean_view=torch.clone)
        source = RowSource(rows, torch.device("cuda"))
        assert (source._resident is not None) == (share > 0)
        for part, batch in zip(parts, source.batches(order, parts), strict=True):
            assert batch.device.type == "cuda"
            np.testing.assert_array_equal(batch.cpu().numpy(), X[order[part]])


def test_forgetting_events_are_counted_on_the_gpu():
    seen = []

    class Record(Watcher):
        def on_batch_end(self, net, batch, training, y_pred, **kwargs):
            seen.append((batch[0]["rows"].cpu().numpy(), (y_pred.argmax(1) == batch[1]).cpu().numpy()))

    model = resnet(net_params={"callbacks": [Record]}).fit(X, y)
    before, ever, events = np.zeros(600, bool), np.zeros(600, bool), np.zeros(600)
    for rows, right in seen:
        events[rows] += before[rows] & ~right
        before[rows] = right
        ever[rows] |= right
    np.testing.assert_array_equal(model.records_["forgetting_events"], np.where(ever, events, np.inf))
    assert all(isinstance(loss, float) for loss in model.history_[:, "batches", :, "train_loss"][0])


def test_nothing_waits_for_the_gpu_within_an_epoch(monkeypatch):
    """torch itself raises where the host would wait between the first batch of an epoch and the last."""

    class Strict(Watcher):
        def on_batch_begin(self, net, **kwargs):
            n_batches = len(net.history[-1]["batches"])
            if len(net.history) > 1:
                torch.cuda.set_sync_debug_mode("error" if n_batches < 10 else "default")

    try:
        resnet(max_epochs=3, net_params={"callbacks": [Strict]}).fit(X, y)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_lazy_rows_train_as_arrays_do():
    lazy, labels = from_torch([(image, int(label)) for image, label in zip(X, y, strict=True)])
    assert resnet().fit(lazy, labels).score(lazy, labels) > 0.9


def test_interrupted_training_goes_on(tmp_path, monkeypatch):
    interrupt(make(tmp_path, device="cuda"), 5, monkeypatch, X[:96])
    resumed = make(tmp_path, device="cuda").fit(X[:96], y[:96])
    assert dict(resumed.net_.callbacks_)["Watcher"].n_epochs_ == 2
    assert len(resumed.history_) == 6


def test_batch_without_room_is_told_of():
    total = torch.cuda.mem_get_info()[1]
    # A row's activations take several times this much.
    n_rows = int(total / 100e6) + 2
    images = np.zeros((n_rows, 224, 224, 3), dtype=np.uint8)
    labels = np.arange(n_rows) % 2
    model = ResNetClassifier(164, max_epochs=1, batch_size=n_rows, augment=None, device="cuda")
    with pytest.raises(MemoryError, match=r"no room .* batch_size=\d+.*batch_size=\d+ fits"):
        model.fit(images, labels)


def test_texts_train_on_the_gpu():
    texts = [f"{'good fine' if label % 2 else 'bad poor'} {row}" for row, label in enumerate(y[:200])]
    labels = y[:200] % 2
    deep = VDCNNClassifier(
        length=64,
        widths=(8, 8, 16, 16),
        hidden=16,
        max_epochs=8,
        batch_size=16,
        device="cuda",
        random_state=0,
    )
    bag = BagOfNgramsClassifier(device="cuda", max_epochs=20, lr=0.5, random_state=0)
    for model in (deep, bag):
        assert model.fit(texts, labels).score(texts, labels) > 0.9


def test_selection_runs_from_end_to_end():
    for strategy in ("entropy", "forgetting_events", "k_centers"):
        chosen = ProxyCoresetSelector(resnet(max_epochs=4), strategy=strategy, random_state=0).fit(X, y)
        assert len(chosen.indices_) == 300


class Unrecorded(ResNetClassifier):
    _records_steps = False


def gradients_of_every_batch(kind, **params):
    """Fit, and return the net's parameters with the sums of the gradients that each batch gave."""
    sums = []

    class Record(Watcher):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            sums.append(sum(float(values.grad.double().abs().sum()) for _, values in named_parameters))

    params = {"batch_size": 32, **params}
    model = kind(
        8,
        max_epochs=3,
        lr=0.01,
        precision="fp32",
        random_state=0,
        device="cuda",
        net_params={"callbacks": [Record]},
        **params,
    ).fit(X, y)
    return model, np.array(sums)


@pytest.fixture
def recorded(monkeypatch):
    """One entry for each step that has been recorded."""
    entries = []
    record = RecordedStep._record
    monkeypatch.setattr(RecordedStep, "_record", lambda self, *args: entries.append(1) or record(self, *args))
    return entries


def test_recorded_steps_train_as_the_others_do(recorded):
    first, sums = gradients_of_every_batch(ResNetClassifier, class_weight="balanced")
    assert len(recorded) == 1
    second, expected = gradients_of_every_batch(Unrecorded, class_weight="balanced")
    assert len(recorded) == 1
    # The last batch of each epoch is smaller: 600 = 18 * 32 + 24.
    assert len(sums) == len(expected) == 3 * 19
    # Each batch has a loss of its own, not that of the last replay.
    assert len({*first.history_[0, "batches", :, "train_loss"]}) > 15
    # Rounding grows as training goes on.
    np.testing.assert_allclose(sums[:19], expected[:19], rtol=0.05)
    np.testing.assert_allclose(sums, expected, rtol=0.5)
    losses = [model.history_[:, "train_loss"] for model in (first, second)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.1)
    mean = [model.net_.module_.bn.running_mean.cpu().numpy() for model in (first, second)]
    np.testing.assert_allclose(mean[0], mean[1], rtol=0.3, atol=0.05)
    assert int(first.net_.module_.bn.num_batches_tracked) == 3 * 19


def test_kernels_are_tried_once_for_a_long_training(monkeypatch):
    tried = []
    run = RecordedStep._run

    def look(self, inputs, y):
        tried.append((len(inputs), torch.backends.cudnn.benchmark))
        return run(self, inputs, y)

    # 600 = 12 * 48 + 24. With batches of a size that no other test has, or nothing would be tried.
    with monkeypatch.context() as inner:
        inner.setattr(_recorded_step, "_STEPS_WORTH_TRYING", 3 * 12)
        inner.setattr(RecordedStep, "_run", look)
        _, sums = gradients_of_every_batch(ResNetClassifier, batch_size=48)
    assert tried == [(48, True)] * 3 + [(24, False)] * 3
    assert not torch.backends.cudnn.benchmark
    _, expected = gradients_of_every_batch(Unrecorded, batch_size=48)
    np.testing.assert_allclose(sums[:13], expected[:13], rtol=0.05)


def test_compiled_networks_record_and_learn(recorded):
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("inductor")
    model = resnet(net_params={"compile": True, "compile__backend": counter}).fit(X, y)
    torch._dynamo.reset()
    assert len(recorded) == 1
    assert counter.frame_count == 3
    assert model.score(X, y) > 0.9
    losses = [fitted.history_[:, "train_loss"] for fitted in (model, resnet().fit(X, y))]
    np.testing.assert_allclose(losses[0][:3], losses[1][:3], rtol=0.1)


def test_a_network_with_hooks_calls_them_in_every_batch():
    calls = []

    class Hooked(Watcher):
        def on_train_begin(self, net, **kwargs):
            net.module_.register_forward_hook(lambda *args: calls.append(1))

    resnet(max_epochs=2, net_params={"callbacks": [Hooked]}).fit(X, y)
    assert len(calls) == 2 * 19


def test_parameters_that_begin_to_learn_late_are_recorded_then():
    frozen = []

    class Unfreeze(Watcher):
        def on_epoch_begin(self, net, **kwargs):
            net.module_.stem.weight.requires_grad_(len(net.history) > 2)
            frozen.append(net.module_.stem.weight.detach().cpu().numpy())

    model = resnet(max_epochs=4, net_params={"callbacks": [Unfreeze]}).fit(X, y)
    np.testing.assert_array_equal(frozen[0], frozen[1])
    np.testing.assert_array_equal(frozen[0], frozen[2])
    assert np.abs(frozen[3] - frozen[2]).max() > 0
    assert np.abs(model.net_.module_.stem.weight.detach().cpu().numpy() - frozen[3]).max() > 0
