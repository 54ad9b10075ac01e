"""Rows are ranked by models that have not seen them."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from test_rows import StoredRows
from toy_nets import Mlp, make_net
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector, RankingSettled
from sksvp._seeds import draw_seeds
from sksvp.estimators import ResNetClassifier
from sksvp.strategies import entropy

X, y = blobs(120)
OUT = {"probabilities": "out_of_fold", "strategy": "entropy", "random_state": 0}


def by_hand(model, X, y, seed):
    folds = StratifiedKFold(5, shuffle=True, random_state=draw_seeds(seed, 1)[0])
    return entropy(cross_val_predict(model, X, y, cv=folds, method="predict_proba"))


@pytest.mark.parametrize("labels", [y, np.array(["c", "a", "b"])[y]])
def test_the_scores_are_those_of_cross_val_predict(labels):
    tree = DecisionTreeClassifier(max_depth=3, random_state=7)
    selector = ProxyCoresetSelector(tree, **OUT).fit(X, labels)
    np.testing.assert_array_equal(selector.scores_, by_hand(tree, X, labels, 7))
    # The proxy itself has learned from all rows.
    np.testing.assert_array_equal(selector.proxy_.predict(X), tree.fit(X, labels).predict(X))
    assert selector.timings_["inference"] > 0


def test_folds_come_from_the_proxys_stream_where_it_has_no_seed():
    seed = draw_seeds(0, 2)[0]
    selector = ProxyCoresetSelector(GaussianNB(), **OUT).fit(X, y)
    np.testing.assert_array_equal(selector.scores_, by_hand(GaussianNB(), X, y, seed))
    sampler = ProxyCoresetSampler(GaussianNB(), **OUT)
    sampler.fit_resample(X, y)
    np.testing.assert_array_equal(sampler.indices_, selector.indices_)


def test_classes_keep_their_shares():
    selector = ProxyCoresetSelector(GaussianNB(), class_balanced=True, subset_size=60, **OUT).fit(X, y)
    np.testing.assert_array_equal(np.bincount(y[selector.indices_]), np.bincount(y) // 2)


def test_a_forest_gives_its_out_of_bag_votes():
    forest = RandomForestClassifier(100, oob_score=True, random_state=0)
    selector = ProxyCoresetSelector(forest, **OUT).fit(X, y)
    np.testing.assert_array_equal(selector.scores_, entropy(forest.fit(X, y).oob_decision_function_))
    # Votes behind a step that has seen all rows are not held out.
    piped = make_pipeline(StandardScaler(), clone(forest))
    with_steps = ProxyCoresetSelector(piped, **OUT).fit(X, y)
    np.testing.assert_array_equal(with_steps.scores_, by_hand(piped, X, y, 0))


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("kind", [RandomForestClassifier, BaggingClassifier])
def test_votes_that_lack_rows_are_not_taken(kind):
    few = kind(n_estimators=3, oob_score=True, random_state=0)
    selector = ProxyCoresetSelector(few, **OUT).fit(X, y)
    np.testing.assert_array_equal(selector.scores_, by_hand(clone(few).set_params(oob_score=False), X, y, 0))


def test_memory_keeps_the_trainings_apart(tmp_path):
    log = tmp_path / "log"
    selector = ProxyCoresetSelector(CountedTraining(str(log)), memory=tmp_path / "memory", **OUT)
    first = clone(selector).fit(X, y)
    assert n_trainings(log) == 6 and not first.from_cache_
    again = clone(selector).set_params(subset_size=0.3).fit(X, y)
    assert n_trainings(log) == 6 and again.from_cache_
    np.testing.assert_array_equal(again.scores_, first.scores_)
    assert again.timings_["inference"] == first.timings_["inference"] > 0
    # The proxy is the same, what it says of its own rows is not.
    within = clone(selector).set_params(probabilities="in_sample").fit(X, y)
    assert n_trainings(log) == 6 and within.from_cache_
    plain = clone(within).set_params(memory=None).fit(X, y)
    np.testing.assert_array_equal(within.scores_, plain.scores_)
    assert (within.scores_ != first.scores_).any()
    assert within.timings_["inference"] < first.timings_["inference"]
    # Once more with both kinds in the entry.
    np.testing.assert_array_equal(clone(selector).fit(X, y).scores_, first.scores_)


def test_memory_tells_folds_apart_where_the_proxy_has_no_seed(tmp_path):
    selector = ProxyCoresetSelector(GaussianNB(), memory=tmp_path, **OUT).fit(X, y)
    other = clone(selector).set_params(random_state=1).fit(X, y)
    assert other.from_cache_
    plain = clone(other).set_params(memory=None).fit(X, y)
    np.testing.assert_array_equal(other.scores_, plain.scores_)
    assert (other.scores_ != selector.scores_).any()
    unseeded = clone(selector).set_params(random_state=None)
    np.testing.assert_array_equal(clone(unseeded).fit(X, y).scores_, clone(unseeded).fit(X, y).scores_)


@pytest.mark.parametrize("routing", [False, True])
def test_weights_are_cut_to_the_folds(routing):
    weights = np.random.RandomState(0).rand(len(y)) * 10
    proxy = LogisticRegression(random_state=0)
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            proxy.set_fit_request(sample_weight=True)
        selector = ProxyCoresetSelector(proxy, **OUT).fit(X, y, sample_weight=weights)
    folds = StratifiedKFold(5, shuffle=True, random_state=draw_seeds(0, 1)[0])
    expected = np.empty(len(y))
    for seen, left_out in folds.split(X, y):
        model = LogisticRegression().fit(X[seen], y[seen], sample_weight=weights[seen])
        expected[left_out] = entropy(model.predict_proba(X[left_out]))
    np.testing.assert_allclose(selector.scores_, expected)


def test_lazy_images_and_a_network_keep_their_logits():
    rng = np.random.RandomState(0)
    images = rng.randint(0, 255, (40, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(40) % 2
    proxy = ResNetClassifier(depth=8, max_epochs=1, batch_size=16, device="cpu", random_state=0)
    lazy = ProxyCoresetSelector(proxy, **OUT).fit(StoredRows(images), labels)
    plain = ProxyCoresetSelector(proxy, **OUT).fit(images, labels)
    np.testing.assert_array_equal(lazy.scores_, plain.scores_)
    within = clone(plain).set_params(probabilities="in_sample").fit(images, labels)
    assert (within.scores_ != plain.scores_).all()


def test_a_skorch_net_with_texts_as_labels():
    rows, labels = X.astype(np.float32), np.array(["c", "a", "b"])[y]
    net = make_net(Mlp)
    selector = ProxyCoresetSelector(net, **OUT).fit(rows, labels)
    again = ProxyCoresetSelector(net, **OUT).fit(rows, labels)
    np.testing.assert_array_equal(selector.scores_, again.scores_)
    assert (
        selector.scores_ != clone(again).set_params(probabilities="in_sample").fit(rows, labels).scores_
    ).all()


def test_strategies_that_read_no_probabilities_are_not_touched(tmp_path):
    log = tmp_path / "log"
    for strategy, expected in (("random", 0), ("k_centers", 1)):
        out = {**OUT, "strategy": strategy}
        selector = ProxyCoresetSelector(CountedTraining(str(log)), **out).fit(X, y)
        within = clone(selector).set_params(
            probabilities="in_sample", proxy=make_pipeline(StandardScaler(), GaussianNB())
        )
        assert n_trainings(log) == expected
        if strategy == "random":
            np.testing.assert_array_equal(selector.indices_, within.fit(X, y).indices_)


def test_a_search_over_both():
    model = CoresetClassifier(GaussianNB(), ProxyCoresetSelector(KNeighborsClassifier(1), random_state=0))
    grid = {
        "selector__probabilities": ["in_sample", "out_of_fold"],
        "selector__strategy": ["random", "entropy"],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 4


def test_what_cannot_be_ranked_out_of_fold(tmp_path):
    log = tmp_path / "log"
    rare = np.where(np.arange(len(y)) < 3, "rare", np.array(["a", "b", "c"])[y])
    selector = ProxyCoresetSelector(CountedTraining(str(log)), **OUT)
    with pytest.raises(ValueError, match=r"needs 5 rows of each class.*1 class\(es\): 'rare' \(3\)"):
        selector.fit(X, rare)
    with pytest.raises(ValueError, match="this one is frozen"):
        ProxyCoresetSelector(FrozenEstimator(GaussianNB().fit(X, y)), **OUT).fit(X, y)
    with pytest.raises(ValueError, match="stop_proxy and probabilities='out_of_fold' exclude each other"):
        ProxyCoresetSelector(make_net(Mlp), stop_proxy=RankingSettled(), **OUT).fit(X.astype(np.float32), y)
    with pytest.raises(
        ValueError, match="'probabilities' parameter of ProxyCoresetSelector must be a str among"
    ):
        ProxyCoresetSelector(GaussianNB(), probabilities="held_out").fit(X, y)
    assert n_trainings(log) == 0
