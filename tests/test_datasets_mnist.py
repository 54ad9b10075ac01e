import gzip

import numpy as np
import pytest

from sksvp.datasets import load_mnist

N_ROWS = {"train": 6, "t10k": 3}


def as_idx(array):
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    return bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


def parts():
    rng = np.random.RandomState(0)
    return {
        part: (rng.randint(0, 256, (n_rows, 5, 4)), rng.randint(0, 10, n_rows))
        for part, n_rows in N_ROWS.items()
    }


def write(folder, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    pack = gzip.compress if suffix else bytes
    for part, (images, labels) in parts().items():
        (folder / f"{part}-images-idx3-ubyte{suffix}").write_bytes(pack(as_idx(images)))
        (folder / f"{part}-labels-idx1-ubyte{suffix}").write_bytes(pack(as_idx(labels)))
    return folder


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("inner", [".", "MNIST/raw"])
def test_images_and_labels_are_those_of_the_files(tmp_path, suffix, inner):
    write(tmp_path / inner, suffix)
    found, expected = load_mnist(tmp_path), parts()
    for name, part in (("train", "train"), ("test", "t10k")):
        assert np.array_equal(found[f"X_{name}"], expected[part][0]) and found[f"X_{name}"].dtype == np.uint8
        assert np.array_equal(found[f"y_{name}"], expected[part][1]) and found[f"y_{name}"].dtype == np.int64
    assert found.layout == "channels_last" and "Training rows: 6; test rows: 3" in found.DESCR
    assert list(found.target_names) == [str(label) for label in range(len(found.target_names))]


def test_torchvision_reads_the_same_files(tmp_path):
    from sksvp._torchvision import import_torchvision

    write(tmp_path / "MNIST" / "raw")
    torchvision = import_torchvision()
    theirs = torchvision.datasets.MNIST(str(tmp_path), train=False)
    found = load_mnist(tmp_path)
    assert np.array_equal(theirs.data.numpy(), found.X_test)
    assert theirs.targets.tolist() == found.y_test.tolist()


def test_missing_files_are_named(tmp_path):
    write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks t10k-labels-idx1-ubyte of MNIST.*download=True"):
        load_mnist(tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("train-images-idx3-ubyte", lambda content: content[:-1], r"shape \(6, 5, 4\), and holds 119 values"),
        ("train-images-idx3-ubyte", lambda content: content + b"x", "holds 121 values"),
        ("t10k-images-idx3-ubyte", lambda content: content[:9], "no IDX file of unsigned bytes with 3 axes"),
        ("t10k-labels-idx1-ubyte", lambda content: b"", "no IDX file of unsigned bytes with 1 axes"),
        ("t10k-labels-idx1-ubyte", lambda content: b"\0\0\x0d\1" + content[4:], "no IDX file"),
        ("t10k-labels-idx1-ubyte", lambda content: as_idx(np.zeros(2)), "has 3 images, .* has 2 labels"),
        (
            "t10k-images-idx3-ubyte",
            lambda content: as_idx(np.zeros((3, 4, 4))),
            r"\(5, 4\) and test images of \(4, 4\)",
        ),
        ("train-labels-idx1-ubyte", lambda content: as_idx(np.zeros(0)), r"shape \(0,\)"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, change, message):
    write(tmp_path)
    path = tmp_path / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_mnist(tmp_path)


# Without mtime=0 the bytes hold the time, and so would the name of the test: the processes of
# pytest-xdist would collect different tests.
@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"x" * 1000, mtime=0)[:-12]], ids=["text", "cut short"]
)
def test_damaged_gzip_files_are_named(tmp_path, content):
    write(tmp_path, ".gz")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is no complete gzip file"):
        load_mnist(tmp_path)


def test_a_failed_download_is_an_os_error(tmp_path, monkeypatch):
    from sksvp._torchvision import import_torchvision

    def fail(*args, **kwargs):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(import_torchvision().datasets, "MNIST", fail)
    with pytest.raises(OSError, match=r"MNIST could not be downloaded into .*Error downloading"):
        load_mnist(tmp_path, download=True)
