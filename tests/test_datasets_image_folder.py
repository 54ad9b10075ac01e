import os
import pickle
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.model_selection import train_test_split
from test_cli import run

from sksvp import ProxyActiveLearner
from sksvp._storage._run_mark import mark_run_folder
from sksvp.datasets import ImageFolderRows, _image_folder, load_image_folder
from sksvp.datasets._pixels import centre_square, read_image
from sksvp.datasets._threads import thread_map
from sksvp.estimators import ResNetClassifier
from sksvp.training._batches import ShuffledBatches, TrainingRows


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def noise(*shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape, dtype=np.uint8)


def read_middle(path, size, crop_fraction):
    return read_image(path, size, lambda whole: centre_square(whole, crop_fraction))


@pytest.fixture
def root(tmp_path):
    """Two classes of 3 training and 2 validation images, all 8 x 8 PNGs: pixels survive exactly."""
    for split, count in (("train", 3), ("val", 2)):
        for label, name in enumerate(("cat", "dog")):
            for number in range(count):
                save(tmp_path / split / name / f"{number}.png", noise(8, 8, 3, seed=10 * label + number))
    return tmp_path


def test_layout(root):
    bunch = load_image_folder(root, image_size=8)
    assert isinstance(bunch.X_train, ImageFolderRows)
    assert bunch.X_train.shape == (6, 8, 8, 3) and bunch.X_test.shape == (4, 8, 8, 3)
    assert bunch.y_train.tolist() == [0, 0, 0, 1, 1, 1] and bunch.y_train.dtype == np.int64
    assert list(bunch.target_names) == ["cat", "dog"]
    assert list(bunch.filenames_train) == [f"train/{c}/{k}.png" for c in ("cat", "dog") for k in range(3)]
    assert bunch.filenames_test[3] == "val/dog/1.png"
    assert bunch.skipped == [] and bunch.layout == "channels_last" and "Training rows: 6" in bunch.DESCR


def test_pixels_of_images_that_fit_are_exact(root):
    X = load_image_folder(str(root), image_size=8).X_train
    np.testing.assert_array_equal(X[4], noise(8, 8, 3, seed=11))
    expected = np.stack([noise(8, 8, 3, seed=seed) for seed in (12, 0, 0)])
    np.testing.assert_array_equal(X.read([5, 0, 0]), expected)
    np.testing.assert_array_equal(np.asarray(X)[[5, 0, 0]], expected)


def test_nothing_is_decoded_before_it_is_read(root, monkeypatch):
    def refuse(*_):
        raise RuntimeError("decoded")

    monkeypatch.setattr(_image_folder, "read_image", refuse)
    X = load_image_folder(root, image_size=8).X_train
    view = X[[2, 1]][:1]
    with pytest.raises(RuntimeError, match="decoded"):
        view.read([0])


def test_paths_follow_views_and_pickles(root):
    X = load_image_folder(root, image_size=8).X_train
    view = pickle.loads(pickle.dumps(X[[4, 0]]))
    assert view.paths == [str(root / "train" / "dog" / "1.png"), str(root / "train" / "cat" / "0.png")]
    np.testing.assert_array_equal(np.asarray(view), X.read([4, 0]))


