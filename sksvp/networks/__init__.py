"""Networks in plain PyTorch, each with ``features(x)`` beside its ``forward(x)``."""

from ._batch_norm_relu import BatchNormReLU
from ._headed import HeadedNetwork, find_head
from ._preact_resnet import PreActResNet, resolve_block
from ._vdcnn import VDCNN

__all__ = ["VDCNN", "BatchNormReLU", "HeadedNetwork", "PreActResNet", "find_head", "resolve_block"]
