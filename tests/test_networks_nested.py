"""Weights of a network as the start of a deeper one."""

import pytest
import torch

from sksvp.networks import PreActResNet, WhitenedConvNet, load_nested


@pytest.mark.parametrize(
    ("depths", "block"), [((8, 20), "basic"), ((14, 20), "basic"), ((11, 29), "bottleneck")]
)
def test_a_deeper_network_computes_the_same_at_first(depths, block):
    torch.manual_seed(0)
    small, large = (PreActResNet(depth, 5, block=block) for depth in depths)
    small(torch.randn(16, 3, 8, 8))  # moves the statistics
    load_nested(large, small.state_dict())
    x = torch.randn(4, 3, 8, 8)
    torch.testing.assert_close(large.eval()(x), small.eval()(x))
    # The new blocks learn.
    large.train()(x).square().sum().backward()
    new = large.blocks[1 if depths[0] != 14 else 2].layers[-1].weight
    assert new.grad.abs().sum() > 0 and not new.any()


def test_the_same_network():
    one, other = WhitenedConvNet(3), WhitenedConvNet(3)
    load_nested(other, one.state_dict())
    assert all(torch.equal(part, other.state_dict()[name]) for name, part in one.state_dict().items())


@pytest.mark.parametrize(
    ("network", "other"),
    [
        (PreActResNet(8, 5), PreActResNet(20, 5)),
        (PreActResNet(20, 5), PreActResNet(8, 4)),
        (PreActResNet(20, 5), PreActResNet(11, 5, block="bottleneck")),
        (PreActResNet(20, 5), WhitenedConvNet(5)),
    ],
    ids=["shallower", "classes", "block", "kind"],
)
def test_other_networks(network, other):
    with pytest.raises(ValueError, match="weights are of another network"):
        load_nested(network, other.state_dict())
