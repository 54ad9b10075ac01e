import pickle
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset

from sksvp._torchvision import import_torchvision
from sksvp.datasets import from_torch

PIXELS = np.random.RandomState(0).randint(0, 256, (8, 6, 5, 3), dtype=np.uint8)
LABELS = [0, 1, 0, 1, 0, 1, 0, 1]


class Pairs(Dataset):
    """(image, label) pairs, and how often each row was asked for."""

    def __init__(self, images, labels=LABELS):
        self.images, self.labels = images, labels
        self.asked = []

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        self.asked.append(row)
        return self.images[row], self.labels[row]


def channels_first(pixels):
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())


@pytest.mark.parametrize(
    "images",
    [
        [Image.fromarray(image) for image in PIXELS],
        PIXELS,
        PIXELS.transpose(0, 3, 1, 2),
        channels_first(PIXELS),
        torch.from_numpy(PIXELS),
        channels_first(PIXELS).float() / 255,
        channels_first(PIXELS).double() / 255,
        PIXELS / 255,
        (PIXELS / 255).astype(np.float32),
    ],
    ids=[
        "pillow",
        "array",
        "array first",
        "tensor",
        "tensor last",
        "ToTensor",
        "double",
        "array 0-1",
        "float32 0-1",
    ],
)
def test_every_kind_of_image(images):
    X, y = from_torch(Pairs(images))
    assert X.shape == (8, 6, 5, 3)
    np.testing.assert_array_equal(np.asarray(X), PIXELS)
    np.testing.assert_array_equal(X[5], PIXELS[5])
    np.testing.assert_array_equal(X[[6, 1]].read([1]), PIXELS[[1]])
    np.testing.assert_array_equal(y, LABELS)


def test_floats_between_two_levels_go_to_the_nearer_one():
    X, _ = from_torch(Pairs([np.array([[0.0, 0.999, 1.0, 0.4 / 255, 0.6 / 255]])] * 8))
    assert X[0].ravel().tolist() == [0, 255, 255, 0, 1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_floats(dtype):
    X, _ = from_torch(Pairs(channels_first(PIXELS).float().div(255).to(dtype)))
    np.testing.assert_allclose(np.asarray(X).astype(int), PIXELS, atol=1)


@pytest.mark.parametrize(
    "images",
    [
        PIXELS[..., 0],
        torch.from_numpy(PIXELS[..., 0].copy()),
        torch.from_numpy(PIXELS[:, None, :, :, 0].copy()),
        [Image.fromarray(image) for image in PIXELS[..., 0]],
    ],
)
def test_grey_images_have_one_channel(images):
    X, _ = from_torch(Pairs(images))
    np.testing.assert_array_equal(np.asarray(X), PIXELS[..., :1])


def test_pillow_modes():
    rgba = np.concatenate([PIXELS, PIXELS[..., :1]], axis=3)
    X, _ = from_torch(Pairs([Image.fromarray(image, mode="RGBA") for image in rgba]))
    np.testing.assert_array_equal(np.asarray(X), rgba)
    X, _ = from_torch(Pairs([Image.fromarray(image).convert("CMYK") for image in PIXELS]))
    assert X.shape == (8, 6, 5, 3)
    with pytest.raises(ValueError, match="more than 8 bits"):
        from_torch(Pairs([Image.fromarray(np.zeros((4, 4), np.float32))] * 8))


def test_an_axis_that_could_be_channels_twice():
    """Tensors have channels first, arrays last."""
    square = np.arange(36, dtype=np.uint8).reshape(1, 3, 4, 3)
    X, _ = from_torch(Pairs(square, [0]))
    np.testing.assert_array_equal(X[0], square[0])
    X, _ = from_torch(Pairs(torch.from_numpy(square), [0]))
    np.testing.assert_array_equal(X[0], square[0].transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (torch.tensor(LABELS), LABELS),
        (np.array(LABELS, np.uint8), LABELS),
        (["cat", "dog"] * 4, ["cat", "dog"] * 4),
        ([True, False] * 4, [True, False] * 4),
    ],
)
def test_labels_become_plain_values(labels, expected):
    _, y = from_torch(Pairs(PIXELS, labels))
    assert type(y) is np.ndarray and y.tolist() == expected


# Labels without images ------------------------------------------------------------------------


def test_tensor_dataset_subset_and_concatenation():
    whole = TensorDataset(channels_first(PIXELS), torch.tensor(LABELS) + 5)
    joined = ConcatDataset([Subset(whole, [7, 0]), Subset(Subset(whole, [3, 4, 5]), [2, 0])])
    X, y = from_torch(joined)
    np.testing.assert_array_equal(np.asarray(X), PIXELS[[7, 0, 5, 3]])
    assert y.tolist() == [6, 5, 6, 6]


def test_subset_of_pairs_loads_its_labels():
    X, y = from_torch(Subset(Pairs(PIXELS), [3, 2]))
    np.testing.assert_array_equal(np.asarray(X), PIXELS[[3, 2]])
    assert y.tolist() == [1, 0]


def test_a_subclass_that_changes_labels_is_asked_for_them():
    class Flipped(TensorDataset):
        def __getitem__(self, row):
            image, label = super().__getitem__(row)
            return image, 1 - label

    _, y = from_torch(Flipped(channels_first(PIXELS), torch.tensor(LABELS)))
    assert y.tolist() == [1 - label for label in LABELS]


