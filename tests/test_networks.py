"""Networks against the published parameter counts and shapes."""

import pytest
import torch
from torch import nn

from sksvp.networks import HeadedNetwork, PreActResNet, resolve_block

pytestmark = pytest.mark.cpu

PARAMETER_COUNTS = [
    # depth, block, 10 classes, 100 classes, final hidden
    (8, "auto", 77_850, 83_700, 64),
    (14, "auto", 175_066, 180_916, 64),
    (20, "auto", 272_282, 278_132, 64),
    (56, "auto", 855_578, 861_428, 64),
    (110, "auto", 1_730_522, 1_736_372, 64),
    (164, "basic", 2_605_466, 2_611_316, 64),
    (164, "auto", 1_703_258, 1_726_388, 256),
    (1001, "auto", 10_327_706, 10_350_836, 256),
]


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("depth", "block", "ten", "hundred", "hidden"), PARAMETER_COUNTS)
def test_parameter_counts(depth, block, ten, hundred, hidden):
    with torch.device("meta"):
        network = PreActResNet(depth, 10, block=block)
        assert (count(network), count(PreActResNet(depth, 100, block=block))) == (ten, hundred)
    assert network.n_features == hidden


@pytest.mark.parametrize("depth", [8, 20, 29, 164])
@pytest.mark.parametrize(("channels", "height", "width"), [(3, 32, 32), (1, 8, 8), (1, 1, 5), (4, 9, 20)])
def test_head_reads_the_features(depth, channels, height, width):
    network = PreActResNet(depth, 7, in_channels=channels).eval()
    x = torch.randn(2, channels, height, width)
    features = network.features(x)
    assert features.shape == (2, network.n_features)
    assert (features >= 0).all()
    torch.testing.assert_close(network.fc(features), network(x))


def test_stages_halve_the_side_and_double_the_channels():
    network = PreActResNet(20, 10)
    shapes = []
    for block in network.blocks:
        block.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    network(torch.randn(2, 3, 32, 32))
    assert shapes == [(16, 32, 32)] * 3 + [(32, 16, 16)] * 3 + [(64, 8, 8)] * 3


@pytest.mark.parametrize(("depth", "projections"), [(20, 2), (164, 3)])
def test_projections_stand_only_where_shapes_change(depth, projections):
    network = PreActResNet(depth, 10)
    assert sum(block.shortcut is not None for block in network.blocks) == projections


def test_identity_shortcut_is_the_raw_input():
    block = PreActResNet(20, 10).blocks[0].eval()
    nn.init.zeros_(block.layers[-1].weight)
    x = torch.randn(2, 16, 8, 8)
    expected = x.clone()
    torch.testing.assert_close(block(x), expected, rtol=0, atol=0)


def test_projection_reads_the_first_activation():
    block = PreActResNet(20, 10).blocks[3].eval()
    nn.init.zeros_(block.layers[-1].weight)
    x = torch.randn(2, 16, 8, 8)
    torch.testing.assert_close(block(x.clone()), block.shortcut(torch.relu(block.layers[0](x))))


def test_only_the_last_layer_has_a_bias():
    network = PreActResNet(29, 10)
    assert all(module.bias is None for module in network.modules() if isinstance(module, nn.Conv2d))
    assert network.fc.bias is not None


def test_kaiming_fan_out():
    torch.manual_seed(0)
    weight = PreActResNet(110, 10).blocks[-1].layers[1].weight
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (8, ("basic", 1)),
        (20, ("basic", 3)),
        (29, ("bottleneck", 3)),
        (164, ("bottleneck", 18)),
        (56, ("basic", 9)),
    ],
)
def test_auto_block(depth, expected):
    assert resolve_block(depth) == expected


@pytest.mark.parametrize(
    ("depth", "block"), [(18, "auto"), (2, "auto"), (20, "residual"), (8, "bottleneck"), (29, "basic")]
)
def test_impossible_depths_are_refused(depth, block):
    with pytest.raises(ValueError, match=r"depth|block"):
        PreActResNet(depth, 10, block=block)


def test_headed_network_finds_the_last_layer():
    plain = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 3))
    network = HeadedNetwork(plain)
    x = torch.randn(4, 3, 2, 2)
    torch.testing.assert_close(network.features(x), plain[:3](x))
    torch.testing.assert_close(network(x), plain(x))
    assert network.n_features == 5


def test_headed_network_pools_the_map_before_a_convolution():
    plain = nn.Sequential(
        nn.Conv2d(3, 6, 1), nn.ReLU(), nn.Conv2d(6, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    network = HeadedNetwork(plain)
    x = torch.randn(2, 3, 5, 5)
    torch.testing.assert_close(network.features(x), plain[:2](x).mean(dim=(2, 3)))


def test_network_without_a_layer_is_refused():
    with pytest.raises(ValueError, match="no linear or convolutional layer"):
        HeadedNetwork(nn.ReLU())
