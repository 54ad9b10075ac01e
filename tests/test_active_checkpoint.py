"""What is kept of a run, and what becomes of it when it is damaged, taken or another one's."""

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_nets import make_net
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import ProxyActiveLearner
from sksvp._storage import _identity
from sksvp._storage._sealed import write_sealed
from sksvp.active._checkpoint import describe_run
from sksvp.estimators import ResNetClassifier
from sksvp.strategies import KCenters

X, y = blobs(90)
KNOWN = [label if row < 12 else None for row, label in enumerate(y.tolist())]


@pytest.fixture
def learner(tmp_path):
    """An interactive learner with a checkpoint, not fitted."""
    proxy = LogisticRegression(max_iter=1000)
    return ProxyActiveLearner(proxy, checkpoint=tmp_path / "runs", random_state=0)


def only_name(learner):
    return learner._run.checkpoint.folder.name


def only_folder(learner):
    (folder,) = [path for path in learner.checkpoint.iterdir() if path.is_dir()]
    return folder


def states(learner):
    return sorted(only_folder(learner).glob("state-*.bin"))


def go_on_without_checkpoint(learner, n_rounds):
    return go_on(clone(learner).set_params(checkpoint=None).fit(X, KNOWN), n_rounds)


def go_on(learner, n_rounds=2):
    for _ in range(n_rounds):
        rows = learner.query(5)
        learner.teach(rows, y[rows])
    return learner


def test_resume_has_labels_query_scores_and_history(learner):
    go_on(learner.fit(X, KNOWN))
    rows = learner.query(6)
    learner.teach(rows[2:4], y[rows[2:4]])
    learner.close()
    again = ProxyActiveLearner.resume(learner.checkpoint, X)
    np.testing.assert_array_equal(again.query(6), rows[[0, 1, 4, 5]])
    np.testing.assert_array_equal(again.labeled_rows_, learner.labeled_rows_)
    np.testing.assert_array_equal(again.labels_, learner.labels_)
    np.testing.assert_array_equal(again.scores_, learner.scores_)
    assert again.get_params()["strategy"] == "margin" and again.n_features_in_ == 4
    for one, two in zip(again.history_, learner.history_, strict=True):
        np.testing.assert_array_equal(one.pop("rows"), two.pop("rows"))
        assert one == two
    again.close()
    # The run's own folder, as text, does as well.
    np.testing.assert_array_equal(
        ProxyActiveLearner.resume(str(only_folder(learner)), X).waiting_, again.waiting_
    )


def test_the_same_fit_resumes(learner):
    go_on(learner.fit(X, KNOWN))
    learner.close()
    again = clone(learner).fit(X.tolist(), np.array(KNOWN, dtype=object))
    np.testing.assert_array_equal(again.labeled_rows_, learner.labeled_rows_)
    again.fit(X, KNOWN)  # lets go of its own run first
    assert len(again.labeled_rows_) == 22


def test_without_a_seed_a_run_keeps_the_one_it_drew(learner):
    learner.set_params(random_state=None, strategy="random").fit(X, KNOWN)
    learner.close()
    again = ProxyActiveLearner.resume(learner.checkpoint, X)
    np.testing.assert_array_equal(
        again.query(30), clone(again).set_params(checkpoint=None) and again.waiting_
    )
    assert again._run.state.seeds == learner._run.state.seeds


def test_target_is_trained_again_from_its_seed(learner):
    target = RandomForestClassifier(n_estimators=5)
    go_on(learner.set_params(target=target).fit(X, KNOWN)).fit_target()
    go_on(learner, 1)
    learner.close()
    again = ProxyActiveLearner.resume(learner.checkpoint, X)
    np.testing.assert_array_equal(again.predict_proba(X), learner.predict_proba(X))


