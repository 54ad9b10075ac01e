"""Batch norm and ReLU in one layer, against torch's two in float64."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from sksvp.networks import BatchNormReLU, PreActResNet
from sksvp.networks import _batch_norm_relu as implementation

pytestmark = pytest.mark.cpu

# Two roundings to bfloat16, whose unit roundoff is 2^-9.
BF16 = 2.0**-8


@pytest.fixture(autouse=True)
def one_thread_and_small_inputs(monkeypatch):
    monkeypatch.setattr(implementation, "_MIN_VALUES", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(
    layer: nn.Module, x: torch.Tensor, gradient: torch.Tensor, dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """Output, all gradients and running statistics of one training step."""
    layer = copy.deepcopy(layer).to(torch.float32 if dtype == torch.bfloat16 else dtype)
    x = x.to(dtype).to(memory_format=torch.channels_last).requires_grad_()
    out = layer(x)
    out.backward(gradient.to(out.dtype))
    return {
        "out": out.detach(),
        "x": x.grad,
        "weight": layer.weight.grad,
        "bias": layer.bias.grad,
        "running_mean": layer.running_mean,
        "running_var": layer.running_var,
    }


def random_layer(channels: int, **kwargs) -> BatchNormReLU:
    layer = BatchNormReLU(channels, **kwargs)
    nn.init.uniform_(layer.weight, -1.0, 2.0)
    nn.init.uniform_(layer.bias, -1.0, 1.0)
    return layer


def assert_close(result: dict, exact: dict) -> None:
    for name, tolerance in [("out", BF16), ("x", 2 * BF16)]:
        scale = exact[name].abs().max().clamp_min(1e-6)
        assert (result[name].double() - exact[name]).abs().max() <= tolerance * scale, name
    for name in ("weight", "bias", "running_mean", "running_var"):
        scale = exact[name].abs().max().clamp_min(1.0)
        assert (result[name].double() - exact[name]).abs().max() < 1e-3 * scale, name


@settings(max_examples=40, deadline=None)
@example(n=16, channels=200, height=1, width=5, offset=-30.0, momentum=0.1, seed=5)
@given(
    n=st.integers(1, 33),
    channels=st.sampled_from([1, 3, 16, 24, 64, 200]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    offset=st.sampled_from([0.0, 2.0, -30.0]),
    momentum=st.sampled_from([0.1, 0.7]),
    seed=st.integers(0, 2**16),
)
def test_equals_the_definition(n, channels, height, width, offset, momentum, seed):
    if n * height * width == 1:
        height = 2
    torch.manual_seed(seed)
    x = (torch.randn(n, channels, height, width) + offset).bfloat16()
    gradient = torch.randn(n, channels, height, width).bfloat16()
    layer = random_layer(channels, momentum=momentum, eps=1e-3)
    # A value within rounding of zero may fall on either side of the ReLU: none of those has a gradient.
    before_relu = copy.deepcopy(layer).double()
    activation = nn.BatchNorm2d.forward(before_relu, x.double())
    gradient[activation.abs() < 1e-3] = 0
    assert_close(run(layer, x, gradient, torch.bfloat16), run(layer, x, gradient, torch.float64))


def test_the_fast_path_runs_where_it_should(monkeypatch):
    calls = []
    plain = implementation._BatchNormReLU.apply
    monkeypatch.setattr(implementation._BatchNormReLU, "apply", lambda *args: calls.append(1) or plain(*args))
    x = torch.randn(4, 3, 8, 8).to(memory_format=torch.channels_last)
    network = PreActResNet(8, 10).to(memory_format=torch.channels_last)
    network(x)
    assert not calls
    with torch.autocast("cpu", torch.bfloat16):
        network(x)
        n_layers = sum(isinstance(layer, BatchNormReLU) for layer in network.modules())
        assert len(calls) == n_layers == 7
        network.eval()(x)
        assert len(calls) == n_layers


@pytest.mark.parametrize(
    "change",
    [
        {"affine": False},
        {"track_running_stats": False},
        {"momentum": None},
        {"one_sweep": False},
    ],
)
def test_other_settings_take_torchs_operations(change):
    x = torch.randn(6, 5, 4, 4).bfloat16().to(memory_format=torch.channels_last)
    layer = BatchNormReLU(5, **change)
    arguments = {key: value for key, value in change.items() if key != "one_sweep"}
    assert torch.equal(layer(x), F.relu(nn.BatchNorm2d(5, **arguments)(x)))


def test_several_threads_take_torchs_operations():
    torch.set_num_threads(2)
    x = torch.randn(6, 5, 4, 4).bfloat16().to(memory_format=torch.channels_last)
    assert torch.equal(BatchNormReLU(5)(x), F.relu(nn.BatchNorm2d(5)(x)))


def test_small_inputs_take_torchs_operations(monkeypatch):
    monkeypatch.setattr(implementation, "_MIN_VALUES", 6 * 5 * 4 * 4 + 1)
    x = torch.randn(6, 5, 4, 4).bfloat16().to(memory_format=torch.channels_last)
    assert torch.equal(BatchNormReLU(5)(x), F.relu(nn.BatchNorm2d(5)(x)))


def test_gradient_that_is_no_dense_tensor():
    torch.manual_seed(0)
    x = torch.randn(8, 16, 4, 4).bfloat16().to(memory_format=torch.channels_last)
    layer, plain = BatchNormReLU(16), BatchNormReLU(16, one_sweep=False)
    inputs = [x.clone().requires_grad_(), x.clone().requires_grad_()]
    layer(inputs[0]).mean(dim=(2, 3)).sum().backward()
    plain(inputs[1]).mean(dim=(2, 3)).sum().backward()
    torch.testing.assert_close(layer.weight.grad, plain.weight.grad, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(layer.bias.grad, plain.bias.grad, rtol=1e-2, atol=1e-3)


def test_nan_is_not_hidden():
    x = torch.randn(4, 16, 4, 4).bfloat16().to(memory_format=torch.channels_last)
    x[1, 3, 2, 2] = float("nan")
    assert BatchNormReLU(16)(x)[:, 3].isnan().all()


def test_counts_batches_pickles_and_shares_torchs_state():
    layer = random_layer(16)
    x = torch.randn(4, 16, 4, 4).bfloat16().to(memory_format=torch.channels_last)
    layer(x), layer(x)
    assert layer.num_batches_tracked == 2
    twin = nn.BatchNorm2d(16)
    twin.load_state_dict(layer.state_dict())
    back = pickle.loads(pickle.dumps(layer)).eval()
    assert torch.equal(back(x.float()), F.relu(twin.eval()(x.float())))


def test_training_learns_the_same_as_with_torchs_layers():
    rng = np.random.RandomState(0)
    x = torch.from_numpy(rng.randn(32, 3, 8, 8).astype(np.float32)).to(memory_format=torch.channels_last)
    y = torch.from_numpy(rng.randint(0, 4, 32))
    losses = []
    for one_sweep in (True, False):
        torch.manual_seed(0)
        network = PreActResNet(8, 4).to(memory_format=torch.channels_last)
        for layer in network.modules():
            if isinstance(layer, BatchNormReLU):
                layer.one_sweep = one_sweep
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
        for _ in range(15):
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(network(x).float(), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] < 0.7
    assert abs(losses[0] - losses[1]) < 0.25
