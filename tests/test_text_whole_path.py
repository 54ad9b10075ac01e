"""Texts through both uses, from the proxy to the target."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from toy_texts import toy_texts

from sksvp import CoresetClassifier, ProxyActiveLearner, ProxyCoresetSampler, ProxyCoresetSelector
from sksvp.datasets import load_amazon_review_polarity
from sksvp.estimators import BagOfNgramsClassifier, FastTextClassifier, VDCNNClassifier
from sksvp.strategies import ForgettingEvents, entropy
from sksvp.text import PackedTexts


def bag(**params):
    return BagOfNgramsClassifier(**{"bucket": 1000, "max_epochs": 8, "lr": 0.5, "device": "cpu", **params})


def vdcnn(**params):
    small = {"length": 64, "widths": (8, 8, 8, 8), "hidden": 16, "max_epochs": 2, "batch_size": 16}
    return VDCNNClassifier(**{**small, "device": "cpu", **params})


def fasttext(**params):
    if find_spec("fasttext") is None:
        pytest.skip("fasttext is not installed")
    return FastTextClassifier(**{"dim": 8, "word_ngrams": 1, "max_epochs": 5, "lr": 0.5, **params})


def tfidf(**params):
    return make_pipeline(TfidfVectorizer(), LogisticRegression())


@pytest.fixture(scope="module")
def texts():
    return toy_texts(90)


@pytest.mark.parametrize(
    ("make", "strategy"),
    [
        (bag, "entropy"),
        (bag, "margin"),
        (bag, "forgetting_events"),
        (bag, "k_centers"),
        (vdcnn, "entropy"),
        (vdcnn, "forgetting_events"),
        (vdcnn, "k_centers"),
        (fasttext, "entropy"),
        (fasttext, "k_centers"),
        (tfidf, "entropy"),
        (tfidf, "least_confidence"),
    ],
)
def test_a_coreset_by_every_proxy(make, strategy, texts):
    X, y = texts
    selector = ProxyCoresetSelector(make(), strategy=strategy, subset_size=0.4, random_state=0).fit(X, y)
    chosen, labels = selector.select(X, y)
    assert len(chosen) == len(labels) == 36
    assert chosen == [X[row] for row in selector.indices_]
    again = ProxyCoresetSelector(make(), strategy=strategy, subset_size=0.4, random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.indices_, selector.indices_)


def test_scores_are_those_of_the_proxy(texts):
    X, y = texts
    selector = ProxyCoresetSelector(bag(), strategy="entropy", random_state=0).fit(X, y)
    np.testing.assert_allclose(selector.scores_, entropy(selector.proxy_.predict_proba(X)), rtol=1e-6)
    selector = ProxyCoresetSelector(bag(), strategy=ForgettingEvents(), random_state=0).fit(X, y)
    np.testing.assert_array_equal(selector.scores_, selector.proxy_.records_["forgetting_events"])


@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        (bag, {"training_record", "features"}),
        (vdcnn, {"training_record", "features"}),
        (fasttext, {"features"}),
    ],
)
def test_auto_takes_what_the_proxy_can_give(make, kinds, texts):
    selector = ProxyCoresetSelector(make(), random_state=0).fit(*texts)
    assert set(selector.strategy_.requires) <= kinds
    assert selector.strategy_reason_
    sizes = np.unique(np.asarray(texts[1])[selector.indices_], return_counts=True)[1]
    assert len(sizes) == len(np.unique(texts[1]))


def test_fasttext_cannot_tell_forgetting_events(texts):
    with pytest.raises(ValueError, match=r"FastTextClassifier cannot give forgetting_events"):
        ProxyCoresetSelector(fasttext(), strategy="forgetting_events").fit(*texts)


@pytest.mark.parametrize("container", [np.array, pd.Series, pl.Series, PackedTexts])
def test_containers(container, texts):
    X, y = texts
    expected = ProxyCoresetSelector(bag(), subset_size=20, random_state=0).fit(X, y)
    selector = ProxyCoresetSelector(bag(), subset_size=20, random_state=0).fit(container(X), y)
    np.testing.assert_array_equal(selector.indices_, expected.indices_)
    chosen = selector.select(container(X))
    assert type(chosen) is type(container(X))
    assert list(chosen) == [X[row] for row in expected.indices_]
    assert list(selector.transform(container(X))) == list(chosen)


def test_explain_names_the_nearest_text(texts):
    table = ProxyCoresetSelector(bag(), subset_size=20, random_state=0).fit(*texts).explain(texts[0])
    assert len(table) == 90
    assert table["kept"].sum() == 20


def test_pipeline_and_grid(texts):
    X, y = texts
    model = Pipeline([("svp", CoresetClassifier(bag(), ProxyCoresetSelector(bag(), random_state=0)))])
    params = {"svp__selector__proxy__word_ngrams": [1, 2], "svp__selector__subset_size": [0.5, 0.8]}
    grid = GridSearchCV(model, params, cv=2).fit(pd.Series(X), y)
    assert grid.best_score_ > 0.6
    assert grid.predict(X[:3]).shape == (3,)


def test_a_bag_chooses_for_a_deep_network(texts):
    X, y = texts
    model = CoresetClassifier(vdcnn(), ProxyCoresetSelector(bag(), subset_size=0.5, random_state=0)).fit(X, y)
    assert model.estimator_.records_["forgetting_events"].shape == (45,)
    assert model.transform(X).shape == (90, 16)


def test_a_linear_pipeline_chooses(texts):
    X, y = texts
    selector = ProxyCoresetSelector(tfidf(), strategy="entropy", random_state=0)
    assert CoresetClassifier(bag(random_state=0), selector).fit(X, y).score(X, y) > 0.9


def test_sampler(texts):
    X, y = texts
    X_kept, y_kept = ProxyCoresetSampler(bag(), subset_size=30, random_state=0).fit_resample(X, y)
    assert (len(X_kept), len(y_kept)) == (30, 30)


def test_memory_keeps_the_proxy(texts, tmp_path):
    first, again = (
        ProxyCoresetSelector(bag(random_state=0), memory=str(tmp_path), random_state=0).fit(*texts)
        for _ in range(2)
    )
    assert (first.from_cache_, again.from_cache_) == (False, True)
    np.testing.assert_array_equal(first.indices_, again.indices_)


@pytest.mark.parametrize("make", [bag, vdcnn, fasttext, tfidf])
def test_rounds_of_labels(make, texts):
    X, y = texts
    learner = ProxyActiveLearner(
        make(), bag(max_epochs=60), strategy="entropy", rounds=[10, 10], initial_size=12, random_state=0
    )
    X_val, y_val = toy_texts(30, seed=1)
    learner.fit(X, y, X_val=X_val, y_val=y_val)
    assert [row["n_labeled"] for row in learner.history_] == [12, 22, 32]
    assert learner.history_[-1]["target_score"] > 0.6


def test_query_and_teach(texts):
    X, y = texts
    known = np.array(y, dtype=object)
    known[15:] = None
    learner = ProxyActiveLearner(bag(), strategy="k_centers", random_state=0).fit(X, known)
    rows = learner.query(10)
    assert len(set(rows) - set(range(15))) == 10
    learner.teach(rows, y[rows])
    assert learner.predict(X[:2]).shape == (2,)


@pytest.mark.shared
def test_real_reviews(shared_data):
    if not (shared_data / "amazon_review_polarity_csv").is_dir():
        pytest.skip("the Amazon reviews are not there")
    reviews = load_amazon_review_polarity(shared_data)
    X, y = reviews.X_train, reviews.y_train
    proxy = bag(bucket=100_000, max_epochs=10, lr=0.25)
    selector = ProxyCoresetSelector(proxy, strategy="forgetting_events", subset_size=0.8, random_state=0)
    model = CoresetClassifier(bag(bucket=100_000, max_epochs=20, lr=1.0, random_state=0), selector).fit(X, y)
    assert selector.fit(X, y).proxy_.score(reviews.X_test, reviews.y_test) > 0.85
    assert model.score(reviews.X_test, reviews.y_test) > 0.8