def test_strings_and_extensions(learner):
    names = np.array(["ant", "bee", "cow"])[y]
    learner.fit(X[:60], [None] * 60)
    rows = learner.query(12)
    learner.teach(rows, names[rows]).extend(X[60:75]).extend(X[75:])
    rows = learner.query(9)
    learner.close()
    again = ProxyActiveLearner.resume(learner.checkpoint, X.astype(np.float64))
    np.testing.assert_array_equal(again.query(9), rows)
    assert again.labels_.tolist() == learner.labels_.tolist()
    again.close()
    for wrong, message in (
        (X[:60], r"X has 60 rows, the run 60 \+ 15 \+ 15 = 90 \(fitted, then appended\)"),
        (np.vstack([X[:75], X[75:] + 1]), r"rows 75 \.\. 89 have other values"),
    ):
        with pytest.raises(ValueError, match=message):
            ProxyActiveLearner.resume(learner.checkpoint, wrong)
    with pytest.raises(ValueError, match=r"was extended to 90 rows, and X has 60: reopen it by .*resume"):
        clone(learner).fit(X[:60], [None] * 60)
    # Refusals leave nothing locked.
    ProxyActiveLearner.resume(learner.checkpoint, X)


def test_finished_rounds_train_only_what_predicts(tmp_path):
    target = CountedTraining(str(tmp_path / "target"))
    learner = ProxyActiveLearner(
        CountedTraining(str(tmp_path / "proxy")),
        target,
        rounds=[5, 5],
        checkpoint=tmp_path / "runs",
        random_state=0,
    )
    history = clone(learner).fit(X, y, X_val=X, y_val=y).history_
    assert (n_trainings(tmp_path / "proxy"), n_trainings(tmp_path / "target")) == (3, 1)
    again = clone(learner).fit(X, y, X_val=X, y_val=y)
    assert (n_trainings(tmp_path / "proxy"), n_trainings(tmp_path / "target")) == (3, 2)
    assert [entry["target_fit"] for entry in again.history_] == [entry["target_fit"] for entry in history]
    assert again.score(X, y) == again.history_[-1]["target_score"]
    with pytest.raises(ValueError, match="holds runs of fit with rounds only, or with metadata"):
        ProxyActiveLearner.resume(tmp_path / "runs", X)


CONTINUE = """
import sys
import numpy as np
from toy_proxies import blobs
from sksvp import ProxyActiveLearner
X, y = blobs(60, n_features=192)
learner = ProxyActiveLearner.resume(sys.argv[1], X)
for _ in range(2):
    rows = learner.query(6)
    learner.teach(rows, y[rows])
print(np.concatenate([entry["rows"] for entry in learner.history_]).tolist())
"""


@pytest.mark.slow
def test_a_network_goes_on_in_another_process(tmp_path):
    X, y = blobs(60, n_features=192)
    proxy = ResNetClassifier(
        depth=8, max_epochs=2, lr=0.02, batch_size=8, image_shape=(3, 8, 8), precision="fp32", device="cpu"
    )
    learner = ProxyActiveLearner(proxy, warm_start=True, checkpoint=tmp_path / "runs", random_state=0)
    unbroken = clone(learner).set_params(checkpoint=None)
    for each, n_rounds in ((learner, 1), (unbroken, 3)):
        each.fit(X, [label if row < 12 else None for row, label in enumerate(y.tolist())])
        for _ in range(n_rounds):
            rows = each.query(6)
            each.teach(rows, y[rows])
    learner.close()
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CONTINUE, str(learner.checkpoint)],
        cwd=os.path.dirname(__file__),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    chosen = np.concatenate([entry["rows"] for entry in unbroken.history_]).tolist()
    assert told.strip() == str(chosen)


# Which run -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "rows", "labels"),
    [
        ({"strategy": "entropy"}, X, KNOWN),
        ({"proxy__C": 2.0}, X, KNOWN),
        ({"random_state": 1}, X, KNOWN),
        ({}, X + 1e-3, KNOWN),
        ({}, X, [*KNOWN[:-1], 0]),
        ({}, X, [None, *KNOWN[1:]]),
    ],
    ids=["strategy", "proxy", "seed", "X", "more labels", "fewer labels"],
)
def test_other_runs_have_folders_of_their_own(learner, params, rows, labels):
    learner.fit(X, KNOWN)
    clone(learner).set_params(**params).fit(rows, labels)
    assert len([path for path in learner.checkpoint.iterdir() if path.is_dir()]) == 2


