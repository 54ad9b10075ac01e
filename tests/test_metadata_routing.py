"""Metadata routing of the meta-estimators, by scikit-learn's own tests."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tests import test_metaestimators_metadata_routing as of_sklearn
from sklearn.tests.metadata_routing_common import NonConsumingClassifier
from toy_proxies import blobs

from sksvp.coreset import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector
from sksvp.proxies import Incremental

X, y = blobs()
WEIGHTS = np.where(y == 0, 50.0, 1.0)


def row(metaestimator, name="proxy", methods=("fit",), **more):
    """Describe a meta-estimator as in scikit-learn's own list."""
    X, y = np.random.RandomState(0).rand(100, 10), np.arange(100) % 2
    params = {"metaestimator": metaestimator, "estimator_name": name, "estimator": "classifier"}
    return {**params, "X": X, "y": y, "estimator_routing_methods": list(methods), **more}


SELECTOR = ProxyCoresetSelector(NonConsumingClassifier(), strategy="random", random_state=0)
ROWS = {
    "selector": row(ProxyCoresetSelector, init_args={"strategy": "entropy"}),
    "sampler": row(ProxyCoresetSampler, init_args={"strategy": "entropy"}),
    "target": row(
        CoresetClassifier,
        "estimator",
        ("fit", "score"),
        init_args={"selector": SELECTOR},
        preserves_metadata="subset",
    ),
    "passes": row(
        Incremental, "estimator", method_mapping={"fit": ["partial_fit"]}, preserves_metadata="subset"
    ),
}
TESTS = [
    of_sklearn.test_default_request,
    of_sklearn.test_error_on_missing_requests_for_sub_estimator,
    of_sklearn.test_setting_request_on_sub_estimator_removes_error,
    of_sklearn.test_non_consuming_estimator_works,
]
EXPECTED_FAILURES = {
    (
        "passes",
        "test_error_on_missing_requests_for_sub_estimator",
    ): "the message names partial_fit, which fit calls",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
@pytest.mark.parametrize("name", ROWS)
def test_scikit_learns_tests(name, test):
    reason = EXPECTED_FAILURES.get((name, test.__name__))
    if reason:
        pytest.xfail(reason)
    test(ROWS[name])


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def requesting(*methods):
    """Return a classifier whose methods request weights."""
    classifier = GaussianNB()
    for method in methods:
        getattr(classifier, f"set_{method}_request")(sample_weight=True)
    return classifier


EXPECTED = GaussianNB().fit(X, y, WEIGHTS).class_prior_


@pytest.mark.parametrize("methods", [("fit",), ("partial_fit",), ("fit", "partial_fit")], ids="-".join)
@pytest.mark.parametrize("around", [lambda proxy: proxy, lambda proxy: make_pipeline(PCA(2), proxy)])
@pytest.mark.usefixtures("routing")
def test_a_request_of_fit_or_partial_fit_serves_the_passes_of_auto(methods, around):
    selector = ProxyCoresetSelector(around(requesting(*methods)), random_state=0)
    selector.fit(X, y, sample_weight=WEIGHTS)
    trained = selector.proxy_ if hasattr(selector.proxy_, "class_prior_") else selector.proxy_[-1]
    assert type(trained) is GaussianNB
    np.testing.assert_allclose(trained.class_prior_, EXPECTED)
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        ProxyCoresetSelector(around(GaussianNB())).fit(X, y, sample_weight=WEIGHTS)


@pytest.mark.usefixtures("routing")
def test_partial_fit_alone_does_not_serve_a_training_by_fit():
    with pytest.raises(UnsetMetadataPassedError, match=r"GaussianNB\.fit"):
        ProxyCoresetSelector(requesting("partial_fit"), strategy="entropy").fit(X, y, sample_weight=WEIGHTS)


@pytest.mark.usefixtures("routing")
def test_the_user_can_refuse_weights_in_the_passes():
    proxy = requesting("fit").set_partial_fit_request(sample_weight=False)
    with pytest.raises(TypeError, match="sample_weight"):
        ProxyCoresetSelector(proxy).fit(X, y, sample_weight=WEIGHTS)
    assert ProxyCoresetSelector(proxy, strategy="entropy").fit(X, y, sample_weight=WEIGHTS)


@pytest.mark.usefixtures("routing")
def test_names_that_a_request_gives_to_metadata():
    for proxy in (
        GaussianNB().set_partial_fit_request(sample_weight="mine"),
        make_pipeline(PCA(2), GaussianNB().set_partial_fit_request(sample_weight="mine")),
        Incremental(GaussianNB().set_partial_fit_request(sample_weight="mine"), n_epochs=1),
        make_pipeline(Incremental(GaussianNB().set_partial_fit_request(sample_weight="mine"), n_epochs=1)),
    ):
        trained = ProxyCoresetSelector(proxy, random_state=0).fit(X, y, mine=WEIGHTS).proxy_
        trained = trained[-1] if hasattr(trained, "steps") else trained
        np.testing.assert_allclose(getattr(trained, "estimator_", trained).class_prior_, EXPECTED)


@pytest.mark.usefixtures("routing")
def test_passes_around_a_meta_estimator():
    proxy = OneVsRestClassifier(SGDClassifier(loss="log_loss").set_partial_fit_request(sample_weight=True))
    weighted = ProxyCoresetSelector(proxy, random_state=0).fit(X, y, sample_weight=WEIGHTS)
    plain = ProxyCoresetSelector(proxy, random_state=0).fit(X, y)
    coefs = [selector.proxy_.estimators_[0].coef_ for selector in (weighted, plain)]
    assert not np.array_equal(*coefs)


@pytest.mark.usefixtures("routing")
@pytest.mark.filterwarnings("ignore")
def test_weights_of_the_proxy_in_imbalanced_learns_pipeline():
    from imblearn.pipeline import make_pipeline as make_imblearn_pipeline

    sampler = ProxyCoresetSampler(requesting("fit"), strategy="entropy", random_state=0)
    pipeline = make_imblearn_pipeline(PCA(2), sampler, KNeighborsClassifier())
    pipeline.fit(X, y, sample_weight=WEIGHTS)
    np.testing.assert_allclose(pipeline[1].proxy_.class_prior_, EXPECTED)
    unset = ProxyCoresetSampler(GaussianNB(), strategy="entropy")
    with pytest.raises(UnsetMetadataPassedError, match=r"GaussianNB\.fit"):
        make_imblearn_pipeline(unset, KNeighborsClassifier()).fit(X, y, sample_weight=WEIGHTS)


@pytest.mark.usefixtures("routing")
@pytest.mark.filterwarnings("ignore")
def test_weights_of_fit_transform_reach_the_proxy():
    selector = ProxyCoresetSelector(requesting("fit"), strategy="entropy")
    selector.fit_transform(X, y, sample_weight=WEIGHTS)
    np.testing.assert_allclose(selector.proxy_.class_prior_, EXPECTED)
