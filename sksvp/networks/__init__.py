"""Networks in plain PyTorch, each with ``features(x)`` beside its ``forward(x)``."""

from ._batch_norm_relu import BatchNormReLU
from ._headed import HeadedNetwork, find_head

# With a name repeated: for other packages, and no part of the public interface.
from ._headed import logits_and_features as logits_and_features
from ._headed import watch_features as watch_features
from ._nested import load_nested as load_nested
from ._preact_resnet import PreActResNet, resolve_block
from ._sizes import check_sizes as check_sizes
from ._sizes import check_widths as check_widths
from ._sizes import is_size as is_size
from ._vdcnn import POOLINGS as POOLINGS
from ._vdcnn import VDCNN
from ._vdcnn import check_depth as check_depth
from ._vdcnn import min_length as min_length
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