def test_what_says_nothing_of_the_run_does_not_count(learner):
    learner.set_params(proxy=CountedTraining(str(learner.checkpoint) + ".log"))
    learner.fit(X, KNOWN)
    learner.close()
    clone(learner).set_params(verbose=1, proxy__verbose=2, proxy__device="cuda").fit(X.tolist(), KNOWN)
    only_folder(learner)


@pytest.mark.parametrize(
    ("params", "rows", "difference"),
    [
        ({"strategy": "entropy"}, X, "strategy='margin' there, 'entropy' now"),
        ({"proxy__C": 2.0}, X, r"proxy__C=1\.0 there, 2\.0 now"),
        (
            {"proxy": make_pipeline(StandardScaler(), LogisticRegression())},
            X,
            "proxy=LogisticRegression .* there",
        ),
        ({}, X + 1, "X=90 rows .* there, 90 rows .* now"),
        ({}, X[:80], "X=90 rows .* there, 80 rows .* now"),
    ],
    ids=["strategy", "proxy", "class", "content", "rows"],
)
def test_the_folder_of_another_run_is_refused_with_the_difference(learner, params, rows, difference):
    learner.fit(X, KNOWN)
    learner.close()
    other = clone(learner).set_params(checkpoint=only_folder(learner), **params)
    with pytest.raises(ValueError, match=f"is another one .*{difference}"):
        other.fit(rows, KNOWN[: len(rows)])
    clone(learner).set_params(checkpoint=only_folder(learner)).fit(X, KNOWN)


def test_resume_tells_runs_apart_by_their_rows(learner, tmp_path):
    with pytest.raises(ValueError, match="holds no run"):
        ProxyActiveLearner.resume(tmp_path / "nowhere", X)
    go_on(learner.fit(X, KNOWN))
    learner.close()
    other = clone(learner).fit(X + 1, KNOWN)
    other.close()
    found = ProxyActiveLearner.resume(learner.checkpoint, X)
    assert len(found.labeled_rows_) == 22
    found.close()
    with pytest.raises(ValueError, match=r"is of another X: rows 0 .* is of another X: rows 0"):
        ProxyActiveLearner.resume(learner.checkpoint, X + 2)
    clone(learner).set_params(strategy="entropy").fit(X, KNOWN)
    with pytest.raises(ValueError, match=r"several runs of this X: .*run\.json shows how they differ"):
        ProxyActiveLearner.resume(learner.checkpoint, X)


def test_resume_of_another_x_names_the_difference(learner):
    learner.fit(X, KNOWN)
    learner.close()
    with pytest.raises(ValueError, match=r"of another X: rows 0 \.\. 89 have other values"):
        ProxyActiveLearner.resume(learner.checkpoint, X + 1)
    with pytest.raises(ValueError, match=r"of another X: X has 91 rows, the run 90"):
        ProxyActiveLearner.resume(learner.checkpoint, np.vstack([X, X[:1]]))


def test_description_of_a_run():
    def words(proxy, **params):
        return describe_run(ProxyActiveLearner(proxy, **params), X="x")

    frozen = [FrozenEstimator(LogisticRegression(C=C).fit(X, y)) for C in (1, 1, 2)]
    assert words(frozen[0]) == words(frozen[1])
    assert words(frozen[0])["proxy"] != words(frozen[2])["proxy"]
    nets = [FrozenEstimator(make_net(max_epochs=epochs).fit(X, y.astype(np.int64))) for epochs in (1, 2)]
    assert words(nets[0])["proxy"] != words(nets[1])["proxy"]
    assert words(make_net()) == words(make_net())
    assert (
        words(LogisticRegression(), rounds=[1, 2])["rounds"]
        == words(LogisticRegression(), rounds=np.array([1, 2]))["rounds"]
    )
    assert words(LogisticRegression(), strategy=KCenters()) != words(
        LogisticRegression(), strategy=KCenters(n_initial=3)
    )
    plain = words(ResNetClassifier())
    assert plain["proxy__depth"] == "20" and "proxy__device" not in plain and "oracle" not in plain
    json.dumps(plain)


