"""Locks, sealed files, states and journals, whoever uses them."""

import copy
import errno
import json
import os
import pickle
import subprocess
import sys
import threading
import warnings
from contextlib import closing

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from toy_proxies import blobs

from sksvp import ProxyActiveLearner, ProxyCoresetSelector
from sksvp._storage import _lock
from sksvp._storage._checkpoint import Checkpoint, has_states, open_checkpoint
from sksvp._storage._identity import differences, name_of
from sksvp._storage._journal import Journal
from sksvp._storage._lock import FolderLock
from sksvp._storage._pickles import check_own, check_pickle
from sksvp._storage._sealed import (
    DamagedFile,
    check_seal,
    read_sealed,
    read_sealed_json,
    write_seal,
    write_sealed,
    write_sealed_json,
)
from sksvp._storage._states import Saved, write_state
from sksvp.experiments import RunFolder

X, y = blobs(40)
ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX owners and locks")


# Sealed files --------------------------------------------------------------------------------


def flipped(content):
    """Return all contents that differ in one bit."""
    for place in range(8 * len(content)):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        yield bytes(changed)


def test_every_flip_of_a_sealed_file_is_noticed(tmp_path):
    path = tmp_path / "file.bin"
    write_sealed(path, b"content\nof two lines")
    assert read_sealed(path) == b"content\nof two lines"
    for content in flipped(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(DamagedFile, match=r"file\.bin is damaged"):
            read_sealed(path)


def test_every_flip_of_sealed_json_is_noticed_or_changes_nothing(tmp_path):
    path, content = tmp_path / "file.json", {"error": 0.125, "name": "ä", "rows": [1, None, {"a": True}]}
    write_sealed_json(path, "test 1", content)
    assert read_sealed_json(path, "test 1", advice="") == content
    n_same = 0
    for changed in flipped(path.read_bytes()):
        path.write_bytes(changed)
        try:
            assert read_sealed_json(path, "test 1", advice="") == content
            n_same += 1
        except ValueError as error:
            assert "file.json" in str(error)
    # Blanks between the parts.
    assert n_same < 60


def test_sealed_json_is_read_in_any_layout_and_names_what_it_lacks(tmp_path):
    path = tmp_path / "file.json"
    write_sealed_json(path, "test 1", {"a": {"b": 1}})
    path.write_text(json.dumps(json.loads(path.read_text())))
    content = read_sealed_json(path, "test 1", advice="")
    assert content["a"]["b"] == 1
    for lacks in (lambda: content["c"], lambda: content["a"]["c"]):
        with pytest.raises(ValueError, match=r"file\.json lacks 'c'"):
            lacks()
    with pytest.raises(ValueError, match=r"file\.json holds 'test 1', not 'test 2'"):
        read_sealed_json(path, "test 2", advice="")
    for other in ("[]", "{", '{"a": 1}', ""):
        path.write_text(other)
        with pytest.raises(DamagedFile, match=r"file\.json is damaged .*; restore it\."):
            read_sealed_json(path, "test 1", advice="restore it")


def test_every_flip_of_a_file_with_its_checksum_beside_it_is_noticed(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("row\n3\n12\n")
    check_seal(path)
    write_seal(path)
    check_seal(path)
    content = path.read_bytes()
    for changed in flipped(content):
        path.write_bytes(changed)
        with pytest.raises(DamagedFile, match=r"rows\.csv is damaged or was edited"):
            check_seal(path)
    path.write_bytes(content)
    if os.name == "posix":
        subprocess.run(
            ["sha256sum", "--check", "rows.csv.sha256"], cwd=tmp_path, check=True, capture_output=True
        )


# Identity ------------------------------------------------------------------------------------


def test_identities_are_told_apart_in_words():
    assert differences({"a": 1, "b": 2}, {"b": 3, "c": 4}) == (
        "a=1 there, nothing now; b=2 there, 3 now; c=nothing there, 4 now"
    )
    assert differences({"a": [1]}, {"a": [1]}) == ""
    assert name_of({"a": 1, "b": 2}) == name_of({"b": 2, "a": 1}) != name_of({"a": 2, "b": 1})
    assert len(name_of({})) == 32


# Locks ---------------------------------------------------------------------------------------


def test_a_lock_is_held_once_and_not_by_copies(tmp_path):
    lock, other = FolderLock(tmp_path), FolderLock(tmp_path)
    assert lock.take() and not other.take()
    assert other.holder().startswith("by this process, since 20")
    for copied in (copy.deepcopy(lock), pickle.loads(pickle.dumps(lock))):
        assert not copied.is_held and not copied.take()
    lock.close()
    assert other.take()
    del other
    assert lock.take()


def test_a_lock_says_how_long_it_is_held(tmp_path):
    lock = FolderLock(tmp_path)
    lock.path.write_text(json.dumps({"pid": 12, "host": "far", "since": "2020-01-02T03:04:05+00:00"}))
    assert lock.holder().startswith("by another process, 12 on far, since 2020-01-02 03:04:05, for 2")
    assert " days, " in lock.holder()
    for unreadable in ("", "[]", '{"pid": 1}', '{"pid": "x", "host": "", "since": ""}'):
        lock.path.write_text(unreadable)
        assert lock.holder() == "by another process"


def test_who_waits_for_a_memory_says_for_whom(tmp_path, monkeypatch):
    monkeypatch.setattr(_lock, "_SECONDS_BEFORE_NOTICE", 0.2)
    selector = ProxyCoresetSelector(LogisticRegression(), strategy="entropy", memory=tmp_path, random_state=0)
    selector.fit(X, y)
    (manifest,) = tmp_path.glob("**/entry.json")
    lock = FolderLock(manifest.parent)
    assert lock.take()
    threading.Timer(0.6, lock.close).start()
    with pytest.warns(UserWarning, match=rf"Waiting for '{manifest.parent}', which is in use by .*since 20"):
        assert selector.fit(X, y).from_cache_


@ON_POSIX
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EIO, errno.EACCES])
def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch, number):
    def refuse(handle, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_lock.fcntl, "flock", refuse)
    selector = ProxyCoresetSelector(LogisticRegression(), memory=tmp_path / "memory", random_state=0)
    learner = ProxyActiveLearner(LogisticRegression(), checkpoint=tmp_path / "runs", random_state=0)
    for name, work in (
        ("memory", lambda: selector.fit(X, y)),
        ("runs", lambda: learner.fit(X, [0, 1, *[None] * 38])),
        ("out", lambda: RunFolder(tmp_path / "out", {}, resume=False)),
    ):
        with pytest.raises(
            OSError, match=rf"no lock can be taken in this folder.*{tmp_path}/{name}"
        ) as caught:
            work()
        assert caught.value.errno == number


