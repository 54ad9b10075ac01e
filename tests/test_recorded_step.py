"""Steps that are recorded and replayed, with emulated graphs; test_cuda.py has those of a GPU."""

import numpy as np
import pytest
import torch
from emulated_graphs import Stream, emulate
from sklearn.datasets import load_digits
from skorch.callbacks import Callback
from torch._dynamo.testing import CompileCounter

from sksvp.estimators import ResNetClassifier, VDCNNClassifier, WhitenedConvNetClassifier
from sksvp.training._compiling import CompiledBlocks
from sksvp.training._net import TrainingNet
from sksvp.training._recorded_step import RecordedStep, trying_kernels

DIGITS = load_digits()
# 160 = 4 * 36 + 16: the last batch of an epoch is smaller.
X, y = DIGITS.images[:160].astype(np.uint8), DIGITS.target[:160]
N_BATCHES, SIZE = 5, 36


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that trainings record."""
    return emulate(monkeypatch)


class Unrecorded(ResNetClassifier):
    _records_steps = False


class Losses(Callback):
    """Keeps the loss of every batch, as it was given."""

    def on_train_begin(self, net, **kwargs):
        self.losses_ = []

    def on_batch_end(self, net, loss, **kwargs):
        self.losses_.append(loss.detach())


def fit(kind, *callbacks, optimizer=torch.optim.SGD, **params):
    losses = Losses()
    params = {"max_epochs": 3, "lr": 0.05, "precision": "fp32", "random_state": 0, "device": "cpu", **params}
    net_params = {"callbacks": [*callbacks, losses], "optimizer": optimizer}
    model = kind(8, batch_size=SIZE, net_params=net_params, **params).fit(X, y)
    return model, torch.stack(losses.losses_).numpy()


def assert_trains_as_unrecorded(*callbacks, **params):
    recorded, losses = fit(ResNetClassifier, *callbacks, **params)
    expected, expected_losses = fit(Unrecorded, *callbacks, **params)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    np.testing.assert_allclose(recorded.predict_logits(X), expected.predict_logits(X), rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(
        recorded.records_["forgetting_events"], expected.records_["forgetting_events"]
    )
    for name, values in expected.net_.module_.state_dict().items():
        torch.testing.assert_close(recorded.net_.module_.state_dict()[name], values, rtol=1e-3, atol=1e-4)


def n_replays(graphs):
    return [graph.n_replays for graph in graphs]


# All batches of the usual size but those before the recording.
ALL = 3 * (N_BATCHES - 1) - 3


@pytest.mark.parametrize("params", [{}, {"class_weight": "balanced"}, {"label_smoothing": 0.1}])
def test_replayed_batches_train_as_others_do(graphs, params):
    assert_trains_as_unrecorded(**params)
    assert n_replays(graphs) == [ALL]


def test_the_other_networks_are_recorded_too(graphs):
    texts = [f"{'good fine' if label % 2 else 'bad poor'} {row}" for row, label in enumerate(y)]
    VDCNNClassifier(
        length=64,
        widths=(8, 8, 16, 16),
        hidden=16,
        max_epochs=2,
        batch_size=SIZE,
        device="cpu",
        random_state=0,
    ).fit(texts, y % 2)
    WhitenedConvNetClassifier(widths=(8, 8, 8), max_epochs=2, batch_size=SIZE, device="cpu").fit(X, y)
    assert n_replays(graphs) == [2 * (N_BATCHES - 1) - 3] * 2


class Sharpness(torch.optim.SGD):
    """Steps as usual, but puts new tensors in place of the weights, as some optimisers do."""

    def step(self, closure=None):
        loss = super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data = parameter.data.clone()
        return loss


class Clip(Callback):
    def on_batch_end(self, net, **kwargs):
        for parameter in net.module_.parameters():
            parameter.data = parameter.data.clamp(-0.05, 0.05)


def test_weights_that_are_replaced_are_used(graphs):
    assert_trains_as_unrecorded(optimizer=Sharpness)
    assert_trains_as_unrecorded(Clip)
    # What serves only one batch is not recorded again and again.
    assert n_replays(graphs) == []


class LateClip(Callback):
    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == 2 and len(net.history[-1]["batches"]) == 2:
            net.module_.fc.weight.data = net.module_.fc.weight.data.clamp(-0.05, 0.05)


def test_weights_that_are_replaced_in_the_midst_of_an_epoch_are_used(graphs):
    assert_trains_as_unrecorded(LateClip)
    assert n_replays(graphs) == [1 + 1]


class Change(Callback):
    """Changes something before the second epoch."""

    def __init__(self, what):
        self.what = what

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2:
            self.what(net)


def reweight(net):
    net.criterion_.weight = torch.linspace(0.1, 2.0, 10)


def smooth(net):
    net.criterion_.label_smoothing = 0.5


def slow_down_statistics(net):
    for module in net.module_.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.01


def freeze(net):
    net.module_.stem.weight.requires_grad_(False)


def take_another_loss(net):
    net.criterion_ = torch.nn.CrossEntropyLoss(label_smoothing=0.5)


def patch(net):
    net.module_.fc.forward = lambda x: torch.nn.functional.linear(x, 2 * net.module_.fc.weight)


@pytest.mark.parametrize("what", [reweight, smooth, slow_down_statistics, freeze, take_another_loss, patch])
def test_what_changes_between_epochs_is_heeded(graphs, what):
    assert_trains_as_unrecorded(Change(what))
    # Recorded anew.
    assert n_replays(graphs) == [1, 2 * (N_BATCHES - 1) - 3]


def take_a_loss_of_ones_own(net):
    class Own(torch.nn.CrossEntropyLoss):
        def forward(self, logits, y):
            return 2 * super().forward(logits, y)

    net.criterion_ = Own()


def test_a_loss_of_ones_own_is_not_recorded(graphs):
    assert_trains_as_unrecorded(Change(take_a_loss_of_ones_own))
    assert n_replays(graphs) == [1]


class FreezeStatistics(Callback):
    def on_batch_begin(self, net, **kwargs):
        net.module_.bn.eval()


def test_the_network_trains_in_every_batch(graphs):
    """skorch undoes what a callback does here; so does a replay."""
    assert_trains_as_unrecorded(FreezeStatistics)
    assert n_replays(graphs) == [ALL]


class Hook(Callback):
    def __init__(self, register):
        self.register = register

    def on_train_begin(self, net, **kwargs):
        self.calls_ = 0
        self.register(net.module_, self.count)

    def count(self, *args):
        self.calls_ += 1


@pytest.mark.parametrize(
    "register",
    [
        lambda network, hook: network.register_forward_hook(hook),
        lambda network, hook: network.fc.register_full_backward_hook(hook),
        lambda network, hook: network.fc.weight.register_hook(hook),
        lambda network, hook: network.fc.weight.register_post_accumulate_grad_hook(hook),
    ],
    ids=["forward", "backward", "gradient", "accumulated"],
)
def test_hooks_are_called_in_every_batch(graphs, register):
    hook = Hook(register)
    model, _ = fit(ResNetClassifier, ("hook", hook))
    assert dict(model.net_.callbacks_)["hook"].calls_ == 3 * N_BATCHES
    assert n_replays(graphs) == []


def test_a_search_for_anomalies_sees_every_batch(graphs):
    with torch.autograd.set_detect_anomaly(True, check_nan=True):
        fit(ResNetClassifier)
    assert n_replays(graphs) == []


def out_of_memory_once(monkeypatch, when):
    """Let memory be full in one call of the network: `when` is asked with the number of rows."""
    infer, failed = TrainingNet.infer, []

    def failing(self, x, **kwargs):
        if not failed and when(len(x["inputs"])):
            failed.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return infer(self, x, **kwargs)

    monkeypatch.setattr(TrainingNet, "infer", failing)
    return failed


def test_no_room_beside_the_recording_lets_it_go(graphs, monkeypatch):
    _, expected = fit(Unrecorded)
    failed = out_of_memory_once(monkeypatch, lambda n_rows: n_rows < SIZE)
    _, losses = fit(ResNetClassifier)
    assert failed
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert n_replays(graphs) == [1]


def test_no_room_to_record_trains_as_it_comes(graphs, monkeypatch):
    _, expected = fit(Unrecorded)
    failed = out_of_memory_once(monkeypatch, lambda n_rows: len(graphs) == 1)
    _, losses = fit(ResNetClassifier)
    assert failed
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert n_replays(graphs) == [0]


def test_no_room_without_a_recording_is_told_of(graphs, monkeypatch):
    failed = out_of_memory_once(monkeypatch, lambda n_rows: True)
    with pytest.raises(MemoryError, match="no room to train"):
        fit(ResNetClassifier)
    assert failed


def test_a_network_on_another_than_the_current_gpu_waits_for_its_own_streams(graphs):
    network = torch.nn.Linear(2, 2)
    step = RecordedStep(torch.device("cpu"), lambda x, y: (network(x), network(x).sum()), n_steps=9)
    step._stream = Stream("cuda:1")
    step.begin_epoch(network, torch.nn.CrossEntropyLoss(), torch.float32)
    for _ in range(4):
        step(torch.ones(3, 2), torch.zeros(3))
    assert n_replays(graphs) == [1]
    there = torch.device("cuda:1")
    assert {(one.name, one.device, other.name, other.device) for one, other in Stream.waits} == {
        ("side", there, "current", there),
        ("current", there, "side", there),
    }


def test_compiled_code_is_what_is_recorded(graphs, monkeypatch):
    torch._dynamo.reset()
    counter, used = CompileCounter(), []
    in_use = CompiledBlocks.in_use
    monkeypatch.setattr(CompiledBlocks, "in_use", lambda self: used.append(len(graphs)) or in_use(self))
    net_params = {"compile": True, "compile__backend": counter}
    model = ResNetClassifier(
        8, max_epochs=2, batch_size=SIZE, precision="fp32", net_params=net_params, device="cpu"
    ).fit(X, y)
    torch._dynamo.reset()
    # In three batches before the recording, and in that. Here it records what the code was compiled from.
    assert used == [0, 0, 0, 1]
    assert (counter.frame_count, counter.op_count > 0) == (3, True)
    assert n_replays(graphs) == [2 * (N_BATCHES - 1) - 3]
    assert np.isfinite(model.predict_logits(X)).all()


@pytest.mark.parametrize(
    ("options", "records"),
    [
        ({}, True),
        ({"mode": "default"}, True),
        ({"mode": "reduce-overhead"}, False),
        ({"mode": "max-autotune"}, False),
        ({"mode": "max-autotune-no-cudagraphs"}, True),
        ({"backend": "cudagraphs"}, False),
        ({"options": {"triton.cudagraphs": True}}, False),
        ({"options": {"triton.cudagraphs": False}}, True),
    ],
)
def test_recordings_of_the_compiler_are_not_recorded_again(options, records):
    assert CompiledBlocks(torch.nn.Linear(2, 2), **options).records is not records


# When cuDNN tries its kernels -----------------------------------------------------------------


@pytest.fixture
def flags():
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    yield cudnn
    cudnn.benchmark, cudnn.deterministic = before


@pytest.mark.parametrize(
    ("was_on", "deterministic", "tries", "expected"),
    [
        (False, False, True, True),
        (False, False, False, False),
        (False, True, True, False),
        (True, False, False, True),
        (True, True, False, True),
    ],
)
def test_only_where_it_pays_and_the_user_does_not_mind(flags, was_on, deterministic, tries, expected):
    flags.benchmark, flags.deterministic = was_on, deterministic
    with trying_kernels(tries):
        assert flags.benchmark is expected
    assert flags.benchmark is was_on


def test_the_setting_comes_back_after_an_error(flags):
    flags.benchmark, flags.deterministic = False, False
    with pytest.raises(RuntimeError, match="broken"), trying_kernels(True):
        raise RuntimeError("broken")
    assert flags.benchmark is False


def test_not_with_deterministic_algorithms(flags):
    flags.benchmark, flags.deterministic = False, False
    torch.use_deterministic_algorithms(True)
    try:
        with trying_kernels(True):
            assert flags.benchmark is False
    finally:
        torch.use_deterministic_algorithms(False)
