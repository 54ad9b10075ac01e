import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch import NeuralNetBinaryClassifier
from toy_nets import Mlp, make_net
from toy_proxies import CountedTraining, n_trainings

from sksvp.coreset import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector
from sksvp.estimators import ResNetClassifier

X, y = load_iris(return_X_y=True)
LOGISTIC = LogisticRegression(max_iter=1000)


def selector(proxy=LOGISTIC, **params):
    return ProxyCoresetSelector(
        proxy, **({"subset_size": 0.5, "class_balanced": True, "random_state": 0} | params)
    )


# The checks seed an estimator's own random_state alone, and this one has none: the selector
# brings a seed, which equal scores need.
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        CoresetClassifier(LogisticRegression(), ProxyCoresetSelector(LogisticRegression(), random_state=0)),
        CoresetClassifier(
            ResNetClassifier(depth=8, max_epochs=3, batch_size=32, random_state=0, device="cpu"),
            ProxyCoresetSelector(LogisticRegression(), random_state=0),
        ),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (ResNetClassifier(max_epochs=-1), "'max_epochs' parameter of ResNetClassifier"),
        (make_pipeline(StandardScaler(), LogisticRegression(C=-1)), "'C' parameter of LogisticRegression"),
        (make_net(max_epochs=-1), "max_epochs"),
    ],
    ids=["ours", "pipeline", "skorch"],
)
def test_the_target_is_checked_before_the_proxy_is_trained(target, message, tmp_path):
    proxy = CountedTraining(tmp_path / "log")
    with pytest.raises(ValueError, match=message):
        CoresetClassifier(target, selector(proxy)).fit(X, y)
    assert n_trainings(proxy.log) == 0


@pytest.mark.parametrize("target", [RandomForestClassifier(), KNeighborsClassifier(), MLPClassifier()])
def test_tags(target):
    assert not get_tags(CoresetClassifier(target, selector())).classifier_tags.multi_label
    assert get_tags(CoresetClassifier(target, selector())).transformer_tags is None
    assert not get_tags(selector()).target_tags.one_d_labels
    transforms = CoresetClassifier(LinearDiscriminantAnalysis(), selector())
    assert get_tags(transforms).transformer_tags is not None
    np.testing.assert_allclose(transforms.fit_transform(X, y), transforms.transform(X))


def test_a_failed_fit_leaves_nothing_fitted():
    """A selector or classifier that was fitted before must not go on with half of its old state."""
    bad = np.where(np.arange(len(X))[:, None] == 3, np.nan, X)
    chooser = selector().fit(X, y)
    classifier = CoresetClassifier(LOGISTIC, selector()).fit(X, y)
    for estimator, use in ((chooser, chooser.get_support), (classifier, lambda: classifier.predict(X))):
        with pytest.raises(ValueError, match="NaN"):
            estimator.fit(bad, y)
        with pytest.raises(NotFittedError):
            use()


def test_target_is_trained_on_the_chosen_rows():
    classifier = CoresetClassifier(RandomForestClassifier(random_state=0), selector()).fit(X, y)
    chosen = selector().fit(X, y)
    np.testing.assert_array_equal(classifier.selector_.indices_, chosen.indices_)
    target = RandomForestClassifier(random_state=0).fit(*chosen.select(X, y))
    np.testing.assert_array_equal(classifier.predict_proba(X), target.predict_proba(X))
    np.testing.assert_array_equal(classifier.predict(X), target.predict(X))
    np.testing.assert_array_equal(classifier.predict_log_proba(X), target.predict_log_proba(X))
    assert classifier.score(X, y) == target.score(X, y)
    np.testing.assert_array_equal(classifier.classes_, [0, 1, 2])
    assert classifier.n_features_in_ == 4
    assert set(classifier.timings_) == {"proxy_fit", "inference", "ranking", "target_fit"}
    assert classifier.timings_["target_fit"] > 0


