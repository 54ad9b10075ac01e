"""Equal updates of the targets of active learning."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from toy_proxies import blobs

from sksvp.active import ProxyActiveLearner, replay_selection

X, y = blobs(200)
LOGISTIC = LogisticRegression(max_iter=1000)


class Noting(ClassifierMixin, BaseEstimator):
    """Trains in epochs, and notes rows and epochs of each training."""

    noted: list[tuple[int, int]] = []

    def __init__(self, max_epochs=4, batch_size=10, random_state=None):
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X, y):
        Noting.noted.append((len(y), self.max_epochs))
        self.classes_ = np.unique(y)
        self.inside_ = LogisticRegression().fit(X, y)
        return self

    def predict(self, X):
        return self.inside_.predict(X)

    def predict_proba(self, X):
        return self.inside_.predict_proba(X)


@pytest.fixture
def noted():
    Noting.noted = []
    return Noting.noted


def learner_of(proxy=LOGISTIC, target=None, **params):
    params = {"rounds": [20, 40], "initial_size": 20, "target_at": "all", "random_state": 0, **params}
    return ProxyActiveLearner(proxy, Noting() if target is None else target, **params)


def test_fewer_labels_mean_more_epochs(noted):
    # 8 batches of the last round's 80 rows, 4 times.
    learner_of(n_updates=32).fit(X, y)
    assert noted == [(40, 8), (80, 4)]
    noted.clear()
    learner_of().fit(X, y)
    assert noted == [(40, 4), (80, 4)]


def test_a_target_that_chooses_for_itself(noted):
    learner_of(Noting(), n_updates=32).fit(X, y, X_val=X, y_val=y)
    assert noted == [(20, 16), (40, 8), (80, 4)]


def test_people(noted):
    known = np.where(np.arange(200) % 10 == 0, y, -1)
    learner = ProxyActiveLearner(LOGISTIC, Noting(), n_updates=30, missing_label=-1, random_state=0)
    learner.fit(X, known).fit_target()
    assert noted == [(20, 15)]


def test_a_replay(noted):
    history = learner_of().fit(X, y).history_
    noted.clear()
    replay_selection(history, Noting(), X, y, n_updates=32, random_state=0)
    assert noted == [(40, 8), (80, 4)]


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_updates": 0}, "n_updates"),
        ({"n_updates": 8, "target": LOGISTIC}, "n_updates needs a target with the parameter max_epochs"),
    ],
)
def test_bad_updates(params, match):
    with pytest.raises(ValueError, match=match):
        learner_of(**params).fit(X, y)


def test_updates_without_a_target():
    with pytest.raises(ValueError, match="n_updates=8 are those of the target, and target is None"):
        ProxyActiveLearner(LOGISTIC, n_updates=8).fit(X, y)
