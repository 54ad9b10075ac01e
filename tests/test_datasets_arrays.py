import numpy as np
import pytest

from sksvp.datasets import load_arrays

X = np.random.RandomState(0).randint(0, 256, (6, 4, 4, 3), dtype=np.uint8)
Y = np.array([0, 1, 2, 0, 1, 2])
LABELS = np.array(["a", "b", "c", "a", "b", "c"])


def test_npz_with_x_and_y(tmp_path):
    np.savez_compressed(tmp_path / "mine.npz", X=X, y=LABELS, other=np.zeros(3))
    bunch = load_arrays(tmp_path / "mine.npz")
    np.testing.assert_array_equal(bunch.X_train, X)
    np.testing.assert_array_equal(bunch.y_train, LABELS)
    assert bunch.X_test is None and bunch.y_test is None
    assert list(bunch.target_names) == ["a", "b", "c"] and bunch.layout == "auto" and "6" in bunch.DESCR


@pytest.mark.parametrize("train", ["", "_train"])
def test_npz_with_a_test_part(tmp_path, train):
    arrays = {f"X{train}": X[:4], f"y{train}": Y[:4], "X_test": X[4:], "y_test": Y[4:]}
    np.savez(tmp_path / "mine.npz", **arrays)
    bunch = load_arrays(str(tmp_path / "mine.npz"))
    np.testing.assert_array_equal(bunch.X_train, X[:4])
    np.testing.assert_array_equal(bunch.X_test, X[4:])
    np.testing.assert_array_equal(bunch.y_test, Y[4:])


def test_a_pair_of_npy_files_is_mapped(tmp_path):
    np.save(tmp_path / "images.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    bunch = load_arrays(tmp_path / "images.npy", tmp_path / "labels.npy")
    assert isinstance(bunch.X_train, np.memmap) and not bunch.X_train.flags.writeable
    assert type(bunch.y_train) is np.ndarray
    np.testing.assert_array_equal(bunch.X_train, X)
    np.testing.assert_array_equal(bunch.y_train, Y)


def test_a_folder_of_npy_files(tmp_path):
    for name, array in {"X_train": X[:4], "y_train": Y[:4], "X_test": X[4:], "y_test": Y[4:]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    bunch = load_arrays(tmp_path)
    assert isinstance(bunch.X_test, np.memmap)
    np.testing.assert_array_equal(bunch.X_test, X[4:])
    np.testing.assert_array_equal(bunch.y_train, Y[:4])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, r"must hold 'X' and 'y', or 'X_train' and 'y_train'"),
        ({"images": X}, r"must hold 'X' and 'y'.*it holds \['images'\]"),
        ({"X_test": X, "y_test": Y}, r"must hold 'X' and 'y'"),
        ({"X": X}, r"lacks 'y'"),
        ({"y_train": Y}, r"lacks 'X_train'"),
        ({"X": X, "y": Y, "X_test": X}, r"lacks 'y_test'"),
        ({"X": X, "y": Y, "X_train": X, "y_train": Y}, r"which are the training rows\?"),
        ({"X": X, "y": Y[:5]}, r"'X' has 6 rows, but 'y' has 5"),
        ({"X": X, "y": Y, "X_test": X[:2], "y_test": Y}, r"'X_test' has 2 rows, but 'y_test' has 6"),
        ({"X": X, "y": Y, "X_test": X[:, :2], "y_test": Y}, r"rows of 'X_test' have shape \(2, 4, 3\)"),
        ({"X": X[:, 0, 0, 0], "y": Y}, r"'X' must have at least two dimensions"),
        ({"X": X, "y": np.eye(6)}, r"'y' must be one label a row, of shape \(n,\), got shape \(6, 6\)"),
        ({"X": X[:0], "y": Y[:0]}, r"'X' has no rows"),
        ({"X": X, "y": LABELS.astype(object)}, r"without Python objects"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, arrays, message):
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(ValueError, match=r"mine\.npz.*" + message):
        load_arrays(tmp_path / "mine.npz")


def test_python_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "X.npy", np.array([[{}], [set()]], dtype=object))
    np.save(tmp_path / "y.npy", Y[:2])
    for place in [(tmp_path,), (tmp_path / "X.npy", tmp_path / "y.npy")]:
        with pytest.raises(
            ValueError, match=r"X\.npy cannot be read as a numpy array without Python objects"
        ):
            load_arrays(*place)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_truncated_files_are_named(tmp_path, share):
    np.savez_compressed(tmp_path / "mine.npz", X=X, y=Y)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y)
    for name in ("mine.npz", "X.npy", "y.npy"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"mine\.npz cannot be read"):
        load_arrays(tmp_path / "mine.npz")
    with pytest.raises(ValueError, match=r"X\.npy cannot be read"):
        load_arrays(tmp_path / "X.npy", tmp_path / "y.npy")
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(ValueError, match=r"y\.npy cannot be read"):
        load_arrays(tmp_path / "X.npy", tmp_path / "y.npy")


def test_damaged_archive_members_are_named(tmp_path):
    np.savez_compressed(tmp_path / "mine.npz", X=X, y=Y)
    content = bytearray((tmp_path / "mine.npz").read_bytes())
    content[200:230] = bytes(30)
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"mine\.npz cannot be read"):
        load_arrays(tmp_path / "mine.npz")


def test_files_under_the_wrong_ending(tmp_path):
    np.save(tmp_path / "one.npy", X)
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(ValueError, match=r"one\.npz.*single array"):
        load_arrays(tmp_path / "one.npz")
    np.savez(tmp_path / "many.npz", X=X, y=Y)
    (tmp_path / "many.npz").rename(tmp_path / "many.npy")
    with pytest.raises(ValueError, match=r"many\.npy is an archive"):
        load_arrays(tmp_path / "many.npy", tmp_path / "many.npy")


def test_wrong_use(tmp_path):
    np.save(tmp_path / "X.npy", X)
    np.savez(tmp_path / "mine.npz", X=X, y=Y)
    with pytest.raises(ValueError, match=r"X alone: name the \.npy file with y as labels"):
        load_arrays(tmp_path / "X.npy")
    with pytest.raises(ValueError, match=r"labels is for an \.npy file"):
        load_arrays(tmp_path / "mine.npz", tmp_path / "X.npy")
    with pytest.raises(ValueError, match=r"must be an \.npz file, an \.npy file or a folder"):
        load_arrays(tmp_path / "data.csv")
    with pytest.raises(FileNotFoundError):
        load_arrays(tmp_path / "nowhere.npz")
    with pytest.raises(TypeError, match="path"):
        load_arrays(None)