@pytest.mark.parametrize(
    "target",
    [Ridge(), make_pipeline(StandardScaler(), Ridge()), GridSearchCV(Ridge(), {"alpha": [1, 2]})],
    ids=["bare", "pipeline", "search"],
)
def test_a_regressor_is_no_target(target):
    with pytest.raises(ValueError, match="estimator must be a classifier, got the regressor"):
        CoresetClassifier(target, selector()).fit(X, y)


@pytest.mark.parametrize(
    "target",
    [
        make_pipeline(StandardScaler(), LOGISTIC),
        GridSearchCV(LOGISTIC, {"C": [1, 2]}),
        FrozenEstimator(LogisticRegression(max_iter=1000).fit(X, y)),
        make_net(),
    ],
    ids=["pipeline", "search", "frozen", "skorch"],
)
def test_classifiers_inside_others_are_targets(target):
    rows = X.astype(np.float32)
    assert CoresetClassifier(target, selector()).fit(rows, y).predict(rows).shape == (150,)


@pytest.mark.parametrize(
    "labels",
    [np.array(["cat", "dog", "eel"])[y], y - 5, y.astype(float), y],
    ids=["texts", "negative", "floats", "numbers from 0"],
)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_labels_of_a_skorch_net_as_target(labels, in_pipeline):
    rows = X.astype(np.float32)
    net = make_net(max_epochs=30, lr=0.1)
    target = make_pipeline(StandardScaler(), net) if in_pipeline else net
    classifier = CoresetClassifier(target, selector()).fit(rows, labels)
    predicted = classifier.predict(rows)
    np.testing.assert_array_equal(classifier.classes_, np.unique(labels))
    assert set(predicted) <= set(labels)
    accuracy = np.mean(predicted == labels)
    assert accuracy > 0.6 and classifier.score(rows, labels) == pytest.approx(accuracy)
    assert classifier.score(rows, labels.tolist()) == pytest.approx(accuracy)
    np.testing.assert_array_equal(
        classifier.classes_[classifier.predict_proba(rows).argmax(axis=1)], predicted
    )
    # As with ProxyActiveLearner, which has numbered them before.
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict(rows), predicted)
    assert cross_validate(classifier, rows, labels, cv=2, error_score="raise")["test_score"].min() > 0.3


def test_labels_that_the_net_has_not_seen_count_as_wrong():
    labels = np.array(["cat", "dog", "eel"])[y]
    rows = X.astype(np.float32)
    classifier = CoresetClassifier(make_net(module__n_classes=2), selector()).fit(rows[:100], labels[:100])
    expected = np.mean(classifier.predict(rows) == labels)
    assert classifier.score(rows, labels) == pytest.approx(expected)


def test_a_binary_net_as_target():
    rows, labels = X[:100].astype(np.float32), np.array(["no", "yes"])[y[:100]]
    net = NeuralNetBinaryClassifier(
        Mlp, module__n_classes=1, max_epochs=5, lr=0.1, train_split=None, verbose=0
    )
    classifier = CoresetClassifier(net, selector()).fit(rows, labels)
    assert classifier.score(rows, labels) == np.mean(classifier.predict(rows) == labels)


def test_methods_are_those_of_the_target():
    forest = CoresetClassifier(RandomForestClassifier(), selector())
    svc = CoresetClassifier(LinearSVC(), selector())
    lda = CoresetClassifier(LinearDiscriminantAnalysis(), selector())
    assert not hasattr(forest, "decision_function") and not hasattr(forest, "transform")
    assert hasattr(svc, "decision_function") and not hasattr(svc, "predict_proba")
    lda.fit(X, y)
    np.testing.assert_array_equal(lda.transform(X), lda.estimator_.transform(X))
    np.testing.assert_array_equal(lda.decision_function(X), lda.estimator_.decision_function(X))
    assert not hasattr(svc, "classes_") and not hasattr(svc, "n_features_in_")


