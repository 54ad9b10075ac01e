"""Split any network with a last layer into features and head."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class HeadedNetwork(nn.Module):
    """Give a network of another library a `features` method.

    Parameters
    ----------
    network : nn.Module
        Network that maps images to logits. Its head is the last linear layer, or
        the last convolution if there is no linear layer.

    Attributes
    ----------
    n_features : int
        Length of the head's input; feature maps are average-pooled.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self._head_name, head = find_head(network)
        self.n_features = head.in_features if isinstance(head, nn.Linear) else head.in_channels

    def features(self, x: Tensor) -> Tensor:
        """Return the head's input, of shape (n, n_features).

        Parameters
        ----------
        x : Tensor
            Batch of rows.

        Returns
        -------
        Tensor of shape (n, n_features)
            The head's input.
        """
        return self.logits_and_features(x)[1]

    def logits_and_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and the head's input from one forward pass.

        Parameters
        ----------
        x : Tensor
            Batch of rows.

        Returns
        -------
        logits : Tensor of shape (n, n_classes)
            Output of the network.
        features : Tensor of shape (n, n_features)
            The head's input.
        """
        found: list[Tensor] = []
        handle = watch_features(self, found.append)
        try:
            logits = self.network(x)
        finally:
            handle.remove()
        return logits, found[0]

    @property
    def fc(self) -> nn.Module:
        """The head."""
        return self.network.get_submodule(self._head_name)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits.

        Parameters
        ----------
        x : Tensor of shape (n, ...)
            The input of `features`.

        Returns
        -------
        Tensor of shape (n, n_classes)
        """
        return self.network(x)


def logits_and_features(network: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits and features of one of our networks, or of a `HeadedNetwork`, from one forward pass."""
    if isinstance(network, HeadedNetwork):
        return network.logits_and_features(x)
    features = network.features(x)
    return network.fc(features), features


def watch_features(network: Any, see: Callable[[Tensor], None]) -> RemovableHandle:
    """Show the features of every forward pass of such a network, (n, n_features), until the handle is removed."""

    def show(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        features = inputs[0]
        see(features.mean(dim=(2, 3)) if features.ndim == 4 else features.flatten(1))

    return network.fc.register_forward_pre_hook(show)


def find_head(network: nn.Module) -> tuple[str, nn.Linear | nn.Conv2d]:
    """Return the name and module of the last linear layer, or of the last convolution if there is none.

    Parameters
    ----------
    network : Module
        A network.

    Returns
    -------
    name : str
        Name of the layer in the network.
    layer : Linear or Conv2d
        The layer itself.

    Raises
    ------
    TypeError
        If `network` is no module.
    ValueError
        If the network has neither.
    """
    if not isinstance(network, nn.Module):
        raise TypeError(f"network must be a torch module, got {network!r:.80}.")
    for kind in (nn.Linear, nn.Conv2d):
        found = [(name, module) for name, module in network.named_modules() if isinstance(module, kind)]
        if found:
            return found[-1]
    raise ValueError(f"{type(network).__name__} has no linear or convolutional layer to take as its head.")
