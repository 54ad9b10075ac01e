import numpy as np
from sklearn import datasets as sklearn_datasets

from sksvp.datasets import load_digits


def test_every_digit_is_there_once_with_its_label():
    digits = load_digits()
    original = sklearn_datasets.load_digits()

    def rows(images, labels):
        return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))

    found = rows(
        np.concatenate([digits.X_train, digits.X_test]), np.concatenate([digits.y_train, digits.y_test])
    )
    assert found == rows(original.images.astype(np.uint8), original.target)


def test_layout():
    digits = load_digits()
    assert digits.X_train.shape == (1257, 8, 8) and digits.X_test.shape == (540, 8, 8)
    assert digits.X_train.dtype == digits.X_test.dtype == np.uint8
    assert digits.y_train.dtype == np.int64
    assert list(digits.target_names[digits.y_train[:3]]) == [str(label) for label in digits.y_train[:3]]
    assert digits.layout == "channels_last" and "540" in digits.DESCR


def test_split_is_by_class_and_always_the_same():
    first, second = load_digits(), load_digits()
    np.testing.assert_array_equal(first.X_test, second.X_test)
    shares = np.bincount(first.y_test) / (np.bincount(first.y_test) + np.bincount(first.y_train))
    np.testing.assert_allclose(shares, 0.3, atol=0.005)