# Damage --------------------------------------------------------------------------------------


def damage(path, how):
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "one bit":
        at = len(content) - 20
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    else:
        path.write_bytes(os.urandom(len(content)))


@pytest.mark.parametrize("how", ["truncated", "empty", "one bit", "noise"])
@pytest.mark.parametrize("way", ["fit", "resume"])
def test_the_previous_state_is_used_with_a_warning(learner, how, way):
    go_on(learner.fit(X, KNOWN))
    rows = learner.query(5)
    learner.teach(rows, y[rows]).close()
    damage(states(learner)[-1], how)
    with pytest.warns(UserWarning, match=r"state-\d+\.bin is damaged: the state before it is used"):
        reopen = (
            ProxyActiveLearner.resume if way == "resume" else lambda root, X: clone(learner).fit(X, KNOWN)
        )
        again = reopen(learner.checkpoint, X)
    # The last labels are in the journal.
    np.testing.assert_array_equal(again.labeled_rows_, learner.labeled_rows_)
    np.testing.assert_array_equal(again.labels_, learner.labels_)
    assert again.history_[-1]["n_labeled"] == 27
    np.testing.assert_array_equal(again.query(5), go_on_without_checkpoint(learner, 3).query(5))
    again.close()
    assert len(states(learner)) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(ProxyActiveLearner.resume(learner.checkpoint, X).labeled_rows_) == 27


def test_a_new_run_survives_damage_at_once(learner):
    learner.fit(X, KNOWN)
    learner.close()
    damage(states(learner)[-1], "truncated")
    with pytest.warns(UserWarning, match="is damaged"):
        assert len(ProxyActiveLearner.resume(learner.checkpoint, X).labeled_rows_) == 12


def test_all_states_damaged_is_an_error_and_no_restart(learner):
    go_on(learner.fit(X, KNOWN))
    learner.close()
    for path in states(learner):
        damage(path, "truncated")
    with pytest.raises(ValueError, match=r"All states in .* are damaged"):
        clone(learner).fit(X, KNOWN)
    with pytest.raises(ValueError, match="are damaged"):
        ProxyActiveLearner.resume(learner.checkpoint, X)


def test_damaged_parameters(learner):
    go_on(learner.fit(X, KNOWN))
    learner.close()
    first, second = [only_folder(learner) / name for name in ("learner.pkl", "learner-copy.pkl")]
    damage(first, "one bit")
    found = ProxyActiveLearner.resume(learner.checkpoint, X)
    assert len(found.labeled_rows_) == 22
    found.close()
    second.unlink()
    with pytest.raises(ValueError, match=r"learner\.pkl and its copy are damaged. Call fit with"):
        ProxyActiveLearner.resume(learner.checkpoint, X)
    assert len(clone(learner).fit(X, KNOWN).labeled_rows_) == 22


def test_other_versions_are_a_warning(learner, monkeypatch):
    learner.fit(X, KNOWN)
    learner.close()
    monkeypatch.setattr(_identity, "__version__", "99")
    with pytest.warns(UserWarning, match=r"made with other versions \(sksvp .* -> 99\)"):
        clone(learner).fit(X, KNOWN)


def test_left_over_parts_are_removed(learner):
    learner.fit(X, KNOWN)
    learner.close()
    part = only_folder(learner) / ".state-00000003.bin.abc.part.bin"
    part.write_bytes(b"half")
    clone(learner).fit(X, KNOWN)
    assert not part.exists()


def test_proxy_that_cannot_be_pickled_is_refused(learner):
    class Local(LogisticRegression):
        pass

    with pytest.raises(ValueError, match=r"checkpoint keeps the learner's parameters.*cannot be pickled"):
        learner.set_params(proxy=Local()).fit(X, KNOWN)
    # Nothing resumes rounds but the same fit, which has its parameters at hand.
    learner.set_params(rounds=[5], initial_size=10).fit(X, y)


