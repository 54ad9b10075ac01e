"""scikit-learn classifiers that train PyTorch networks through skorch."""

from ._resnet import ResNetClassifier
from ._torchvision import TorchvisionClassifier
from ._vdcnn import VDCNNClassifier

__all__ = ["ResNetClassifier", "TorchvisionClassifier", "VDCNNClassifier"]
