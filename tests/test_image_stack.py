"""Images that come one by one, in lists, columns and tables, give what their stack gives."""

from collections import UserList

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from sksvp.estimators import ResNetClassifier
from sksvp.estimators._image_stack import stack_images

IMAGES = np.random.RandomState(0).randint(256, size=(20, 8, 8, 3), dtype=np.uint8)
y = np.arange(20) % 2


def objects(images):
    array = np.empty(len(images), dtype=object)
    array[:] = images
    return array


FORMS = {
    "list": list,
    "tuple": tuple,
    "sequence": UserList,
    "lists": lambda images: images.tolist(),
    "Pillow": lambda images: [Image.fromarray(image) for image in images],
    "column of Pillow": lambda images: UserList([Image.fromarray(image) for image in images]),
    "tensors": lambda images: [torch.from_numpy(image) for image in images],
    "tensor": torch.from_numpy,
    "objects": lambda images: objects(list(images)),
    "series": lambda images: pd.Series(list(images)),
    "table": lambda images: pd.DataFrame({"image": list(images)}),
    "masked without a mask": np.ma.array,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_stack(form):
    stacked = stack_images(FORMS[form](IMAGES))
    np.testing.assert_array_equal(stacked, IMAGES)
    assert stacked.dtype == (np.int64 if form == "lists" else np.uint8)


def test_a_network_takes_them_in_fit_and_predict():
    model = ResNetClassifier(depth=8, max_epochs=1, random_state=0, device="cpu")
    expected = model.fit(IMAGES, y).predict_logits(IMAGES)
    for form in ("column of Pillow", "series", "table"):
        X = FORMS[form](IMAGES)
        np.testing.assert_array_equal(model.fit(X, y).predict_logits(X), expected)


def test_modes_of_pillow_are_pixels_not_numbers_of_colours():
    palette = Image.fromarray(IMAGES[0]).convert("P")
    np.testing.assert_array_equal(stack_images([palette])[0], np.asarray(palette.convert("RGB")))
    grey = Image.fromarray(IMAGES[0, :, :, 0])
    np.testing.assert_array_equal(stack_images([grey])[0], IMAGES[0, :, :, 0])


def test_rows_of_numbers_stay_rows():
    rows = [[1, 2.5], [3, 4]]
    np.testing.assert_array_equal(stack_images(rows), np.array(rows))
    table = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    assert stack_images(table) is table
    assert stack_images([]).shape == (0,)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([*IMAGES[:-1], IMAGES[0][:4]], ValueError, r"image 19 has \(4, 8, 3\), the first one \(8, 8, 3\)"),
        (
            [Image.fromarray(IMAGES[0]), Image.fromarray(IMAGES[1]).convert("L")],
            ValueError,
            r"image 1 has \(8, 8\)",
        ),
        ([IMAGES[0], IMAGES[1] / 255], ValueError, "image 1 has float64, the first one uint8"),
        ([[1, 2], [3]], ValueError, r"image 1 has \(1,\), the first one \(2,\)"),
        ([[[1], [2, 3]]], ValueError, "row 0 has lists of different lengths"),
        (["a.png", "b.png"], TypeError, "row 0 is .*a.png.*ImageFolderRows"),
        (np.array(["a.png"]), TypeError, "row 0 is .*a.png.*ImageFolderRows"),
        (Image.fromarray(IMAGES[0]), ValueError, "several images, got one Image"),
        ("a.png", ValueError, "several images, got one str"),
        (np.ma.array(IMAGES, mask=IMAGES == 0), ValueError, "masked"),
        (
            pd.DataFrame({"name": [1, 2], "image": list(IMAGES[:2])}),
            ValueError,
            r"table of 2 columns: X\['image'\]",
        ),
    ],
)
def test_what_is_no_stack_names_the_row(X, error, message):
    with pytest.raises(error, match=message):
        stack_images(X)


def test_dates_are_no_pixels():
    dates = np.zeros((4, 8, 8), dtype="datetime64[s]")
    with pytest.raises(ValueError, match=r"pixels that are numbers, got the dtype datetime64\[s\]"):
        ResNetClassifier(depth=8).fit(dates, [0, 1, 0, 1])


@pytest.mark.parametrize("image_shape", [(1, 8.9, 8), (1, True, 8), (8, 8), ("1", "8", "8"), (1, -8, -8)])
def test_image_shapes_are_checked_before_the_data(image_shape):
    with pytest.raises(ValueError, match="image_shape"):
        ResNetClassifier(depth=8, image_shape=image_shape).check_params()
