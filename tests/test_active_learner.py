"""ProxyActiveLearner by query and teach."""

import pickle
import signal
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.callbacks import Callback
from toy_nets import make_net
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import ProxyActiveLearner
from sksvp._inputs._rows import LazyRows
from sksvp.active import replay_selection
from sksvp.active._pool import append_rows
from sksvp.estimators import ResNetClassifier
from sksvp.proxies import _blocks
from sksvp.strategies import Entropy, Strategy, Stratified, entropy, k_centers, least_confidence, margin

X, y = blobs(90)
LOGISTIC = LogisticRegression(max_iter=1000)


def partly(y, every=6):
    """Labels of every sixth row, None elsewhere."""
    return [label if row % every == 0 else None for row, label in enumerate(np.asarray(y).tolist())]


def start(learner=None, X=X, y=y, **params):
    learner = ProxyActiveLearner(LOGISTIC, random_state=0) if learner is None else learner
    return clone(learner).set_params(**params).fit(X, partly(y))


def expected_failures(learner):
    if learner.rounds is not None:
        return {}
    return {"check_supervised_y_no_nan": "NaN in y marks rows without a label"}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        ProxyActiveLearner(LogisticRegression()),
        ProxyActiveLearner(
            LogisticRegression(), LogisticRegression(C=2), rounds=[0.3, 0.3], initial_size=0.3
        ),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# Bookkeeping against a plain model -----------------------------------------------------------


class Actions:
    """What `query`, `teach` and `extend` promise, with sets and dicts."""

    def __init__(self, known, n_rows):
        self.labels, self.n_rows, self.waiting, self.asked = dict(known), n_rows, [], 0

    def free(self):
        return self.n_rows - len(self.labels)


@settings(max_examples=40)
@given(st.data())
def test_bookkeeping(data):
    n_rows = data.draw(st.integers(4, 20))
    truth = np.arange(40) % 3
    rows_of = np.random.RandomState(0).normal(size=(40, 2)) + truth[:, None]
    n_known = data.draw(st.integers(0, n_rows))
    known = {row: int(truth[row]) for row in range(n_known)}
    # A frozen proxy, so that nothing is trained hundreds of times.
    proxy = FrozenEstimator(LogisticRegression().fit(rows_of, truth))
    learner = ProxyActiveLearner(proxy, random_state=data.draw(st.integers(0, 3)))
    learner.fit(rows_of[:n_rows], [known.get(row) for row in range(n_rows)])
    model = Actions(known, n_rows)
    for _ in range(data.draw(st.integers(1, 8))):
        action = data.draw(st.sampled_from(["query", "teach", "extra", "extend", "discard"]))
        size = data.draw(st.integers(1, 5))
        if action in ("query", "discard"):
            if action == "discard":
                model.waiting = []
            if not model.waiting and model.free() == 0:
                with pytest.raises(ValueError, match="labelled, none is left"):
                    learner.query(size, discard=action == "discard")
                continue
            all_wait = len(model.waiting) == model.free() and size > model.asked
            if model.waiting and size != model.asked and not all_wait:
                with pytest.raises(ValueError, match="still wait"):
                    learner.query(size)
                continue
            is_short = not model.waiting and model.free() < size
            with pytest.warns(UserWarning, match="are left") if is_short else nullcontext():
                rows = learner.query(size, discard=action == "discard").tolist()
            if model.waiting:
                assert rows == model.waiting
            else:
                assert len(set(rows)) == min(size, model.free()) and not set(rows) & set(model.labels)
                model.waiting, model.asked = rows, len(rows)
        elif action == "extend":
            if model.n_rows + size <= 40:
                learner.extend(rows_of[model.n_rows : model.n_rows + size])
                model.n_rows += size
        else:
            pool = model.waiting if action == "teach" else range(model.n_rows)
            rows = data.draw(st.permutations(list(pool))) if pool else []
            rows = rows[:size]
            extra = [row for row in rows if row not in model.waiting and row not in model.labels]
            if extra and data.draw(st.booleans()):
                with pytest.raises(ValueError, match="not asked for"):
                    learner.teach(rows, truth[rows])
                continue
            learner.teach(np.array(rows, dtype=int), truth[rows], allow_extra=True)
            model.labels.update({row: int(truth[row]) for row in rows})
            model.waiting = [row for row in model.waiting if row not in rows]
        assert learner.waiting_.tolist() == model.waiting
        assert (
            dict(zip(learner.labeled_rows_.tolist(), learner.labels_.tolist(), strict=True)) == model.labels
        )


# Choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "score"),
    [("least_confidence", least_confidence), ("entropy", entropy), (None, margin), (Entropy(), entropy)],
    ids=["least_confidence", "entropy", "margin by default", "an object"],
)
def test_choice_is_the_highest_scores_of_a_proxy_trained_on_the_labels(strategy, score):
    learner = start(**({} if strategy is None else {"strategy": strategy}))
    labelled = np.arange(90) % 6 == 0
    scores = score(clone(LOGISTIC).fit(X[labelled], y[labelled]).predict_proba(X))
    free = np.flatnonzero(~labelled)
    expected = free[np.argsort(-scores[free], kind="stable")][:10]
    np.testing.assert_array_equal(learner.query(10), expected)
    np.testing.assert_allclose(learner.scores_[free], scores[free])
    assert np.isnan(learner.scores_[labelled]).all()
    # And in the next round, on more labels.
    learner.teach(expected, y[expected])
    labelled[expected] = True
    scores = score(clone(LOGISTIC).fit(X[labelled], y[labelled]).predict_proba(X))
    free = np.flatnonzero(~labelled)
    np.testing.assert_array_equal(learner.query(7), free[np.argsort(-scores[free], kind="stable")][:7])


