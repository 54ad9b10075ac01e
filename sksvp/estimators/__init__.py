"""scikit-learn classifiers: PyTorch networks trained through skorch, and linear models of texts."""

from .._epoch_tests import measuring_test_error
from ._bag_of_ngrams import BagOfNgramsClassifier
from ._fasttext import FastTextClassifier
from ._resnet import ResNetClassifier
from ._torchvision import TorchvisionClassifier
from ._vdcnn import VDCNNClassifier
from ._whitened_conv_net import WhitenedConvNetClassifier

__all__ = [
    "BagOfNgramsClassifier",
    "FastTextClassifier",
    "ResNetClassifier",
    "TorchvisionClassifier",
    "VDCNNClassifier",
    "WhitenedConvNetClassifier",
    "measuring_test_error",
]
