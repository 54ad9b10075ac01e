"""Networks whose maps shrink to a point are not trained in bfloat16 on a CPU."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sksvp._device import multiplies_bf16
from sksvp.estimators import ResNetClassifier, TorchvisionClassifier
from sksvp.networks import PreActResNet
from sksvp.training._unsafe_bf16 import _some_weight_sees_only_padding, has_unsafe_convolution

pytestmark = pytest.mark.cpu


@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    padding=st.integers(0, 5),
    dilation=st.integers(1, 3),
)
def test_weights_that_see_only_padding(size, kernel, stride, padding, dilation):
    out_size = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    if out_size < 1:
        return
    seen = [
        any(0 <= weight * dilation - padding + place * stride < size for place in range(out_size))
        for weight in range(kernel)
    ]
    assert _some_weight_sees_only_padding(size, out_size, kernel, stride, padding, dilation) is not all(seen)


@pytest.mark.parametrize(
    ("side", "unsafe"), [((32, 32), False), ((8, 8), False), ((1, 2), True), ((1, 1), True)]
)
def test_networks(side, unsafe):
    network = PreActResNet(8, 10)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    assert has_unsafe_convolution(network, torch.randn(2, 3, *side)) is unsafe
    assert network.training
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in state.items())
    assert not any(layer._forward_hooks for layer in network.modules())


def test_named_padding_and_other_layers_are_left_alone():
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding="same"), nn.Flatten(), nn.Linear(4, 2))
    assert not has_unsafe_convolution(network, torch.randn(2, 3, 1, 1))


def small_resnet(**params):
    return ResNetClassifier(8, max_epochs=1, device="cpu", random_state=0, **params)


def leave_garbage_in_memory() -> None:
    for size in (100, 1_000, 10_000, 100_000, 400_000):
        [torch.full((size,), float("nan")) for _ in range(8)]


@pytest.mark.parametrize("make", [ResNetClassifier, TorchvisionClassifier])
def test_tiny_images_train_the_same_every_time(make):
    if make is TorchvisionClassifier and find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(48, 2)), rng.randint(0, 2, 48)
    kwargs = {"max_epochs": 2, "batch_size": 16, "precision": "bf16", "random_state": 0, "device": "cpu"}
    logits = []
    for _ in range(4):
        leave_garbage_in_memory()
        with pytest.warns(UserWarning, match="precision='bf16' is not safe"):
            model = make(**kwargs).fit(X, y)
        logits.append(model.predict_logits(X))
    assert np.isfinite(logits[0]).all()
    for other in logits[1:]:
        np.testing.assert_array_equal(other, logits[0])


def test_tiny_images_are_quietly_trained_in_float32(has_bf16):
    rng = np.random.RandomState(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small_resnet(precision="auto").fit(rng.normal(size=(20, 2)), np.arange(20) % 2)
    assert model.net_.autocast_dtype == torch.float32


@pytest.mark.parametrize("precision", ["auto", "bf16", "fp32"])
def test_ordinary_images_keep_their_precision(precision, has_bf16):
    X = np.random.RandomState(0).randint(0, 256, (20, 8, 8, 3)).astype(np.uint8)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = small_resnet(precision=precision).fit(X, np.arange(20) % 2)
    is_bf16 = precision == "bf16" or (precision == "auto" and has_bf16)
    assert model.net_.autocast_dtype == (torch.bfloat16 if is_bf16 else torch.float32)
    is_emulated = precision == "bf16" and not has_bf16
    assert ["no fast bfloat16 arithmetic" in str(one.message) for one in told] == [True] * is_emulated
    assert np.isfinite(model.predict_logits(X)).all()


@pytest.mark.parametrize(
    ("by_onednn", "capabilities", "expected"),
    [
        (True, {"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": True}, True),
        (True, {"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": False}, False),
        (True, {"architecture": "aarch64", "bf16": True}, True),
        (False, {"architecture": "x86_64", "amx_bf16": True}, False),
        (True, None, True),
    ],
    ids=["AMX", "AVX-512 alone", "ARM", "hidden by oneDNN's setting", "torch that cannot be asked"],
)
def test_bf16_is_taken_where_it_is_faster(monkeypatch, by_onednn, capabilities, expected):
    monkeypatch.setattr("torch.ops.mkldnn._is_mkldnn_bf16_supported", lambda: by_onednn)
    monkeypatch.delattr("torch.cpu.get_capabilities", raising=False)
    if capabilities is not None:
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda: capabilities, raising=False)
    assert multiplies_bf16(torch.device("cpu")) is expected


def test_the_option_for_an_ordinary_cpu_hides_bf16(request):
    if not request.config.getoption("--ordinary-cpu"):
        pytest.skip("runs with --ordinary-cpu")
    assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "DEFAULT")
    assert not multiplies_bf16(torch.device("cpu"))
