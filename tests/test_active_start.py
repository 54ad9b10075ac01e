"""What chooses the first rows of active learning."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from toy_proxies import blobs

from sksvp.active import ProxyActiveLearner
from sksvp.strategies import FacilityLocation, KCenters, TypiClust, typiclust

X, y = blobs(200)
LOGISTIC = LogisticRegression(max_iter=1000)


def learner_of(**params):
    return ProxyActiveLearner(LOGISTIC, **{"rounds": [10], "initial_size": 12, "random_state": 0, **params})


def first_rows(*, start_features=None, **params):
    return learner_of(**params).fit(X, y, start_features=start_features).history_[0]["rows"]


def test_random_is_what_it_was():
    np.testing.assert_array_equal(first_rows(start="random"), first_rows())
    # A strategy that reads features only begins by itself, unless the start is named.
    own = first_rows(strategy="typiclust")
    assert not np.array_equal(own, first_rows(strategy="typiclust", start="random"))
    np.testing.assert_array_equal(first_rows(strategy="typiclust", start="random"), first_rows())


def test_clustered_rows_are_typical():
    rows = first_rows(start="clustered")
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    # The seed of the drawing decides the clusters.
    learner = learner_of(start="clustered").fit(X, y)
    seed = learner._run.state.seeds["drawing"]
    from sksvp.active._run import _seed

    np.testing.assert_array_equal(rows, typiclust(scaled, 12, random_state=_seed(seed, 0)))
    assert set(y[first_rows(start="clustered", initial_size=3)]) == set(y)


@pytest.mark.parametrize(
    "start", ["k_centers", KCenters(), FacilityLocation(by_class=False), "typiclust:scale=true"]
)
def test_any_strategy_that_reads_features_only(start):
    rows = first_rows(start=start)
    assert len(np.unique(rows)) == 12


def test_given_features_are_read_and_not_X():
    rng = np.random.RandomState(0)
    # One cluster of the features holds 3 rows; X does not tell them from the others.
    features = rng.normal(scale=0.01, size=(200, 2)) + np.array([1.0, 0.0])
    features[[7, 70, 170]] = rng.normal(scale=0.01, size=(3, 2)) + np.array([0.0, 1.0])
    rows = first_rows(start=KCenters(), start_features=features, initial_size=2)
    assert len(set(rows) & {7, 70, 170}) == 1
    texts = [f"text {row}" for row in range(200)]
    learner = ProxyActiveLearner(LOGISTIC, start="clustered", random_state=0).fit(
        texts, start_features=features
    )
    assert len(learner.query(5)) == 5


def test_labels_of_one_class_are_known_rows_of_the_start():
    known = np.full(200, -1)
    known[:3] = 0
    learner = ProxyActiveLearner(LOGISTIC, start="clustered", missing_label=-1, random_state=0).fit(X, known)
    rows = learner.query(10)
    assert not set(rows) & {0, 1, 2} and isinstance(learner.strategy_, TypiClust)
    learner.teach(rows, y[rows]).query(5)
    assert not isinstance(learner.strategy_, TypiClust)


def test_a_run_goes_on_with_its_start_features(tmp_path):
    features = X[:, ::-1].copy()
    learner = ProxyActiveLearner(LOGISTIC, start="clustered", checkpoint=tmp_path, random_state=0)
    rows = learner.fit(X, start_features=features).query(6)
    learner.close()
    again = clone(learner).fit(X, start_features=features)
    np.testing.assert_array_equal(again.waiting_, rows)
    again.close()
    assert len(clone(learner).fit(X, start_features=features + 1).waiting_) == 0
    with pytest.raises(ValueError, match="start_features"):
        ProxyActiveLearner.resume(tmp_path, X)


def test_without_features_a_run_is_reopened_with_its_start(tmp_path):
    learner = ProxyActiveLearner(LOGISTIC, start="clustered", checkpoint=tmp_path, random_state=0).fit(X)
    learner.close()
    again = ProxyActiveLearner.resume(tmp_path, X)
    np.testing.assert_array_equal(
        again.query(6), ProxyActiveLearner(LOGISTIC, start="clustered", random_state=0).fit(X).query(6)
    )


def test_a_longer_pool_needs_labels_of_two_classes_first():
    learner = ProxyActiveLearner(LOGISTIC, start="clustered", random_state=0).fit(X, start_features=X)
    with pytest.raises(ValueError, match="start_features of fit has no values for new rows"):
        learner.extend(X[:5])
    rows = learner.query(10)
    learner.teach(rows, y[rows]).extend(X[:5])
    assert len(learner.query(5)) == 5


def test_a_start_thins_a_huge_pool():
    rows = first_rows(start="clustered", max_candidates=20)
    assert len(np.unique(rows)) == 12


@pytest.mark.parametrize(
    ("start", "features", "match"),
    [
        ("margin", None, "start='margin' reads probabilities"),
        ("stratified", None, "start='stratified' reads"),
        ("luck", None, "start must be 'random', 'clustered' or a strategy"),
        ("auto", None, "start must be"),
        (None, X, "start_features would change nothing"),
        ("random", X, "start_features would change nothing"),
        ("clustered", X[:9], "start_features must have a line for each row of X, got 9 for 200"),
        ("clustered", X * np.nan, "start_features"),
        ("clustered", "no", "start_features"),
    ],
)
def test_bad_starts(start, features, match):
    with pytest.raises((ValueError, TypeError), match=match):
        first_rows(start=start, start_features=features)


def test_texts_need_features():
    with pytest.raises(ValueError, match="start='clustered' reads X itself unless start_features are given"):
        ProxyActiveLearner(LOGISTIC, start="clustered").fit(["a text"] * 9)
