"""Networks in plain PyTorch, each with ``features(x)`` beside its ``forward(x)``."""

from ._batch_norm_relu import BatchNormReLU
from ._headed import HeadedNetwork, find_head
from ._preact_resnet import PreActResNet, resolve_block
from ._vdcnn import VDCNN
from ._whitened_conv_net import WhitenedConvNet

__all__ = [
    "VDCNN",
    "BatchNormReLU",
    "HeadedNetwork",
    "PreActResNet",
    "WhitenedConvNet",
    "find_head",
    "resolve_block",
]
