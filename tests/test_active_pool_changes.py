"""A pool that its owner changes in place between two steps."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from toy_proxies import blobs

from sksvp import ProxyActiveLearner
from sksvp.active import _same_rows

X, y = blobs(90)
KNOWN = [label if row < 12 else None for row, label in enumerate(y.tolist())]
LOGISTIC = LogisticRegression(max_iter=1000)


def add_a_column(frame):
    frame["label"] = y


def sort_rows(frame):
    frame.sort_values("a", inplace=True)


def drop_rows(frame):
    frame.drop(index=frame.index[:20], inplace=True)


def rename(frame):
    frame.columns = list("abce")


def set_a_value(pool):
    pool[3, 1] += 1


CHANGES = [
    (lambda: pd.DataFrame(X, columns=list("abcd")), add_a_column, r"other columns, \['a', .*'label'\] now"),
    (lambda: pd.DataFrame(X, columns=list("abcd")), sort_rows, "other values"),
    (lambda: pd.DataFrame(X, columns=list("abcd")), drop_rows, "other number of rows, 70 now and 90 before"),
    (lambda: pd.DataFrame(X, columns=list("abcd")), rename, "other columns"),
    (lambda: X.copy(), set_a_value, "other values"),
    (lambda: np.asfortranarray(X), set_a_value, "other values"),
    (lambda: sparse.csr_matrix(X), set_a_value, "other values"),
    (lambda: torch.tensor(X), set_a_value, "other values"),
    (lambda: X.tolist(), lambda pool: pool.reverse(), "other values"),
    (lambda: X.tolist(), lambda pool: pool.clear(), "other number of rows, 0"),
    (lambda: X.tolist(), lambda pool: pool.append(pool[0]), "other number of rows, 91"),
]


@pytest.mark.parametrize(("make", "change", "message"), CHANGES)
def test_a_changed_pool_is_refused(make, change, message):
    pool = make()
    learner = ProxyActiveLearner(LOGISTIC, LOGISTIC, random_state=0).fit(pool, KNOWN)
    rows = learner.query(5)
    change(pool)
    # Labels are a person's work: they are taken all the same.
    learner.teach(rows, y[rows])
    for step in (lambda: learner.query(5), learner.fit_target, lambda: learner.extend(pool[:0])):
        with pytest.raises(
            ValueError, match=f"not the pool that was fitted, it was changed in place: {message}"
        ):
            step()
    assert len(learner.labeled_rows_) == 17


def test_a_change_that_was_undone_does_not_count():
    pool = pd.DataFrame(X)
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(pool, KNOWN)
    rows = learner.query(5)
    pool["label"] = 0
    with pytest.raises(ValueError, match="changed in place"):
        learner.query(5)
    del pool["label"]
    np.testing.assert_array_equal(learner.query(5), rows)


def test_predictions_train_on_the_fitted_pool_only():
    pool = X.copy()
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(pool, KNOWN)
    learner.predict(X)
    rows = learner.query(5)
    pool[:] = 0
    learner.predict(X)  # trained before
    learner.teach(rows, y[rows])
    with pytest.raises(ValueError, match="changed in place"):
        learner.predict(X)


def test_texts_extended_pools_and_frames_that_are_not_mutable():
    texts = [f"good film {row}" if label else f"bad {row}" for row, label in enumerate(y)]
    learner = ProxyActiveLearner(make_pipeline(TfidfVectorizer(), LOGISTIC), random_state=0).fit(texts, KNOWN)
    learner.extend(["another good film"])
    texts[0] = "other"  # the pool is the learner's own by now
    assert len(learner.query(5)) == 5
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(pl.DataFrame(X), KNOWN)
    learner.extend(pl.DataFrame(X[:3]))
    assert len(learner.query(5)) == 5


def test_an_oracle_that_changes_the_pool():
    pool = X.copy()

    def oracle(rows):
        pool[rows] = 0
        return y[rows]

    with pytest.raises(ValueError, match="changed in place"):
        ProxyActiveLearner(LOGISTIC, rounds=[5, 5], initial_size=9, oracle=oracle, random_state=0).fit(pool)


def test_attributes_are_copies():
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(X, KNOWN)
    twin = ProxyActiveLearner(LOGISTIC, random_state=0).fit(X, KNOWN)
    rows = twin.query(6)
    learner.query(6)
    learner.waiting_[:] = 0
    learner.scores_[:] = 0
    learner.labeled_rows_[:] = 0
    learner.labels_[:] = 0
    learner.classes_[:] = 9
    learner.history_[0]["rows"][:] = 0
    learner.history_[0]["n_labeled"] = 99
    learner.history_.clear()
    np.testing.assert_array_equal(learner.query(6), rows)
    for name in ("waiting_", "scores_", "labeled_rows_", "labels_", "classes_"):
        np.testing.assert_array_equal(getattr(learner, name), getattr(twin, name))
    assert [entry["n_labeled"] for entry in learner.history_] == [12]
    np.testing.assert_array_equal(learner.history_[0]["rows"], rows)


def test_of_a_large_pool_some_rows_are_looked_at(monkeypatch):
    monkeypatch.setattr(_same_rows, "_MAX_BYTES", X.nbytes // 3)
    pool = pd.DataFrame(X, columns=list("abcd"))
    learner = ProxyActiveLearner(LOGISTIC, random_state=0).fit(pool, KNOWN)
    learner.query(5)
    sort_rows(pool)
    with pytest.raises(ValueError, match="changed in place: other values"):
        learner.query(5)