def test_k_centers_begins_from_all_labelled_rows():
    proxy = make_pipeline(StandardScaler(), LOGISTIC)
    learner = start(ProxyActiveLearner(proxy, strategy="k_centers", random_state=0))
    labelled = np.arange(90) % 6 == 0
    features = StandardScaler().fit(X[labelled]).transform(X)
    expected = []
    for _ in range(8):
        centres = features[np.append(np.flatnonzero(labelled), np.array(expected, dtype=int))]
        distance = np.linalg.norm(features[:, None].astype(np.float64) - centres[None], axis=2).min(axis=1)
        expected.append(int(distance.argmax()))
    assert learner.query(8).tolist() == expected
    np.testing.assert_array_equal(
        expected, k_centers(features, 8, initial=np.flatnonzero(labelled), device="cpu")
    )


def test_random_trains_nothing_and_is_seeded(tmp_path):
    proxy = CountedTraining(str(tmp_path / "log"))
    learner = start(ProxyActiveLearner(proxy, strategy="random", random_state=0))
    rows = learner.query(10)
    assert n_trainings(tmp_path / "log") == 0 and learner.history_[0]["proxy_fit"] is None
    np.testing.assert_array_equal(rows, start(learner).query(10))
    assert set(rows) != set(start(learner, random_state=1).query(10))
    assert not (rows % 6 == 0).any()


def test_equal_scores_do_not_follow_the_rows():
    ordered = np.sort(y)
    frozen = FrozenEstimator(LOGISTIC.fit(np.zeros((90, 4)), y))
    learner = ProxyActiveLearner(frozen, random_state=0).fit(np.zeros((90, 4)), partly(ordered))
    rows = learner.query(45)
    assert len(np.unique(learner.scores_[~np.isnan(learner.scores_)])) == 1
    assert np.bincount(ordered[rows], minlength=3).min() > 5
    other = start(learner, np.zeros((90, 4)), ordered, random_state=1).query(45)
    assert set(rows) != set(other)


def test_below_two_classes_rows_are_drawn_at_random(tmp_path):
    learner = ProxyActiveLearner(CountedTraining(str(tmp_path / "log")), random_state=0).fit(X)
    rows = learner.query(12)
    assert n_trainings(tmp_path / "log") == 0 and len(set(rows)) == 12
    assert learner.history_[0]["round"] == 0 and not np.isnan(learner.scores_).any()
    with pytest.raises(ValueError, match=r"labels of two classes at least, got none"):
        learner.predict(X)
    learner.teach(rows[:1], y[rows[:1]])
    with pytest.raises(ValueError, match=r"got one class"):
        learner.predict(X)
    learner.teach(rows, y[rows]).query(5)
    assert n_trainings(tmp_path / "log") == 1


class Recorder(Strategy):
    """Takes the lowest rows and keeps what it was given."""

    requires = ("probabilities",)

    def __init__(self, wrong=False):
        self.wrong = wrong

    def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
        Recorder.seen = evidence.n_rows, np.asarray(candidates).tolist(), np.asarray(initial).tolist()
        rows = np.asarray(initial if self.wrong else candidates)
        return rows, np.arange(evidence.n_rows, dtype=float)


def test_own_strategy_gets_the_labelled_rows_too():
    learner = start(strategy=Recorder())
    assert learner.query(4).tolist() == [1, 2, 3, 4]
    labelled = list(range(0, 90, 6))
    assert Recorder.seen == (90, sorted(set(range(90)) - set(labelled)), labelled)
    with pytest.raises(ValueError, match=r"Recorder.rank gave rows of `initial`"):
        start(strategy=Recorder(wrong=True)).query(4)


class Watching(CountedTraining):
    """Notes how many rows it is asked about."""

    def predict_proba(self, X):
        with open(self.log + ".rows", "a") as file:
            file.write(f"{len(X)}\n")
        return super().predict_proba(X)


def test_evidence_is_gathered_of_the_pool_alone_and_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(_blocks, "_MAX_ROWS_PER_BLOCK", 32)
    learner = start(ProxyActiveLearner(Watching(str(tmp_path / "log")), random_state=0))
    rows = learner.query(10)
    assert [int(n) for n in (tmp_path / "log.rows").read_text().split()] == [32, 32, 11]
    monkeypatch.undo()
    np.testing.assert_array_equal(rows, start(learner).query(10))


# Labels that come in part, in any order ------------------------------------------------------


def test_the_proxy_is_trained_once_when_it_is_needed(tmp_path):
    log = tmp_path / "log"
    learner = start(ProxyActiveLearner(CountedTraining(str(log)), random_state=0))
    assert n_trainings(log) == 0
    rows = learner.query(6)
    learner.predict(X)
    assert n_trainings(log) == 1
    for row in rows[::-1]:
        learner.teach([row], y[[row]])
    assert n_trainings(log) == 1
    learner.predict(X)
    learner.score(X, y)
    learner.query(6)
    assert n_trainings(log) == 2


def test_order_and_parts_of_labels_and_predictions_between_do_not_matter():
    proxy = MLPClassifier((8,), max_iter=20)
    plain = start(ProxyActiveLearner(proxy, random_state=0))
    other = start(plain)
    for _ in range(3):
        rows = plain.query(8)
        np.testing.assert_array_equal(other.query(8), rows)
        plain.teach(rows, y[rows])
        for part in (rows[5:], rows[:2][::-1], rows):
            other.teach(part, y[part])
            other.predict(X)
    assert [entry["n_labeled"] for entry in other.history_] == [23, 31, 39]
    np.testing.assert_array_equal(plain.predict(X), other.predict(X))