def test_rows_survive_a_change_of_the_working_folder(root, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(root.parent)
    X = load_image_folder(root.name, image_size=8).X_train
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    np.testing.assert_array_equal(X[0], noise(8, 8, 3, seed=0))


def test_scikit_learn_splits_it(root):
    bunch = load_image_folder(root, image_size=8)
    X_train, X_test, y_train, _ = train_test_split(bunch.X_train, bunch.y_train, random_state=0)
    assert isinstance(X_train, ImageFolderRows) and len(X_train) == len(y_train)
    np.testing.assert_array_equal(
        [f"{'cat' if label == 0 else 'dog'}" in p for p, label in zip(X_train.paths, y_train, strict=True)],
        True,
    )
    assert len(X_test) == 2


def test_test_folder_goes_before_val_and_both_may_be_missing(root):
    save(root / "test" / "dog" / "7.png", noise(8, 8, 3, seed=7))
    with pytest.warns(UserWarning, match=r"val is not read: .*test has the test rows") as caught:
        assert load_image_folder(root, image_size=8).filenames_test.tolist() == ["test/dog/7.png"]
    assert caught[0].filename == __file__
    (root / "test" / "dog" / "7.png").rename(root / "test" / "unlabelled.png")
    (root / "test" / "dog").rmdir()
    assert len(load_image_folder(root, image_size=8).y_test) == 4
    (root / "val").rename(root / "other")
    bunch = load_image_folder(root, image_size=8)
    assert bunch.X_test is None and bunch.y_test is None and bunch.filenames_test is None


def test_inner_folders_other_files_and_links(root, tmp_path_factory):
    save(root / "train" / "cat" / "deep" / "er" / "9.PNG", noise(8, 8, 3, seed=9))
    outside = tmp_path_factory.mktemp("outside") / "6.png"
    save(outside, noise(8, 8, 3, seed=6))
    (root / "train" / "cat" / "link.png").symlink_to(outside)
    for name in (".hidden.png", "notes.txt", "Thumbs.db"):
        (root / "train" / "cat" / name).write_bytes(b"no image")
    (root / "train" / ".cache").mkdir()
    (root / "train" / "cat" / "linked").symlink_to(outside.parent)
    bunch = load_image_folder(root, image_size=8)
    names = [
        f"train/cat/{name}"
        for name in ("0.png", "1.png", "2.png", "deep/er/9.PNG", "link.png", "linked/6.png")
    ]
    assert bunch.filenames_train[:6].tolist() == names
    np.testing.assert_array_equal(
        bunch.X_train.read([3, 4]), [noise(8, 8, 3, seed=9), noise(8, 8, 3, seed=6)]
    )


# The clean view -------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(8, 14), (15, 8), (8, 8)])
def test_the_middle_square_is_given(tmp_path, height, width):
    pixels = noise(height, width, 3)
    save(tmp_path / "a.png", pixels)
    top, left = (height - 8) // 2, (width - 8) // 2
    expected = pixels[top : top + 8, left : left + 8]
    if (height, width) == (15, 8):
        # The middle of an odd rest lies between two rows of pixels.
        expected = np.rint((pixels[3:11].astype(float) + pixels[4:12]) / 2)
    np.testing.assert_allclose(read_middle(tmp_path / "a.png", 8, 1.0).astype(int), expected, atol=1)


def test_crop_fraction_is_of_the_shorter_side(tmp_path):
    assert centre_square((400, 256), 224 / 256) == (88.0, 16.0, 312.0, 240.0)
    pixels = noise(16, 20, 3)
    save(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_middle(tmp_path / "a.png", 8, 0.5), pixels[4:12, 6:14])


def test_a_window_is_cut_from_the_whole_image(tmp_path):
    pixels = noise(16, 40, 3)
    save(tmp_path / "a.png", pixels)
    rows = ImageFolderRows(tmp_path, ["a.png", "a.png"], image_size=8, crop_fraction=0.5)[::-1]
    seen = []

    def choose(index, size):
        seen.append((index, size))
        return (32 * index, 4, 32 * index + 8, 12)

    left, right = rows.read_windows([0, 1], choose)
    np.testing.assert_array_equal(left, pixels[4:12, :8])
    np.testing.assert_array_equal(right, pixels[4:12, 32:])
    assert sorted(seen) == [(0, (40, 16)), (1, (40, 16))]


@pytest.mark.parametrize("side", [64, 256])
def test_a_jpeg_is_decoded_at_the_size_that_the_window_needs(tmp_path, monkeypatch, side):
    across, down = np.meshgrid(np.linspace(0, 255, 512), np.linspace(0, 255, 512))
    save(tmp_path / "a.jpg", np.stack([across, down, down], axis=2).astype(np.uint8), quality=95)
    decoded = []
    resize = Image.Image.resize

    def watched(image, *args, **kwargs):
        decoded.append(image.size)
        return resize(image, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "resize", watched)
    window = read_image(tmp_path / "a.jpg", 16, lambda size: (128, 256, 128 + side, 256 + side))
    assert decoded == [(512 * 32 // side,) * 2]
    np.testing.assert_allclose(window[0, [0, -1], 0], [64, 64 + side / 2], atol=side / 16)
    np.testing.assert_allclose(window[[0, -1], 0, 1], [128, 128 + side / 2], atol=side / 16)


class _NoShuffle(np.random.RandomState):
    def permutation(self, x):
        return np.arange(x)


def batches_of(X, augment, seed=0):
    """Return the inputs of two epochs of training on X, as pixels again, one array each."""
    classifier = ResNetClassifier(depth=8, augment=augment)
    X = classifier._validate(X, reset=True)
    rows = TrainingRows(classifier._rows(X), np.zeros(len(X)))
    view = classifier._training_view(X, np.random.RandomState(0))
    batches = ShuffledBatches(
        rows, batch_size=4, random_state=_NoShuffle(seed), prepare=view, device=torch.device("cpu")
    )
    form = classifier.format_
    return [
        torch.cat([batch["inputs"] for batch, _ in batches]).permute(0, 2, 3, 1).numpy() * form.std
        + form.mean
        for _ in range(2)
    ]


def test_training_sees_all_of_a_photo_and_scoring_the_middle(tmp_path):
    # 4:3, and bright where the middle square, and what scaling mixes into it, does not reach.
    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[:, :2] = pixels[:, -2:] = 255
    for number in range(40):
        save(tmp_path / "train" / "ab"[number % 2] / f"{number}.png", pixels)
    X = load_image_folder(tmp_path, image_size=8, n_jobs=2).X_train
    assert not np.asarray(X).any()
    first, second = batches_of(X, ["resized-crop"])
    assert first.shape == (40, 8, 8, 3)
    assert (first.max(axis=(1, 2, 3)) > 0).mean() > 0.3
    assert (first != second).any()
    again = batches_of(X, ["resized-crop"])
    np.testing.assert_array_equal([first, second], again)
    assert not np.array_equal(batches_of(X, ["resized-crop"], seed=1)[0], first)


def test_without_a_resized_crop_training_sees_the_middle_too(tmp_path):
    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[:, :2] = pixels[:, -2:] = 255
    for number in range(4):
        save(tmp_path / "train" / "ab"[number % 2] / f"{number}.png", pixels)
    X = load_image_folder(tmp_path, image_size=8).X_train
    assert not np.any(batches_of(X, ["flip"]))


def test_windows_are_those_of_the_rows_whatever_their_batch(tmp_path):
    for number in range(6):
        save(tmp_path / "train" / "ab"[number % 2] / f"{number}.png", noise(24, 32, 3, seed=number))
    X = load_image_folder(tmp_path, image_size=8).X_train
    classifier = ResNetClassifier(depth=8, augment=["resized-crop"])
    classifier._validate(X, reset=True)
    read = classifier._reader_anew(X)(7)
    np.testing.assert_array_equal(read(np.arange(6))[[4, 1]], read(np.array([4, 1])))
    assert not np.array_equal(classifier._reader_anew(X)(8)(np.arange(6)), read(np.arange(6)))


def test_rows_of_a_folder_train_with_resized_crops_to_the_same_network(tmp_path):
    for number in range(12):
        save(tmp_path / "train" / "ab"[number % 2] / f"{number}.png", noise(24, 32, 3, seed=number))
    bunch = load_image_folder(tmp_path, image_size=8)
    classifier = ResNetClassifier(depth=8, augment=["resized-crop", "flip"], max_epochs=2, batch_size=4)
    one, two = (
        classifier.set_params(random_state=3).fit(bunch.X_train, bunch.y_train).predict_logits(bunch.X_train)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)
    whole = classifier.fit(np.asarray(bunch.X_train), bunch.y_train).predict_logits(bunch.X_train)
    assert not np.array_equal(one, whole)


def test_scaling_averages_all_source_pixels(tmp_path):
    checks = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(200)
    save(tmp_path / "a.png", checks.astype(np.uint8))
    np.testing.assert_allclose(read_middle(tmp_path / "a.png", 8, 1.0), 100, atol=2)


def test_a_large_jpeg_decoded_at_a_part_of_its_size_looks_the_same(tmp_path):
    across, down = np.meshgrid(np.linspace(0, 255, 900), np.linspace(0, 255, 800))
    pixels = np.stack([across, down, 255 - across], axis=2).astype(np.uint8)
    save(tmp_path / "a.jpg", pixels, quality=95)
    save(tmp_path / "a.png", pixels)
    from_jpeg, exact = (read_middle(tmp_path / f"a.{kind}", 32, 1.0).astype(int) for kind in ("jpg", "png"))
    assert np.abs(from_jpeg - exact).max() <= 4


def test_a_jpeg_of_twice_the_size_is_decoded_whole(tmp_path):
    save(tmp_path / "a.jpg", noise(64, 64, 3), quality=95)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_middle(tmp_path / "a.jpg", 32, 1.0), read_middle(tmp_path / "a.png", 32, 1.0)
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_other_modes_become_rgb(tmp_path, mode):
    image = Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).convert(mode)
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "YCbCr") else "a.png")
    image.save(path)
    np.testing.assert_allclose(read_middle(path, 8, 1.0), 255, atol=3)