def test_torchvision_folder_labels_are_taken_without_images(tmp_path, monkeypatch):
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    import_torchvision()
    from torchvision.datasets import ImageFolder

    for number, label in enumerate(LABELS):
        (tmp_path / f"class{label}").mkdir(exist_ok=True)
        Image.fromarray(PIXELS[number]).save(tmp_path / f"class{label}" / f"{number}.png")
    dataset = ImageFolder(tmp_path)
    loaded = []
    load = dataset.loader
    dataset.loader = lambda path: loaded.append(path) or load(path)
    X, y = from_torch(dataset)
    assert y.tolist() == sorted(LABELS) and len(set(loaded)) < 8
    np.testing.assert_array_equal(X[0], PIXELS[0])
    _, y = from_torch(ImageFolder(tmp_path, target_transform=lambda label: 7 - label))
    assert y.tolist() == [7 - label for label in sorted(LABELS)]


# Lazy use -------------------------------------------------------------------------------------


def test_views_read_only_their_rows():
    dataset = Pairs(PIXELS)
    X, _ = from_torch(dataset)
    dataset.asked.clear()
    view = X[2:6][[True, False, False, True]]
    assert dataset.asked == []
    np.testing.assert_array_equal(np.asarray(view), PIXELS[[2, 5]])
    assert dataset.asked == [2, 5]


def test_threads_give_the_same():
    X, y = from_torch(Pairs(PIXELS), n_jobs=3)
    np.testing.assert_array_equal(np.asarray(X), PIXELS)
    assert y.tolist() == LABELS


def test_pickles_and_keys_by_content():
    X, _ = from_torch(TensorDataset(channels_first(PIXELS), torch.tensor(LABELS)))
    copy = pickle.loads(pickle.dumps(X))
    np.testing.assert_array_equal(np.asarray(copy), PIXELS)
    assert copy.content_key() == X.content_key() == from_torch(Pairs(PIXELS))[0].content_key()
    changed = PIXELS.copy()
    changed[7, 5, 4, 2] ^= 1
    assert from_torch(Pairs(changed))[0].content_key() != X.content_key()
    assert X[:4].content_key() != X.content_key()


def test_content_key_does_not_depend_on_blocks(monkeypatch):
    from sksvp.datasets import _torch

    X, _ = from_torch(Pairs(PIXELS))
    key = X.content_key()
    monkeypatch.setattr(_torch, "_BLOCK_ROWS", 3)
    assert X.content_key() == key


def test_cross_validation_of_a_pipeline():
    X, y = from_torch(
        Pairs(np.where(np.array(LABELS)[:, None, None, None], 255, PIXELS // 2).astype(np.uint8))
    )
    flatten = FunctionTransformer(lambda rows: np.asarray(rows).reshape(len(rows), -1))
    scores = cross_val_score(make_pipeline(flatten, KNeighborsClassifier(1)), X, y, cv=2)
    np.testing.assert_array_equal(scores, 1.0)


# Bad input ------------------------------------------------------------------------------------


def test_a_random_dataset_is_warned_about():
    class Random(Pairs):
        def __getitem__(self, row):
            return torch.rand(3, 4, 4), 0

    with pytest.warns(UserWarning, match="another image when a row is read again") as caught:
        from_torch(Random(PIXELS))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_torch(Pairs(PIXELS))


def test_iterable_and_empty_datasets():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter([])

    for dataset in (Stream(), object(), iter(PIXELS)):
        with pytest.raises(TypeError, match=r"dataset must be map-style.*" + type(dataset).__name__):
            from_torch(dataset)
    with pytest.raises(ValueError, match="dataset has no rows"):
        from_torch(Pairs([]))


@pytest.mark.parametrize(
    "sample", [PIXELS[0], (PIXELS[0],), (PIXELS[0], 0, 1), {"image": PIXELS[0], "label": 0}]
)
def test_rows_that_are_no_pairs(sample):
    with pytest.raises(TypeError, match=r"row 0 of the dataset must be a pair \(image, label\)"):
        from_torch([sample, sample])


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (torch.randn(3, 4, 4), ValueError, "expected are 0 to 1: leave normalisation to the estimator"),
        (np.full((4, 4), 255.0), ValueError, "from 255 to 255, expected are 0 to 1"),
        (torch.full((3, 4, 4), float("nan")), ValueError, "from nan to nan"),
        (torch.full((3, 4, 4), float("inf")), ValueError, "from inf to inf"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), ValueError, "is int64: expected are uint8"),
        (torch.zeros(5, 6, 7), ValueError, r"has shape \(5, 6, 7\): expected are two axes"),
        (torch.zeros(12), ValueError, r"has shape \(12,\)"),
        ("a.png", TypeError, "has a str where a Pillow image"),
    ],
)
def test_images_that_are_none(image, error, message):
    with pytest.raises(error, match=message):
        from_torch(Pairs([image] * 8))


def test_images_of_different_size_are_named():
    images = [*PIXELS[:6], PIXELS[6, :5], PIXELS[7]]
    with pytest.raises(
        ValueError, match=r"image 6 of the dataset has .* = \(5, 5, 3\), the first one \(6, 5, 3\)"
    ):
        np.asarray(from_torch(Pairs(images))[0])


def test_labels_that_are_no_single_values():
    with pytest.raises(ValueError, match=r"row 0 of the dataset has a label of shape \(2,\)"):
        from_torch(Pairs(PIXELS, np.eye(2)[LABELS]))


def test_n_jobs_zero():
    with pytest.raises(ValueError, match="n_jobs"):
        from_torch(Pairs(PIXELS), n_jobs=0)