def test_a_query_that_waits_is_returned_again():
    learner = start()
    rows = learner.query(8)
    np.testing.assert_array_equal(learner.query(8), rows)
    with pytest.raises(ValueError, match=r"n_samples=5, but 8 rows of the last query of 8 still wait"):
        learner.query(5)
    learner.teach(rows[[1, 4]], y[rows[[1, 4]]])
    left = rows[[0, 2, 3, 5, 6, 7]]
    np.testing.assert_array_equal(learner.query(8), left)
    np.testing.assert_array_equal(learner.waiting_, left)
    assert len(learner.query(3, discard=True)) == 3
    np.testing.assert_array_equal(learner.history_[0]["rows"], rows[[1, 4]])
    assert len(learner.history_) == 2 and learner.history_[1]["round"] == 2


def test_returned_rows_can_be_changed_without_harm():
    learner = start()
    rows = learner.query(4)
    kept = rows.copy()
    rows[:] = 0
    np.testing.assert_array_equal(learner.query(4), kept)


def test_extra_labels_and_new_classes():
    learner = start(y=np.where(y == 2, 0, y))
    assert learner.classes_.tolist() == [0, 1]
    rows = learner.query(5)
    free = np.setdiff1d(np.arange(90), [*learner.labeled_rows_, *rows])[:2]
    with pytest.raises(ValueError, match=r"rows has 2 that were not asked for.*allow_extra=True"):
        learner.teach([*rows, *free], [7] * 7)
    learner.teach([*rows, *free], [7] * 7, allow_extra=True)
    assert learner.classes_.tolist() == [0, 1, 7]
    assert learner.history_[0]["n_labeled"] == 15 + 7
    assert learner.predict_proba(X).shape == (90, 3)
    assert not set(learner.query(9)) & {*rows.tolist(), *free.tolist()}


def test_string_labels():
    names = np.array(["cat", "dog", "eel"])[y]
    learner = start(y=names)
    rows = learner.query(5)
    learner.teach(rows, pd.Series(names[rows]))
    assert learner.classes_.tolist() == ["cat", "dog", "eel"]
    assert set(learner.predict(X)) <= set(names)
    assert learner.score(X, names) > 0.5


def test_extend():
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(X[:60], partly(y[:60]))
    learner.extend(X[60:])
    whole = ProxyActiveLearner(LOGISTIC, random_state=0).fit(X, partly(y[:60]) + [None] * 30)
    np.testing.assert_array_equal(learner.query(20), whole.query(20))
    assert len(learner.scores_) == 90
    learner.extend(X[:0])
    assert (learner.query(20) >= 60).any()


def test_target():
    target = LogisticRegression(C=0.1, max_iter=1000)
    learner = start(target=target)
    with pytest.raises(NotFittedError, match="call fit_target"):
        learner.predict(X)
    rows = learner.query(10)
    learner.teach(rows, y[rows]).fit_target()
    known = learner.labeled_rows_
    np.testing.assert_array_equal(learner.predict_proba(X), target.fit(X[known], y[known]).predict_proba(X))
    assert learner.history_[0]["target_fit"] > 0
    assert learner.target_.C == 0.1 and learner.proxy_.C == 1.0
    # It stays what it is until it is trained again.
    before = learner.predict_proba(X)
    rows = learner.query(10)
    learner.teach(rows, y[rows])
    np.testing.assert_array_equal(learner.predict_proba(X), before)
    assert (learner.fit_target().predict_proba(X) != before).any()


def test_proxy_and_target_of_the_same_parameters_are_one_model(tmp_path):
    log = str(tmp_path / "log")
    learner = start(ProxyActiveLearner(CountedTraining(log), CountedTraining(log, verbose=1), random_state=0))
    rows = learner.query(5)
    learner.teach(rows, y[rows]).fit_target()
    assert learner.target_ is learner.proxy_
    learner.query(5)
    assert n_trainings(log) == 2
    two = start(ProxyActiveLearner(CountedTraining(log), CountedTraining(log, seconds=1e-6), random_state=0))
    rows = two.query(5)
    two.teach(rows, y[rows]).fit_target().query(5)
    assert n_trainings(log) == 2 + 3


def test_frozen_models_of_the_same_parameters_are_two():
    proxy = FrozenEstimator(clone(LOGISTIC).fit(X, y))
    target = FrozenEstimator(clone(LOGISTIC).fit(X, 2 - y))
    learner = start(ProxyActiveLearner(proxy, target, random_state=0)).fit_target()
    np.testing.assert_array_equal(learner.predict(X), target.predict(X))
    assert start(ProxyActiveLearner(proxy, proxy)).fit_target().target_ is not None


def test_a_training_is_paid_for_once(tmp_path):
    learner = start(ProxyActiveLearner(CountedTraining(str(tmp_path / "log")), random_state=0))
    learner.query(5)
    learner.query(6, discard=True)
    assert n_trainings(tmp_path / "log") == 1
    assert learner.history_[0]["proxy_fit"] > 0 == learner.history_[1]["proxy_fit"]


def test_everything_labelled_is_an_ordinary_classifier(tmp_path):
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(X, y)
    np.testing.assert_array_equal(learner.predict(X), clone(LOGISTIC).fit(X, y).predict(X))
    with pytest.raises(
        ValueError, match=r"All 90 rows are labelled.*None, NaN or pd.NA.*missing_label.*extend"
    ):
        learner.query(1)
    learner.extend(X[:5] + 1)
    assert set(learner.query(5)) == set(range(90, 95))
    both = ProxyActiveLearner(LOGISTIC, RandomForestClassifier(n_estimators=5), random_state=0).fit(X, y)
    assert isinstance(both.target_, RandomForestClassifier) and both.proxy_ is None


