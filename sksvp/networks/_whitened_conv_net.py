"""A short convolutional network with a fixed whitening layer, for trainings of a few epochs."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._batch_norm_relu import BatchNormReLU
from ._sizes import check_sizes, check_widths

_PATCH = 2
# Added to the variances that the whitening divides by, in units of a normalised pixel's variance. It keeps
# directions of very small variance, such as the rounding noise of a JPEG, from being amplified.
_FLOOR = 5e-4
# Short trainings have few batches, so the running statistics must adapt faster than with torch's 0.1.
_STATISTICS_MOMENTUM = 0.2
# Without scaling, the logits of a wide max-pooled vector saturate the softmax at the start of training.
_LOGIT_SCALE = 1 / 9
# Number of values in one block of float64 patches.
_BLOCK_VALUES = 2**23


class WhitenedConvNet(nn.Module):
    """Fixed filters that whiten patches of 2x2 pixels, followed by six 3x3 convolutions.

    The architecture is that of the speed records on CIFAR-10 [1]_ [2]_, with
    widths for a proxy. The filters of the first layer are the principal directions
    of the training images' patches, each divided by its standard deviation, and
    their negatives; a ReLU follows. They are not trained. Each of three stages has
    a convolution, max pooling by two, batch norm and ReLU, then a convolution,
    batch norm and ReLU. The last map is max-pooled to one vector.

    Parameters
    ----------
    n_classes : int
        Size of the output.
    in_channels : int, default=3
        Number of channels of the images.
    widths : sequence of 3 int, default=(48, 96, 192)
        Number of channels of each stage.

    Attributes
    ----------
    n_features : int
        Length of the final hidden vector: the last width.
    whitening : Tensor of shape (8 * in_channels, in_channels, 2, 2)
        The fixed filters. They select single pixels until `reset_whitening` is called.

    Notes
    -----
    As in [2]_, convolutions are initialised as the identity on as many channels as
    they read, and batch norm learns shifts but no scales. Maps of one pixel are not
    pooled further, so images can have any size.

    References
    ----------
    .. [1] D. Page, "How to train your ResNet", 2018-2019
       (https://github.com/davidcpage/cifar10-fast).
    .. [2] K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024
       (arXiv:2404.00498).

    Examples
    --------
    >>> import torch
    >>> from sksvp.networks import WhitenedConvNet
    >>> network = WhitenedConvNet(n_classes=10)
    >>> images = torch.randn(4, 3, 32, 32)
    >>> network.reset_whitening(images)
    >>> network.features(images).shape
    torch.Size([4, 192])
    """

    whitening: Tensor

    def __init__(self, n_classes: int, in_channels: int = 3, *, widths: Sequence[int] = (48, 96, 192)):
        super().__init__()
        check_sizes(n_classes=n_classes, in_channels=in_channels)
        check_widths(widths, 3)
        n_values = in_channels * _PATCH**2
        self.register_buffer("whitening", _both_signs(torch.eye(n_values), in_channels))
        stages: list[nn.Module] = []
        channels = 2 * n_values
        for width in widths:
            stages.append(WhitenedStage(channels, width))
            channels = width
        self.stages = nn.Sequential(*stages)
        self.fc = nn.Linear(channels, n_classes, bias=False)
        self.n_features = channels

    @torch.no_grad()
    def reset_whitening(self, images: Tensor) -> None:
        """Compute the filters of the first layer from the patches of images.

        Parameters
        ----------
        images : Tensor of shape (n, in_channels, height, width)
            Normalised training images, of mean 0 and standard deviation 1; a
            thousand are enough.

        Raises
        ------
        ValueError
            If there are no images, their number of channels is another one, or
            they contain NaN or infinity.
        """
        channels = self.whitening.shape[1]
        if images.ndim != 4 or images.shape[1] != channels or not len(images):
            raise ValueError(
                f"images must be of shape (n, {channels}, height, width) with n > 0, got {tuple(images.shape)}."
            )
        second_moments = _second_moments(images)
        if not torch.isfinite(second_moments).all():
            raise ValueError("images contain NaN, infinity or values too large to be squared.")
        variances, directions = torch.linalg.eigh(second_moments)
        filters = (directions / (variances.clamp(min=0) + _FLOOR).sqrt()).T
        self.whitening.copy_(_both_signs(filters, channels))

    def features(self, x: Tensor) -> Tensor:
        """Return the final hidden vector, the input of the last layer.

        Parameters
        ----------
        x : Tensor of shape (n, in_channels, height, width)
            Normalised images.

        Returns
        -------
        Tensor of shape (n, n_features)
            The vector is pooled after a ReLU and therefore non-negative. It is
            scaled so that the first logits are small.
        """
        x = F.relu(F.conv2d(_at_least_a_patch(x), self.whitening))
        return self.stages(x).amax(dim=(2, 3)) * _LOGIT_SCALE

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


class WhitenedStage(nn.Module):
    """Two 3x3 convolutions with batch norm and ReLU; max pooling follows the first convolution."""

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        self.conv1 = _convolution(in_channels, width)
        self.bn1 = _shift_only(width)
        self.conv2 = _convolution(width, width)
        self.bn2 = _shift_only(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        # Pooling comes before batch norm and ReLU, so that they process a quarter of the map.
        x = F.max_pool2d(x, [min(2, side) for side in x.shape[2:]])
        return self.bn2(self.conv2(self.bn1(x)))


def _convolution(in_channels: int, width: int) -> nn.Conv2d:
    convolution = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
    nn.init.dirac_(convolution.weight[:in_channels])
    return convolution


def _shift_only(width: int) -> BatchNormReLU:
    norm = BatchNormReLU(width, momentum=_STATISTICS_MOMENTUM)
    norm.weight.requires_grad_(False)
    return norm


def _at_least_a_patch(x: Tensor) -> Tensor:
    """Add black pixels to images that are narrower than a patch."""
    height, width = x.shape[2:]
    missing = (max(0, _PATCH - width), max(0, _PATCH - height))
    return F.pad(x, (0, missing[0], 0, missing[1])) if any(missing) else x


def _both_signs(filters: Tensor, channels: int) -> Tensor:
    """Stack filters, given as rows, and their negatives into shape (2 * n, channels, 2, 2)."""
    return torch.cat([filters, -filters]).reshape(-1, channels, _PATCH, _PATCH)


def _second_moments(images: Tensor) -> Tensor:
    """Return the mean products of all pairs of values of a patch, float64 of (4 * channels, 4 * channels)."""
    images = _at_least_a_patch(images)
    size = images.shape[1] * _PATCH**2
    n_places = (images.shape[2] - 1) * (images.shape[3] - 1)
    total = torch.zeros(size, size, dtype=torch.float64, device=images.device)
    for block in images.split(max(1, _BLOCK_VALUES // (size * n_places))):
        patches = F.unfold(block, _PATCH).double().transpose(1, 2).reshape(-1, size)
        total += patches.T @ patches
    return total / (len(images) * n_places)
