"""Pre-activation residual networks for small images (He et al., 2016)."""

from collections.abc import Sequence

from torch import Tensor, nn

from ._batch_norm_relu import BatchNormReLU
from ._sizes import check_sizes

_WIDTHS = (16, 32, 64)


class Block(nn.Module):
    """Residual block: convolutions, each after a batch norm and a ReLU.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    convolutions : sequence of (out_channels, kernel)
        Convolutions of the block.
    stride : {1, 2}
        Stride of the last convolution but one.
    """

    def __init__(self, in_channels: int, convolutions: Sequence[tuple[int, int]], stride: int):
        super().__init__()
        channels = in_channels
        self.layers = nn.ModuleList()
        for k, (out_channels, kernel) in enumerate(convolutions):
            self.layers.append(BatchNormReLU(channels))
            step = stride if k == len(convolutions) - 2 else 1
            self.layers.append(
                nn.Conv2d(channels, out_channels, kernel, step, padding=kernel // 2, bias=False)
            )
            channels = out_channels
        # The shortcut of a block that changes shape is a 1x1 convolution of its first activation.
        self.shortcut = None
        if in_channels != channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.layers
        out = activated = first(x)
        for layer in others:
            out = layer(out)
        return out + (x if self.shortcut is None else self.shortcut(activated))


def resolve_block(depth: int, block: str = "auto") -> tuple[str, int]:
    """Return the residual block of a depth and the number of blocks in each stage.

    Parameters
    ----------
    depth : int
        Number of layers with weights, without projections: 6n + 2 with pairs of
        3x3 convolutions, 9n + 2 with bottlenecks.
    block : {"auto", "basic", "bottleneck"}, default="auto"
        Residual block. "auto" uses bottlenecks for 164 and for depths that are
        only of the form 9n + 2, and pairs of 3x3 convolutions for all others.

    Returns
    -------
    block : {"basic", "bottleneck"}
    n_blocks : int
        Number of blocks in each of the three stages.

    Raises
    ------
    ValueError
        If the block is unknown, or no network of this depth has this block.
    """
    check_sizes(depth=depth)
    if not isinstance(block, str) or block not in ("auto", "basic", "bottleneck"):
        raise ValueError(f"block must be one of 'auto', 'basic', 'bottleneck', got {block!r}.")
    possible = {"basic": depth >= 8 and depth % 6 == 2, "bottleneck": depth >= 11 and depth % 9 == 2}
    if block == "auto":
        block = (
            "bottleneck" if possible["bottleneck"] and (depth == 164 or not possible["basic"]) else "basic"
        )
    if not possible[block]:
        lower = max(8, 6 * ((depth - 2) // 6) + 2)
        raise ValueError(
            f"depth must be 6n + 2 (8, 14, 20, ...) with basic blocks or 9n + 2 (11, 20, 29, ...) with bottlenecks, "
            f"got depth {depth!r} with block={block!r}; {lower} and {lower + 6} are near."
        )
    return block, (depth - 2) // (6 if block == "basic" else 9)


class PreActResNet(nn.Module):
    """Pre-activation ResNet for small images.

    The network of the CIFAR experiments of [1]_ has three stages of 16, 32 and 64
    channels, or four times as many with bottlenecks. The second and the third
    stage each halve the side of the maps. A block's shortcut is its raw input or,
    if the shape changes, a 1x1 convolution of its first activation.

    Parameters
    ----------
    depth : int
        Number of layers: 6n + 2 with pairs of 3x3 convolutions, 9n + 2 with bottlenecks.
    n_classes : int
        Size of the output.
    in_channels : int, default=3
        Number of channels of the images.
    block : {"auto", "basic", "bottleneck"}, default="auto"
        Residual block. "auto" uses bottlenecks for 164 and for depths that are
        only of the form 9n + 2, and pairs of 3x3 convolutions for all others.

    Attributes
    ----------
    n_features : int
        Length of the final hidden vector: 64, or 256 with bottlenecks.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Identity mappings in deep
       residual networks", ECCV 2016.

    Examples
    --------
    >>> from sksvp.networks import PreActResNet
    >>> sum(p.numel() for p in PreActResNet(20, n_classes=10).parameters())
    272282
    """

    def __init__(self, depth: int, n_classes: int, in_channels: int = 3, block: str = "auto"):
        super().__init__()
        name, n_blocks = resolve_block(depth, block)
        check_sizes(n_classes=n_classes, in_channels=in_channels)
        self.stem = nn.Conv2d(in_channels, _WIDTHS[0], 3, padding=1, bias=False)
        blocks: list[nn.Module] = []
        channels = _WIDTHS[0]
        for width in _WIDTHS:
            for k in range(n_blocks):
                stride = 2 if k == 0 and width != _WIDTHS[0] else 1
                convolutions = [(width, 3), (width, 3)]
                if name == "bottleneck":
                    convolutions = [(width, 1), (width, 3), (4 * width, 1)]
                blocks.append(Block(channels, convolutions, stride))
                channels, _ = convolutions[-1]
        self.blocks = nn.Sequential(*blocks)
        self.bn = BatchNormReLU(channels)
        self.fc = nn.Linear(channels, n_classes)
        self.n_features = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Return the final hidden vector, the input of the last layer.

        Parameters
        ----------
        x : Tensor of shape (n, in_channels, height, width)
            Normalised images.

        Returns
        -------
        Tensor of shape (n, n_features)
            The vector is pooled after a ReLU and therefore non-negative.
        """
        x = self.blocks(self.stem(x))
        return self.bn(x).mean(dim=(2, 3))

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
        return self.fc(self.features(x))
