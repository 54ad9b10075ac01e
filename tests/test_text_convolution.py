"""The convolution of texts against torch's, in values and gradients, and which of the two ran."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sksvp.networks import VDCNN
from sksvp.networks import _text_convolution as module
from sksvp.networks._text_convolution import TextConvolution

pytestmark = pytest.mark.cpu


def pair(in_channels, out_channels, stride):
    ours = TextConvolution(in_channels, out_channels, stride)
    theirs = nn.Conv2d(in_channels, out_channels, (1, 3), (1, stride), (0, 1), bias=False)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def gradients(layer, x, above):
    x = x.clone().requires_grad_()
    out = layer(x)
    out.backward(above)
    return out.detach(), x.grad, layer.weight.grad


@given(
    n=st.integers(1, 5),
    length=st.integers(1, 12),
    in_channels=st.integers(1, 5),
    out_channels=st.integers(1, 5),
    stride=st.sampled_from([1, 2]),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_are_those_of_torch(n, length, in_channels, out_channels, stride, seed):
    torch.manual_seed(seed)
    ours, theirs = pair(in_channels, out_channels, stride)
    x = torch.randn(n, in_channels, 1, length).contiguous(memory_format=torch.channels_last)
    above = torch.randn(n, out_channels, 1, -(-length // stride))
    for mine, expected in zip(gradients(ours, x, above), gradients(theirs, x, above), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def calls(monkeypatch):
    shapes = []
    plain = module.weight_gradient

    def counted(x, gradient, stride):
        shapes.append(tuple(x.shape))
        return plain(x, gradient, stride)

    monkeypatch.setattr(module, "weight_gradient", counted)
    return shapes


def test_every_convolution_of_a_network_takes_the_products(calls):
    net = VDCNN(9, n_classes=2, widths=(8, 8, 8, 8), hidden=16)
    net(torch.randint(0, 69, (4, 64))).sum().backward()
    assert len(calls) == 9


@pytest.mark.parametrize("case", ["channels first", "bfloat16", "evaluation", "frozen"])
def test_torch_does_the_rest(case, calls):
    layer = TextConvolution(3, 4)
    x = torch.randn(2, 3, 1, 8)
    x = (x if case == "channels first" else x.contiguous(memory_format=torch.channels_last)).requires_grad_()
    if case == "frozen":
        layer.requires_grad_(False)
    with torch.autocast("cpu", torch.bfloat16, enabled=case == "bfloat16"):
        layer.train(case != "evaluation")(x).float().sum().backward()
    assert x.grad is not None
    assert calls == []
