"""Loaders of images and texts that return a scikit-learn Bunch, and lazy rows from torch datasets."""

from ._arrays import load_arrays
from ._cifar import load_cifar10, load_cifar100
from ._digits import load_digits
from ._image_folder import ImageFolderRows, load_image_folder
from ._label_prefix import is_label_prefix_file as is_label_prefix_file
from ._label_prefix import load_label_prefix
from ._mnist import load_mnist
from ._reviews import (
    load_ag_news,
    load_amazon_review_full,
    load_amazon_review_polarity,
    load_dbpedia,
    load_imdb,
    load_yahoo_answers,
    load_yelp_review_full,
    load_yelp_review_polarity,
)

# With a name repeated: for other packages, and no part of the public interface.
from ._text_csv import is_text_csv as is_text_csv
from ._text_csv import load_text_csv
from ._torch import TorchDatasetRows, from_torch

__all__ = [
    "ImageFolderRows",
    "TorchDatasetRows",
    "from_torch",
    "load_ag_news",
    "load_amazon_review_full",
    "load_amazon_review_polarity",
    "load_arrays",
    "load_cifar10",
    "load_cifar100",
    "load_dbpedia",
    "load_digits",
    "load_image_folder",
    "load_imdb",
    "load_label_prefix",
    "load_mnist",
    "load_text_csv",
    "load_yahoo_answers",
    "load_yelp_review_full",
    "load_yelp_review_polarity",
]
