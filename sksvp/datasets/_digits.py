"""The handwritten digits that come with scikit-learn, as images with a fixed split."""

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from ._bunch import split_bunch

_DESCR = """Handwritten digits, 1,797 grey images of 8 x 8 pixels, 10 classes

Training rows: 1,257; test rows: 540; drawn by class with a fixed seed. The images are those of
sklearn.datasets.load_digits, with their values 0 .. 16, as uint8.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
1998 (its test part).
"""


def load_digits() -> Bunch:
    """Load scikit-learn's handwritten digits as images, without a download.

    The values are 0 .. 16, and other work on these digits uses ``X / 16``. Our
    estimators normalise images themselves. The split is always the same: 30 % of
    each class are test rows.

    Returns
    -------
    Bunch
        - ``X_train`` : ndarray of shape (1257, 8, 8), uint8
        - ``y_train`` : ndarray of shape (1257,), int64
        - ``X_test`` : ndarray of shape (540, 8, 8), uint8
        - ``y_test`` : ndarray of shape (540,), int64
        - ``target_names`` : ndarray of shape (10,), str.
          Name of each label.
        - ``layout`` : str.
          The estimators' `layout` for these images.
        - ``DESCR`` : str

    Examples
    --------
    >>> from sksvp.datasets import load_digits
    >>> digits = load_digits()
    >>> digits.X_train.shape, digits.X_train.dtype
    ((1257, 8, 8), dtype('uint8'))
    """
    digits = datasets.load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.int64)
    X_train, X_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.3, stratify=labels, random_state=0
    )
    names = np.array([str(name) for name in digits.target_names])
    train, test = (X_train, y_train), (X_test, y_test)
    return split_bunch(train, test, target_names=names, layout="channels_last", DESCR=_DESCR)