def test_fit_begins_anew():
    learner = start()
    rows = learner.query(5)
    learner.teach(rows, y[rows])
    learner.fit(X, partly(y))
    assert learner.history_ == [] and len(learner.labeled_rows_) == 15
    np.testing.assert_array_equal(learner.query(5), rows)


def test_parameters_that_are_set_later_wait_for_the_next_fit():
    learner, plain = start(), start()
    learner.set_params(strategy="random", proxy=LinearSVC())
    np.testing.assert_array_equal(learner.query(5), plain.query(5))


# Seeds ---------------------------------------------------------------------------------------


class Seeded(CountedTraining):
    """Writes down the seed it trains with."""

    def fit(self, X, y, sample_weight=None):
        with open(self.log + ".seeds", "a") as file:
            file.write(f"{self.random_state}\n")
        return super().fit(X, y)


def test_streams_are_separate_and_the_users_seed_stays(tmp_path):
    def seeds(name, **params):
        learner = ProxyActiveLearner(Seeded(str(tmp_path / name)), random_state=5)
        learner = start(learner, **params)
        for _ in range(2):
            rows = learner.query(5)
            learner.teach(rows, y[rows])
        if learner.target is not None:
            learner.fit_target()
        return (tmp_path / f"{name}.seeds").read_text().split(), rows

    first, rows = seeds("plain")
    assert len(set(first)) == 2, "each round has fresh weights"
    other, same_rows = seeds("targeted", target=Seeded(str(tmp_path / "target")))
    assert other == first
    np.testing.assert_array_equal(rows, same_rows)
    assert (tmp_path / "target.seeds").read_text().split()[0] not in first
    assert seeds("own", proxy__random_state=3)[0] == ["3", "3"]


def test_same_rows_in_a_fresh_process():
    code = (
        "import numpy as np; from toy_proxies import blobs; from sksvp import ProxyActiveLearner;"
        "from sklearn.neural_network import MLPClassifier; X, y = blobs(90);"
        "learner = ProxyActiveLearner(MLPClassifier((8,), max_iter=20), random_state=3, rounds=[8, 8]).fit(X, y);"
        "print(np.concatenate([entry['rows'] for entry in learner.history_]).tolist())"
    )
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=__file__.rpartition("/")[0],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    learner = ProxyActiveLearner(MLPClassifier((8,), max_iter=20), random_state=3, rounds=[8, 8]).fit(X, y)
    assert told.strip() == str(np.concatenate([entry["rows"] for entry in learner.history_]).tolist())


def test_without_a_random_state_runs_differ():
    assert set(start(random_state=None, strategy="random").query(20)) != set(
        start(random_state=None, strategy="random").query(20)
    )


# Containers and models -----------------------------------------------------------------------


class Pixels(LazyRows):
    """Lazy rows over an array."""

    def __init__(self, images):
        super().__init__(len(images), images.shape[1:])
        self._images = images

    def _read_source(self, rows):
        return self._images[rows]

    def _source_key(self, rows):
        return str(self._images[rows].tolist())


def images(n_rows=40):
    pixels = np.random.RandomState(0).randint(0, 60, (n_rows, 8, 8, 3)).astype(np.uint8)
    labels = np.arange(n_rows) % 2
    pixels[labels == 1, :4] += 120
    return pixels, labels