@ON_POSIX
def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def refuse(path, *args):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(_lock.os, "open", refuse)
    with pytest.raises(PermissionError, match=rf"no lock can be taken.*'{tmp_path}'"):
        FolderLock(tmp_path).take()


# States --------------------------------------------------------------------------------------


def checkpoint_with_states(folder):
    with closing(Checkpoint(folder, {"a": "1"})) as checkpoint:
        checkpoint.begin({"step": 0}, {"rows": np.arange(3)})
        checkpoint.save({"step": 1}, {"rows": np.arange(4)})
    return sorted(folder.glob("state-*.bin"))


def test_foreign_files_among_states_are_passed_over(tmp_path):
    states = checkpoint_with_states(tmp_path)
    for name in ("state-notes.bin", "state-00000009x.bin", "state-1.bin"):
        (tmp_path / name).write_text("notes")
    (tmp_path / "state-00000099.bin").mkdir()
    with closing(Checkpoint(tmp_path, {"a": "1"})) as checkpoint:
        assert checkpoint.load().told == {"step": 1}
        checkpoint.save({"step": 2}, {})
    assert [path.name for path in states] == ["state-00000002.bin", "state-00000003.bin"]
    assert (tmp_path / "state-00000004.bin").exists() and (tmp_path / "state-notes.bin").exists()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "state-notes.bin").touch()
    assert has_states(tmp_path) and not has_states(tmp_path / "notes")


def test_states_of_another_version_or_with_a_part_missing_are_named(tmp_path):
    checkpoint_with_states(tmp_path)
    write_state(tmp_path, 4, "state 0", Saved({"identity": {}, "versions": {}}, {}, {}))
    with (
        closing(Checkpoint(tmp_path, {"a": "1"})) as checkpoint,
        pytest.raises(ValueError, match=r"state-00000004\.bin holds 'state 0', not 'state 1'"),
    ):
        checkpoint.load()
    write_state(tmp_path, 5, "state 1", Saved({"identity": {"a": "1"}}, {}, {}))
    with (
        closing(Checkpoint(tmp_path, {"a": "1"})) as checkpoint,
        pytest.raises(ValueError, match=r"state-00000005\.bin lacks 'versions'"),
    ):
        checkpoint.load()


