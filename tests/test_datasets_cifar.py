import hashlib
import io
import os
import pickle
import pickletools
import subprocess
import sys
import tarfile
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sksvp.datasets import _cifar, load_cifar10, load_cifar100
from sksvp.datasets._unpickle import load_pickled_dict

NAMES = [f"class {number}" for number in range(10)]


def make_batch(n=4, seed=0):
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    rows = np.ascontiguousarray(images.transpose(0, 3, 1, 2).reshape(n, 3072))
    return images, {b"batch_label": b"some", b"labels": random.randint(0, 10, n).tolist(), b"data": rows}


def write(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))


@pytest.fixture
def cifar10(tmp_path):
    """A whole folder in the published layout, with batches of 4 rows, and the images in it."""
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    parts = []
    for seed, name in enumerate([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]):
        images, content = make_batch(seed=seed)
        write(folder / name, content)
        parts.append((images, content[b"labels"]))
    write(folder / "batches.meta", {b"label_names": [name.encode() for name in NAMES], b"num_vis": 3072})
    return folder, parts


@pytest.fixture
def cifar100(tmp_path):
    folder = tmp_path / "data100" / "cifar-100-python"
    folder.mkdir(parents=True)
    for seed, name in enumerate(("train", "test")):
        _, content = make_batch(seed=seed)
        labels = content.pop(b"labels")
        write(
            folder / name,
            {**content, b"fine_labels": [90 + label for label in labels], b"coarse_labels": labels},
        )
    meta = {
        "fine_label_names": [f"f{k}" for k in range(100)],
        "coarse_label_names": [f"c{k}" for k in range(20)],
    }
    write(folder / "meta", meta)
    return folder


def test_cifar10_gives_the_images_in_order(cifar10):
    folder, parts = cifar10
    bunch = load_cifar10(folder)
    np.testing.assert_array_equal(bunch.X_train, np.concatenate([images for images, _ in parts[:5]]))
    np.testing.assert_array_equal(bunch.y_train, np.concatenate([labels for _, labels in parts[:5]]))
    np.testing.assert_array_equal(bunch.X_test, parts[5][0])
    np.testing.assert_array_equal(bunch.y_test, parts[5][1])
    assert bunch.X_train.dtype == np.uint8 and bunch.y_train.dtype == np.int64
    assert bunch.X_train.flags.c_contiguous and bunch.X_train.flags.writeable
    assert list(bunch.target_names) == NAMES
    assert bunch.layout == "channels_last" and "Training rows: 20" in bunch.DESCR


def test_cifar10_from_the_folder_above_and_from_text(cifar10):
    folder, _ = cifar10
    np.testing.assert_array_equal(load_cifar10(str(folder.parent)).X_test, load_cifar10(folder).X_test)


def test_cifar100_fine_and_coarse(cifar100):
    fine, coarse = load_cifar100(cifar100), load_cifar100(cifar100.parent, coarse=True)
    np.testing.assert_array_equal(fine.y_train, coarse.y_train + 90)
    np.testing.assert_array_equal(fine.X_train, coarse.X_train)
    assert len(fine.target_names) == 100 and len(coarse.target_names) == 20
    assert fine.target_names[99] == "f99"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("text_keys", [False, True])
def test_every_pickle_protocol(cifar10, protocol, text_keys):
    folder, _ = cifar10
    images, content = make_batch(seed=9)
    content[b"labels"] = np.array(content[b"labels"])
    write(folder / "test_batch", {k.decode() if text_keys else k: v for k, v in content.items()}, protocol)
    bunch = load_cifar10(folder)
    np.testing.assert_array_equal(bunch.X_test, images)
    np.testing.assert_array_equal(bunch.y_test, content[b"labels"])


def test_numpy_scalars_as_labels(cifar10):
    folder, _ = cifar10
    _, content = make_batch()
    content[b"labels"] = [np.int64(label) for label in (3, 1, 0, 9)]
    write(folder / "test_batch", content)
    assert load_cifar10(folder).y_test.tolist() == [3, 1, 0, 9]


def test_missing_files_say_what_is_wanted(tmp_path, cifar10):
    with pytest.raises(FileNotFoundError, match=r"data_dir=.*cifar-10-batches-py.*download=True"):
        load_cifar10(tmp_path)
    folder, _ = cifar10
    (folder / "data_batch_3").unlink()
    for place in (folder, folder.parent):
        with pytest.raises(FileNotFoundError, match=r"lacks data_batch_3 of CIFAR-10"):
            load_cifar10(place, download=True)


def test_parameters_are_checked(tmp_path):
    with pytest.raises(TypeError, match="data_dir"):
        load_cifar10(3)
    with pytest.raises(ValueError, match="download"):
        load_cifar10(tmp_path, download="yes")
    with pytest.raises(ValueError, match="coarse"):
        load_cifar100(tmp_path, coarse="yes")