def test_labels_of_states_that_are_lost_are_not(learner):
    go_on(learner.fit(X, KNOWN))
    learner.close()
    lines = (only_folder(learner) / "labels.jsonl").read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == [
        row for entry in learner.history_ for row in sorted(entry["rows"].tolist())
    ]
    for path in states(learner):
        damage(path, "empty")
    with pytest.raises(
        ValueError, match=r"remove its state-\*\.bin and call fit as before.*labels in labels\.jsonl"
    ):
        clone(learner).fit(X, KNOWN)
    for path in states(learner):
        path.unlink()
    with pytest.warns(UserWarning, match=r"labels\.jsonl has labels of a run whose states are lost"):
        again = clone(learner).fit(X, KNOWN)
    np.testing.assert_array_equal(again.labeled_rows_, learner.labeled_rows_)
    np.testing.assert_array_equal(again.labels_, learner.labels_)


def test_labels_of_all_kinds_come_back_from_the_journal(tmp_path):
    for number, labels in enumerate((["ä", "b\n,"], [True, False], [3, -(2**40)], [1.0, 2.0])):
        learner = ProxyActiveLearner(LogisticRegression(), checkpoint=tmp_path / str(number), random_state=0)
        learner.fit(X, [None] * 90)
        rows = learner.query(2)
        learner.teach(rows, labels).close()
        damage(states(learner)[-1], "empty")
        with pytest.warns(UserWarning, match="is damaged"):
            again = ProxyActiveLearner.resume(learner.checkpoint, X)
        assert again.labels_.tolist() == learner.labels_.tolist()
        assert again.labels_.dtype == learner.labels_.dtype


def test_labels_of_appended_rows_wait_for_those_rows(learner):
    learner.fit(X[:60], KNOWN[:60]).extend(X[60:])
    learner.teach([3 + 12, 70], [0, 1], allow_extra=True).close()
    for path in states(learner):
        path.unlink()
    with pytest.warns(UserWarning, match="has 1 labels of rows beyond the 60 of X"):
        again = clone(learner).fit(X[:60], KNOWN[:60])
    assert again.labeled_rows_.tolist() == [*range(12), 15]


def test_an_oracle_is_not_asked_again_for_labels_of_a_damaged_state(tmp_path):
    asked = []

    def answer(rows):
        asked.append(rows.tolist())
        if len(asked) == 3:
            raise KeyboardInterrupt
        return y[rows]

    learner = ProxyActiveLearner(
        LogisticRegression(),
        rounds=[5, 5],
        initial_size=20,
        oracle=answer,
        checkpoint=tmp_path,
        random_state=0,
    )
    with pytest.raises(KeyboardInterrupt):
        learner.fit(X)
    (folder,) = tmp_path.iterdir()
    # The third query's state; the second's labels are in the one before it, too.
    damage(sorted(folder.glob("state-*.bin"))[-1], "noise")
    with pytest.warns(UserWarning, match="is damaged"):
        learner.fit(X)
    assert len(asked) == 4 and asked[2] == asked[3]
    # A new run by rounds takes no labels that it has not asked for.
    for path in folder.glob("state-*.bin"):
        path.unlink()
    again = learner.fit(X)
    assert asked[4:] == [asked[0], asked[1], asked[2]]
    assert len(list(folder.glob("labels-before-*.jsonl"))) == 1 and len(again.labels_) == 30


def test_a_full_disk_loses_no_label(learner, monkeypatch):
    learner.fit(X, KNOWN)
    rows = learner.query(5)

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device: .*labels\.jsonl"):
            learner.teach(rows, y[rows])
    learner.query(5)
    learner.close()
    damage(states(learner)[-1], "empty")
    with pytest.warns(UserWarning, match="is damaged"):
        assert len(ProxyActiveLearner.resume(learner.checkpoint, X).labeled_rows_) == 17