def test_a_folder_removed_or_moved_under_its_run_is_named(tmp_path):
    with closing(open_checkpoint(tmp_path, {"a": "1"}, Checkpoint)) as checkpoint:
        checkpoint.begin({}, {})
        moved = checkpoint.folder.rename(tmp_path / "moved")
        with pytest.raises(FileNotFoundError, match=rf"was removed or moved.*{checkpoint.folder}"):
            checkpoint.save({}, {})
        checkpoint.folder.mkdir()
        with pytest.raises(FileNotFoundError, match="was removed or moved"):
            checkpoint.save({}, {})
        checkpoint.folder.rmdir()
        moved.rename(checkpoint.folder)
        checkpoint.save({}, {})


# Journals ------------------------------------------------------------------------------------

ENTRIES = [{"row": 3, "label": 'Käse, \n"alt"'}, {"row": 4, "label": True}, {"row": 5, "label": 1.0}]


def test_a_journal_is_appended_to_and_read_by_people(tmp_path):
    journal = Journal(tmp_path / "labels.jsonl")
    assert journal.read() == []
    journal.add(ENTRIES[:1])
    journal.flush()
    first = journal.path.read_text(encoding="utf-8")
    assert first.startswith('{"row": 3, "label": "Käse, ')
    journal.add(ENTRIES[1:])
    journal.flush()
    journal.flush()
    assert journal.path.read_text(encoding="utf-8").startswith(first)
    assert repr(Journal(journal.path).read()) == repr(ENTRIES)


def test_flips_of_a_journal_lose_no_other_line_and_invent_none(tmp_path):
    journal = Journal(tmp_path / "labels.jsonl")
    journal.add(ENTRIES)
    journal.flush()
    lost = []
    for changed in flipped(journal.path.read_bytes()):
        journal.path.write_bytes(changed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = journal.read()
        assert all(entry in ENTRIES for entry in read)
        lost.append(3 - len(read))
    # A line's end that is gone makes one of two.
    assert set(lost) == {1, 2} and sum(number == 2 for number in lost) == 16


def test_a_line_that_was_never_finished_is_no_entry_and_is_replaced(tmp_path):
    journal = Journal(tmp_path / "labels.jsonl")
    journal.add(ENTRIES[:2])
    journal.flush()
    journal.path.write_bytes(journal.path.read_bytes()[:-5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert journal.read() == ENTRIES[:1]
    journal.add(ENTRIES[2:])
    journal.flush()
    assert journal.read() == [ENTRIES[0], ENTRIES[2]]


def test_what_a_full_disk_refuses_is_written_later(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "labels.jsonl")
    journal.add(ENTRIES[:1])
    journal.flush()
    before = journal.path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        journal.add(ENTRIES[1:])
        with pytest.raises(OSError, match=r"No space left on device: .*labels\.jsonl"):
            journal.flush()
    assert journal.path.read_bytes() == before
    journal.flush()
    assert journal.read() == ENTRIES


# Pickles -------------------------------------------------------------------------------------


@ON_POSIX
def test_pickles_of_others_are_refused(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    path = folder / "file.pkl"
    path.touch(mode=0o644)
    check_pickle(path)
    for place, mode in ((folder, 0o775), (path, 0o646)):
        before = place.stat().st_mode
        place.chmod(mode)
        with pytest.raises(PermissionError, match=rf"{place} can be written by other users.*chmod go-w"):
            check_pickle(path)
        place.chmod(before)
    os.chown(path, 12345, -1) if os.geteuid() == 0 else monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(PermissionError, match="belongs to another user"):
        check_own(path)


@ON_POSIX
def test_files_with_pickles_are_the_users_alone_whatever_the_umask(tmp_path):
    program = """
import os, sys
os.umask(0o002)
from sklearn.linear_model import LogisticRegression
from toy_proxies import blobs
from sksvp import ProxyActiveLearner, ProxyCoresetSelector
X, y = blobs(40)
selector = ProxyCoresetSelector(LogisticRegression(), memory=sys.argv[1], strategy="entropy", random_state=0)
assert [selector.fit(X, y).from_cache_ for _ in range(2)] == [False, True]
with ProxyActiveLearner(LogisticRegression(), checkpoint=sys.argv[1]).fit(X, [*y[:9], *[None] * 31]):
    pass
ProxyActiveLearner.resume(sys.argv[1], X)
"""
    subprocess.run(
        [sys.executable, "-c", program, tmp_path / "there"], check=True, cwd=os.path.dirname(__file__)
    )
