"""VDCNN against the published parameter counts, lengths and a plain definition."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sksvp.networks import VDCNN
from sksvp.networks._vdcnn import _largest, min_length

pytestmark = pytest.mark.cpu

PARAMETER_COUNTS = [
    # depth, 2 classes, 5 classes, with shortcuts 2 and 5
    (9, 14_171_986, 14_178_133, 14_344_018, 14_350_165),
    (17, 16_264_786, 16_270_933, 16_436_818, 16_442_965),
    (29, 16_635_730, 16_641_877, 16_807_762, 16_813_909),
    (49, 19_764_306, 19_770_453, 19_936_338, 19_942_485),
]
LITE = {"pooling": "maxpool", "widths": (16, 32, 64, 128), "hidden": 512}
SMALL = {"widths": (4, 6, 8, 10), "hidden": 12}


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("pooling", ["conv", "maxpool", "kmaxpool"])
@pytest.mark.parametrize(("depth", "two", "five", "two_shortcut", "five_shortcut"), PARAMETER_COUNTS)
def test_parameter_counts(depth, two, five, two_shortcut, five_shortcut, pooling):
    with torch.device("meta"):
        assert count(VDCNN(depth, 2, pooling)) == two
        assert count(VDCNN(depth, 5, pooling)) == five
        assert count(VDCNN(depth, 2, pooling, shortcut=True)) == two_shortcut
        assert count(VDCNN(depth, 5, pooling, shortcut=True)) == five_shortcut


def test_lite_form():
    assert count(VDCNN(9, 2, **LITE)) == 889_618
    assert count(VDCNN(9, 5, **LITE)) == 891_157


@pytest.mark.parametrize(
    ("pooling", "lengths"),
    [
        ("conv", [1014, 507, 254, 127]),
        ("maxpool", [1014, 507, 254, 127]),
        ("kmaxpool", [1014, 507, 253, 126]),
    ],
)
def test_lengths_and_widths(pooling, lengths):
    network = VDCNN(9, 2, pooling)
    shapes = []
    for block in network.blocks:
        block.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    network(torch.randint(0, 69, (2, 1014)))
    assert shapes == [(width, 1, length) for width, length in zip([64, 128, 256, 512], lengths, strict=True)]
    assert network.hidden1.in_features == 4096
    assert network.n_features == 2048


def plain_forward(network: VDCNN, x: torch.Tensor) -> torch.Tensor:
    """The definition with 1-d layers of torch, weight by weight, in evaluation mode."""

    def norm(layer, maps):
        return F.batch_norm(maps, layer.running_mean, layer.running_var, layer.weight, layer.bias)

    def conv(layer, maps, stride=1, padding=1):
        return F.conv1d(maps, layer.weight[:, :, 0], stride=stride, padding=padding)

    maps = conv(network.stem, network.embedding.weight[x].permute(0, 2, 1))
    for block in network.blocks:
        stride = 2 if block.halve == "conv" else 1
        if block.halve == "maxpool":
            maps = F.max_pool1d(maps, 3, 2, 1)
        elif block.halve == "kmaxpool":
            maps = k_largest(maps, maps.shape[2] // 2)
        out = F.relu(norm(block.bn1, conv(block.conv1, maps, stride)))
        out = norm(block.bn2, conv(block.conv2, out))
        if block.shortcut:
            grows = block.conv1.in_channels != block.conv1.out_channels
            out = out + (conv(block.projection, maps, stride, 0) if grows else maps)
        maps = F.relu(out)
    hidden = F.relu(network.hidden1(k_largest(maps, 8).reshape(len(x), -1)))
    return network.fc(F.relu(network.hidden2(hidden)))


def k_largest(maps: torch.Tensor, k: int) -> torch.Tensor:
    rows = []
    for row in maps.reshape(-1, maps.shape[2]).tolist():
        places = sorted(sorted(range(len(row)), key=lambda place: -row[place])[:k])
        rows.append([row[place] for place in places])
    return torch.tensor(rows).reshape(*maps.shape[:2], k)


@pytest.mark.parametrize("pooling", ["conv", "maxpool", "kmaxpool"])
@pytest.mark.parametrize("shortcut", [False, True])
def test_forward_follows_the_definition(pooling, shortcut):
    torch.manual_seed(0)
    network = VDCNN(17, 3, pooling, shortcut, **SMALL)
    for block in network.blocks:
        # No zeros: of equal values any may be among the largest.
        nn.init.constant_(block.bn2.bias, 50.0)
    x = torch.randint(0, 69, (5, 75), dtype=torch.uint8)
    for _ in range(3):
        network(x)  # statistics that are not the initial ones
    network.eval()
    with torch.no_grad():
        torch.testing.assert_close(network(x), plain_forward(network, x.long()), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(network.fc(network.features(x)), network(x))
    assert (network.features(x) >= 0).all()


def test_the_largest_keep_their_order():
    maps = torch.tensor([[[[3.0, 9.0, 1.0, 7.0, 8.0]]]])
    assert _largest(maps, 3).tolist() == [[[[9.0, 7.0, 8.0]]]]


def test_a_shortcut_of_equal_width_is_the_input():
    network = VDCNN(17, 2, shortcut=True, **SMALL)
    expected = [True, True, False, True, False, True, False, True]
    assert [block.projection is None for block in network.blocks] == expected


@pytest.mark.parametrize("pooling", ["conv", "maxpool", "kmaxpool"])
def test_a_shortcut_follows_where_the_length_halves(pooling):
    network = VDCNN(9, 2, pooling, shortcut=True, widths=(8, 8, 8, 8), hidden=8)
    assert network(torch.randint(0, 69, (3, 64))).shape == (3, 2)


def test_layers_of_the_facts():
    network = VDCNN(9, 2)
    assert all(m.bias is None for m in network.modules() if isinstance(m, nn.Conv2d))
    assert all(m.bias is not None for m in network.modules() if isinstance(m, nn.Linear))
    assert network.embedding.padding_idx is None
    weight = network.blocks[-1].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (512 * 3)) ** 0.5, rel=0.02)


@pytest.mark.parametrize(("pooling", "shortest"), [("conv", 57), ("maxpool", 57), ("kmaxpool", 64)])
def test_shortest_texts(pooling, shortest):
    assert min_length(pooling) == shortest
    network = VDCNN(9, 2, pooling, **SMALL)
    assert network(torch.zeros(2, shortest, dtype=torch.uint8)).shape == (2, 2)
    with pytest.raises(ValueError, match=f"at least {shortest}"):
        network(torch.zeros(2, shortest - 1, dtype=torch.uint8))


@pytest.mark.parametrize(
    "wrong", [{"depth": 10}, {"pooling": "average"}, {"widths": (1, 2)}], ids=lambda wrong: next(iter(wrong))
)
def test_unknown_forms_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        VDCNN(**{"depth": 9, "n_classes": 2, **wrong})
