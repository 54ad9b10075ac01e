"""SGD in one sweep makes the steps of torch's own."""

import pytest
import torch

from sksvp.estimators import ResNetClassifier, VDCNNClassifier
from sksvp.training._fused_sgd import FusedSGD

pytestmark = pytest.mark.cpu

OPTIONS = [
    {"momentum": 0.9, "weight_decay": 1e-2},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.9, "dampening": 0.5},
    {"momentum": 0.9, "foreach": True},
    {"momentum": 0.9, "fused": False},
    {},
]


def walk(kind, options, *, late=False):
    """Return two parameters after some steps, of which the second may begin to learn in the third."""
    generator = torch.Generator().manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(50, generator=generator)) for _ in range(2)]
    optimizer = kind([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.05}], lr=0.1, **options)
    for step in range(5):
        for number, parameter in enumerate(parameters):
            gradient = torch.randn(50, generator=generator)
            parameter.grad = None if late and number and step < 2 else gradient
        optimizer.step()
    return torch.stack([parameter.detach() for parameter in parameters])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_steps_are_those_of_torch(options):
    torch.testing.assert_close(walk(FusedSGD, options), walk(torch.optim.SGD, options))


@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
def test_parameters_may_begin_late(options):
    torch.testing.assert_close(walk(FusedSGD, options, late=True), walk(torch.optim.SGD, options, late=True))


def test_parameters_of_one_group_may_begin_late():
    ends = []
    for kind in (FusedSGD, torch.optim.SGD):
        parameters = [torch.nn.Parameter(torch.ones(5)), torch.nn.Parameter(torch.ones(5))]
        optimizer = kind(parameters, lr=0.1, momentum=0.9)
        for step in range(3):
            parameters[0].grad = torch.ones(5)
            parameters[1].grad = torch.ones(5) if step else None
            optimizer.step()
        ends.append(torch.stack([parameter.detach() for parameter in parameters]))
    torch.testing.assert_close(*ends)


def test_networks_with_large_layers_take_it():
    deep = VDCNNClassifier(widths=(8, 8, 8, 8), hidden=8, length=64, max_epochs=1, device="cpu")
    deep.fit(["good", "bad"] * 4, [0, 1] * 4)
    assert type(deep.net_.optimizer_) is FusedSGD
    small = ResNetClassifier(8, max_epochs=1, device="cpu").fit(torch.rand(8, 8, 8).numpy(), [0, 1] * 4)
    assert type(small.net_.optimizer_) is torch.optim.SGD
    given = VDCNNClassifier(
        widths=(8, 8, 8, 8), hidden=8, length=64, max_epochs=1, device="cpu",
        net_params={"optimizer": torch.optim.Adam},
    )  # fmt: skip
    assert type(given.fit(["good", "bad"] * 4, [0, 1] * 4).net_.optimizer_) is torch.optim.Adam