def test_estimators_given_are_left_alone():
    target, chooser = RandomForestClassifier(), selector()
    classifier = CoresetClassifier(target, chooser).fit(X, y)
    assert classifier.estimator is target and classifier.selector is chooser
    assert not hasattr(target, "estimators_") and not hasattr(chooser, "support_")


def test_pipeline_and_grid_search():
    pipeline = Pipeline([("scale", StandardScaler()), ("svp", CoresetClassifier(LOGISTIC, selector()))])
    assert pipeline.fit(X, y).score(X, y) > 0.9
    grid = {"svp__selector__proxy__C": [0.1, 1.0], "svp__selector__subset_size": [0.3, 0.5]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 4 and search.best_score_ > 0.85
    best = search.best_estimator_["svp"]
    assert best.selector_.support_.sum() == int(150 * search.best_params_["svp__selector__subset_size"])
    parallel = GridSearchCV(pipeline, grid, cv=3, n_jobs=2, error_score="raise").fit(X, y)
    np.testing.assert_array_equal(
        parallel.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_grid_over_proxies_and_strategies():
    frozen = FrozenEstimator(GaussianNB().fit(X, y))
    classifier = CoresetClassifier(LOGISTIC, selector())
    grid = {"selector__proxy": [frozen, LOGISTIC], "selector__strategy": ["entropy", "random"]}
    search = GridSearchCV(classifier, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 4


def test_grid_over_the_depth_of_a_network():
    images = (np.random.RandomState(0).rand(48, 8, 8, 3) * 255).astype(np.uint8)
    labels = np.array(["cat", "dog"])[np.arange(48) % 2]
    proxy = ResNetClassifier(depth=8, max_epochs=1, batch_size=16, random_state=0)
    classifier = CoresetClassifier(clone(proxy), selector(proxy))
    search = GridSearchCV(classifier, {"selector__proxy__depth": [8, 14]}, cv=2, error_score="raise").fit(
        images, labels
    )
    assert set(search.predict(images)) <= {"cat", "dog"}


def test_halving_grid_search():
    classifier = CoresetClassifier(LOGISTIC, selector())
    grid = {"selector__subset_size": [0.4, 0.6, 0.8]}
    search = HalvingGridSearchCV(
        classifier, grid, cv=3, min_resources=60, random_state=0, error_score="raise"
    ).fit(X, y)
    assert search.best_score_ > 0.8


def test_cross_validate_never_shows_the_selection_the_test_rows():
    classifier = CoresetClassifier(LOGISTIC, selector())
    result = cross_validate(
        classifier, X, y, cv=3, return_estimator=True, scoring=["accuracy", "roc_auc_ovr"]
    )
    assert result["test_roc_auc_ovr"].min() > 0.8
    assert [len(fitted.selector_.support_) for fitted in result["estimator"]] == [100, 100, 100]


def test_clone_pickle_and_html():
    classifier = CoresetClassifier(make_net(), selector(make_net()))
    rows = X.astype(np.float32)
    classifier.fit(rows, y)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict(rows), classifier.predict(rows))
    unfitted = clone(classifier)
    assert not hasattr(unfitted, "estimator_")
    assert "ProxyCoresetSelector" in classifier._repr_html_()


def test_class_that_is_lost_is_named():
    # To the logistic regression the first class of the irises is plain.
    with pytest.warns(UserWarning, match=r"20 chosen rows hold no row of 1 class\(es\): 0\..*class_balanced"):
        classifier = CoresetClassifier(
            LOGISTIC, selector(subset_size=20, strategy="entropy", class_balanced=False)
        ).fit(X, y)
    np.testing.assert_array_equal(classifier.classes_, [1, 2])


def test_frames_and_texts():
    frame, labels = load_iris(return_X_y=True, as_frame=True)
    classifier = CoresetClassifier(LOGISTIC, selector()).fit(frame, labels)
    np.testing.assert_array_equal(classifier.feature_names_in_, frame.columns)
    texts = ["good film", "bad film", "fine day", "awful day"] * 10
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    classifier = CoresetClassifier(model, selector(model)).fit(pd.Series(texts), ["p", "n", "p", "n"] * 10)
    assert list(classifier.predict(["fine film", "awful film"])) == ["p", "n"]


def test_frozen_selector_chooses_what_it_chose():
    fitted = selector().fit(X, y)
    for chooser in (
        FrozenEstimator(fitted),
        FrozenEstimator(ProxyCoresetSampler(LOGISTIC, class_balanced=True, random_state=0).fit(X, y)),
    ):
        classifier = CoresetClassifier(RandomForestClassifier(random_state=0), chooser)
        classifier.fit(X.tolist(), y)
        np.testing.assert_array_equal(classifier.selector_.indices_, fitted.indices_)
        assert classifier.selector_.estimator is chooser.estimator
        for rows, labels in ((X[::-1], y[::-1]), (X[:75], y[:75])):
            with pytest.raises(ValueError, match="selector is frozen and was fitted on other rows"):
                classifier.fit(rows, labels)


def test_metadata_goes_to_the_target_cut_and_to_the_proxy_whole():
    weights = np.where(y == 0, 50.0, 1.0)
    with config_context(enable_metadata_routing=True):
        target = GaussianNB().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        proxy = GaussianNB().set_fit_request(sample_weight=True)
        classifier = CoresetClassifier(target, selector(proxy, strategy="entropy"))
        classifier.fit(X, y, sample_weight=weights)
        kept = classifier.selector_.indices_
        expected = GaussianNB().fit(X[kept], y[kept], weights[kept])
        np.testing.assert_allclose(classifier.estimator_.class_prior_, expected.class_prior_)
        whole = GaussianNB().fit(X, y, weights)
        np.testing.assert_allclose(classifier.selector_.proxy_.class_prior_, whole.class_prior_)
        assert classifier.score(X, y, sample_weight=weights) == expected.score(X, y, weights)
        result = cross_validate(
            classifier, X, y, params={"sample_weight": weights}, cv=2, error_score="raise"
        )
        assert len(result["test_score"]) == 2

        alone = CoresetClassifier(
            GaussianNB().set_fit_request(sample_weight=True),
            selector(LOGISTIC.set_fit_request(sample_weight=False)),
        )
        alone.fit(X, y, sample_weight=weights)
        kept = alone.selector_.indices_
        np.testing.assert_allclose(
            alone.estimator_.class_prior_, GaussianNB().fit(X[kept], y[kept], weights[kept]).class_prior_
        )
        with pytest.raises(ValueError, match="sample_weight"):
            CoresetClassifier(GaussianNB(), selector()).fit(X, y, sample_weight=weights)


def test_metadata_without_routing_is_refused():
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        CoresetClassifier(GaussianNB(), selector()).fit(X, y, sample_weight=np.ones(150))
    classifier = CoresetClassifier(GaussianNB(), selector()).fit(X, y)
    assert classifier.score(X, y, sample_weight=(y == 0).astype(float)) == 1.0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"estimator": 3}, "estimator"),
        ({"selector": LOGISTIC}, "selector"),
        ({"selector": ProxyCoresetSelector(LOGISTIC, subset_size=0)}, "subset_size"),
        ({"selector": ProxyCoresetSelector(LOGISTIC, subset_size=1)}, "one class only.*class_balanced"),
        ({"selector": ProxyCoresetSelector(LOGISTIC, strategy="nothing")}, "nothing.*entropy"),
    ],
    ids=str,
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        CoresetClassifier(**({"estimator": LOGISTIC, "selector": selector()} | params)).fit(X, y)


def test_bad_labels():
    classifier = CoresetClassifier(SGDClassifier(), selector())
    for labels, message in (
        (np.zeros(150), "one class"),
        (X[:, 0] / 3, "continuous"),
        (y[1:], "inconsistent"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier.fit(X, labels)