@pytest.mark.parametrize(
    "make",
    [
        lambda X: X,
        lambda X: X.tolist(),
        pd.DataFrame,
        lambda X: pl.DataFrame(X, schema=[f"c{column}" for column in range(X.shape[1])]),
        sparse.csr_matrix,
        torch.from_numpy,
    ],
    ids=["array", "list", "pandas", "polars", "sparse", "torch"],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_containers(make):
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(make(X[:60]), partly(y[:60]))
    plain = ProxyActiveLearner(LOGISTIC, random_state=0).fit(X[:60], partly(y[:60]))
    for each, rows in ((learner, make(X[60:])), (plain, X[60:])):
        first = each.query(6)
        each.teach(first, y[first]).extend(rows)
    np.testing.assert_array_equal(learner.query(20), plain.query(20))
    np.testing.assert_array_equal(learner.predict(make(X)), plain.predict(X))


@pytest.mark.parametrize("make", [list, pd.Series, np.array], ids=["list", "Series", "array"])
def test_texts(make):
    words = np.array(["red apple", "green pear", "fast car", "slow train"])
    texts = [f"{words[row % 4]} number {row}" for row in range(40)]
    labels = np.array(["fruit", "fruit", "vehicle", "vehicle"])[np.arange(40) % 4]
    proxy = make_pipeline(TfidfVectorizer(), LOGISTIC)
    learner = ProxyActiveLearner(proxy, random_state=0).fit(make(texts), partly(labels, 5))
    rows = learner.query(5)
    learner.teach(rows, labels[rows]).extend(make(texts[:3]))
    assert (learner.predict(texts) == labels).all()
    assert len(learner.query(20)) == 20


@pytest.mark.parametrize(
    ("pool", "more", "error", "message"),
    [
        (
            [[1.0, 2.0], [3.0, 4.0]],
            [[1.0, 2.0, 3.0]],
            ValueError,
            r"shape \(2,\), got numbers of the shape \(3,\) in row 0",
        ),
        ([[1.0, 2.0], [3.0, 4.0]], ["text"], ValueError, "got a text in row 0"),
        (["a", "b"], "text", TypeError, "X_new must be a list of rows"),
        (["a", "b"], ["c", None], ValueError, "got a NoneType in row 1"),
    ],
)
def test_rows_of_another_form_are_not_appended_to_a_list(pool, more, error, message):
    with pytest.raises(error, match=message):
        append_rows(pool, more)
    assert append_rows(pool, pool[:1]) == [*pool, pool[0]]


def test_lazy_rows_stay_lazy():
    pixels, labels = images()
    proxy = ResNetClassifier(depth=8, max_epochs=1, batch_size=8, device="cpu")
    lazy = ProxyActiveLearner(proxy, strategy="k_centers", random_state=0).fit(
        Pixels(pixels[:30]), partly(labels[:30], 3)
    )
    plain = clone(lazy).fit(pixels[:30], partly(labels[:30], 3))
    np.testing.assert_array_equal(lazy.query(5), plain.query(5))
    for learner, rows in ((lazy, Pixels(pixels[30:])), (plain, pixels[30:])):
        learner.teach(learner.waiting_, labels[learner.waiting_]).extend(rows)
    assert isinstance(lazy._run.X, LazyRows)
    np.testing.assert_array_equal(np.asarray(lazy._run.X), pixels)
    np.testing.assert_array_equal(lazy.query(8), plain.query(8))
    order = [35, 2, 31]
    np.testing.assert_array_equal(lazy._run.X[order].read([0, 1, 2]), pixels[order])
    assert lazy._run.X[30:].content_key() == Pixels(pixels)[30:].content_key()
    assert lazy._run.X[order].content_key() != lazy._run.X[order[::-1]].content_key()
    with pytest.raises(TypeError, match="X_new must be lazy rows"):
        lazy.extend(pixels)


def test_skorch_net_with_string_labels():
    names = np.array(["ant", "bee", "cow"])
    learner = ProxyActiveLearner(make_net(), random_state=0).fit(X, partly(names[y]))
    numbered = ProxyActiveLearner(make_net(), random_state=0).fit(X, partly(y))
    for _ in range(2):
        rows = learner.query(5)
        np.testing.assert_array_equal(numbered.query(5), rows)
        learner.teach(rows, names[y[rows]])
        numbered.teach(rows, y[rows])
    np.testing.assert_array_equal(learner.predict(X), names[numbered.predict(X)])


@pytest.mark.parametrize(
    "proxy",
    [
        MLPClassifier((8,), max_iter=5, random_state=0),
        make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)),
        make_net(),
        ResNetClassifier(depth=8, max_epochs=2, batch_size=8, lr=0.01, device="cpu", random_state=0),
    ],
    ids=lambda proxy: type(proxy).__name__,
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_warm_start_trains_on(proxy):
    learner = start(ProxyActiveLearner(proxy, warm_start=True, random_state=0))
    fresh = start(ProxyActiveLearner(proxy, random_state=0))
    rows = learner.query(9)
    np.testing.assert_array_equal(fresh.query(9), rows)
    first = learner.proxy_
    before = np.asarray(first.predict_proba(X))
    for each in (learner, fresh):
        each.teach(rows, y[rows])
    # A prediction between is not a link of the chain.
    copied = pickle.loads(pickle.dumps(learner))
    copied.teach(rows[:0], y[:0]).predict(X)
    assert (learner.predict_proba(X) != fresh.predict_proba(X)).any()
    np.testing.assert_array_equal(first.predict_proba(X), before)
    np.testing.assert_array_equal(copied.query(9), learner.query(9))
    assert learner.proxy_.get_params().keys() == first.get_params().keys()
    if hasattr(learner.proxy_, "net_params"):
        assert learner.proxy_.net_params is None
    pickle.dumps(learner)


def test_warm_start_of_a_network_begins_with_its_weights():
    pixels, labels = images()
    proxy = ResNetClassifier(depth=8, max_epochs=1, lr=1e-12, batch_size=8, device="cpu", random_state=0)
    learner = ProxyActiveLearner(proxy, warm_start=True, random_state=0).fit(pixels, partly(labels, 3))
    rows = learner.query(4)
    first = [weight.clone() for weight in learner.proxy_.net_.module_.parameters()]
    learner.teach(rows, labels[rows]).query(4)
    for before, after in zip(first, learner.proxy_.net_.module_.parameters(), strict=True):
        torch.testing.assert_close(before, after, atol=1e-6, rtol=1e-4)


def test_a_warm_start_is_that_of_a_fresh_training_only(tmp_path):
    pixels, labels = images()
    settings = {"depth": 8, "max_epochs": 4, "batch_size": 8, "device": "cpu", "random_state": 0}

    def learner(folder):
        proxy = ResNetClassifier(
            **settings,
            checkpoint=folder,
            checkpoint_every=1,
            net_params={"callbacks": [StopsInSecondTraining]},
        )
        return ProxyActiveLearner(proxy, warm_start=True, random_state=0).fit(pixels, partly(labels, 3))

    def second_query(learner):
        rows = learner.query(4)
        learner.teach(rows, labels[rows])
        return learner.query(4)

    StopsInSecondTraining.stops = False
    whole = learner(None)
    expected = second_query(whole)
    whole.proxy_.partial_fit(pixels, labels)
    StopsInSecondTraining.stops = True
    with pytest.raises(KeyboardInterrupt):
        second_query(learner(tmp_path))
    StopsInSecondTraining.stops = False
    np.testing.assert_array_equal(second_query(learner(tmp_path)), expected)


