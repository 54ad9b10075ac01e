"""Very deep convolutional networks over characters (Conneau et al., 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._batch_norm_relu import BatchNormReLU
from ._sizes import check_bool, check_sizes, check_widths, is_size
from ._text_convolution import TextConvolution

POOLINGS = ("conv", "maxpool", "kmaxpool")
# Number of blocks in each of the four stages, by depth.
_BLOCKS = {9: (1, 1, 1, 1), 17: (2, 2, 2, 2), 29: (5, 5, 2, 2), 49: (8, 8, 5, 3)}
_KEPT = 8  # number of positions per channel that the last pooling keeps


def check_depth(depth: int) -> None:
    """Check that a depth is one of the published depths.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not is_size(depth) or depth not in _BLOCKS:
        raise ValueError(f"depth must be one of {', '.join(map(str, _BLOCKS))}, got {depth!r}.")


def min_length(pooling: str) -> int:
    """Return the least number of characters of a text: 57, or 64 with k-max pooling, which rounds down."""
    return 8 * _KEPT if pooling == "kmaxpool" else 8 * (_KEPT - 1) + 1


class VDCNN(nn.Module):
    """Very deep convolutional network over characters.

    The network of [1]_ and of the experiments of [2]_ embeds characters, applies a
    first convolution and then four stages of blocks. A block has two convolutions
    of width 3 with batch norm and ReLU; the length halves between stages. The 8
    largest values of each channel, in their order, pass through two hidden layers.

    Parameters
    ----------
    depth : {9, 17, 29, 49}
        Number of convolutions with weights, without those of shortcuts.
    n_classes : int
        Size of the output.
    pooling : {"conv", "maxpool", "kmaxpool"}, default="conv"
        How the length is halved: by a convolution of stride 2, by max pooling of
        width 3, or by keeping the larger half of the values of each channel.
    shortcut : bool, default=False
        Whether each block's input is added to its output.
    widths : sequence of 4 int, default=(64, 128, 256, 512)
        Number of channels of each stage.
    hidden : int, default=2048
        Size of both hidden layers.
    n_characters : int, default=69
        Number of different characters, including padding and the unknown one.
    embedding_size : int, default=16
        Length of the vector of a character.

    Attributes
    ----------
    n_features : int
        Length of the final hidden vector: `hidden`.

    Notes
    -----
    A text is an image of height 1. All layers can then be stored channels-last,
    a layout in which bfloat16 is fast on a CPU.

    References
    ----------
    .. [1] A. Conneau, H. Schwenk, L. Barrault and Y. LeCun, "Very deep
       convolutional networks for text classification", EACL 2017.
    .. [2] C. Coleman et al., "Selection via proxy: efficient data selection for
       deep learning", ICLR 2020.

    Examples
    --------
    >>> from sksvp.networks import VDCNN
    >>> sum(p.numel() for p in VDCNN(9, n_classes=2).parameters())
    14171986
    """

    def __init__(
        self,
        depth: int,
        n_classes: int,
        pooling: str = "conv",
        shortcut: bool = False,
        *,
        widths: Sequence[int] = (64, 128, 256, 512),
        hidden: int = 2048,
        n_characters: int = 69,
        embedding_size: int = 16,
    ):
        super().__init__()
        check_depth(depth)
        check_sizes(
            n_classes=n_classes, hidden=hidden, n_characters=n_characters, embedding_size=embedding_size
        )
        check_bool("shortcut", shortcut)
        if not isinstance(pooling, str) or pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(map(repr, POOLINGS))}, got {pooling!r}.")
        check_widths(widths, 4)
        self.pooling = pooling
        self.embedding = nn.Embedding(n_characters, embedding_size)
        self.stem = TextConvolution(embedding_size, widths[0])
        blocks: list[nn.Module] = []
        channels = widths[0]
        for stage, (width, n_blocks) in enumerate(zip(widths, _BLOCKS[depth], strict=True)):
            for k in range(n_blocks):
                halve = pooling if k == 0 and stage > 0 else None
                blocks.append(VDCNNBlock(channels, width, halve=halve, shortcut=shortcut))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.hidden1 = nn.Linear(_KEPT * channels, hidden)
        self.hidden2 = nn.Linear(hidden, hidden)
        self.fc = nn.Linear(hidden, n_classes)
        self.n_features = hidden
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Return the final hidden vector, the input of the last layer.

        Parameters
        ----------
        x : Tensor of shape (n, length), int
            Character numbers, as returned by `sksvp.text.encode_characters`.

        Returns
        -------
        Tensor of shape (n, n_features)
            The vector is the output of a ReLU and therefore non-negative.

        Raises
        ------
        ValueError
            If the texts are too short to be halved three times.
        """
        if x.shape[1] < min_length(self.pooling):
            raise ValueError(
                f"texts must have at least {min_length(self.pooling)} characters, padding counted, with "
                f"pooling={self.pooling!r}, got {x.shape[1]}."
            )
        # The view of shape (n, size, 1, length) is channels-last.
        maps = self.embedding(x.int()).transpose(1, 2).unsqueeze(2)
        maps = _largest(self.blocks(self.stem(maps)), _KEPT)
        return F.relu(self.hidden2(F.relu(self.hidden1(maps.flatten(1)))))

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


class VDCNNBlock(nn.Module):
    """Two convolutions of width 3, each with batch norm and ReLU; the first block of a stage halves the length."""

    def __init__(self, in_channels: int, width: int, *, halve: str | None, shortcut: bool):
        super().__init__()
        self.halve = halve
        stride = 2 if halve == "conv" else 1
        self.conv1 = TextConvolution(in_channels, width, stride)
        self.bn1 = BatchNormReLU(width)
        self.conv2 = TextConvolution(width, width)
        self.shortcut = shortcut
        # A shortcut is added between the second batch norm and its ReLU.
        self.bn2 = nn.BatchNorm2d(width) if shortcut else BatchNormReLU(width)
        self.projection = (
            nn.Conv2d(in_channels, width, 1, (1, stride), bias=False)
            if shortcut and (in_channels != width or stride != 1)
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.halve == "maxpool":
            x = F.max_pool2d(x, (1, 3), (1, 2), (0, 1))
        elif self.halve == "kmaxpool":
            x = _largest(x, x.shape[-1] // 2)
        out = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        if not self.shortcut:
            return out
        return F.relu(out + (x if self.projection is None else self.projection(x)))


def _largest(maps: Tensor, k: int) -> Tensor:
    """Keep the k largest values of each channel, in their order along the text."""
    if k == maps.shape[-1]:
        return maps
    places = torch.topk(maps, k, dim=-1, sorted=False).indices.sort(dim=-1).values
    return maps.gather(-1, places)
