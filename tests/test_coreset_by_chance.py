"""A choice that is mostly arbitrary says so."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sksvp import ProxyCoresetSampler, ProxyCoresetSelector
from sksvp.coreset import ByChanceWarning
from sksvp.coreset._by_chance import tied_rows
from sksvp.strategies import ScoredStrategy, Strategy

X, y = load_iris(return_X_y=True)
INF = np.inf


class Scripted(ClassifierMixin, BaseEstimator):
    """A proxy that is known beforehand to have forgotten each row so many times."""

    def __init__(self, events):
        self.events = events

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.records_ = {"forgetting_events": np.asarray(self.events, dtype=float)}
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def predict_logits(self, X):
        return np.zeros((len(X), 2), dtype=np.float32)


def select(events, subset_size, *, labels=None, **params):
    """Fit a selector on rows with these forgetting events; return it and what it warned of."""
    rows = np.arange(len(events), dtype=float)[:, None]
    labels = np.arange(len(events)) % 2 if labels is None else labels
    params = {"strategy": "forgetting_events", **params}
    selector = ProxyCoresetSelector(Scripted(list(events)), subset_size=subset_size, random_state=0, **params)
    return selector, warned(lambda: selector.fit(rows, labels))


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    # At the line of the user, not of the library.
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught if issubclass(warning.category, ByChanceWarning)]


def test_most_rows_never_learned():
    selector, (text,) = select([INF] * 60 + [1] * 40, 0.5)
    assert np.isinf(selector.scores_[selector.indices_]).all()
    assert text.startswith("100% of the 50 chosen rows were never learned by the proxy")
    assert "like 10 rows that were left out" in text and "random order" in text and "mislead" in text
    for way_out in ("Train the proxy longer", "keep more rows (subset_size)", "another strategy"):
        assert way_out in text
    # Chance decides nothing here, but they mislead all the same.
    _, (text,) = select([INF] * 30 + list(range(70)), 0.5)
    assert text.startswith("60% of the 50 chosen rows were never learned") and "left out" not in text


def test_most_rows_never_forgotten():
    _, (text,) = select([2, INF, 1, 1, 3, 1, 1, 1, 1, 1] + [0] * 90, 0.5)
    assert text.startswith(
        "80% of the 50 chosen rows have no forgetting events and were drawn at random out of 90"
    )
    assert "9% of all rows were ever forgotten" in text and "another strategy" in text
    assert "subset_size=10 leaves these out" in text
    # No size is named that would be warned of as well, or that is not one for all classes.
    _, (text,) = select([INF] * 7 + [1] * 3 + [0] * 90, 0.5)
    assert "3% of all rows were ever forgotten" in text and "Keep fewer rows (subset_size)," in text
    _, (text,) = select([2, 1, 1, 3] + [0] * 96, 0.5, class_balanced=True)
    assert "out of 96 such rows" in text and "Keep fewer rows (subset_size)," in text
    _, (text,) = select([0] * 100, 0.5)
    assert text.startswith("100% of the 50") and "subset_size" not in text


@pytest.mark.parametrize(
    ("events", "subset_size"),
    [
        ([INF] * 25 + list(range(1, 76)), 0.5),
        ([1] * 13 + [0] * 87, 0.5),
        # Nearly all rows of the tie are kept.
        ([1] * 10 + [0] * 90, 0.95),
        ([INF] * 80 + [1] * 20, 1.0),
        (range(100), 0.5),
    ],
    ids=["half never learned", "three quarters never forgotten", "nearly all kept", "all kept", "no tie"],
)
def test_choices_that_mean_something_are_silent(events, subset_size):
    assert select(events, subset_size)[1] == []


def test_ties_are_those_within_a_class():
    labels = np.repeat([0, 1], 50)
    # Each class is cut at a score of its own: 10 and 0.
    events = [10] * 50 + [0] * 50
    _, texts = select(events, 0.5, labels=labels, class_balanced=True)
    assert len(texts) == 1 and texts[0].startswith("100% of the 50 chosen rows have the same score as rows")
    # Over both classes together no row of the second is chosen, nor is any tie cut.
    assert select(events, 0.5, labels=labels)[1] == []
    # What ties with a row of the other class only was not left to chance.
    events = [3] * 25 + [0] * 25 + [4] * 25 + [3] * 25
    assert select(events, 0.5, labels=labels, class_balanced=True)[1] == []


def test_scores_of_one_value():
    tree = DecisionTreeClassifier(random_state=0)
    for selector in (
        ProxyCoresetSelector(tree, strategy="entropy", random_state=0),
        ProxyCoresetSampler(tree, strategy="entropy", random_state=0),
    ):
        (text,) = warned(lambda selector=selector: selector.fit(X, y))
        assert text.startswith(
            "100% of the 75 chosen rows have the same score as rows that were left out (75)"
        )
        assert "another strategy" in text


def test_k_centers_warns_of_duplicates_alone():
    proxy = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    selector = ProxyCoresetSelector(proxy, strategy="k_centers", random_state=0)
    assert warned(lambda: selector.fit(X, y)) == []
    (text,) = warned(lambda: selector.fit(np.repeat(X[::3], 10, axis=0), np.repeat(y[::3], 10)))
    assert "as far from the rows chosen before" in text and "duplicates" in text


@pytest.mark.parametrize("strategy", ["random", "least_confidence"])
def test_no_word_where_scores_differ(strategy):
    proxy = LogisticRegression(max_iter=1000)
    selector = ProxyCoresetSelector(proxy, strategy=strategy, random_state=0)
    assert warned(lambda: selector.fit(X, y)) == []


def test_strategies_of_ones_own_break_ties_as_they_like():
    class First(Strategy):
        def rank(self, evidence, n_samples, **kwargs):
            return np.arange(evidence.n_rows), np.zeros(evidence.n_rows)

    selector = ProxyCoresetSelector(SGDClassifier(), strategy=First(), random_state=0)
    assert warned(lambda: selector.fit(X, y)) == []


def test_scores_of_ones_own_are_not_taken_for_forgetting_events():
    class Halved(ScoredStrategy):
        requires = ("forgetting_events",)

        def score(self, evidence, rows):
            return evidence.forgetting_events[rows] / 2

    (text,) = select([1] * 10 + [0] * 90, 0.5, strategy=Halved())[1]
    assert text.startswith("80% of the 50 chosen rows have the same score as rows that were left out (50)")


def test_tied_rows():
    scores = np.array([3.0, 2.0, 2.0, 2.0, 1.0, INF])
    kept = np.array([True, True, False, True, False, True])
    assert np.flatnonzero(tied_rows(scores, kept, None)).tolist() == [1, 3]
    assert np.flatnonzero(tied_rows(scores, kept, np.array(list("aabbab")))).tolist() == [3]
    assert not tied_rows(scores, np.ones(6, dtype=bool), None).any()
