"""Boosted ensembles of other libraries as proxies: their records are those of their own predictions by stage."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_proxies import blobs

from sksvp import ProxyCoresetSelector
from sksvp.proxies import as_proxy
from sksvp.strategies import TrainingRecord, forgetting_events

BOTH = ("training_record", "forgetting_events")
X, y = blobs(120)


def lightgbm(**params):
    library = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    return library.LGBMClassifier(
        **{"n_estimators": 60, "verbose": -1, "n_jobs": 1, "min_child_samples": 5} | params
    )


def xgboost(**params):
    library = pytest.importorskip("xgboost", reason="XGBoost is not installed")
    return library.XGBClassifier(**{"n_estimators": 60, "n_jobs": 1, "max_depth": 2} | params)


def catboost(**params):
    library = pytest.importorskip("catboost", reason="CatBoost is not installed")
    silent = {"verbose": 0, "thread_count": 1, "allow_writing_files": False}
    return library.CatBoostClassifier(**{"iterations": 60, "depth": 2} | silent | params)


LIBRARIES = pytest.mark.parametrize("make", [lightgbm, xgboost, catboost])


def predicted_at(model, rows, n_trees):
    """The library's own prediction with its first trees."""
    name = type(model).__module__.partition(".")[0]
    if name == "lightgbm":
        return model.predict_proba(rows, num_iteration=n_trees)
    if name == "xgboost":
        return model.predict_proba(rows, iteration_range=(0, n_trees))
    return model.predict_proba(rows, ntree_end=n_trees)


LABELS = {
    "numbers": y,
    "two": (y > 0).astype(int),
    "strings": np.array(["c", "a", "b"])[y],
    "objects": np.array(["c", "a", "b"], dtype=object)[y],
    "bools": y > 0,
    "floats": np.array([2.0, -1.0, 0.0])[y],
    "negative": y - 5,
}


@LIBRARIES
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_a_record_is_that_of_the_stages(make, labels):
    trained = as_proxy(make()).train(X, labels, random_state=0)
    evidence = trained.gather(X, (*BOTH, "probabilities"), y=labels)
    record = TrainingRecord.of(evidence)
    assert record.n_visits == 20
    columns = np.unique(labels, return_inverse=True)[1]
    # All libraries end with what they predict; the visits before are at even distances.
    trees = [60] if make is not catboost else range(3, 61, 3)
    for visit, n_trees in enumerate(trees, start=20 - len(trees)):
        own = predicted_at(trained.estimator, X, n_trees)[np.arange(120), columns]
        np.testing.assert_allclose(np.exp(-record.require("loss")[visit].astype(float)), own, rtol=5e-3)
    if make is not catboost:
        own = predicted_at(trained.estimator, X, 1)[np.arange(120), columns]
        np.testing.assert_allclose(np.exp(-record.require("loss")[0].astype(float)), own, rtol=5e-3)
    np.testing.assert_array_equal(evidence.forgetting_events, forgetting_events(record.require("margin") > 0))
    assert evidence.classes.tolist() == np.unique(labels).tolist()
    assert (trained.predict(X) == labels).mean() > 0.8


@LIBRARIES
def test_few_trees_are_as_many_visits(make):
    few = {"iterations": 7} if make is catboost else {"n_estimators": 7}
    trained = as_proxy(make(**few)).train(X, y, random_state=0)
    assert TrainingRecord.of(trained.gather(X, BOTH, y=y)).n_visits == 7


def stopped_early(make):
    """A model that stopped before its last tree, and the tree it stopped at."""
    kept, rest = slice(0, 60), slice(60, None)
    if make is lightgbm:
        model = lightgbm(n_estimators=500, learning_rate=0.5)
        early_stopping = sys.modules["lightgbm"].early_stopping
        model.fit(
            X[kept], y[kept], eval_set=[(X[rest], y[rest])], callbacks=[early_stopping(3, verbose=False)]
        )
        return model, model.best_iteration_
    if make is xgboost:
        model = xgboost(n_estimators=500, learning_rate=0.5, early_stopping_rounds=3)
        model.fit(X[kept], y[kept], eval_set=[(X[rest], y[rest])], verbose=False)
        return model, model.best_iteration + 1
    model = catboost(iterations=500, learning_rate=0.5, early_stopping_rounds=3)
    model.fit(X[kept], y[kept], eval_set=(X[rest], y[rest]))
    return model, model.tree_count_


