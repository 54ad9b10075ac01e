"""A choice that is likely to train a worse model than random rows says so."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_nets import Mlp, make_net
from toy_proxies import blobs

from sksvp import ProxyCoresetSelector
from sksvp.coreset import MemorisedProxyWarning, ProxyCoresetSampler, RiskyChoiceWarning
from sksvp.coreset._risky_choice import predicted_right
from sksvp.strategies import Entropy, Evidence

N = 1000


class Told(ClassifierMixin, BaseEstimator):
    """A proxy that is told the probability of each row's own class, out of two."""

    def __init__(self, sureness, labels):
        self.sureness = sureness
        self.labels = labels

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rows = np.asarray(X)[:, 0].astype(int)
        own, label = np.asarray(self.sureness)[rows], np.asarray(self.labels)[rows]
        others = (1 - own) / (len(self.classes_) - 1)
        return np.where(label[:, None] == np.arange(len(self.classes_)), own[:, None], others[:, None])


def warned(proxy, X, y, **params):
    """Return what a selector warned of, but for chance."""
    selector = ProxyCoresetSelector(
        proxy, random_state=0, **{"strategy": "entropy", "subset_size": 0.5} | params
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        selector.fit(X, y)
    caught = [warning for warning in caught if issubclass(warning.category, RiskyChoiceWarning)]
    # At the line of the user, not of the library.
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


def test_a_sampler_names_the_line_of_the_user_too():
    sureness, labels = np.linspace(0.2, 1, 200), np.arange(200) % 2
    sampler = ProxyCoresetSampler(Told(sureness, labels), strategy="entropy", subset_size=0.1, random_state=0)
    with pytest.warns(RiskyChoiceWarning) as caught:
        sampler.fit_resample(np.arange(200)[:, None], labels)
    assert {warning.filename for warning in caught} == {__file__}


def of(sureness, labels=None, **params):
    """Return what is warned of where the proxy gives each row's own class this probability."""
    labels = np.arange(len(sureness)) % 2 if labels is None else labels
    return warned(Told(list(sureness), list(labels)), np.arange(len(sureness))[:, None], labels, **params)


# Two thirds are easy, the rest is hard and mostly right.
REDUNDANT = np.r_[np.full(650, 0.98), np.linspace(0.45, 0.9, 350)]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"subset_size": 0.3},
        {"strategy": "margin"},
        {"class_balanced": True},
        {"strategy": "random", "subset_size": 10},
        {"strategy": "random", "class_balanced": True, "subset_size": 0.1},
        {"subset_size": 1.0},
    ],
)
def test_choices_that_are_fine_say_nothing(params):
    assert of(REDUNDANT, **params) == []


def test_k_centers_are_not_warned_of():
    X, y = blobs(N, seed=1)
    proxy = make_pipeline(StandardScaler(), GaussianNB())
    assert warned(proxy, X, y, strategy="k_centers", subset_size=0.1) == []


@pytest.mark.parametrize("strategy", ["entropy", "least_confidence", "margin", Entropy()])
def test_a_small_share_of_the_hardest(strategy):
    (text,) = of(REDUNDANT, strategy=strategy, subset_size=0.1)
    assert text.startswith(
        "The 100 chosen rows may well train a worse model than random ones: they are the hardest 10%"
    )
    assert "below 30%" in text and "class by class (strategy='random', class_balanced=True)" in text
    assert len(of(REDUNDANT, strategy=strategy, subset_size=0.1, class_balanced=True)) == 1
    # A row less than 30 %.
    assert len(of(REDUNDANT, strategy=strategy, subset_size=299)) == 1


