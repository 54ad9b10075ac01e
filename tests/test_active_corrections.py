"""Labels that were wrong: corrected, refused, reported; kept by the journal and by models of earlier steps."""

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from toy_proxies import blobs

from sksvp import ProxyActiveLearner
from sksvp.labelling import read_answers

X, y = blobs(90)
KNOWN = [label if row < 12 else None for row, label in enumerate(y.tolist())]


def learner_with(folder=None, proxy=None, **params):
    proxy = proxy or LogisticRegression(max_iter=1000)
    return ProxyActiveLearner(proxy, checkpoint=folder, random_state=0, **params).fit(X, KNOWN)


def write(path, labels):
    path.write_text("row,label\n" + "".join(f"{row},{label}\n" for row, label in labels.items()))
    return path


def other(label):
    return (label + 1) % 3


def test_a_corrected_label_is_that_of_a_learner_that_never_had_the_wrong_one():
    right, wrong = learner_with(), learner_with()
    rows = right.query(6)
    wrong.query(6)
    right.teach(rows, y[rows])
    wrong.teach(rows, [other(y[rows[0]]), *y[rows[1:]]])
    with pytest.raises(
        ValueError, match=rf"row {rows[0]}: .* where it has already .*; overwrite=True replaces"
    ):
        wrong.teach(rows, y[rows])
    assert wrong.teach(rows, y[rows], overwrite=True) is wrong
    np.testing.assert_array_equal(wrong.labels_, right.labels_)
    np.testing.assert_array_equal(wrong.query(5), right.query(5))
    np.testing.assert_array_equal(wrong.predict_proba(X), right.predict_proba(X))
    # Rows of the first y too; one call cannot say two things of a row.
    wrong.teach([0], [other(y[0])], overwrite=True)
    assert wrong.labels_[0] == other(y[0])
    with pytest.raises(ValueError, match="gets too"):
        wrong.teach([0, 0], [0, 1], overwrite=True)


def test_a_class_that_no_row_has_any_more_is_gone():
    learner = learner_with()
    rows = learner.query(2)
    learner.teach(rows, [7, y[rows[1]]])
    assert learner.classes_.tolist() == [0, 1, 2, 7]
    learner.teach(rows[:1], y[rows[:1]], overwrite=True)
    assert learner.classes_.tolist() == [0, 1, 2] and learner.predict_proba(X).shape == (90, 3)
    only = ProxyActiveLearner(LogisticRegression(), random_state=0).fit(X)
    only.query(2)
    only.teach(only.waiting_, [0, 1])
    only.teach(only.labeled_rows_, [1, 1], overwrite=True)
    assert len(only.query(3)) == 3 and only.proxy_ is None  # drawn at random: one class is left


@pytest.mark.parametrize("how", ["resume", "all states lost", "newest state lost"])
def test_corrections_survive_the_process(tmp_path, how):
    learner = learner_with(tmp_path)
    rows = learner.query(4)
    wrong = [other(label) for label in y[rows]]
    learner.teach(rows, wrong).teach(rows[:2], y[rows[:2]], overwrite=True)
    labels = learner.labels_
    learner.close()
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    states = sorted(folder.glob("state-*.bin"))
    for path in {"resume": [], "all states lost": states, "newest state lost": states[-1:]}[how]:
        path.unlink()
    again = learner_with(tmp_path) if how == "all states lost" else ProxyActiveLearner.resume(tmp_path, X)
    np.testing.assert_array_equal(again.labels_, labels)
    again.teach(rows[2:], y[rows[2:]], overwrite=True)
    entries = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    told = [(entry["row"], entry["label"], entry.get("replaces")) for entry in entries]
    first, second, third = rows[0], rows[1], rows[2]
    assert (first, wrong[0], None) in told and (first, y[first], wrong[0]) in told
    assert (second, y[second], wrong[1]) in told and (third, y[third], wrong[2]) in told