@pytest.mark.filterwarnings("ignore:The argument 'eval_set'")
@LIBRARIES
def test_early_stopping_ends_with_what_the_model_predicts(make):
    model, best = stopped_early(make)
    assert best < 500
    evidence = as_proxy(model, classes=y).gather(X, BOTH, y=y)
    record = TrainingRecord.of(evidence)
    assert record.n_visits <= 20
    own = model.predict_proba(X)[np.arange(120), y]
    np.testing.assert_allclose(np.exp(-record.require("loss")[-1].astype(float)), own, rtol=5e-3)


@LIBRARIES
def test_a_pipeline_ends_in_one(make):
    labels = LABELS["strings"]
    pipeline = make_pipeline(StandardScaler(), make())
    selector = ProxyCoresetSelector(pipeline, strategy="aum", subset_size=60, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(selector.indices_, clone(selector).fit(X, labels).indices_)
    table = selector.score_table()
    assert {"aum", "el2n", "dual", "forgetting_events", "tdds"} <= {*table.columns}
    scaled = selector.proxy_[:-1].transform(X)
    own = predicted_at(selector.proxy_[-1], scaled, 60)[
        np.arange(120), np.unique(labels, return_inverse=True)[1]
    ]
    np.testing.assert_allclose(np.exp(-selector.record_.require("loss")[-1].astype(float)), own, rtol=5e-3)


@LIBRARIES
def test_one_that_is_fitted_already_serves_by_its_stages(make):
    # A fitted XGBoost knows numbers alone.
    labels = LABELS["numbers" if make is xgboost else "strings"]
    model = make().fit(X, labels)
    selector = ProxyCoresetSelector(FrozenEstimator(model), strategy="entropy", random_state=0).fit(X, labels)
    assert selector.indices_.shape == (60,)
    with pytest.raises(ValueError, match=r"y has the label .*, which the proxy was not trained on"):
        as_proxy(model).gather(X[:2], BOTH, y=np.array(["a", "d"]) if labels is not y else np.array([0, 7]))


def test_the_linear_booster_has_no_stages():
    assert "training_record" not in as_proxy(xgboost(booster="gblinear")).gives
    trained = as_proxy(xgboost(booster="dart", n_estimators=8)).train(X, y, random_state=0)
    assert TrainingRecord.of(trained.gather(X, BOTH, y=y)).n_visits == 8


def test_one_inside_another_classifier_has_no_stages():
    wrapped = CalibratedClassifierCV(xgboost())
    assert as_proxy(wrapped).recorders == () and "probabilities" in as_proxy(wrapped).gives


def test_columns_of_catboost_may_have_any_order():
    labels = np.array(["c", "a", "b"])[y]
    model = catboost(class_names=["b", "c", "a"]).fit(X, labels)
    record = TrainingRecord.of(as_proxy(model).gather(X, BOTH, y=labels))
    assert model.classes_.tolist() == ["b", "c", "a"]
    columns = np.array([list(model.classes_).index(label) for label in labels])
    own = model.predict_proba(X)[np.arange(120), columns]
    np.testing.assert_allclose(np.exp(-record.require("loss")[-1].astype(float)), own, rtol=5e-3)


def test_none_of_the_libraries_is_loaded_for_other_models():
    program = (
        "import sys; from sklearn.ensemble import GradientBoostingClassifier; from sksvp.proxies import as_proxy; "
        "as_proxy(GradientBoostingClassifier()).gives; "
        "print([name for name in ('lightgbm', 'xgboost', 'catboost') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_labels_that_were_not_learned_are_refused():
    model = GradientBoostingClassifier(n_estimators=3).fit(X, y)
    with pytest.raises(ValueError, match="y has the label 9, which the proxy was not trained on"):
        as_proxy(model).gather(X[:3], BOTH, y=np.array([0, 9, 1]))