class StopsInSecondTraining(Callback):
    """Presses Ctrl-C in the third epoch of the training that begins warm."""

    stops = False

    def on_epoch_begin(self, net, **kwargs):
        if self.stops and "warm_weights" in dict(net.callbacks_) and len(net.history) == 3:
            signal.raise_signal(signal.SIGINT)


def test_warm_start_with_a_new_class_begins_afresh():
    learner = start(warm_start=True, y=np.where(y == 2, 0, y))
    rows = learner.query(5)
    learner.teach(rows, [2] * 5).query(5)
    known = learner.labeled_rows_
    np.testing.assert_allclose(
        learner.proxy_.predict_proba(X), clone(LOGISTIC).fit(X[known], learner.labels_).predict_proba(X)
    )


@pytest.mark.parametrize("proxy", [RandomForestClassifier(), GradientBoostingClassifier(), LinearSVC()])
def test_proxies_that_cannot_start_warm_are_refused(proxy):
    with pytest.raises(ValueError, match="warm_start=True needs a proxy"):
        start(ProxyActiveLearner(proxy, strategy="random", warm_start=True))


def test_pickle_goes_on():
    learner = start(target=LogisticRegression(C=0.1))
    rows = learner.query(5)
    learner.teach(rows, y[rows]).fit_target()
    copied = pickle.loads(pickle.dumps(learner))
    np.testing.assert_array_equal(copied.predict_proba(X), learner.predict_proba(X))
    np.testing.assert_array_equal(copied.query(7), learner.query(7))


# Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "labels", "error", "message"),
    [
        ([89], [0], ValueError, "not asked for"),
        ([90], [0], ValueError, r"rows must lie in 0 \.\. 89, got \[90\]"),
        ([-1], [0], ValueError, "rows must lie in"),
        ([[1]], [0], ValueError, "1-D"),
        ([True], [0], TypeError, "row numbers"),
        ([1.5], [0], TypeError, "row numbers"),
        ([0], ["a"], ValueError, "all be numbers, all be booleans or all be texts"),
        ([0], [None], ValueError, "y has no label for row 0"),
        ([0], [0, 1], ValueError, "same length, got 1 and 2"),
        ([0], [0.5], ValueError, "continuous"),
    ],
    ids=str,
)
def test_labels_that_are_refused(rows, labels, error, message):
    learner = start()
    with pytest.raises(error, match=message):
        learner.teach(rows, labels)
    assert len(learner.labeled_rows_) == 15


def test_conflicting_labels():
    learner = start()
    rows = learner.query(3)
    learner.teach([0], [y[0]])  # told again
    with pytest.raises(ValueError, match=r"Conflicting labels for row 0: .*, where it has already"):
        learner.teach([0], [y[0] + 1])
    with pytest.raises(ValueError, match=rf"Conflicting labels for row {rows[0]}: .*gets too"):
        learner.teach([rows[0], rows[0]], [0, 1])
    with pytest.raises(ValueError, match="Conflicting"):
        learner.teach([*rows, 0], [0, 0, 0, y[0] + 1])
    np.testing.assert_array_equal(learner.waiting_, rows)


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (0, ValueError, "n_samples must lie in"),
        (2.0, TypeError, "n_samples must be an int"),
    ],
)
def test_query_sizes(size, error, message):
    with pytest.raises(error, match=message):
        start().query(size)
    assert len(start().query(75)) == 75


def test_a_query_of_more_rows_than_are_left_takes_all():
    learner = start()
    learner.teach(rows := learner.query(55), y[rows])
    with pytest.warns(UserWarning, match="n_samples=30, but only 20 rows are left") as caught:
        rows = learner.query(30)
    assert caught[0].filename == __file__
    assert sorted([*rows, *learner.labeled_rows_]) == list(range(90))
    # It waits like any other, and by the size that was asked for.
    np.testing.assert_array_equal(learner.query(30), rows)
    np.testing.assert_array_equal(learner.query(20), rows)
    learner.teach(rows[:5], y[rows[:5]])
    np.testing.assert_array_equal(learner.query(30), rows[5:])
    with pytest.raises(ValueError, match="15 rows of the last query of 20 still wait"):
        learner.query(15)
    learner.teach(rows[5:], y[rows[5:]])
    with pytest.raises(ValueError, match="All 90 rows are labelled"):
        learner.query(30)
    learner.extend(X[:3])
    with pytest.warns(UserWarning, match="only 3 rows are left"):
        assert sorted(learner.query(30)) == [90, 91, 92]
    # After another extension they are not all there is.
    learner.extend(X[:3])
    with pytest.raises(ValueError, match="3 rows of the last query of 3 still wait"):
        learner.query(30)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"strategy": "forgetting_events"},
            "ranks by forgetting events, which only rows that were trained on",
        ),
        ({"strategy": "best"}, "Unknown strategy 'best'"),
        ({"proxy": LinearSVC()}, "LinearSVC cannot give probabilities"),
        ({"oracle": len}, "oracle is called in rounds"),
        ({"missing_label": "?"}, "missing_label='\\?' is one of the texts"),
        ({"missing_label": 1.5}, "'missing_label' parameter"),
        ({"initial_size": 0.0}, "'initial_size' parameter"),
        ({"warm_start": "yes"}, "'warm_start' parameter"),
    ],
    ids=str,
)
def test_parameters_that_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        ProxyActiveLearner(LOGISTIC).set_params(**params).fit(X, partly(y))


@pytest.mark.parametrize(
    ("new", "error", "message"),
    [
        (np.zeros((2, 5), dtype=np.float32), ValueError, r"rows of the shape \(4,\)"),
        (np.zeros(4, dtype=np.float32), ValueError, "rows of the shape"),
        (np.zeros((2, 4), dtype=np.uint8), ValueError, "same kind as the pool, got uint8"),
    ],
    ids=str,
)
def test_extensions_of_another_form(new, error, message):
    with pytest.raises(error, match=message):
        start().extend(new)


