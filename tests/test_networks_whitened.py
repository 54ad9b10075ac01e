"""The whitened network: its first layer against the definition, its shapes and its start."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sksvp.networks import WhitenedConvNet

pytestmark = pytest.mark.cpu


def images(n=40, channels=3, side=12, seed=0):
    """Smooth images, whose neighbouring pixels and channels are alike."""
    rng = np.random.RandomState(seed)
    coarse = torch.from_numpy(rng.randn(n, 1, 4, 4)).float()
    smooth = F.interpolate(coarse, size=(side, side), mode="bilinear")
    noise = torch.from_numpy(rng.randn(n, channels, side, side)).float()
    return smooth + 0.3 * noise


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_filters_whiten_the_patches(channels):
    network = WhitenedConvNet(10, channels)
    x = images(channels=channels)
    network.reset_whitening(x)
    filtered = F.conv2d(x, network.whitening).double()
    n = 4 * channels
    assert filtered.shape[1] == 2 * n
    torch.testing.assert_close(filtered[:, n:], -filtered[:, :n])
    values = filtered[:, :n].transpose(0, 1).flatten(1)
    moments = values @ values.T / values.shape[1]
    # Uncorrelated, of variance 1 but for the floor, which is small beside these variances.
    torch.testing.assert_close(moments, torch.eye(n, dtype=torch.float64), atol=0.02, rtol=0)
    assert (moments.diagonal() < 1).all()


def test_many_images_give_the_filters_of_one_block(monkeypatch):
    from sksvp.networks import _whitened_conv_net

    x = images()
    whole, parts = WhitenedConvNet(10), WhitenedConvNet(10)
    whole.reset_whitening(x)
    monkeypatch.setattr(_whitened_conv_net, "_BLOCK_VALUES", 3 * 12 * 121)
    parts.reset_whitening(x)
    torch.testing.assert_close(parts.whitening, whole.whitening)


@pytest.mark.parametrize(
    "flat", [torch.zeros(5, 3, 8, 8), torch.ones(5, 3, 8, 8), torch.full((1, 3, 1, 1), 2.0)]
)
def test_constant_images_are_no_special_case(flat):
    network = WhitenedConvNet(10)
    network.reset_whitening(flat)
    assert torch.isfinite(network.whitening).all()
    # What never varied is enlarged by the floor at most, not without bound.
    assert network.whitening.flatten(1).norm(dim=1).max() <= 1.0001 / np.sqrt(5e-4)
    assert torch.isfinite(network(flat.expand(5, -1, -1, -1))).all()


@pytest.mark.parametrize(
    "bad",
    [
        torch.zeros(0, 3, 8, 8),
        torch.zeros(5, 1, 8, 8),
        torch.zeros(3, 8, 8),
        torch.full((2, 3, 8, 8), torch.nan),
        torch.full((2, 3, 8, 8), torch.inf),
    ],
)
def test_unfit_images_are_refused_and_leave_the_filters(bad):
    network = WhitenedConvNet(10)
    before = network.whitening.clone()
    with pytest.raises(ValueError, match="images"):
        network.reset_whitening(bad)
    assert torch.equal(network.whitening, before)


@pytest.mark.parametrize(
    ("channels", "height", "width"),
    [(3, 32, 32), (1, 8, 8), (3, 8, 8), (1, 28, 28), (4, 9, 20), (1, 1, 5), (1, 1, 1), (3, 64, 48)],
)
@pytest.mark.parametrize("widths", [(48, 96, 192), (5, 7, 3)])
def test_head_reads_the_features(channels, height, width, widths):
    network = WhitenedConvNet(7, channels, widths=widths)
    x = torch.randn(2, channels, height, width)
    network.train()(x)
    network.eval()
    features = network.features(x)
    assert features.shape == (2, network.n_features) == (2, widths[-1])
    assert (features >= 0).all()
    torch.testing.assert_close(network.fc(features), network(x))


def test_stages_halve_the_side():
    network = WhitenedConvNet(10)
    shapes = []
    for stage in network.stages:
        stage.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    network(torch.randn(2, 3, 32, 32))
    assert shapes == [(48, 15, 15), (96, 7, 7), (192, 3, 3)]


def test_only_convolutions_shifts_and_head_are_trained():
    network = WhitenedConvNet(10)
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    expected = {f"stages.{k}.{layer}" for k in range(3) for layer in ("conv1.weight", "conv2.weight")}
    expected |= {f"stages.{k}.{layer}" for k in range(3) for layer in ("bn1.bias", "bn2.bias")}
    assert trained == expected | {"fc.weight"}
    assert "whitening" in network.state_dict()


def test_convolutions_begin_as_the_identity():
    network = WhitenedConvNet(10)
    x = torch.randn(2, 24, 9, 9)
    torch.testing.assert_close(network.stages[0].conv1(x)[:, :24], x)
    x = torch.randn(2, 48, 9, 9)
    torch.testing.assert_close(network.stages[0].conv2(x), x)


@pytest.mark.parametrize("widths", [(64, 128), (64, 128, 0), (64, 128, 2.5), ()])
def test_impossible_widths_are_refused(widths):
    with pytest.raises(ValueError, match="widths"):
        WhitenedConvNet(10, widths=widths)