def test_a_palette_with_transparency_gives_no_warning(tmp_path):
    image = Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).convert("P")
    image.save(tmp_path / "a.png", transparency=bytes([0, 128]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_middle(tmp_path / "a.png", 8, 1.0).shape == (8, 8, 3)


def test_the_cameras_orientation_is_applied(tmp_path):
    pixels = noise(8, 8, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was turned: rotate by 90 degrees clockwise to see it upright.
    save(tmp_path / "a.png", pixels, exif=exif)
    np.testing.assert_array_equal(read_middle(tmp_path / "a.png", 8, 1.0), np.rot90(pixels, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_and_a_jpeg_decoded_at_a_part_of_its_size(tmp_path, orientation):
    across, down = np.meshgrid(np.linspace(0, 255, 96), np.linspace(0, 255, 160))
    upright = np.stack([across, down, 255 - across], axis=2).astype(np.uint8)
    # What a camera stores, so that the orientation makes it upright.
    stored = [
        upright,
        upright[:, ::-1],
        upright[::-1, ::-1],
        upright[::-1],
        upright.transpose(1, 0, 2),
        np.rot90(upright),
        np.rot90(upright, 2).transpose(1, 0, 2),
        np.rot90(upright, -1),
    ][orientation - 1]
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "a.jpg", np.ascontiguousarray(stored), quality=95, exif=exif)
    save(tmp_path / "a.png", upright)
    turned, expected = (read_middle(tmp_path / f"a.{kind}", 8, 1.0).astype(int) for kind in ("jpg", "png"))
    assert np.abs(turned - expected).max() <= 6


@pytest.mark.parametrize("pixels", [np.zeros((8, 8), np.uint16), np.zeros((8, 8), np.float32)])
def test_deep_pixels_are_refused_rather_than_clipped(root, pixels):
    save(root / "train" / "cat" / "deep.tiff", pixels)
    with pytest.raises(ValueError, match=r"deep\.tiff cannot be read.*more than 8 bits"):
        load_image_folder(root)


# Unreadable images ----------------------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[:-60])


def test_a_file_that_is_no_image_is_named_when_loading(root):
    (root / "val" / "dog" / "1.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"dog/1\.png cannot be read as an image"):
        load_image_folder(root)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_image_cut_short_is_named_when_read(root, n_jobs):
    cut(root / "train" / "dog" / "1.png")
    X = load_image_folder(root, image_size=8, n_jobs=n_jobs).X_train
    assert X.read([0, 5]).shape == (2, 8, 8, 3)
    with pytest.raises(ValueError, match=r"dog/1\.png cannot be read as an image"):
        X.read(range(6))


def test_a_file_that_went_away_is_named(root):
    X = load_image_folder(root, image_size=8).X_train
    (root / "train" / "cat" / "2.png").unlink()
    with pytest.raises(ValueError, match=r"cat/2\.png cannot be read"):
        X[2]


def test_unreadable_images_are_skipped_and_reported(root):
    cut(root / "train" / "dog" / "1.png")
    (root / "train" / "cat" / "0.png").write_bytes(b"")
    cut(root / "val" / "cat" / "0.png")
    with pytest.warns(UserWarning, match=r"3 unreadable images were skipped: train/cat/0.png") as caught:
        bunch = load_image_folder(root, image_size=8, on_error="skip")
    assert caught[0].filename == __file__
    assert [name for name, _ in bunch.skipped] == ["train/cat/0.png", "train/dog/1.png", "val/cat/0.png"]
    assert all(name.split("/")[-1] in reason for name, reason in bunch.skipped)
    assert bunch.y_train.tolist() == [0, 0, 1, 1] and bunch.y_test.tolist() == [0, 1, 1]
    assert bunch.filenames_train.tolist() == [
        f"train/{name}" for name in ("cat/1.png", "cat/2.png", "dog/0.png", "dog/2.png")
    ]
    np.testing.assert_array_equal(bunch.X_train[2], noise(8, 8, 3, seed=10))
    assert len(np.asarray(bunch.X_test)) == 3


def test_nothing_to_skip_gives_no_warning(root):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_image_folder(root, image_size=8, on_error="skip").skipped == []


def test_a_failing_machine_is_no_unreadable_image(root, monkeypatch):
    def fail(*_, **__):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(OSError, match="Too many open files"):
        load_image_folder(root, on_error="skip")


# Other layouts --------------------------------------------------------------------------------


@pytest.fixture
def plain(tmp_path):
    """Two classes of 2 images, without a folder of training rows."""
    for label, name in enumerate(("dog", "cat")):
        for number in range(2):
            save(tmp_path / "pets" / name / f"{number}.png", noise(8, 8, 3, seed=10 * label + number))
    return tmp_path / "pets"


def test_class_folders_alone_are_training_rows(plain):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bunch = load_image_folder(plain, image_size=8)
    assert bunch.filenames_train.tolist() == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]
    assert (bunch.y_train.tolist(), list(bunch.target_names)) == ([0, 0, 1, 1], ["cat", "dog"])
    assert (bunch.X_test, bunch.y_test, bunch.filenames_test) == (None, None, None)
    np.testing.assert_array_equal(bunch.X_train[2], noise(8, 8, 3, seed=0))
    assert "test rows: 0; 2 classes" in bunch.DESCR


@pytest.mark.parametrize("name", ["test", "val", "valid", "validation"])
@pytest.mark.parametrize("train", ["train", "."])
def test_names_of_test_folders(plain, train, name):
    if train == "train":
        (plain / "train").mkdir()
        for label in ("dog", "cat"):
            (plain / label).rename(plain / "train" / label)
    save(plain / name / "dog" / "0.png", noise(8, 8, 3, seed=7))
    bunch = load_image_folder(plain, image_size=8)
    assert bunch.filenames_test.tolist() == [f"{name}/dog/0.png"]
    assert (bunch.y_test.tolist(), bunch.y_train.tolist()) == ([1], [0, 0, 1, 1])
    np.testing.assert_array_equal(bunch.X_test[0], noise(8, 8, 3, seed=7))


def test_a_test_folder_without_classes_is_told_of_and_is_no_class(plain):
    save(plain / "test" / "0.png", noise(8, 8, 3))
    with pytest.warns(UserWarning, match="test has no class folders: it gives no test rows"):
        bunch = load_image_folder(plain, image_size=8)
    assert (list(bunch.target_names), bunch.X_test) == (["cat", "dog"], None)


def test_images_beside_class_folders_are_told_of(plain):
    save(plain / "0.png", noise(8, 8, 3))
    with pytest.warns(UserWarning, match="1 images beside the class folders"):
        assert len(load_image_folder(plain, image_size=8).y_train) == 4


@pytest.mark.parametrize("name", ["training", "Train", "TEST", "testing", "Validation"])
def test_other_names_of_splits_are_no_classes(root, plain, name):
    (plain / name).mkdir()
    with pytest.raises(ValueError, match=f"{name} has the name of neither a class nor a split"):
        load_image_folder(plain)
    if name != "Train":
        (root / name).mkdir()
        with pytest.warns(UserWarning, match=f"{name} is not read: expected are train/<class>"):
            assert len(load_image_folder(root, image_size=8).y_train) == 6


def test_a_folder_of_data_sets_is_refused(root):
    (root / "set").mkdir()
    (root / "train").rename(root / "set" / "train")
    (root / "val").rename(root / "set" / "val")
    with pytest.raises(ValueError, match=r"holds set/train: is root=.*set' meant"):
        load_image_folder(root)


@pytest.mark.parametrize("inner", [".", "train"])
def test_images_alone_are_a_pool_without_labels(tmp_path, inner):
    for number in range(3):
        save(tmp_path / inner / f"{number}.png", noise(8, 8, 3, seed=number))
    (tmp_path / inner / "notes.txt").write_bytes(b"no image")
    bunch = load_image_folder(tmp_path, image_size=8)
    prefix = "" if inner == "." else "train/"
    assert bunch.filenames_train.tolist() == [f"{prefix}{number}.png" for number in range(3)]
    np.testing.assert_array_equal(bunch.X_train[2], noise(8, 8, 3, seed=2))
    assert (bunch.y_train, bunch.X_test, bunch.y_test, len(bunch.target_names)) == (None, None, None, 0)
    assert "no labels" in bunch.DESCR
    cut(tmp_path / inner / "1.png")
    with pytest.warns(UserWarning, match="1 unreadable images were skipped"):
        bunch = load_image_folder(tmp_path, image_size=8, on_error="skip")
    assert (len(bunch.X_train), len(bunch.filenames_train), bunch.y_train) == (2, 2, None)
    save(tmp_path / "test" / "cat" / "0.png", noise(8, 8, 3))
    with pytest.warns(UserWarning, match="test is not read: the training rows have no classes"):
        load_image_folder(tmp_path, image_size=8, on_error="skip")


def test_a_pool_without_labels_is_learned_from(tmp_path):
    for number in range(12):
        save(tmp_path / f"{number:02}.png", noise(8, 8, 3, seed=number))
    X = load_image_folder(tmp_path, image_size=8).X_train
    proxy = ResNetClassifier(8, max_epochs=1, batch_size=4, device="cpu")
    learner = ProxyActiveLearner(proxy, random_state=0).fit(X, np.full(len(X), None))
    first = learner.query(4)
    learner.teach(first, ["cat", "dog", "cat", "dog"])
    assert len(set(first) | set(learner.query(4))) == 8


def test_folders_on_the_command_line(plain, tmp_path):
    save(plain / "val" / "0.png", noise(8, 8, 3))
    options = ["--image-size", 8, "--proxy", "resnet8", "--epochs", 1, "--device", "cpu", "--only-select"]
    command = ["coreset", "--dataset", "folder", *options, "--data-dir"]
    with pytest.warns(UserWarning, match="val has no class folders"):
        result = run(*command, plain, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    result = run(*command, plain / "cat", "--out", tmp_path / "other")
    assert (result.exit_code, "needs their labels" in " ".join(result.output.split())) == (2, True)


def test_missing_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"root=.*nowhere"):
        load_image_folder(tmp_path / "nowhere")
    for folder in (tmp_path, tmp_path / "train"):
        folder.mkdir(exist_ok=True)
        with pytest.raises(ValueError, match=r"root=.*no images.*train/<class>/\* or <class>/\*"):
            load_image_folder(tmp_path)


def test_a_class_without_images_is_named(root):
    (root / "train" / "empty").mkdir()
    with pytest.raises(ValueError, match=r"classes without a readable image.*empty"):
        load_image_folder(root)


def test_a_class_whose_images_are_all_skipped_is_named(root):
    for path in (root / "train" / "dog").iterdir():
        cut(path)
    with pytest.raises(ValueError, match=r"classes without a readable image.*dog"):
        load_image_folder(root, on_error="skip")


def test_test_rows_of_unknown_classes_are_named(root):
    save(root / "val" / "bird" / "0.png", noise(8, 8, 3))
    with pytest.raises(ValueError, match=r"val has classes that .*train lacks: bird"):
        load_image_folder(root)


def test_an_empty_test_split(root):
    for path in (root / "val").rglob("*.png"):
        path.unlink()
    with pytest.raises(ValueError, match="val has no readable image"):
        load_image_folder(root)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", 0),
        ("image_size", 8.0),
        ("crop_fraction", 0.0),
        ("crop_fraction", 1.5),
        ("on_error", "ignore"),
        ("n_jobs", 0),
        ("n_jobs", "all"),
        ("n_jobs", True),
        ("n_jobs", float("nan")),
        ("image_size", True),
        ("crop_fraction", True),
        ("root", 3),
    ],
)
def test_parameters_are_checked(root, name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        load_image_folder(**{"root": root, name: value})
    if name != "on_error":
        with pytest.raises((ValueError, TypeError), match=name):
            ImageFolderRows(**{"root": root, "files": ["a.png"], name: value})


def test_home_folder(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.setenv("USERPROFILE", str(root.parent))
    assert len(load_image_folder(f"~/{root.name}", image_size=8).X_train) > 0


@pytest.mark.parametrize(
    "window", [None, (0, 0, 8), (0, 0, 9, 8), (4, 0, 4, 8), (0, 0, float("nan"), 8), (-1, 0, 4, 8)]
)
def test_windows_that_a_function_must_not_choose(window, tmp_path):
    save(tmp_path / "a.png", noise(8, 8, 3))
    rows = ImageFolderRows(tmp_path, ["a.png"], image_size=8)
    with pytest.raises((ValueError, TypeError), match="choose must return a window"):
        rows.read_windows([0], lambda row, size: window)


def test_an_error_of_the_function_that_chooses_is_its_own(tmp_path):
    save(tmp_path / "a.png", noise(8, 8, 3))

    def choose(row, size):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ImageFolderRows(tmp_path, ["a.png"], image_size=8).read_windows([0], choose)


@pytest.mark.parametrize(
    "folder",
    [
        "__pycache__",
        "#recycle/cat",
        "_gsdata_",
        "mlruns/0",
        "wandb/run",
        "mine.egg-info",
        "venv/lib",
        "lightning_logs/a",
    ],
)
def test_folders_of_systems_and_tools(folder, root):
    for place in ("train", "val", "train/cat", "."):
        save(root / place / folder / "0.png", noise(8, 8, 3))
    bunch = load_image_folder(root, image_size=8)
    assert bunch.target_names.tolist() == ["cat", "dog"]
    assert (np.bincount(bunch.y_train).tolist(), np.bincount(bunch.y_test).tolist()) == ([3, 3], [2, 2])


def test_links_to_images_that_are_read_anyway(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    save(outside / "a.png", noise(8, 8, 3))
    cat = root / "train" / "cat"
    (cat / "same.png").symlink_to("0.png")
    (cat / "dog.png").symlink_to("../dog/0.png")
    (cat / "loop.png").symlink_to("loop.png")
    (cat / "nowhere.png").symlink_to("gone.png")
    (cat / "other.png").symlink_to(outside / "a.png")
    bunch = load_image_folder(root, image_size=8)
    assert bunch.filenames_train.tolist() == [
        *(f"train/cat/{name}.png" for name in ("0", "1", "2", "other")),
        *(f"train/dog/{name}.png" for name in range(3)),
    ]


def test_test_rows_that_link_to_the_training_rows(root, tmp_path_factory):
    linked = tmp_path_factory.mktemp("linked")
    (linked / "train").symlink_to(root / "train")
    (linked / "val").symlink_to("train")
    with pytest.warns(UserWarning, match="val is a link to the training rows and is not read"):
        assert load_image_folder(linked, image_size=8).X_test is None


@pytest.mark.parametrize("wrapped", ["images", "data/data", "data/images"])
def test_a_folder_around_the_class_folders(wrapped, tmp_path):
    for name in ("cat", "dog"):
        save(tmp_path / wrapped / name / "0.png", noise(8, 8, 3))
    first = wrapped.partition("/")[0]
    with pytest.raises(ValueError, match=f"is root='.*{first}' meant"):
        load_image_folder(tmp_path, image_size=8)


def test_classes_that_look_alike(tmp_path):
    for name in ("cat", "caf\u00e9", "cafe\u0301"):
        save(tmp_path / name / "0.png", noise(8, 8, 3))
    with pytest.warns(UserWarning, match="look alike, but are two classes"):
        load_image_folder(tmp_path, image_size=8)


def test_an_empty_folder_among_the_test_rows_is_no_class(root):
    (root / "val" / "bird").mkdir()
    assert len(load_image_folder(root, image_size=8).X_test) == 4


# Keys and threads -----------------------------------------------------------------------------


def test_content_key_follows_the_files(root):
    def load(**options):
        return load_image_folder(root, **{"image_size": 8, **options}).X_train

    X = load()
    key = X.content_key()
    assert load(n_jobs=2).content_key() == key
    assert load(image_size=9).content_key() != key
    assert load(crop_fraction=0.5).content_key() != key
    assert X[:5].content_key() != key
    path = root / "train" / "cat" / "1.png"
    status = path.stat()
    save(path, noise(8, 8, 3, seed=99))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert X.content_key() != key


def test_threads_share_the_work_and_keep_the_order():
    barrier = threading.Barrier(2, timeout=10)

    def work(item):
        if item in (0, 999):
            barrier.wait()
        return -item

    assert thread_map(work, range(1000), 2) == [-item for item in range(1000)]


def test_thread_map_raises_the_first_error_and_starts_no_thread_for_one():
    def fail(item):
        raise KeyError(item)

    with pytest.raises(KeyError, match="0"):
        thread_map(fail, range(10), 3)
    assert thread_map(lambda _: threading.current_thread(), range(3), 1) == [threading.main_thread()] * 3
    assert thread_map(fail, [], -1) == []


@pytest.mark.shared
def test_imagenette(imagenette):
    bunch = load_image_folder(imagenette, image_size=96)
    assert bunch.X_train.shape == (9469, 96, 96, 3) and bunch.X_test.shape == (3925, 96, 96, 3)
    assert np.bincount(bunch.y_train).tolist() == [963, 955, 993, 858, 941, 956, 961, 931, 951, 960]
    assert np.bincount(bunch.y_test).tolist() == [387, 395, 357, 386, 409, 394, 389, 419, 399, 390]
    rows = np.arange(0, 9469, 37)
    expected = [
        np.asarray(Image.open(imagenette / name).convert("RGB")) for name in bunch.filenames_train[rows]
    ]
    np.testing.assert_array_equal(bunch.X_train.read(rows), expected)


def test_system_folders_hidden_ones_and_run_folders_are_passed_over(plain):
    for name in (
        "cat/.ipynb_checkpoints/0.png",
        "cat/.Trash-1000/files/9.png",
        "cat/@eaDir/0.png/thumb.jpg",
        "@eaDir/0.png/thumb.jpg",
        "__MACOSX/cat/0.png",
        "runs/first/results.png",
        "cat/run/results.png",
    ):
        save(plain / name, noise(8, 8, 3))
    mark_run_folder(plain / "runs" / "first")
    mark_run_folder(plain / "cat" / "run")
    bunch = load_image_folder(plain, image_size=8)
    assert (bunch.target_names.tolist(), bunch.y_train.tolist()) == (["cat", "dog"], [0, 0, 1, 1])


def test_a_class_may_be_called_train(plain):
    save(plain / "train" / "0.png", noise(8, 8, 3))
    bunch = load_image_folder(plain, image_size=8)
    assert bunch.target_names.tolist() == ["cat", "dog", "train"]
    assert bunch.y_train.tolist() == [0, 0, 1, 1, 2]


def test_folders_beside_train_that_hold_images_are_told_of(plain):
    save(plain / "train" / "bird" / "0.png", noise(8, 8, 3))
    (plain / "notes").mkdir()
    with pytest.warns(UserWarning, match="is not read") as caught:
        bunch = load_image_folder(plain, image_size=8)
    assert bunch.target_names.tolist() == ["bird"]
    assert {Path(str(one.message).split(" is not")[0]).name for one in caught} == {"cat", "dog"}


def test_links_into_other_classes_or_upwards_are_not_followed(plain, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk")
    save(elsewhere / "2.png", noise(8, 8, 3))
    (plain / "cat" / "all").symlink_to(plain, target_is_directory=True)
    (plain / "cat" / "dogs").symlink_to(plain / "dog", target_is_directory=True)
    (plain / "cat" / "self").symlink_to(plain / "cat", target_is_directory=True)
    (plain / "cat" / "more").symlink_to(elsewhere, target_is_directory=True)
    (plain / "everything").symlink_to(plain, target_is_directory=True)
    (plain / "kitty").symlink_to(plain / "cat", target_is_directory=True)
    bunch = load_image_folder(plain, image_size=8)
    assert bunch.target_names.tolist() == ["cat", "dog"]
    assert bunch.filenames_train.tolist() == [
        "cat/0.png",
        "cat/1.png",
        "cat/more/2.png",
        "dog/0.png",
        "dog/1.png",
    ]


def test_what_is_no_regular_file_is_passed_over(plain):
    os.mkfifo(plain / "cat" / "f.png")
    assert load_image_folder(plain, image_size=8).y_train.tolist() == [0, 0, 1, 1]


def test_layout_of_tiny_imagenet(tmp_path):
    for split, name, n in (("train", "n01", 2), ("train", "n02", 2), ("val", "", 3), ("test", "", 2)):
        for i in range(n):
            save(tmp_path / split / name / "images" / f"{name}_{i}.png", noise(8, 8, 3, seed=i))
    (tmp_path / "val" / "val_annotations.txt").write_text(
        "_0.png\tn02\t0\t0\t7\t7\n_1.png\tn01\t0\t0\t7\t7\n_2.png\tn02\t0\t0\t7\t7\n"
    )
    with pytest.warns(UserWarning, match="test is not read"):
        bunch = load_image_folder(tmp_path, image_size=8)
    assert bunch.target_names.tolist() == ["n01", "n02"]
    assert bunch.filenames_test.tolist() == ["val/images/_1.png", "val/images/_0.png", "val/images/_2.png"]
    assert bunch.y_test.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(bunch.X_test[0], noise(8, 8, 3, seed=1))
    (tmp_path / "val" / "val_annotations.txt").write_text("_0.png\tn03\n")
    with (
        pytest.warns(UserWarning, match="test is not read"),
        pytest.raises(ValueError, match="line 1: the class 'n03'"),
    ):
        load_image_folder(tmp_path, image_size=8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"_0.png\tn02\n_0.png\tn01\n", "line 2: _0.png has another class in a line before"),
        (b"_0.png\tcaf\xe9\n", "val_annotations.txt is not UTF-8"),
    ],
)
def test_annotations_that_cannot_be_read(content, message, tmp_path):
    for split, name in (("train", "n01"), ("train", "n02"), ("val", "")):
        save(tmp_path / split / name / "images" / "_0.png", noise(8, 8, 3))
    (tmp_path / "val" / "val_annotations.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_image_folder(tmp_path, image_size=8)


def test_annotations_that_lack_images_or_lines(tmp_path):
    for split, name in (("train", "n01"), ("train", "n02"), ("val", "a"), ("val", "b")):
        place = tmp_path / split / ("images" if split == "val" else f"{name}/images")
        save(place / f"{name}.png", noise(8, 8, 3))
    # With a byte-order mark and the line ends of Windows.
    content = "\ufeffa.png\tn02\r\ngone.png\tn01\r\n"
    (tmp_path / "val" / "val_annotations.txt").write_bytes(content.encode())
    with pytest.warns(UserWarning, match="have no line in|are not there") as caught:
        assert load_image_folder(tmp_path, image_size=8).filenames_test.tolist() == ["val/images/a.png"]
    assert len(caught) == 2