def test_extensions_of_another_container():
    frame = pd.DataFrame(X, columns=list("abcd"))
    learner = start(X=frame)
    with pytest.raises(TypeError, match="X_new must be a DataFrame"):
        learner.extend(X)
    with pytest.raises(ValueError, match="X_new must have the columns"):
        learner.extend(frame.rename(columns={"a": "z"}))


def test_other_bad_calls():
    with pytest.raises(NotFittedError):
        ProxyActiveLearner(LOGISTIC).query(1)
    with pytest.raises(ValueError, match="target is None"):
        start().fit_target()
    with pytest.raises(ValueError, match="0 sample"):
        ProxyActiveLearner(LOGISTIC).fit(X[:0])
    with pytest.raises(ValueError, match="inconsistent"):
        ProxyActiveLearner(LOGISTIC).fit(X, y[:-1])
    with pytest.raises(ValueError, match="X_val is for rounds"):
        ProxyActiveLearner(LOGISTIC).fit(X, y, X_val=X, y_val=y)
    with pytest.raises(AttributeError, match="after the first query"):
        _ = start().scores_
    learner = start()
    with pytest.raises(ValueError, match="n_samples must lie"):
        learner.fit(X, y=[None] * 90).query(0)


class NoFeatures(BaseEstimator):
    """A proxy that can only predict."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_a_proxy_that_cannot_serve_is_refused_at_fit():
    with pytest.raises(ValueError, match="cannot give probabilities"):
        ProxyActiveLearner(NoFeatures(), strategy="badge").fit(X, partly(y))
    with pytest.raises(ValueError, match="X must be a table of numbers"):
        ProxyActiveLearner(NoFeatures(), strategy="k_centers").fit(["a"] * 90, partly(y))
    with pytest.raises(AttributeError, match="predict_proba"):
        _ = ProxyActiveLearner(NoFeatures(), strategy="random").predict_proba


@pytest.mark.parametrize("strategy", ["least_confidence", "random"])
@pytest.mark.parametrize("params", [{"proxy": Ridge()}, {"target": make_pipeline(StandardScaler(), Ridge())}])
def test_regressors_are_refused(params, strategy):
    (name,) = params
    learner = ProxyActiveLearner(**{"proxy": LogisticRegression(), "strategy": strategy, **params})
    with pytest.raises(ValueError, match=f"{name} must be a classifier, got the regressor"):
        learner.fit(X, y)


@pytest.mark.parametrize(
    "target",
    [GridSearchCV(LogisticRegression(max_iter=1000), {"C": [1, 2]}), make_net()],
    ids=["search", "skorch"],
)
def test_classifiers_inside_others_are_targets(target):
    learner = ProxyActiveLearner(LogisticRegression(max_iter=1000), target, random_state=0)
    rows = X.astype(np.float32)
    assert learner.fit(rows, y).predict(rows).shape == y.shape


@pytest.mark.parametrize("text", ["abc", b"abc"])
def test_a_single_text_is_no_pool(text):
    proxy = make_pipeline(TfidfVectorizer(), LOGISTIC)
    for y in (None, [0, 1, None]):
        with pytest.raises(TypeError, match=r"X must be rows, such as a list, .* got a single text"):
            ProxyActiveLearner(proxy).fit(text, y)
    learner = ProxyActiveLearner(proxy).fit(["good film", "bad film"])
    with pytest.raises(TypeError, match="X_new must be rows"):
        learner.extend(text)


@pytest.mark.parametrize("part", ["proxy", "target"])
def test_parameters_of_the_models_are_checked_at_the_start(part):
    learner = ProxyActiveLearner(LOGISTIC, LOGISTIC).set_params(**{part: LogisticRegression(C=-1)})
    with pytest.raises(ValueError, match="'C' parameter of LogisticRegression"):
        learner.fit(X)


@pytest.mark.parametrize("strategy", ["moderate", "cld", "el2n"])
def test_strategies_that_need_the_labels_of_all_rows_are_refused(strategy):
    learner = ProxyActiveLearner(make_pipeline(StandardScaler(), GaussianNB()), strategy=strategy)
    with pytest.raises(ValueError, match=f"strategy='{strategy}'.*Use it for core-sets"):
        learner.fit(np.random.RandomState(0).randn(20, 3), np.arange(20) % 2)


@pytest.mark.parametrize(
    "strategy",
    ["facility_location", "herding", "typiclust", "badge", "bait", "cluster_margin", "stratified_entropy"],
)
def test_strategies_of_features_and_gradients_choose_from_a_pool(strategy):
    rng = np.random.RandomState(0)
    X, y = rng.randn(60, 3), np.arange(60) % 3
    rule = Stratified("entropy") if strategy == "stratified_entropy" else strategy
    learner = ProxyActiveLearner(
        make_pipeline(StandardScaler(), LogisticRegression()), strategy=rule, random_state=0
    ).fit(X, [label if row < 9 else None for row, label in enumerate(y)])
    rows = learner.query(7)
    assert len(set(rows)) == 7
    assert min(rows) >= 9


def test_missing_label_nan_is_told():
    for proxy in (LOGISTIC, make_net()):
        with pytest.raises(ValueError, match="NaN is always missing"):
            ProxyActiveLearner(proxy, missing_label=np.nan).fit(X, partly(y))


def test_labels_that_a_skorch_net_has_no_output_for():
    learner = ProxyActiveLearner(make_net(), random_state=0).fit(X, partly(y + 1))
    with pytest.raises(ValueError, match=r"y has labels up to 3.*must be 0 \.\. n - 1"):
        learner.query(3)
    with pytest.raises(ValueError, match="y has labels up to 3"):
        ProxyActiveLearner(LOGISTIC, make_net(), random_state=0).fit(X, y + 1)


@pytest.mark.parametrize("kind", ["tuple", "slices"])
def test_pools_that_are_extended_in_their_container(kind):
    from skorch.helper import SliceDict

    def make(rows):
        return tuple(map(tuple, rows.tolist())) if kind == "tuple" else SliceDict(a=rows, b=rows)

    learner = ProxyActiveLearner(LOGISTIC, strategy="random", random_state=0).fit(make(X))
    learner.query(3)
    learner.extend(make(X[:5]))
    assert len(learner._run.X) == 95 and type(learner._run.X) is type(make(X))
    with pytest.raises((TypeError, ValueError), match="X_new must"):
        learner.extend(X[:2].tolist() if kind == "slices" else pd.DataFrame(X[:2]))
    if kind == "slices":
        with pytest.raises(ValueError, match=r"X_new must have the entries \['a', 'b'\]"):
            learner.extend(SliceDict(a=X[:2]))


class Rows:
    """A container of one's own."""

    def __init__(self, rows):
        self.rows, self.shape = rows, rows.shape

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        return self.rows[key]