# What a file may hold instead ----------------------------------------------------------------


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {marker}",)),
        (eval, ("open('{marker}', 'w')",)),
        (os.mkdir, ("{marker}",)),
        (subprocess.Popen, (["touch", "{marker}"],)),
        (np.fromstring, ("1 2", float)),
        (np.lib.npyio.NpzFile, ("{marker}",)),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_calls_something_is_refused_unrun(cifar10, tmp_path, function, arguments, protocol):
    folder, _ = cifar10
    marker = tmp_path / "marker"
    filled = [a.format(marker=marker) if isinstance(a, str) else a for a in arguments]
    filled = [[part.format(marker=marker) for part in a] if isinstance(a, list) else a for a in filled]
    write(folder / "data_batch_2", {b"data": Calls(function, *filled)}, protocol)
    with pytest.raises(ValueError, match=rf"data_batch_2 names the Python object \S*{function.__name__}"):
        load_cifar10(folder)
    assert not marker.exists()


def test_a_foreign_module_is_not_even_imported(cifar10, tmp_path, monkeypatch):
    folder, _ = cifar10
    (tmp_path / "sksvp_test_bait.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    (folder / "test_batch").write_bytes(b"csksvp_test_bait\nThing\n.")
    with pytest.raises(ValueError, match=r"sksvp_test_bait\.Thing"):
        load_cifar10(folder)
    assert "sksvp_test_bait" not in sys.modules


def test_only_latin1_text_becomes_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"c_codecs\nencode\n(Vabc\nVrot13\ntR.")
    with pytest.raises(ValueError, match="rot13"):
        load_pickled_dict(path)


@pytest.mark.parametrize("name", ["data_batch_1", "test_batch", "batches.meta"])
def test_a_truncated_file_is_named(cifar10, name):
    folder, _ = cifar10
    whole = (folder / name).read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        (folder / name).write_bytes(whole[:length])
        with pytest.raises(ValueError, match=rf"{name} is not a whole pickle of arrays: [\w']"):
            load_cifar10(folder)


@given(st.data())
def test_damage_gives_a_value_error_or_other_content_and_nothing_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "batch"
    _, content = make_batch(n=1)
    damaged = bytearray(pickle.dumps(content, protocol=data.draw(st.sampled_from([0, 2, 4]))))
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, 300))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    try:
        load_pickled_dict(path)
    except ValueError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {b"data": np.zeros((4, 3071), np.uint8)},
            r"'data' must be uint8 of shape \(n, 3072\), got uint8 of shape",
        ),
        ({b"data": np.zeros((4, 3072), np.float32)}, r"got float32 of shape \(4, 3072\)"),
        ({b"data": np.zeros(3072, np.uint8)}, r"got uint8 of shape \(3072,\)"),
        ({b"data": [1, 2]}, r"got list"),
        ({b"labels": [1, 2, 3]}, r"'labels' must be a list of 4 whole numbers from 0 to 9"),
        ({b"labels": [1, 2, 3, 10]}, r"'labels' must be"),
        ({b"labels": [1, 2, 3, -1]}, r"'labels' must be"),
        ({b"labels": [1, 2, 3, 0.5]}, r"'labels' must be"),
        ({b"labels": None}, r"'labels' must be"),
    ],
)
def test_other_content_is_named(cifar10, change, message):
    folder, _ = cifar10
    _, content = make_batch()
    write(folder / "data_batch_4", {**content, **change})
    with pytest.raises(ValueError, match="data_batch_4.*" + message):
        load_cifar10(folder)


def test_files_of_another_set(cifar10, cifar100):
    folder, _ = cifar10
    write(folder / "test_batch", [1, 2])
    with pytest.raises(ValueError, match="test_batch holds a pickled list"):
        load_cifar10(folder)
    (folder / "test_batch").write_bytes((cifar100 / "test").read_bytes())
    with pytest.raises(ValueError, match=r"test_batch has no entry 'labels'.*fine_labels"):
        load_cifar10(folder)
    write(folder / "batches.meta", {"label_names": NAMES[:9]})
    with pytest.raises(ValueError, match=r"batches.meta: 'label_names' must be a list of 10 names"):
        load_cifar10(folder)


@pytest.mark.parametrize(
    "array", [np.array(["a", {}], dtype=object), np.array(["text"]), np.zeros(2, "f8,i4")]
)
def test_arrays_of_other_things_than_numbers_are_refused(tmp_path, array):
    write(tmp_path / "file", {"data": array})
    with pytest.raises(ValueError, match=r"file is not a whole pickle of arrays: an array of type"):
        load_pickled_dict(tmp_path / "file")


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i4", "<f8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_number_arrays_come_back_as_they_were(tmp_path, dtype, order, protocol):
    array = np.asarray(np.arange(24).reshape(2, 3, 4), dtype=dtype, order=order)
    write(tmp_path / "file", {"a": array, "n": array[0, 1, 2], "plain": [{1}, (b"x", None)]}, protocol)
    content = load_pickled_dict(tmp_path / "file")
    np.testing.assert_array_equal(content["a"], array)
    assert content["a"].dtype == array.dtype
    assert content["n"] == array[0, 1, 2] and content["plain"] == [{1}, (b"x", None)]


