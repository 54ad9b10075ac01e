"""Pools of which only some rows are ranked."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances
from toy_proxies import blobs

from sksvp import ProxyActiveLearner
from sksvp.active._candidates import Candidates
from sksvp.strategies import least_confidence

X, y = blobs(400)
LOGISTIC = LogisticRegression(max_iter=1000)
KNOWN = np.where(np.arange(400) % 40 == 0, y, -1)


def learner_of(**params):
    return ProxyActiveLearner(LOGISTIC, **{"missing_label": -1, "random_state": 0, **params})


@pytest.mark.parametrize("strategy", ["margin", "entropy", "k_centers", "random"])
def test_only_named_rows_are_chosen(strategy):
    named = np.arange(1, 39)
    proxy = LOGISTIC if strategy != "k_centers" else _with_features()
    learner = learner_of(strategy=strategy).set_params(proxy=proxy).fit(X, KNOWN)
    rows = learner.query(10, candidates=named[::-1])
    assert len(rows) == 10 and np.isin(rows, named).all()
    assert np.isnan(learner.scores_[39:]).all()


def test_named_rows_are_ranked_as_a_pool_of_their_own():
    named = np.arange(1, 39)
    learner = learner_of(strategy="least_confidence").fit(X, KNOWN)
    rows = learner.query(10, candidates=named)
    doubt = least_confidence(learner.proxy_.predict_proba(X[named]))
    np.testing.assert_array_equal(rows, named[np.argsort(-doubt)[:10]])


def test_waiting_rows_are_returned_whatever_the_candidates():
    learner = learner_of().fit(X, KNOWN)
    rows = learner.query(5)
    np.testing.assert_array_equal(learner.query(5, candidates=[1, 2, 3, 4, 5]), rows)


def test_all_candidates_are_returned_if_there_are_too_few():
    learner = learner_of().fit(X, KNOWN)
    with pytest.warns(UserWarning, match="only 3 candidates are given"):
        assert sorted(learner.query(5, candidates=[7, 5, 6, 7])) == [5, 6, 7]


@pytest.mark.parametrize(
    ("candidates", "match"),
    [([0, 1], "candidates has 1 rows with a label, such as"), ([400], "400"), ([], "one row at least")],
)
def test_bad_candidates(candidates, match):
    with pytest.raises(ValueError, match=match):
        learner_of().fit(X, KNOWN).query(1, candidates=candidates)


def test_candidates_are_row_numbers():
    with pytest.raises(TypeError, match="candidates"):
        learner_of().fit(X, KNOWN).query(1, candidates=["a"])


@pytest.mark.parametrize("strategy", ["margin", "k_centers"])
def test_a_part_of_the_pool_is_ranked(strategy):
    proxy = LOGISTIC if strategy != "k_centers" else _with_features()
    learner = learner_of(strategy=strategy, max_candidates=50).set_params(proxy=proxy).fit(X, KNOWN)
    rows = learner.query(10)
    assert np.isfinite(learner.scores_).sum() == 50 if strategy == "margin" else len(rows) == 10
    again = clone(learner).fit(X, KNOWN)
    np.testing.assert_array_equal(again.query(10), rows)
    # Another selection draws others.
    first = np.flatnonzero(np.isfinite(learner.scores_))
    learner.teach(rows, y[rows]).query(10)
    assert set(np.flatnonzero(np.isfinite(learner.scores_))) != set(first)


def test_enough_candidates_change_nothing():
    plain = learner_of().fit(X, KNOWN).query(10)
    np.testing.assert_array_equal(learner_of(max_candidates=390).fit(X, KNOWN).query(10), plain)


def test_neighbours_by_their_definition():
    learner = learner_of(max_candidates=300, candidates="neighbors").fit(X, KNOWN)
    learner.query(10)
    labelled = np.flatnonzero(KNOWN >= 0)
    near = np.argsort(pairwise_distances(X[labelled], X), axis=1, kind="stable")[:, :100]
    ranked = np.flatnonzero(np.isfinite(learner.scores_))
    free = np.setdiff1d(near, labelled)
    assert set(ranked) == set(free) if len(free) <= 300 else set(ranked) < set(free)


def test_neighbours_are_kept_and_filled_up():
    candidates = Candidates(30, "neighbors")
    far = np.concatenate([np.zeros((100, 1)), np.full((100, 1), 9.0)])
    labelled = np.arange(200) < 95
    free = np.flatnonzero(~labelled)
    rows = candidates.thin(far, labelled, free, 20, random_state=0)
    # Five of the near ones are left; the others are drawn.
    assert len(rows) == 20 and set(range(95, 100)) <= set(rows)
    longer = np.concatenate([far, np.zeros((1, 1))])
    grown = np.append(labelled, False)
    assert len(candidates.thin(longer, grown, np.flatnonzero(~grown), 20, random_state=0)) >= 20


def test_bad_limits():
    with pytest.raises(ValueError, match="max_candidates=5, but 10 rows"):
        learner_of(max_candidates=5).fit(X, KNOWN).query(10)
    with pytest.raises(ValueError, match="max_candidates=5, but 10 rows"):
        learner_of(max_candidates=5, rounds=[10], initial_size=20).fit(X, y)
    with pytest.raises(ValueError, match="max_candidates"):
        learner_of(max_candidates=0).fit(X, KNOWN)
    with pytest.raises(ValueError, match="needs a numeric X"):
        texts = [f"word{row}" for row in range(400)]
        _text_learner().fit(texts, KNOWN).query(10)


def _with_features():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LOGISTIC)


def _text_learner():
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline

    learner = learner_of(max_candidates=50, candidates="neighbors")
    return learner.set_params(proxy=make_pipeline(CountVectorizer(), LOGISTIC))
