"""Passes of mini-batches around a `partial_fit` classifier."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_proxies import blobs

from sksvp import ProxyCoresetSelector, RankingSettled
from sksvp.proxies import Incremental, as_proxy

X, y = blobs()


@parametrize_with_checks(
    [Incremental(GaussianNB(), n_epochs=2, random_state=0), Incremental(SGDClassifier(), random_state=0)]
)
def test_check_estimator(estimator, check):
    check(estimator)


def test_fit_is_passes_of_partial_fit():
    labels = np.array(["a", "b", "c"])[y]
    fitted = Incremental(SGDClassifier(random_state=3), n_epochs=3, batch_size=16).fit(X, labels)
    again, rng = SGDClassifier(random_state=3), np.random.RandomState(3)
    for _ in range(3):
        order = rng.permutation(len(y))
        for start in range(0, len(y), 16):
            rows = order[start : start + 16]
            again.partial_fit(X[rows], labels[rows], classes=["a", "b", "c"])
    np.testing.assert_array_equal(fitted.predict(X), again.predict(X))
    np.testing.assert_array_equal(fitted.estimator_.coef_, again.coef_)
    assert fitted.classes_.tolist() == ["a", "b", "c"] and fitted.n_features_in_ == 4
    assert not hasattr(fitted, "predict_proba")


@pytest.mark.parametrize(
    "params",
    [{"n_epochs": 0}, {"batch_size": 0}, {"n_epochs": 1.5}, {"estimator": LogisticRegression()}],
    ids=str,
)
def test_bad_parameters_are_named(params):
    with pytest.raises(ValueError, match=f"{next(iter(params))!r} parameter"):
        Incremental(**({"estimator": GaussianNB()} | params)).fit(X, y)


def test_weights_with_and_without_routing():
    weights = np.where(y == 0, 50.0, 1.0)
    expected = GaussianNB().fit(X, y, weights).class_prior_
    fitted = Incremental(GaussianNB(), n_epochs=1, batch_size=7).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(fitted.estimator_.class_prior_, expected)
    with config_context(enable_metadata_routing=True):
        asked = Incremental(GaussianNB().set_partial_fit_request(sample_weight=True), n_epochs=1)
        np.testing.assert_allclose(asked.fit(X, y, sample_weight=weights).estimator_.class_prior_, expected)


def test_the_default_passes_are_those_of_a_bare_classifier():
    bare = as_proxy(SGDClassifier(random_state=1)).train(X, y, recorders=["forgetting_events"])
    wrapped = as_proxy(Incremental(SGDClassifier(random_state=1))).train(
        X, y, recorders=["forgetting_events"]
    )
    np.testing.assert_array_equal(wrapped.records["forgetting_events"], bare.records["forgetting_events"])
    np.testing.assert_array_equal(wrapped.estimator.estimator_.coef_, bare.estimator.coef_)


def test_it_is_trained_in_passes_by_any_strategy_and_can_be_stopped():
    proxy = make_pipeline(StandardScaler(), Incremental(SGDClassifier(loss="log_loss"), n_epochs=9))
    rule = RankingSettled(tolerance=1.0, patience=1, min_epochs=3, n_rows=50)
    selector = ProxyCoresetSelector(proxy, strategy="entropy", stop_proxy=rule, random_state=0).fit(X, y)
    assert (selector.proxy_stop_.n_epochs, selector.proxy_stop_.max_epochs) == (3, 9)
    assert selector.proxy_[-1].estimator_.t_ == 1 + 3 * len(X)
    bare = clone(selector).set_params(proxy=SGDClassifier(loss="log_loss"))
    with pytest.raises(ValueError, match="stop_proxy needs a proxy that is trained in epochs"):
        bare.fit(X, y)


def test_passes_can_be_searched():
    search = GridSearchCV(Incremental(SGDClassifier(random_state=0)), {"n_epochs": [1, 5]}, cv=3).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_failed_fit_leaves_nothing_fitted():
    fitted = Incremental(GaussianNB()).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        fitted.fit(X, y[:-1])
    assert not hasattr(fitted, "estimator_")