# Download -------------------------------------------------------------------------------------


@pytest.fixture
def published(cifar10, tmp_path, monkeypatch):
    """The small set as a published archive at a file URL; returns the archive."""
    folder, _ = cifar10
    archive = tmp_path / "published.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    point_to(monkeypatch, archive)
    return archive


def point_to(monkeypatch, archive, *, url=None):
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    changed = {**vars(_cifar._CIFAR10), "url": url or archive.as_uri(), "checksum": digest}
    monkeypatch.setattr(_cifar, "_CIFAR10", _cifar.Published(**changed))


def test_download_unpacks_and_leaves_nothing_else(published, cifar10, tmp_path):
    target = tmp_path / "new" / "place"
    bunch = load_cifar10(target, download=True)
    np.testing.assert_array_equal(bunch.X_train, load_cifar10(cifar10[0]).X_train)
    assert os.listdir(target) == ["cifar-10-batches-py"]


def test_download_shows_progress_only_where_asked(published, tmp_path, capsys):
    load_cifar10(tmp_path / "quiet", download=True)
    assert capsys.readouterr().err == ""
    load_cifar10(tmp_path / "loud", download=True, verbose=1)
    assert "published.tar.gz" in capsys.readouterr().err


def test_nothing_is_downloaded_unasked_or_twice(published, tmp_path):
    with pytest.raises(FileNotFoundError):
        load_cifar10(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    load_cifar10(tmp_path / "new", download=True)
    published.unlink()
    load_cifar10(tmp_path / "new", download=True)


def test_another_archive_is_refused_and_removed(published, tmp_path):
    published.write_bytes(published.read_bytes()[:-100])
    with pytest.raises(OSError, match="has the SHA-256"):
        load_cifar10(tmp_path / "new", download=True)
    assert os.listdir(tmp_path / "new") == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/cifar.tar.gz", "file:///nowhere/cifar.tar.gz"])
def test_without_a_network(published, tmp_path, monkeypatch, url):
    point_to(monkeypatch, published, url=url)
    with pytest.raises(OSError, match=rf"{url} could not be downloaded.*unpack the archive by hand"):
        load_cifar10(tmp_path / "new", download=True)
    assert os.listdir(tmp_path / "new") == []


def test_an_archive_that_climbs_out_is_refused(tmp_path, monkeypatch):
    archive = tmp_path / "evil.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped"), io.BytesIO())
    point_to(monkeypatch, archive)
    with pytest.raises(tarfile.FilterError):
        load_cifar10(tmp_path / "a" / "b", download=True)
    assert not list(tmp_path.rglob("escaped"))


def test_the_recorded_checksums_are_whole():
    for published in (_cifar._CIFAR10, _cifar._CIFAR100):
        assert len(bytes.fromhex(published.checksum)) == 32
        assert published.url.startswith("https://")


# Published files ------------------------------------------------------------------------------


@pytest.mark.shared
def test_published_files_in_the_old_pickle_format(cifar10_head):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bunch = load_cifar10(cifar10_head)
    assert bunch.X_train.shape == (5000, 32, 32, 3) and bunch.X_test.shape == (1000, 32, 32, 3)
    assert list(bunch.target_names[[0, 6, 9]]) == ["airplane", "frog", "truck"]
    assert bunch.y_train[:5].tolist() == [6, 9, 9, 4, 1]
    with open(cifar10_head / "cifar-10-batches-py" / "data_batch_1", "rb") as file:
        named = {argument for code, argument, _ in pickletools.genops(file) if code.name == "GLOBAL"}
    assert "numpy.core.multiarray _reconstruct" in named


@pytest.mark.shared
def test_published_pixels_are_in_place(cifar10_head, shared_data):
    """The lossy copy of the same images agrees as JPEG files do, and with no other order of axes."""
    from PIL import Image

    bunch = load_cifar10(cifar10_head)
    with np.load(shared_data / "cifar10" / "cifar10_test.npz") as archive:
        offset, jpeg, labels = archive["offset"], archive["jpeg"].tobytes(), archive["label"]
    lossy = np.stack([np.asarray(Image.open(io.BytesIO(jpeg[offset[i] : offset[i + 1]]))) for i in range(50)])
    np.testing.assert_array_equal(bunch.y_test, labels[:1000])
    squared = ((bunch.X_test[:50].astype(float) - lossy) ** 2).mean(axis=(1, 2, 3))
    assert squared.max() < 255**2 / 10**2.3