def test_pools_of_unknown_containers_are_not_extended():
    learner = ProxyActiveLearner(LOGISTIC, strategy="random", random_state=0).fit(Rows(X))
    with pytest.raises(TypeError, match="cannot append rows to a pool that is a Rows"):
        learner.extend(Rows(X[:3]))


def test_lengths_are_named():
    with pytest.raises(ValueError, match="inconsistent numbers of samples: X has 90, y has 89"):
        ProxyActiveLearner(LOGISTIC).fit(X, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples: X_val has 90, y_val has 89"):
        ProxyActiveLearner(LOGISTIC, rounds=[5]).fit(X, y, X_val=X, y_val=y[:-1])


def test_labels_of_validation_rows():
    learner = ProxyActiveLearner(LOGISTIC, rounds=[5], initial_size=20, random_state=0)
    for labels, message in ((y.astype(str), "y_val holds texts"), (y > 0, "y_val holds booleans")):
        with pytest.raises(ValueError, match=message):
            learner.fit(X, y, X_val=X, y_val=labels)
        # The labels of the pool come from the oracle: said after the random start.
        with pytest.raises(ValueError, match=message):
            clone(learner).set_params(oracle=lambda rows: y[rows]).fit(X, X_val=X, y_val=labels)
        with pytest.raises(ValueError, match=message):
            replay_selection(learner.fit(X, y).history_, LOGISTIC, X, y, X_val=X, y_val=labels)
    with pytest.warns(UserWarning, match=r"No class of y_val, such as 10, 11, 12, is among the labels"):
        learner.fit(X, y, X_val=X, y_val=y + 10)


def test_options_that_are_no_booleans():
    learner = start()
    rows = learner.query(3)
    for call in (
        lambda: learner.query(3, discard="no"),
        lambda: learner.teach(rows, y[rows], allow_extra="no"),
        lambda: learner.teach(rows, y[rows], overwrite=1),
        lambda: learner.import_labels("file.csv", overwrite="no"),
    ):
        with pytest.raises(ValueError, match="must be an instance of 'bool'"):
            call()
    np.testing.assert_array_equal(learner.query(3), rows)


# X itself as features -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "strategy", ["k_centers", "typiclust", "badge", "bait", "facility_location", "herding"]
)
@pytest.mark.parametrize("pool", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_a_linear_proxy_on_embeddings_serves_strategies_that_read_features(strategy, pool):
    learner = ProxyActiveLearner(LOGISTIC, strategy=strategy, random_state=0).fit(pool(X), partly(y))
    rows = learner.query(6)
    assert len(set(rows)) == 6 and not set(rows) & set(learner.labeled_rows_)
    learner.teach(rows, y[rows])
    assert len(learner.query(3)) == 3


def test_the_first_rows_of_all_are_chosen_by_features_that_are_x_itself():
    nothing = [None] * len(X)
    clusters = np.repeat(np.eye(9) * 20, 10, axis=0) + np.random.RandomState(0).randn(90, 9)
    first = ProxyActiveLearner(LOGISTIC, strategy="typiclust", random_state=0).fit(clusters, nothing).query(9)
    assert sorted(first // 10) == [*range(9)]
    learner = ProxyActiveLearner(LOGISTIC, strategy="k_centers", random_state=0).fit(X, nothing)
    rows = learner.query(4)
    assert rows.tolist() == [rows[0], *k_centers(X, 3, initial=rows[:1])]
    assert learner.proxy_ is None and learner.history_[0]["proxy_fit"] is None
    assert learner.history_[0]["inference"] is not None
    # With labels of one class, the labelled rows are the first centres.
    learner.teach(rows, [0] * 4)
    assert learner.query(3).tolist() == k_centers(X, 3, initial=rows).tolist()


def test_the_first_rows_are_random_where_features_need_a_training():
    nothing = [None] * len(X)
    proxy = make_pipeline(StandardScaler(), LOGISTIC)
    rows = [
        ProxyActiveLearner(proxy, strategy=strategy, random_state=0).fit(X, nothing).query(6).tolist()
        for strategy in ("k_centers", "typiclust", "random")
    ]
    assert rows[0] == rows[1] == rows[2]
