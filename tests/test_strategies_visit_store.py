"""Records above a size lie in a temporary file: the same values, and the file goes with the last array."""

import errno
import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pytest

from sksvp.strategies import Dual, Evidence, RecordVisits, TrainingRecord, _visit_store

N_ROWS, N_CLASSES = 40, 3


def visited(n_visits, recorder=None):
    recorder = recorder or RecordVisits(N_ROWS)
    rng = np.random.RandomState(0)
    y = rng.randint(N_CLASSES, size=N_ROWS)
    for visit in range(n_visits):
        logits = np.random.RandomState(visit).randn(N_ROWS, N_CLASSES)
        for rows in np.array_split(rng.permutation(N_ROWS), 3):
            recorder.update(rows, logits[rows], y[rows])
    return recorder


@pytest.fixture
def small_memory(monkeypatch, tmp_path):
    """Two visits fit in memory; temporary files lie in a folder of the test."""
    monkeypatch.setattr(_visit_store, "BYTES_IN_MEMORY", 2 * 3 * N_ROWS * 2)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def open_files():
    folder = Path("/proc/self/fd")
    links = [os.readlink(folder / name) for name in os.listdir(folder) if os.path.lexists(folder / name)]
    return [link for link in links if "deleted" in link]


def mapped(folder):
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]


def test_a_large_record_lies_in_a_file_and_is_the_same(small_memory, monkeypatch):
    in_file = visited(12).result()
    monkeypatch.setattr(_visit_store, "BYTES_IN_MEMORY", 2**28)
    in_memory = visited(12).result()
    assert in_file.shape == (N_ROWS, 12, 3)
    np.testing.assert_array_equal(in_file, in_memory)
    scores = [
        Dual().rank(Evidence(training_record=array), 1, random_state=0)[1] for array in (in_file, in_memory)
    ]
    np.testing.assert_array_equal(*scores)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at the mappings of Linux")
def test_the_file_has_no_name_and_goes_with_the_last_array(small_memory):
    recorder = visited(2)
    assert mapped(small_memory) == []
    visited(3, recorder)
    assert mapped(small_memory) != []
    # Nothing for anyone to remove, also not after a crash.
    assert os.listdir(small_memory) == []
    array = recorder.result()
    del recorder
    gc.collect()
    assert mapped(small_memory) != []
    assert np.isfinite(array.astype(float)).all()
    del array
    gc.collect()
    assert mapped(small_memory) == []
    assert not any(str(small_memory) in link for link in open_files())


def test_it_goes_to_workers_and_files_by_its_values(small_memory, tmp_path):
    array = visited(6).result()
    [back] = joblib.Parallel(n_jobs=2, max_nbytes=1)(joblib.delayed(np.array)(part) for part in [array])
    np.testing.assert_array_equal(back, array)
    joblib.dump(array, small_memory / "array.joblib")
    np.testing.assert_array_equal(joblib.load(small_memory / "array.joblib"), array)
    TrainingRecord.from_array(array).save(small_memory / "record.npz")
    np.testing.assert_array_equal(
        TrainingRecord.load(small_memory / "record.npz").require("margin"), array[:, :, 2].T
    )


def test_a_restored_recorder_goes_on_in_a_file(small_memory, monkeypatch):
    first = visited(4)
    second = RecordVisits(N_ROWS)
    second.restore({name: array.copy() for name, array in first.state().items()})
    visited(3, first)
    visited(3, second)
    np.testing.assert_array_equal(second.result(), first.result())


def test_a_full_disk_is_an_error_that_says_what_to_do(small_memory, monkeypatch):
    recorder = visited(2)
    before = recorder.result().copy()

    class Full:
        def __init__(self, **kwargs):
            pass

        def seek(self, place):
            pass

        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(
        OSError, match=r"needs 720 bytes in the folder of temporary files.*No space left.*TMPDIR"
    ) as error:
        visited(1, recorder)
    assert error.value.errno == errno.ENOSPC
    assert error.value.filename == str(small_memory)
    np.testing.assert_array_equal(recorder.result(), before)
    # With room again it goes on.
    monkeypatch.undo()
    np.testing.assert_array_equal(visited(1, recorder).result()[:, :2], before)


_LIMITED = """
import resource, signal, sys
import numpy as np
from sksvp.strategies import RecordVisits, _visit_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_visit_store.BYTES_IN_MEMORY = 0
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
recorder = RecordVisits(10_000)
try:
    for visit in range(5):
        recorder.note(np.arange(10_000), np.full((10_000, 3), visit, dtype=np.float32))
except OSError as error:
    print(recorder.result().shape, recorder.result()[:, 0].max(), error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_file_that_cannot_grow_leaves_what_was_noted():
    """A limit of the system stands for the disk: one visit of 60,000 bytes fits, the second in part."""
    done = subprocess.run([sys.executable, "-c", _LIMITED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(10000, 1, 3) 0.0") and "needs 120,000 bytes" in done.stdout
