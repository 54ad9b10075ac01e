"""Weights of a network as the start of a deeper one that nests it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ._preact_resnet import PreActResNet


def load_nested(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load the weights of the same network, or of a `PreActResNet` with fewer blocks in each stage.

    The blocks of a stage are filled from its first on. The last convolution of the others
    becomes zero: they pass on their input, so that the deeper network computes at first
    what the other one does.

    Parameters
    ----------
    network : nn.Module
        Changed in place.
    weights : mapping of str to Tensor
        State of the other network.

    Raises
    ------
    ValueError
        If the weights do not fit.
    """
    own = network.state_dict()
    if isinstance(network, PreActResNet) and own.keys() != weights.keys():
        weights = _grown(network, weights)
    if own.keys() != weights.keys() or any(own[name].shape != weights[name].shape for name in own):
        raise ValueError(
            f"The weights are of another network than this {type(network).__name__}, and it nests none of that form."
        )
    network.load_state_dict(weights)


def _grown(network: PreActResNet, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of a network that passes on what the stages of a smaller one compute."""
    n_blocks = len(network.blocks) // 3
    n_known = len({name.split(".")[1] for name in weights if name.startswith("blocks.")}) // 3
    if n_known > n_blocks:
        return {}
    # The last layer of a block is a convolution.
    last = max(int(name.split(".")[3]) for name in network.state_dict() if ".layers." in name)
    grown = {}
    for name, own in network.state_dict().items():
        known: Tensor | None = own
        if not name.startswith("blocks."):
            known = weights.get(name)
        else:
            _, number, part = name.split(".", 2)
            stage, place = divmod(int(number), n_blocks)
            if place < n_known:
                known = weights.get(f"blocks.{stage * n_known + place}.{part}")
            elif part == f"layers.{last}.weight":
                known = torch.zeros_like(own)
        if known is not None:
            grown[name] = known
    return grown
