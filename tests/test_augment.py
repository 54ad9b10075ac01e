"""Augmentation of whole batches against the definition, image by image."""

import numpy as np
import pytest
import torch

from sksvp.training._augment import (
    AlternatingFlip,
    random_crop,
    random_flip,
    random_resized_crop,
    random_shift,
    resized_crop_window,
)


def batch(n=64, height=8, width=10, channels=3):
    pixels = torch.arange(1, n * height * width * channels + 1, dtype=torch.int32)
    return pixels.reshape(n, height, width, channels)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_crops_are_windows_of_the_padded_image():
    images = batch()
    padded = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)))
    places = set()
    for before, after in zip(padded, random_crop(images, 2, generator()).numpy(), strict=True):
        windows = {
            (i, j) for i in range(5) for j in range(5) if np.array_equal(before[i : i + 8, j : j + 10], after)
        }
        assert len(windows) == 1
        places |= windows
    assert len(places) > 15


def test_flips_are_mirror_images_half_of_the_time():
    images = batch(400)
    after = random_flip(images, generator())
    mirrored = (after == images.flip(2)).flatten(1).all(1)
    same = (after == images).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 150 < mirrored.sum() < 250


def test_shifts_are_windows_of_the_mirrored_image():
    images = batch()
    padded = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    places = set()
    for before, after in zip(padded, random_shift(images, 2, generator()).numpy(), strict=True):
        windows = {
            (i, j) for i in range(5) for j in range(5) if np.array_equal(before[i : i + 8, j : j + 10], after)
        }
        assert len(windows) == 1
        places |= windows
    assert len(places) > 15


def test_shifts_stay_within_the_shortest_side():
    row = batch(50, height=1, width=5, channels=1)
    shifted = random_shift(row, 9, generator())
    assert shifted.shape == row.shape
    for before, after in zip(row.flatten(1), shifted.flatten(1), strict=True):
        assert set(after.tolist()) <= set(before.tolist())
    np.testing.assert_array_equal(random_shift(row[:, :, :1], 2, generator()), row[:, :, :1])


def test_alternating_flips_show_the_other_side_at_every_visit():
    images = batch(400)
    coins = np.random.RandomState(0).rand(400) < 0.5
    flip, mirrored = AlternatingFlip(coins), torch.from_numpy(coins)
    first = flip(images, np.arange(400), 0)
    assert torch.equal((first == images.flip(2)).flatten(1).all(1), mirrored)
    assert torch.equal((first == images).flatten(1).all(1), ~mirrored)
    # Later visits come in other orders and batches.
    for visit in (1, 2, 3):
        order = np.random.RandomState(visit).permutation(400)
        for rows in np.array_split(order, 3):
            seen = flip(images[rows], rows, visit)
            shown = (mirrored[rows] if visit % 2 == 0 else ~mirrored[rows])[:, None, None, None]
            assert torch.equal(seen, torch.where(shown, images[rows].flip(2), images[rows]))


def test_resized_crop_shows_parts_of_the_image():
    gradient = torch.linspace(0, 1, 32)[None, None, :, None].expand(200, 32, 32, 3).contiguous()
    cut = random_resized_crop(gradient, (24, 20), generator())
    assert cut.shape == (200, 24, 20, 3)
    assert cut.min() >= 0
    assert cut.max() <= 1
    # A window of the gradient rises from left to right by at most its whole height.
    span = cut[:, 0, -1, 0] - cut[:, 0, 0, 0]
    assert (span > 0).all()
    assert span.min() < 0.5 < span.max()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_dtype_stays(dtype):
    images = torch.randint(0, 256, (4, 8, 8, 1)).to(dtype)
    assert random_crop(images, 1, generator()).dtype == dtype
    assert random_flip(images, generator()).dtype == dtype
    assert random_resized_crop(images, (8, 8), generator()).dtype == dtype


@pytest.mark.parametrize(
    "augment",
    [lambda x, g: random_crop(x, 2, g), random_flip, lambda x, g: random_resized_crop(x, (8, 10), g)],
)
def test_seed_decides(augment):
    images = batch().float()
    assert torch.equal(augment(images, generator(1)), augment(images, generator(1)))
    assert not torch.equal(augment(images, generator(1)), augment(images, generator(2)))


@pytest.mark.parametrize("size", [(400, 300), (90, 200), (64, 64)])
def test_windows_of_a_photo_lie_everywhere_in_it(size):
    boxes = np.array([resized_crop_window(size, np.random.default_rng(seed)) for seed in range(2000)])
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    share = widths * heights / (size[0] * size[1])
    ratio = widths / heights
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= size).all()
    # No window may be so wide, or so high, as a long image's area would allow.
    most = min(1, min(size) ** 2 * (4 / 3) / (size[0] * size[1]))
    assert 0.08 <= share.min() < 0.09 and 0.9 * most < share.max() <= most + 1e-9
    assert 3 / 4 - 1e-9 <= ratio.min() < 0.77 and 1.3 < ratio.max() <= 4 / 3 + 1e-9
    np.testing.assert_allclose(boxes[:, :2].min(axis=0), 0, atol=1)
    np.testing.assert_allclose(boxes[:, 2:].max(axis=0), size, atol=1)


@pytest.mark.parametrize(
    ("size", "expected"), [((1000, 10), (493.3, 0, 506.7, 10)), ((10, 1000), (0, 493.3, 10, 506.7))]
)
def test_the_middle_of_an_image_that_no_window_fits_into(size, expected):
    assert resized_crop_window(size, np.random.default_rng(0)) == pytest.approx(expected, abs=0.1)
