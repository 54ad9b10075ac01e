"""Metadata routing of `ProxyActiveLearner`, and its tags."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tests import test_metaestimators_metadata_routing as routing
from sklearn.tests.metadata_routing_common import ConsumingClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from toy_proxies import blobs

from sksvp import ProxyActiveLearner

X, y = blobs(90)
WEIGHTS = np.random.RandomState(0).rand(90)
KNOWN = [label if row < 30 else None for row, label in enumerate(y.tolist())]

# As scikit-learn's list of meta-estimators has them.
LEARNERS = [
    {
        "metaestimator": ProxyActiveLearner,
        "estimator_name": "proxy",
        "estimator": "classifier",
        "init_args": {"strategy": "random"},
        "X": routing.X,
        "y": routing.y,
        "estimator_routing_methods": ["fit"],
    },
    {
        "metaestimator": ProxyActiveLearner,
        "estimator_name": "target",
        "estimator": "classifier",
        "init_args": {"proxy": KNeighborsClassifier(), "strategy": "random"},
        "X": routing.X,
        "y": routing.y,
        "estimator_routing_methods": ["fit"],
    },
    {
        "metaestimator": ProxyActiveLearner,
        "estimator_name": "target",
        "estimator": "classifier",
        "init_args": {"proxy": KNeighborsClassifier(), "rounds": [0.3, 0.3], "initial_size": 0.2},
        "X": routing.X,
        "y": routing.y,
        "estimator_routing_methods": ["fit"],
        "preserves_metadata": "subset",
    },
]


@pytest.mark.parametrize(
    "check",
    [
        routing.test_default_request,
        routing.test_error_on_missing_requests_for_sub_estimator,
        routing.test_setting_request_on_sub_estimator_removes_error,
        routing.test_non_consuming_estimator_works,
    ],
)
@pytest.mark.parametrize("learner", LEARNERS, ids=["proxy", "target", "rounds"])
def test_routing_tests_of_scikit_learn(check, learner):
    check(learner)


def requesting(**params):
    return LogisticRegression(max_iter=1000, **params).set_fit_request(sample_weight=True)


@config_context(enable_metadata_routing=True)
def test_each_training_gets_the_weights_of_its_rows():
    learner = ProxyActiveLearner(requesting(), requesting(C=0.1), random_state=0)
    learner.fit(X, KNOWN, sample_weight=WEIGHTS)
    rows = learner.query(10)
    learner.teach(rows, y[rows]).fit_target()
    known = learner.labeled_rows_
    expected = LogisticRegression(C=0.1, max_iter=1000).fit(X[known], y[known], WEIGHTS[known])
    np.testing.assert_array_equal(learner.predict_proba(X), expected.predict_proba(X))
    proxy = LogisticRegression(max_iter=1000).fit(X[:30], y[:30], WEIGHTS[:30])
    np.testing.assert_array_equal(learner.proxy_.coef_, proxy.coef_)
    with pytest.raises(ValueError, match="extend: sample_weight of fit has no values for new rows"):
        learner.extend(X[:3])


@config_context(enable_metadata_routing=True)
def test_one_model_in_both_parts_is_trained_twice_where_only_one_part_is_weighted():
    learner = ProxyActiveLearner(
        LogisticRegression().set_fit_request(sample_weight=False), LogisticRegression(), random_state=0
    )
    learner.target.set_fit_request(sample_weight=True)
    learner.fit(X, y, sample_weight=WEIGHTS)
    expected = LogisticRegression().fit(X, y, WEIGHTS)
    np.testing.assert_array_equal(learner.target_.coef_, expected.coef_)
    assert learner.proxy_ is None


@config_context(enable_metadata_routing=True)
def test_weights_decide_the_run(tmp_path):
    learner = ProxyActiveLearner(requesting(), checkpoint=tmp_path, random_state=0)
    learner.fit(X, KNOWN, sample_weight=WEIGHTS)
    rows = learner.query(5)
    learner.teach(rows, y[rows]).close()
    again = clone(learner).fit(X, KNOWN, sample_weight=WEIGHTS)
    assert len(again.labeled_rows_) == 35
    again.close()
    assert len(clone(learner).fit(X, KNOWN, sample_weight=WEIGHTS + 1).labeled_rows_) == 30
    with pytest.raises(ValueError, match="or with metadata or start_features: the same fit"):
        ProxyActiveLearner.resume(tmp_path, X)


def test_without_routing_metadata_is_refused():
    with pytest.raises(ValueError, match="sample_weight"):
        ProxyActiveLearner(LogisticRegression()).fit(X, KNOWN, sample_weight=WEIGHTS)
    with config_context(enable_metadata_routing=True), pytest.raises(TypeError, match="unknown"):
        ProxyActiveLearner(ConsumingClassifier(), strategy="random").fit(X, KNOWN, unknown=WEIGHTS)


@pytest.mark.parametrize("model", [RandomForestClassifier(), KNeighborsClassifier(), MLPClassifier()])
def test_no_claim_of_several_labels_a_row(model):
    assert get_tags(model).classifier_tags.multi_label
    for learner in (ProxyActiveLearner(model), ProxyActiveLearner(LogisticRegression(), model)):
        assert not get_tags(learner).classifier_tags.multi_label
    with pytest.raises(ValueError, match="multilabel"):
        ProxyActiveLearner(model).fit(X, np.eye(3, dtype=int)[y])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "learner",
    [
        ProxyActiveLearner(RandomForestClassifier(3)),
        ProxyActiveLearner(LogisticRegression(), KNeighborsClassifier()),
        ProxyActiveLearner(GaussianNB(), RandomForestClassifier(3)),
        ProxyActiveLearner(GaussianNB(), RandomForestClassifier(3), rounds=[0.3, 0.3], initial_size=0.3),
    ],
    ids=["forest", "two", "proxy without sparse", "rounds"],
)
def test_scikit_learn_checks_of_other_models(learner):
    """Tags of proxy and target differ: what they say together must be what happens."""
    expected = {"check_supervised_y_no_nan": "NaN in y marks rows without a label"}
    if learner.rounds is not None:
        expected["check_estimators_nan_inf"] = "the target predicts rows with NaN, which the proxy refuses"
    found = check_estimator(learner, on_fail=None, expected_failed_checks=expected)
    assert [check["check_name"] for check in found if check["status"] == "failed"] == []