def test_models_of_earlier_steps_keep_the_labels_that_they_had(tmp_path):
    """A warm start and the last target are repeated from the labels of their time."""
    proxy = MLPClassifier((6,), max_iter=15)
    learner = ProxyActiveLearner(
        proxy, LogisticRegression(), warm_start=True, checkpoint=tmp_path, random_state=0
    ).fit(X, KNOWN)
    unbroken = clone(learner).set_params(checkpoint=None).fit(X, KNOWN)
    for each in (learner, unbroken):
        rows = each.query(6)
        each.teach(rows, [other(label) for label in y[rows]]).fit_target()
        each.query(4)
        each.teach(rows, y[rows], overwrite=True)
    learner.close()
    again = ProxyActiveLearner.resume(tmp_path, X)
    np.testing.assert_array_equal(again.predict_proba(X), unbroken.predict_proba(X))
    for each in (again, unbroken):
        each.teach(each.waiting_, y[each.waiting_])
    np.testing.assert_array_equal(again.query(5), unbroken.query(5))
    np.testing.assert_array_equal(again.scores_, unbroken.scores_)


def test_labels_outside_the_classes_are_refused(tmp_path):
    learner = learner_with()
    rows = learner.query(4)
    with pytest.raises(ValueError, match=rf"the label 5 of row {rows[1]} is not one of classes=\[0, 1, 2\]"):
        learner.teach(rows, [0, 5, 1, 2], classes=[0, 1, 2])
    path = write(tmp_path / "labels.csv", {rows[0]: 0, rows[1]: 9, rows[2]: 8})
    with pytest.raises(
        ValueError, match=rf"line 3 of .*: the label 9 of row {rows[1]} is not one of .*1 more labels are not"
    ):
        learner.import_labels(path, classes=np.array([0, 1, 2]))
    assert len(learner.waiting_) == 4
    learner.teach(rows, y[rows], classes={0, 1, 2})
    with pytest.raises(ValueError, match="classes: y must be class labels"):
        learner.teach(rows, y[rows], classes=[0.5])


def test_classes_say_how_labels_are_read(tmp_path):
    path = write(tmp_path / "labels.csv", {3: 1, 4: 2})
    assert read_answers(path, classes=["1", "2"])[1].tolist() == ["1", "2"]
    assert read_answers(path, ["a"])[1].tolist() == ["1", "2"]
    assert read_answers(path)[1].tolist() == [1, 2]
    booleans = write(tmp_path / "booleans.csv", {3: "True", 4: "false"})
    assert read_answers(booleans, classes=[True, False])[1].tolist() == [True, False]
    with pytest.raises(ValueError, match=r"line 2 of .*: label must be True or False, got '1'"):
        read_answers(path, [True])


def test_report_of_an_import(tmp_path):
    names = np.array(["ant", "bee", "cow"])
    learner = ProxyActiveLearner(LogisticRegression(), random_state=0)
    learner.fit(X, [names[y[row]] if row < 80 else None for row in range(90)])
    rows = learner.query(6)
    learner.teach(rows[:1], names[y[rows[:1]]])
    told = {0: "bee" if y[0] == 0 else "ant", 1: names[y[1]], rows[1]: "cwo", rows[2]: names[y[rows[2]]]}
    path = write(tmp_path / "labels.csv", told)
    with pytest.raises(ValueError, match="Conflicting labels for row 0"):
        learner.import_labels(path)
    report = learner.import_labels(path, overwrite=True)
    assert (report.n_new, report.n_repeated, report.n_waiting, report.n_unlabeled) == (2, 1, 3, 7)
    assert report.corrected == {0: (names[y[0]], told[0])}
    assert report.new_classes == ["cwo"] and report.rare_classes == {"cwo": 1}
    assert str(report).splitlines() == [
        "labels of 2 new rows, 1 repeated, 1 corrected; 7 rows have no label, 3 of them were asked for",
        f"row 0: {str(names[y[0]])!r} is now {told[0]!r}",
        "new classes: 'cwo'",
        "rare classes: 'cwo' (1 row)",
    ]


def test_report_of_an_import_of_nothing(tmp_path):
    learner = ProxyActiveLearner(LogisticRegression(), random_state=0).fit(X)
    learner.query(3)
    learner.export_query(tmp_path / "query.csv")
    report = learner.import_labels(tmp_path / "query.csv")
    assert (report.n_new, report.n_waiting, report.rare_classes) == (0, 3, {})
