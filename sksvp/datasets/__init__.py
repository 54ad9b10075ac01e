"""Loaders of image sets, each one line to a scikit-learn Bunch, and lazy rows from torch datasets."""

from ._arrays import load_arrays
from ._cifar import load_cifar10, load_cifar100
from ._digits import load_digits
from ._image_folder import ImageFolderRows, load_image_folder
from ._torch import TorchDatasetRows, from_torch

__all__ = [
    "ImageFolderRows",
    "TorchDatasetRows",
    "from_torch",
    "load_arrays",
    "load_cifar10",
    "load_cifar100",
    "load_digits",
    "load_image_folder",
]
