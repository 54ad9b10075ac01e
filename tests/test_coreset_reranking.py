"""One training serves every strategy: choosing again, the table of scores, weights, quotas of classes."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_nets import make_net
from toy_proxies import blobs

from sksvp import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector
from sksvp.coreset import _reranking
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.proxies import Incremental
from sksvp.strategies import FacilityLocation, Stratified, strategy_names

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:500] / 16, y[:500]


@pytest.fixture(scope="module")
def mlp():
    return make_pipeline(StandardScaler(), Incremental(MLPClassifier((16,)), n_epochs=6, batch_size=50))


@pytest.fixture(scope="module")
def fitted(digits, mlp):
    return ProxyCoresetSelector(mlp, strategy="el2n", subset_size=0.2, random_state=0).fit(*digits)


# What a training notes only where a strategy asks for it serves no other.
SERVED = [name for name in strategy_names() if name != "tdds"]


@pytest.mark.parametrize("strategy", [*SERVED, Stratified("el2n", 0.1), "auto"])
def test_choosing_again_is_choosing_afresh(digits, mlp, fitted, strategy):
    again = fitted.rerank(strategy=strategy, subset_size=60)
    fresh = ProxyCoresetSelector(mlp, strategy=strategy, subset_size=60, random_state=0).fit(*digits)
    np.testing.assert_array_equal(again.order_, fresh.order_)
    np.testing.assert_array_equal(again.indices_, fresh.indices_)
    np.testing.assert_array_equal(again.scores_, fresh.scores_)
    assert type(again.strategy_) is type(fresh.strategy_)
    assert again.proxy_ is fitted.proxy_
    assert len(fitted.indices_) == 100


def test_what_was_not_noted_is_named(digits, mlp, fitted):
    with pytest.raises(ValueError, match="recorded no change: fit with a strategy that reads it"):
        fitted.rerank(strategy="tdds")
    asked = ProxyCoresetSelector(mlp, strategy="tdds", random_state=0).fit(*digits)
    np.testing.assert_array_equal(asked.rerank(strategy="el2n", subset_size=0.2).order_, fitted.order_)
    assert "tdds" in asked.score_table().columns and "tdds" not in fitted.score_table().columns


def test_choosing_again_leaves_out_what_was_fitted_with(fitted, digits):
    again = fitted.rerank()
    np.testing.assert_array_equal(again.indices_, fitted.indices_)
    fewer = fitted.rerank(subset_size=10)
    assert fewer.get_params()["subset_size"] == 10
    assert fewer.transform(digits[0]).shape == (10, 64)
    with pytest.raises(ValueError, match="subset_size"):
        fitted.rerank(subset_size=1.5)
    with pytest.raises(ValueError, match="Unknown strategy"):
        fitted.rerank(strategy="best")


def test_rows_that_are_gone_must_be_given(digits, mlp):
    X, y = digits
    selector = ProxyCoresetSelector(mlp, strategy="el2n", random_state=0).fit(X.copy(), y)
    assert len(selector.rerank(strategy="aum").indices_) == 250
    with pytest.raises(ValueError, match="no longer in memory"):
        selector.rerank(strategy="entropy")
    assert len(selector.rerank(strategy="entropy", X=X).indices_) == 250
    with pytest.raises(ValueError, match="the rows that were fitted"):
        selector.rerank(strategy="entropy", X=X + 1)


def test_a_choice_that_was_made_again_chooses_again(fitted):
    again = fitted.rerank(strategy="aum").rerank(strategy="entropy")
    np.testing.assert_array_equal(again.order_, fitted.rerank(strategy="entropy").order_)
    assert again.explain()["nearest_kept"].notna().sum() == 400


def test_the_proxy_is_asked_once(digits, monkeypatch):
    X, y = digits
    selector = ProxyCoresetSelector(LogisticRegression(), strategy="entropy", random_state=0).fit(X, y)
    asked = []
    ask = LogisticRegression.predict_proba
    monkeypatch.setattr(
        LogisticRegression, "predict_proba", lambda self, X: (asked.append(len(X)), ask(self, X))[1]
    )
    first = selector.rerank(strategy="margin")
    selector.score_table()
    np.testing.assert_array_equal(first.rerank(strategy="entropy").order_, selector.order_)
    assert asked == [500]
    pickled = pickle.loads(pickle.dumps(selector))
    with pytest.raises(ValueError, match="no longer in memory"):
        pickled.rerank(strategy="margin")
    selector.fit(X, y)
    monkeypatch.setattr(_reranking, "_SAID_BYTES", 10)
    asked.clear()
    for _ in range(2):
        selector.rerank(strategy="margin")
    assert asked == [500, 500]


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_warning_comes_once_and_names_the_line_of_the_user(digits, mlp):
    selector = ProxyCoresetSelector(mlp, strategy="aum", class_balanced=True, random_state=0).fit(*digits)
    for choose_again in (lambda: selector.rerank(strategy="beta"), selector.score_table):
        with pytest.warns(UserWarning, match="6 visits, fewer than window=10") as caught:
            choose_again()
        of_windows = [warning for warning in caught if "window" in str(warning.message)]
        assert [warning.filename for warning in of_windows] == [__file__]


def test_what_was_not_recorded_cannot_be_had(digits):
    selector = ProxyCoresetSelector(LogisticRegression(), strategy="entropy").fit(*digits)
    assert selector.record_ is None
    with pytest.raises(ValueError, match=r"cannot give|recorded no"):
        selector.rerank(strategy="el2n")
    by_fit = ProxyCoresetSelector(MLPClassifier((8,)), strategy="entropy").fit(*digits)
    with pytest.raises(ValueError, match="recorded no training_record"):
        by_fit.rerank(strategy="el2n")
    blind = ProxyCoresetSelector(LogisticRegression(), strategy="random").fit(*digits)
    with pytest.raises(ValueError, match="trained no proxy"):
        blind.rerank(strategy="entropy")


@pytest.mark.parametrize("kind", ["net", "boosting", "network"])
def test_any_training_that_can_be_seen_serves_them_all(kind):
    X, y = blobs()
    proxy = make_net() if kind == "net" else HistGradientBoostingClassifier(max_iter=5)
    if kind == "network":
        X = (np.random.RandomState(0).rand(60, 8, 8) * 255).astype(np.uint8)
        proxy = ResNetClassifier(depth=8, max_epochs=3, batch_size=16, device="cpu", precision="fp32")
    selector = ProxyCoresetSelector(proxy, strategy="entropy", random_state=0).fit(X, y)
    for strategy in ("forgetting_events", "aum", "stratified", "margin"):
        fresh = ProxyCoresetSelector(proxy, strategy=strategy, random_state=0).fit(X, y)
        np.testing.assert_array_equal(selector.rerank(strategy=strategy).order_, fresh.order_)


def test_unseen_scores_are_kept():
    X, y = blobs()
    selector = ProxyCoresetSelector(
        LogisticRegression(), strategy="entropy", probabilities="out_of_fold", random_state=0
    ).fit(X, y)
    fresh = ProxyCoresetSelector(
        LogisticRegression(), strategy="margin", probabilities="out_of_fold", random_state=0
    ).fit(X, y)
    np.testing.assert_array_equal(selector.rerank(strategy="margin").scores_, fresh.scores_)


def test_the_table_has_every_score(fitted, digits, mlp):
    table = fitted.score_table()
    assert len(table) == 500
    assert table["kept"].sum() == 100
    for name in ("entropy", "margin", "forgetting_events", "el2n", "aum", "dual", "cld", "grand"):
        fresh = ProxyCoresetSelector(mlp, strategy=name, random_state=0).fit(*digits)
        np.testing.assert_array_equal(table[name], fresh.scores_)
    assert not {"random", "k_centers", "stratified"} & set(table.columns)


class WithoutNumbers(SGDClassifier):
    """A classifier whose features are no numbers."""

    def transform(self, X):
        return np.full((len(X), 2), "a", dtype=object)


def test_the_table_leaves_out_what_cannot_be_had():
    X, y = blobs()
    selector = ProxyCoresetSelector(WithoutNumbers(loss="log_loss"), strategy="aum", random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="The table has no grand: The features .*numbers"):
        table = selector.score_table()
    assert "aum" in table and "entropy" in table and "grand" not in table


def test_rows_in_a_list_must_be_given():
    texts = [f"{'good' if place % 2 else 'bad'} film {place % 7}" for place in range(60)]
    proxy = make_pipeline(CountVectorizer(), SGDClassifier(loss="log_loss", random_state=0))
    selector = ProxyCoresetSelector(proxy, strategy="aum", random_state=0).fit(texts, np.arange(60) % 2)
    with pytest.raises(ValueError, match="in a list"):
        selector.score_table()
    assert "entropy" in selector.score_table(texts)
    # They are asked once.
    assert "entropy" in selector.score_table()


def test_a_training_of_one_visit_has_a_table():
    X, y = blobs()
    proxy = Incremental(MLPClassifier((4,), random_state=0), n_epochs=1)
    selector = ProxyCoresetSelector(proxy, strategy="aum", random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="no dyn_unc: Windows need at least 2 visits"):
        table = selector.score_table()
    assert "aum" in table and "dyn_unc" not in table


@pytest.mark.parametrize("proxy", [HistGradientBoostingClassifier(max_iter=5), make_net()])
def test_a_record_that_was_kept_is_there_whatever_chose(proxy):
    X, y = blobs()
    selector = ProxyCoresetSelector(proxy, strategy="margin", random_state=0).fit(X, y)
    asked_for = ProxyCoresetSelector(proxy, strategy="aum", random_state=0).fit(X, y).record_
    np.testing.assert_array_equal(selector.record_.require("loss"), asked_for.require("loss"))


def test_texts_in_a_list_have_a_record():
    texts = [f"{'good' if place % 2 else 'bad'} film {place % 7}" for place in range(60)]
    proxy = BagOfNgramsClassifier(bucket=100, max_epochs=2)
    selector = ProxyCoresetSelector(proxy, strategy="entropy", random_state=0).fit(texts, np.arange(60) % 2)
    assert selector.record_.n_rows == 60


def test_weights_count_the_rows_that_a_pick_stands_for(fitted, digits):
    X, y = digits
    selector = fitted.rerank(strategy=FacilityLocation(by_class=False), subset_size=20)
    assert fitted.weights_ is None
    assert selector.weights_.sum() == 500
    features = selector.proxy_[:-1].transform(X)
    lengths = np.linalg.norm(features[:, None] - features[selector.indices_], axis=2)
    np.testing.assert_array_equal(selector.weights_, np.bincount(lengths.argmin(axis=1), minlength=20))
    by_class = fitted.rerank(strategy="facility_location", subset_size=40)
    for label in range(10):
        chosen = y[by_class.indices_] == label
        assert by_class.weights_[chosen].sum() == np.count_nonzero(y == label)


@pytest.mark.parametrize("strategy", ["entropy", "el2n", "facility_location", "stratified", "random"])
def test_quotas_of_the_classes(digits, mlp, strategy):
    X, y = digits
    rare = np.r_[np.flatnonzero(y != 3), np.flatnonzero(y == 3)[:12]]
    selector = ProxyCoresetSelector(
        mlp, strategy=strategy, subset_size=100, class_balanced="equal", random_state=0
    ).fit(X[rare], y[rare])
    assert np.bincount(y[rare][selector.indices_]).tolist() == [10] * 10
    by_error = selector.set_params(class_balanced="by_error").fit(X[rare], y[rare])
    assert len(by_error.indices_) == 100
    wrong = np.bincount(y[rare], weights=by_error.proxy_.predict(X[rare]) != y[rare], minlength=10)
    # Fewer rows are kept of a class that the proxy gets right.
    kept = np.bincount(y[rare][by_error.indices_], minlength=10)
    if wrong.any():
        assert kept[wrong == 0].sum() <= kept[wrong > 0].sum()


def test_proportional_is_what_true_is(digits, mlp):
    first, second = (
        ProxyCoresetSelector(mlp, strategy="el2n", class_balanced=value, random_state=0).fit(*digits)
        for value in (True, "proportional")
    )
    np.testing.assert_array_equal(first.order_, second.order_)
    with pytest.raises(ValueError, match="class_balanced"):
        ProxyCoresetSelector(mlp, class_balanced="fair").fit(*digits)


def test_a_search_over_strategies_trains_one_proxy_a_fold(tmp_path, monkeypatch):
    X, y = blobs()
    trainings = []
    learn = MLPClassifier.partial_fit

    def count(self, X, y, classes=None):
        if not hasattr(self, "classes_"):
            trainings.append(len(y))
        return learn(self, X, y, classes=classes)

    monkeypatch.setattr(MLPClassifier, "partial_fit", count)
    proxy = Incremental(MLPClassifier((4,)), n_epochs=3, batch_size=20)
    search = GridSearchCV(
        CoresetClassifier(LogisticRegression(), ProxyCoresetSelector(proxy, memory=tmp_path, random_state=0)),
        {"selector__strategy": ["forgetting_events", "el2n", "aum", "dual", "stratified", "beta"]},
        cv=3,
        refit=False,
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(trainings) == 3


def test_the_sampler_chooses_again_too(digits, mlp):
    sampler = ProxyCoresetSampler(mlp, strategy="el2n", subset_size=50, random_state=0)
    sampler.fit_resample(*digits)
    assert len(sampler.rerank(strategy="aum", subset_size=30).sample_indices_) == 30