def test_a_folder_removed_under_a_living_learner_is_named(learner):
    learner.fit(X, KNOWN)
    rows = learner.query(5)
    shutil.rmtree(learner.checkpoint)
    for step in (lambda: learner.teach(rows, y[rows]), lambda: learner.query(5)):
        with pytest.raises(FileNotFoundError, match=rf"was removed or moved.*{learner.checkpoint}"):
            step()
    assert len(learner.labeled_rows_) == 12


class RunsCode:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (self.trace, "w")


def test_a_pickle_is_not_opened_for_another_x_or_where_others_could_have_written_it(learner, tmp_path):
    learner.fit(X, KNOWN)
    learner.close()
    trace = tmp_path / "trace"
    for name in ("learner.pkl", "learner-copy.pkl"):
        write_sealed(only_folder(learner) / name, pickle.dumps(RunsCode(str(trace))), mode=0o644)
    with pytest.raises(ValueError, match="of another X"):
        ProxyActiveLearner.resume(learner.checkpoint, X + 1)
    if os.name == "posix":
        only_folder(learner).chmod(0o777)
        with pytest.raises(PermissionError, match="can be written by other users"):
            ProxyActiveLearner.resume(learner.checkpoint, X)
    assert not trace.exists()
    # What it was is still known: the same fit goes on.
    assert len(clone(learner).fit(X, KNOWN).labeled_rows_) == 12


def test_other_folders_below_the_root_do_not_matter(learner):
    go_on(learner.fit(X, KNOWN))
    learner.close()
    other = clone(learner).fit(X + 1, KNOWN)
    other.close()
    (folder,) = [path for path in learner.checkpoint.iterdir() if path.name != only_name(learner)]
    for path in folder.glob("state-*.bin"):
        damage(path, "noise")
    assert len(ProxyActiveLearner.resume(learner.checkpoint, X).labeled_rows_) == 22
    with pytest.raises(ValueError, match=r"All states in .* are damaged"):
        ProxyActiveLearner.resume(learner.checkpoint, X + 1)


# The lock ------------------------------------------------------------------------------------

HOLD = """
import sys, time
from toy_proxies import blobs
from sksvp import ProxyActiveLearner
X, y = blobs(90)
learner = ProxyActiveLearner.resume(sys.argv[1], X)
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_while_the_first_lives(learner):
    learner.fit(X, KNOWN)
    copied = pickle.loads(pickle.dumps(learner))
    learner.close()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(learner.checkpoint)],
        cwd=os.path.dirname(__file__),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        for attempt in (
            lambda: clone(learner).fit(X, KNOWN),
            lambda: ProxyActiveLearner.resume(learner.checkpoint, X),
            lambda: copied.query(5),
        ):
            start = time.perf_counter()
            with pytest.raises(
                ValueError, match=rf"is in use by another process, {holder.pid} on .*, since 2.*, for 0:"
            ):
                attempt()
            assert time.perf_counter() - start < 5
    finally:
        holder.kill()
        holder.wait()
    # Its lock died with it.
    assert len(ProxyActiveLearner.resume(learner.checkpoint, X).query(5)) == 5


@pytest.mark.parametrize("way", ["fit", "resume"])
def test_a_second_learner_of_this_thread_takes_over(learner, way):
    """A notebook's cell that runs again."""

    def reopen():
        if way == "resume":
            return ProxyActiveLearner.resume(learner.checkpoint, X)
        return clone(learner).fit(X, KNOWN)

    go_on(learner.fit(X, KNOWN), 1)
    again = reopen()
    np.testing.assert_array_equal(again.labeled_rows_, learner.labeled_rows_)
    for step in (lambda: learner.query(5), lambda: learner.teach([], []), lambda: learner.extend(X[:3])):
        with pytest.raises(
            ValueError, match=r"in use by another learner of this process.*fitted or resumed later"
        ):
            step()
    learner.predict(X)
    rows = again.query(5)
    third = reopen()
    np.testing.assert_array_equal(third.query(5), rows)
    # The first may go on when the folder is free only where the run is as it left it.
    third.close()
    with pytest.raises(ValueError, match=r"has gone on without this learner.*resume"):
        learner.query(5)
    np.testing.assert_array_equal(again.query(5), rows)
    del again, third  # a learner that is gone holds nothing
    assert len(reopen().query(5)) == 5


