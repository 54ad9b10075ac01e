"""Raw rows reach the device in order, from memory, from files, and read ahead."""

import threading

import numpy as np
import pytest
import torch
from sklearn.utils import check_array

from sksvp.estimators import ResNetClassifier
from sksvp.training._row_source import Rows, RowSource, is_slow_to_read, read_ahead

TABLE = np.arange(30).reshape(10, 3)
CPU = torch.device("cpu")


@pytest.mark.parametrize("is_slow", [False, True])
def test_batches_are_the_parts_of_the_order(is_slow):
    order = np.random.RandomState(0).permutation(10)
    rows = Rows(10, lambda rows: torch.from_numpy(TABLE[rows]), clean_view=torch.clone, is_slow=is_slow)
    source = RowSource(rows, CPU)
    parts = [slice(0, 4), slice(4, 10, 2), slice(9, None)]
    got = list(source.batches(order, parts))
    for part, batch in zip(parts, got, strict=True):
        np.testing.assert_array_equal(batch.numpy(), TABLE[order[part]])


def test_reading_runs_ahead_of_who_takes_but_not_far():
    begun, go_on = [], threading.Event()

    def read(part):
        begun.append(int(part[0]))
        if len(begun) >= 3:
            go_on.set()
        return torch.from_numpy(part)

    batches = read_ahead(read, (np.array([number]) for number in range(100)))
    next(batches)
    assert go_on.wait(10)
    assert len(begun) <= 4
    # Left early: the thread ends with what it has begun.
    batches.close()
    assert len(begun) <= 4


def test_what_reading_raises_is_raised_at_its_turn():
    def read(part):
        if part[0] == 2:
            raise OSError("file 2 is gone")
        return torch.from_numpy(part)

    batches = read_ahead(read, (np.array([number]) for number in range(5)))
    assert [int(next(batches)[0]) for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="file 2 is gone"):
        next(batches)


def test_rows_on_a_disk_give_the_same_network(tmp_path):
    X = np.random.RandomState(0).randint(0, 256, (65, 8, 8)).astype(np.uint8)
    y = np.arange(65) % 3
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    a, b = (
        ResNetClassifier(8, max_epochs=2, batch_size=32, random_state=0, device="cpu").fit(rows, y)
        for rows in (X, mapped)
    )
    np.testing.assert_array_equal(a.predict_logits(X), b.predict_logits(mapped))


class Greedy(torch.nn.Module):
    """A network that has room for so many rows at a time."""

    n_features = 4

    def __init__(self, room):
        super().__init__()
        self.room = room
        self.layer = torch.nn.Linear(64, 2)

    def forward(self, x):
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.layer(x.flatten(1))


@pytest.mark.parametrize(
    ("room", "says"), [(20, r"batch_size=64 in float32; batch_size=16 fits"), (1, "not even two rows fit")]
)
def test_batch_without_room_is_told_of_with_one_that_fits(room, says, monkeypatch):
    monkeypatch.setattr(ResNetClassifier, "_build_module", lambda self, n_classes: Greedy(room))
    X, y = np.random.RandomState(0).randint(0, 256, (128, 8, 8)).astype(np.uint8), np.arange(128) % 2
    model = ResNetClassifier(8, max_epochs=1, batch_size=64, precision="fp32", device="cpu")
    with pytest.raises(MemoryError, match=f"ResNetClassifier: cpu has no room to train with .*{says}"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


def test_scoring_takes_smaller_batches_where_there_is_no_room(monkeypatch):
    monkeypatch.setattr(ResNetClassifier, "_build_module", lambda self, n_classes: Greedy(1000))
    X, y = np.random.RandomState(0).randint(0, 256, (300, 8, 8)).astype(np.uint8), np.arange(300) % 2
    model = ResNetClassifier(8, max_epochs=1, batch_size=64, random_state=0, device="cpu").fit(X, y)
    whole = model.predict_logits(X)
    model.net_.module_.room = 70
    np.testing.assert_allclose(model.predict_logits(X), whole, rtol=1e-5)
    model.net_.module_.room = 0
    with pytest.raises(MemoryError, match="no room to score a single row"):
        model.predict_logits(X)


def test_other_errors_of_a_network_stay_what_they_are(monkeypatch):
    def forward(self, x):
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(Greedy, "forward", forward)
    monkeypatch.setattr(ResNetClassifier, "_build_module", lambda self, n_classes: Greedy(9))
    X, y = np.zeros((16, 8, 8), dtype=np.uint8), np.arange(16) % 2
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        ResNetClassifier(8, max_epochs=1, device="cpu").fit(X, y)


def test_batch_size_may_change_between_calls_of_partial_fit():
    X, y = np.random.RandomState(0).randint(0, 256, (40, 8, 8)).astype(np.uint8), np.arange(40) % 2
    model = ResNetClassifier(8, batch_size=20, device="cpu", random_state=0).partial_fit(X, y, classes=[0, 1])
    model.set_params(batch_size=10).partial_fit(X, y)
    assert model.history_[:, "train_batch_count"] == [2, 4]


def test_a_checked_memory_map_is_slow_to_read(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((4, 3), dtype=np.float32))
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert is_slow_to_read(on_disk)
    assert is_slow_to_read(check_array(on_disk)) and is_slow_to_read(np.asarray(on_disk)[1:])
    assert not is_slow_to_read(np.zeros((4, 3))[1:])