def test_few_rows_of_each_class():
    (text,) = of(REDUNDANT[:: N // 60], subset_size=0.6)
    assert "with 18.5 rows a class, fewer than 20" in text
    assert of(REDUNDANT[:: N // 60], subset_size=40) == []


def test_rows_that_the_proxy_gets_wrong():
    mislabelled = np.r_[np.full(500, 0.9), np.full(300, 0.4), np.full(200, 0.6)]
    (text,) = of(mislabelled)
    assert text.startswith(
        "The 500 chosen rows may well train a worse model than random ones: the proxy gets 60% of them"
    )
    assert "seen" not in text
    # Half of the chosen rows are no more than that.
    assert of(np.r_[np.full(500, 0.9), np.full(250, 0.4), np.full(250, 0.6)]) == []


@pytest.mark.parametrize(
    ("n_wrong", "subset_size", "n_texts"), [(200, 0.5, 1), (150, 0.5, 0), (30, 0.2, 0), (60, 0.2, 1)]
)
def test_rows_that_were_not_seen(n_wrong, subset_size, n_texts):
    sureness = np.r_[np.full(1000 - n_wrong, 0.7), np.full(n_wrong, 0.45)]
    sureness[: 1000 - int(subset_size * 1000)] = 0.95
    texts = of(sureness, probabilities="out_of_fold", subset_size=subset_size)
    assert len(texts) == n_texts
    if n_wrong == 200:
        assert "the proxy gets 40% of them wrong, not having seen them" in texts[0]
    if n_wrong == 60:
        # The rule of thumb holds unless the rows themselves say otherwise.
        assert "the hardest 20%" in texts[0] and "wrong" not in texts[0]


def test_classes_that_are_nearly_empty():
    labels = np.array(["art", "war", "sport"])[np.repeat([0, 1, 2], [500, 450, 50])]
    codes = np.repeat([0, 2, 1], [500, 450, 50])
    sureness = np.where(codes == 1, 0.99, np.tile([0.5, 0.9], N // 2))
    X = np.arange(N)[:, None]
    (text,) = warned(Told(list(sureness), list(codes)), X, labels)
    assert "hardly a row of 1 of 3 classes is among them: 'sport' (0 of 50)." in text
    assert warned(Told(list(sureness), list(codes)), X, labels.astype(object)) == [text]
    assert warned(Told(list(sureness), list(codes)), X, labels, class_balanced=True) == []
    # Of 19 rows random ones would leave fewer than ten.
    few = np.r_[np.arange(950), np.arange(950, 969)]
    assert warned(Told(list(sureness), list(codes)), X[few], labels[few]) == []


def test_columns_that_are_not_the_classes_tell_nothing():
    probabilities = np.eye(2)[[0, 1, 0, 1]]
    evidence = Evidence(probabilities=probabilities, classes=["x", "z"])
    assert predicted_right(evidence, np.array(["x", "y", "x", "y"])) is None
    right = predicted_right(evidence, np.array(["x", "z", "z", "z"]))
    np.testing.assert_array_equal(right, [True, True, False, True])
    assert predicted_right(Evidence(probabilities=probabilities), np.array(["x", "z", "z", "z"])) is None
    assert predicted_right(Evidence(n_rows=4), np.array([0, 1, 0, 1])) is None


def test_a_skorch_net_that_learned_numbers_in_place_of_texts():
    X, y = blobs(300)
    selector = ProxyCoresetSelector(make_net(Mlp), strategy="entropy", subset_size=0.5, random_state=0)
    selector.fit(X, np.array(["a", "b", "c"])[y])
    numbered = ProxyCoresetSelector(make_net(Mlp), strategy="entropy", subset_size=0.5, random_state=0).fit(
        X, y
    )
    assert selector._training_error == numbered._training_error
    assert numbered._training_error == pytest.approx(np.mean(numbered.proxy_.predict(X) != y))


# A proxy that knows its rows by heart ---------------------------------------------------------


def test_a_proxy_that_has_memorised_its_rows():
    X, y = blobs(N)
    (text,) = warned(KNeighborsClassifier(1), X, y)
    assert text.startswith(
        "The proxy KNeighborsClassifier seems to have memorised its training rows: 0.0% of them are"
    )
    assert "mean probability of 1.0000" in text and "probabilities='out_of_fold'" in text
    with pytest.warns(MemorisedProxyWarning):
        ProxyCoresetSelector(KNeighborsClassifier(1), strategy="margin").fit(X, y)
    for fine in ({"probabilities": "out_of_fold"}, {"strategy": "random"}, {"proxy": GaussianNB()}):
        assert not any(
            "memorised" in text
            for text in warned(**{"proxy": KNeighborsClassifier(1), "X": X, "y": y} | fine)
        )
    # What a frozen proxy was trained on is not known.
    assert warned(FrozenEstimator(KNeighborsClassifier(1).fit(X, y)), X, y) == []


def test_a_forest_that_has_memorised_its_rows():
    X, y = blobs(N)
    (text,) = warned(RandomForestClassifier(50, random_state=0), X, y)
    assert "most of its trees have seen each row" in text and "oob_score=True" in text
    forest = RandomForestClassifier(50, oob_score=True, random_state=0)
    (text,) = warned(forest, X, y)
    error = 1 - forest.fit(X, y).oob_score_
    assert error > 0.06 and f"and {error:.1%} out of bag" in text
    # Where the classes lie apart the votes agree, and nothing is wrong with it.
    assert warned(forest, X + 20 * y[:, None], y, strategy="margin", class_balanced=True) == []