def test_who_could_not_take_over_leaves_the_run_to_its_learner(learner):
    learner.fit(X, KNOWN)
    with pytest.raises(ValueError, match="of another X"):
        ProxyActiveLearner.resume(learner.checkpoint, X + 1)
    assert len(go_on(learner).labeled_rows_) == 22


def in_a_thread(call):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def test_another_thread_is_refused_until_close(learner):
    learner.fit(X, KNOWN)
    for attempt in (
        lambda: clone(learner).fit(X, KNOWN),
        lambda: ProxyActiveLearner.resume(learner.checkpoint, X),
    ):
        with pytest.raises(
            ValueError,
            match=r"in use by this process, since .*, for 0:00:\d\d\..* call close\(\) of the learner",
        ):
            in_a_thread(attempt)
    # Nobody has taken anything from it, and any thread may work with it.
    rows = in_a_thread(lambda: learner.query(5))
    # Now it is that thread's, which may be in the middle of a step.
    with pytest.raises(ValueError, match="in use"):
        ProxyActiveLearner.resume(learner.checkpoint, X)
    learner.close()
    np.testing.assert_array_equal(
        in_a_thread(lambda: ProxyActiveLearner.resume(learner.checkpoint, X)).query(5), rows
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_does_not_take_over(learner):
    learner.fit(X, KNOWN)
    child = os.fork()
    if child == 0:
        code = 0
        try:
            ProxyActiveLearner.resume(learner.checkpoint, X)
        except ValueError:
            code = 7
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    # And the lock is still the parent's.
    assert len(go_on(learner, 1).labeled_rows_) == 17


def test_a_closed_learner_asks_no_more(learner):
    go_on(learner.fit(X, KNOWN), 1)
    rows = learner.query(4)
    learner.close()
    learner.close()
    for step in (
        lambda: learner.query(4),
        lambda: learner.teach(rows, y[rows]),
        lambda: learner.fit_target(),
    ):
        with pytest.raises(ValueError, match=r"this learner was closed.*ProxyActiveLearner\.resume"):
            step()
    assert len(learner.predict(X)) == 90
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(learner.fit(X, KNOWN).query(4), rows)


def test_a_with_statement_closes(learner):
    with learner.fit(X, KNOWN) as entered:
        assert entered is learner
        rows = learner.query(4)
    with pytest.raises(ValueError, match="was closed"):
        learner.query(4)
    with pytest.raises(KeyError), ProxyActiveLearner.resume(learner.checkpoint, X) as again:
        np.testing.assert_array_equal(again.query(4), rows)
        raise KeyError
    with pytest.raises(ValueError, match="was closed"):
        again.query(4)


def test_close_without_a_checkpoint_closes_nothing(learner):
    with learner.set_params(checkpoint=None) as unfitted:
        assert len(unfitted.fit(X, KNOWN).query(4)) == 4
    assert len(learner.query(4)) == 4


def test_copies_go_on_only_where_the_run_has_not(learner):
    learner.fit(X, KNOWN)
    copied = pickle.loads(pickle.dumps(learner))
    stale = pickle.loads(pickle.dumps(learner))
    with pytest.raises(ValueError, match="in use"):
        copied.query(5)
    learner.close()
    copied.query(5)
    copied.close()
    with pytest.raises(ValueError, match=r"has gone on without this learner, which is a copy.*resume"):
        stale.query(4)


def test_a_failed_fit_lets_go(tmp_path):
    def fail(rows):
        raise KeyError("no")

    learner = ProxyActiveLearner(
        LogisticRegression(), rounds=[5], initial_size=5, oracle=fail, checkpoint=tmp_path, random_state=0
    )
    for _ in range(2):
        with pytest.raises(KeyError):
            learner.fit(X)
