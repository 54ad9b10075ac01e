"""Raw rows reach the device in order, from memory, from files, and read ahead."""

import threading

import numpy as np
import pytest
import torch

from sksvp.estimators import ResNetClassifier
from sksvp.estimators._row_source import RowSource, read_ahead

TABLE = np.arange(30).reshape(10, 3)
CPU = torch.device("cpu")


@pytest.mark.parametrize("is_slow", [False, True])
def test_batches_are_the_parts_of_the_order(is_slow):
    order = np.random.RandomState(0).permutation(10)
    source = RowSource(lambda rows: torch.from_numpy(TABLE[rows]), 10, CPU, is_slow=is_slow)
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
