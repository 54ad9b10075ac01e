import copy
import math
import pickle
import subprocess
import sys
import warnings
import weakref
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_nets import make_net
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp._inputs._rows import LazyRows
from sksvp.coreset import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector, RankingSettled
from sksvp.coreset._nearest import nearest_rows
from sksvp.estimators import ResNetClassifier, WhitenedConvNetClassifier
from sksvp.proxies import Incremental, as_proxy
from sksvp.strategies import (
    Auto,
    Entropy,
    Evidence,
    FacilityLocation,
    ForgettingEvents,
    KCenters,
    Random,
    ScoredStrategy,
    Window,
    _registry,
    class_quotas,
    count_rows,
    entropy,
    fill_quotas,
    register_strategy,
)

X, y = load_iris(return_X_y=True)
LOGISTIC = LogisticRegression(max_iter=1000)

# transform returns fewer rows than it gets, and only of the X that was fitted: these checks
# assume one row out for each row in, or transform other rows.
EXPECTED_FAILED_CHECKS = {
    "check_transformer_general": "transform drops rows, so X and the result have different lengths",
    "check_transformer_data_not_an_array": "transform drops rows, so X and the result have different lengths",
    "check_methods_subset_invariance": "part of the fitted rows is not the X that was fitted",
    "check_methods_sample_order_invariance": "transform drops rows, so a permutation of X exceeds the result",
    "check_fit_idempotent": "transform of a test part is refused: it is not the X that was fitted",
}


def expected_failures(estimator):
    return EXPECTED_FAILED_CHECKS if isinstance(estimator, ProxyCoresetSelector) else {}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        ProxyCoresetSelector(LogisticRegression()),
        ProxyCoresetSampler(LogisticRegression()),
        ProxyCoresetSampler(
            ResNetClassifier(depth=8, max_epochs=2, batch_size=32, device="cpu"), random_state=0
        ),
        ProxyCoresetSelector(
            WhitenedConvNetClassifier((8, 16, 32), max_epochs=1, batch_size=32, device="cpu"), random_state=0
        ),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# The choice ----------------------------------------------------------------------------------


def test_choice_is_the_ranking_of_the_proxys_evidence():
    selector = ProxyCoresetSelector(LOGISTIC, strategy="entropy", subset_size=0.3, random_state=0).fit(X, y)
    scores = entropy(clone(LOGISTIC).fit(X, y).predict_proba(X))
    np.testing.assert_allclose(selector.scores_, scores)
    assert set(selector.indices_) == set(np.argsort(-scores)[:45])
    np.testing.assert_array_equal(selector.order_[:45], np.argsort(-scores)[:45])
    np.testing.assert_array_equal(np.flatnonzero(selector.support_), selector.indices_)
    assert sorted(selector.order_) == list(range(150))
    assert isinstance(selector.strategy_, Entropy)
    assert set(selector.timings_) == {"proxy_fit", "inference", "ranking"}
    assert all(isinstance(seconds, float) and seconds > 0 for seconds in selector.timings_.values())
    assert selector.from_cache_ is False
    np.testing.assert_array_equal(selector.classes_, [0, 1, 2])
    assert selector.n_features_in_ == 4 and not hasattr(selector, "feature_names_in_")
    np.testing.assert_array_equal(selector.get_support(), selector.support_)
    np.testing.assert_array_equal(selector.get_support(indices=True), selector.indices_)


@pytest.mark.parametrize(
    ("proxy", "reads"),
    [
        (LOGISTIC, ("probabilities",)),
        (SGDClassifier(), ("training_record",)),
        (GradientBoostingClassifier(n_estimators=5), ("training_record",)),
        (FrozenEstimator(SGDClassifier(loss="log_loss").fit(X, y)), ("probabilities",)),
        (MLPClassifier(early_stopping=True, max_iter=20), ("probabilities",)),
        (make_pipeline(StandardScaler(), MLPClassifier(max_iter=20)), ("training_record", "features")),
        (SGDClassifier(early_stopping=True), ()),
        (make_net(), ("training_record", "features")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_auto_reads_what_the_proxy_gives(proxy, reads):
    selector = ProxyCoresetSelector(proxy, subset_size=0.3, random_state=0).fit(X.astype(np.float32), y)
    assert set(reads) <= set(selector._ranks_by.requires)
    assert not isinstance(selector.strategy_, Auto) and "30% of the rows" in selector.strategy_reason_
    assert np.bincount(y[selector.indices_]).tolist() == [15, 15, 15]


def test_auto_decides_anew_for_another_size():
    selector = ProxyCoresetSelector(
        make_pipeline(StandardScaler(), LOGISTIC), subset_size=0.05, random_state=0
    )
    selector.fit(X, y)
    assert isinstance(selector.strategy_, FacilityLocation)
    more = selector.rerank(subset_size=0.5)
    assert isinstance(more.strategy_, Random) and "50% of the rows" in more.strategy_reason_
    assert np.bincount(y[more.indices_]).tolist() == [25, 25, 25]
    fewer = more.rerank(subset_size=0.05)
    np.testing.assert_array_equal(fewer.indices_, selector.indices_)
    named = more.rerank(strategy="random", class_balanced=False)
    assert named.strategy_reason_ is None


def test_auto_covers_sparse_features():
    proxy = make_pipeline(CountVectorizer(), SGDClassifier(loss="log_loss"))
    texts = [f"{word} {number}" for number in range(30) for word in ("good", "bad")]
    selector = ProxyCoresetSelector(proxy, subset_size=0.2, random_state=0).fit(texts, [0, 1] * 30)
    assert isinstance(selector.strategy_, FacilityLocation) and len(selector.indices_) == 12


def test_auto_does_without_features_that_are_no_numbers():
    table = pd.DataFrame({"word": pd.Categorical(["good", "bad", "fine"] * 20), "number": range(60)})
    proxy = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype")
    selector = ProxyCoresetSelector(proxy, subset_size=0.2, random_state=0).fit(table, [0, 1] * 30)
    assert isinstance(selector.strategy_, Random) and len(selector.indices_) == 12
    assert isinstance(selector.rerank(subset_size=0.1).strategy_, Random)


def test_a_search_may_switch_forgetting_events_off():
    selector = ProxyCoresetSelector(SGDClassifier(loss="log_loss"), random_state=0)
    grid = {"selector__proxy__early_stopping": [False, True]}
    search = GridSearchCV(CoresetClassifier(LOGISTIC, selector), grid, cv=2, error_score="raise", refit=False)
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


def test_passes_of_the_proxys_own():
    proxy = Incremental(SGDClassifier(random_state=0), n_epochs=3, batch_size=50)
    selector = ProxyCoresetSelector(proxy, strategy=ForgettingEvents(), random_state=0).fit(X, y)
    assert selector.proxy_.estimator_.t_ == 1 + 3 * len(X)
    assert selector.scores_[np.isfinite(selector.scores_)].max() <= 1


@pytest.mark.parametrize(
    ("ranking", "message"),
    [
        (lambda n: ([0] * 75, np.zeros(n)), "hold each row once"),
        (lambda n: (range(10), np.zeros(n)), "gave 10 rows where 75 were asked for"),
        (lambda n: (range(100, 190), np.zeros(n)), "must lie in 0 .. 149"),
        (lambda n: (range(75), np.zeros(75)), "scores of shape"),
    ],
)
def test_strategies_of_ones_own_are_held_to_their_word(ranking, message):
    class Own:
        requires = ("probabilities",)

        def rank(self, evidence, n_samples, **kwargs):
            return ranking(evidence.n_rows)

    with pytest.raises(ValueError, match=message):
        ProxyCoresetSelector(LOGISTIC, strategy=Own()).fit(X, y)


@pytest.mark.parametrize("params", [{"early_stopping": True}, {"class_weight": "balanced"}])
def test_why_there_are_no_forgetting_events_is_said(params):
    with pytest.raises(
        ValueError, match=r"SGDClassifier cannot give .* partial_fit, which .* does not allow"
    ):
        ProxyCoresetSelector(SGDClassifier(**params), strategy="forgetting_events").fit(X, y)


def test_why_partial_fit_was_tried_is_said():
    class Own(GaussianNB):
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            raise ValueError("partial_fit is switched off")

    with pytest.raises(ValueError, match=r"Own is trained by partial_fit here.*another strategy"):
        ProxyCoresetSelector(Own()).fit(X, y)


def test_k_centers_picks_and_scores():
    proxy = make_pipeline(StandardScaler(), LOGISTIC)
    selector = ProxyCoresetSelector(proxy, strategy=KCenters(), subset_size=40, random_state=0).fit(X, y)
    assert len(selector.order_) == 40
    assert set(selector.order_) == set(selector.indices_)
    assert not np.isnan(selector.scores_).any() and np.isinf(selector.scores_).sum() >= 1
    table = selector.explain()
    assert (table["rank"].isna() == ~table["kept"]).all()


def test_random_trains_no_proxy():
    selector = ProxyCoresetSelector(LinearSVC(), strategy="random", subset_size=10, random_state=0).fit(X, y)
    assert selector.proxy_ is None and selector.timings_["proxy_fit"] == 0.0
    assert len(selector.indices_) == 10 and selector.n_features_in_ == 4
    assert selector.explain()["nearest_kept"].isna().all()
    other = ProxyCoresetSelector(LinearSVC(), strategy="random", subset_size=10, random_state=1).fit(X, y)
    assert not np.array_equal(selector.indices_, other.indices_)
    more = clone(selector).set_params(subset_size=20).fit(X, y)
    assert set(selector.indices_) < set(more.indices_)


def test_equal_scores_do_not_follow_the_rows():
    ordered = np.sort(y)
    proxy = SGDClassifier(random_state=0)
    selector = ProxyCoresetSelector(proxy, strategy="forgetting_events", random_state=0).fit(
        np.eye(3)[ordered], ordered
    )
    assert len(np.unique(selector.scores_)) <= 3
    assert np.bincount(ordered[selector.indices_], minlength=3).min() > 10
    other = clone(selector).set_params(random_state=1).fit(np.eye(3)[ordered], ordered)
    assert not np.array_equal(other.indices_, selector.indices_)


@pytest.mark.parametrize("strategy", ["entropy", "random", "k_centers"])
def test_class_balance(strategy):
    rows = np.r_[0:50, 50:80, 100:110]
    labels = np.array(["a", "b", "c"])[y[rows]]
    proxy = make_pipeline(StandardScaler(), LOGISTIC)
    selector = ProxyCoresetSelector(
        proxy, strategy=strategy, subset_size=31, class_balanced=True, random_state=0
    )
    selector.fit(X[rows], labels)
    _, quotas = class_quotas(labels, 31)
    _, counts = np.unique(labels[selector.indices_], return_counts=True)
    np.testing.assert_array_equal(counts, quotas)
    if strategy != "k_centers":
        assert set(selector.indices_) == set(fill_quotas(selector.order_, labels, 31))
        assert len(selector.order_) == len(rows)
    else:
        assert set(selector.order_) == set(selector.indices_)
        head = np.unique(labels[selector.order_[:9]], return_counts=True)[1]
        np.testing.assert_allclose(head, 9 * quotas / 31, atol=1.01)


def test_balanced_k_centers_are_the_centers_of_each_class():
    proxy = make_pipeline(StandardScaler(), LOGISTIC)
    selector = ProxyCoresetSelector(
        proxy, strategy=KCenters(n_initial=0), subset_size=30, class_balanced=True, random_state=0
    )
    selector.fit(X, y)
    features = StandardScaler().fit_transform(X)
    for label in range(3):
        members = np.flatnonzero(y == label)
        picks = [row for row in selector.order_ if y[row] == label]
        for k in range(1, len(picks)):
            distances = np.linalg.norm(features[members, None] - features[picks[:k]][None], axis=2).min(
                axis=1
            )
            assert distances[members == picks[k]] == pytest.approx(distances.max())


# subset_size ---------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 1000))
def test_floats_take_the_floor_of_what_is_written(n_rows, thousandths):
    size = thousandths / 1000
    expected = math.floor(Fraction(thousandths, 1000) * n_rows)
    if expected == 0:
        with pytest.raises(ValueError, match="keeps none"):
            count_rows(size, n_rows)
    else:
        assert count_rows(size, n_rows) == count_rows(np.float64(size), n_rows) == expected


def test_floor_is_not_fooled_by_binary_fractions():
    assert count_rows(0.29, 100) == 29 and int(0.29 * 100) == 28
    assert count_rows(1.0, 7) == 7 and count_rows(1, 7) == 1 and count_rows(np.int64(7), 7) == 7
    assert count_rows(np.float32(0.3), 10) == 3


@pytest.mark.parametrize("size", [0, -1, 151, 0.0, -0.5, 1.5, 0.001, "half", None, True, np.nan])
def test_bad_subset_sizes(size):
    with pytest.raises(ValueError, match="subset_size"):
        ProxyCoresetSelector(LOGISTIC, subset_size=size).fit(X, y)


def test_all_rows_may_be_kept():
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=1.0).fit(X, y)
    assert selector.support_.all()
    assert selector.explain()["nearest_kept"].isna().all()


# Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (y[:-1], "inconsistent numbers of samples"),
        (np.zeros(150, dtype=int), "one class only"),
        (np.linspace(0, 1, 150), "continuous"),
        (np.eye(3, dtype=int)[y], "multilabel"),
        (np.where(y == 0, np.nan, y), "50 of 150 labels are missing"),
        (np.where(y == 0, None, y.astype(object)), "labels are missing.*ProxyActiveLearner"),
        (pd.Series(y, dtype="Int64").replace(0, pd.NA), "labels are missing"),
        (pd.Series(np.array(["a", None, "b"], dtype=object)[y]), "labels are missing"),
        (None, "requires y to be passed"),
    ],
    ids=["length", "one class", "continuous", "multilabel", "nan", "none", "NA", "text", "no y"],
)
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        ProxyCoresetSelector(LOGISTIC).fit(X, labels)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"strategy": "best"}, ValueError, "best.*entropy.*forgetting_events.*k_centers"),
        ({"strategy": Entropy}, TypeError, "class Entropy"),
        ({"strategy": 3}, ValueError, "strategy"),
        ({"strategy": "forgetting_events"}, ValueError, "cannot give forgetting_events.*probabilities"),
        ({"proxy": LinearSVC(), "strategy": "entropy"}, ValueError, "LinearSVC cannot give probabilities"),
        (
            {"proxy": FrozenEstimator(GaussianNB()), "strategy": "forgetting_events"},
            ValueError,
            "cannot give",
        ),
        ({"proxy": 3}, ValueError, "proxy"),
        ({"proxy": SGDRegressor()}, ValueError, "proxy must be a classifier, got the regressor SGDRegressor"),
        (
            {"proxy": StandardScaler(), "strategy": "entropy"},
            ValueError,
            "StandardScaler cannot give probabilities",
        ),
        ({"class_balanced": "yes"}, ValueError, "class_balanced"),
        ({"stop_proxy": "soon"}, ValueError, "stop_proxy"),
        ({"memory": 3}, ValueError, "memory"),
        ({"random_state": "x"}, ValueError, "random_state"),
        ({"verbose": "x"}, ValueError, "verbose"),
    ],
    ids=str,
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        ProxyCoresetSelector(**({"proxy": LOGISTIC} | params)).fit(X, y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_no_numbers(value):
    bad = X.copy()
    bad[3, 1] = value
    with pytest.raises(ValueError, match=r"(?i)nan|infinity"):
        ProxyCoresetSelector(LOGISTIC).fit(bad, y)


def test_nan_in_probabilities_is_refused():
    class Broken(GaussianNB):
        def predict_proba(self, X):
            return super().predict_proba(X) * np.nan

    with pytest.raises(ValueError, match=r"(?i)probabilities.*nan"):
        ProxyCoresetSelector(Broken(), strategy="entropy").fit(X, y)


def test_proxies_that_take_nan_get_it():
    holes = X.copy()
    holes[::7, 0] = np.nan
    selector = ProxyCoresetSelector(HistGradientBoostingClassifier(max_iter=3), random_state=0).fit(holes, y)
    assert len(selector.transform(holes)) == 75


def test_unusual_but_good_input():
    read_only = np.asfortranarray(X)
    read_only.flags.writeable = False
    labels = np.array(["x", "y", "z"])[y]
    labels[0] = "alone"
    selector = ProxyCoresetSelector(LOGISTIC, strategy="margin", random_state=0).fit(read_only, labels)
    assert len(selector.classes_) == 4
    balanced = ProxyCoresetSelector(LOGISTIC, class_balanced=True, subset_size=8, random_state=0).fit(
        X[::-1], list(labels)
    )
    assert len(balanced.indices_) == 8


# Containers ----------------------------------------------------------------------------------


def test_frames_come_back_as_frames():
    frame, labels = load_iris(return_X_y=True, as_frame=True)
    frame.index = labels.index = range(1000, 1150)
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0).fit(frame, labels)
    np.testing.assert_array_equal(selector.feature_names_in_, frame.columns)
    np.testing.assert_array_equal(selector.get_feature_names_out(), frame.columns)
    kept, kept_labels = selector.select(frame, labels)
    pd.testing.assert_frame_equal(kept, frame.iloc[selector.indices_])
    pd.testing.assert_series_equal(kept_labels, labels.iloc[selector.indices_])
    pd.testing.assert_frame_equal(selector.transform(frame), kept)
    with pytest.raises(ValueError, match="feature names"):
        selector.transform(frame.rename(columns=str.upper))
    polar = pl.DataFrame(X, schema=["a", "b", "c", "d"])
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0).fit(polar, pl.Series(y))
    kept, kept_labels = selector.select(polar, pl.Series(y))
    assert kept.equals(polar[selector.indices_.tolist()]) and isinstance(kept_labels, pl.Series)
    assert selector.transform(polar).equals(kept)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(container):
    selector = (
        ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0)
        .set_output(transform=container)
        .fit(X, y)
    )
    frame = selector.transform(X)
    assert type(frame).__module__.startswith(container) and frame.shape == (30, 4)
    np.testing.assert_array_equal(frame.to_numpy(), X[selector.indices_])


TEXTS = [
    f"{a} {b} {i}"
    for i in range(10)
    for a, b in [("good", "film"), ("bad", "film"), ("fine", "day"), ("poor", "day")]
]
SENTIMENT = ["pos", "neg", "pos", "neg"] * 10


@pytest.mark.parametrize(
    "container", [list, tuple, np.array, pd.Series, pl.Series, lambda texts: np.array(texts, dtype=object)]
)
def test_texts(container):
    proxy = make_pipeline(TfidfVectorizer(), LogisticRegression())
    texts = container(TEXTS)
    selector = ProxyCoresetSelector(proxy, subset_size=0.5, random_state=0).fit(texts, SENTIMENT)
    kept, labels = selector.select(texts, SENTIMENT)
    assert list(kept) == [TEXTS[row] for row in selector.indices_]
    assert list(selector.transform(TEXTS)) == list(kept)
    assert len(labels) == 20 and not hasattr(selector, "n_features_in_")
    with pytest.raises(ValueError, match="CoresetClassifier"):
        selector.transform(TEXTS[:-1])


def test_sparse_features_are_made_dense_if_they_are_small(monkeypatch):
    proxy = make_pipeline(TfidfVectorizer(), LogisticRegression())
    selector = ProxyCoresetSelector(proxy, strategy="k_centers", subset_size=5, random_state=0)
    assert len(selector.fit(TEXTS, SENTIMENT).indices_) == 5
    monkeypatch.setattr("sksvp._inputs._tables._MAX_DENSE", 10)
    with pytest.raises(TypeError, match="TruncatedSVD"):
        selector.fit(TEXTS, SENTIMENT)
    proxy = make_pipeline(TfidfVectorizer(), TruncatedSVD(3), LogisticRegression())
    selector = ProxyCoresetSelector(proxy, strategy="k_centers", subset_size=5, random_state=0).fit(
        TEXTS, SENTIMENT
    )
    assert selector.explain(TEXTS)["nearest_kept"].notna().sum() == 35


@pytest.mark.parametrize("table", [X, sparse.csr_matrix(X)], ids=["dense", "sparse"])
def test_gradients_of_a_linear_proxy_are_exact(table):
    """The gradient of its loss by its weights is the outer product of error and row, with a 1 for the intercept."""
    selector = ProxyCoresetSelector(LOGISTIC, strategy="badge", subset_size=20, random_state=0).fit(table, y)
    classes = torch.from_numpy(
        np.concatenate([selector.proxy_.coef_, selector.proxy_.intercept_[:, None]], axis=1)
    )
    rows = torch.from_numpy(np.column_stack([X, np.ones(150)]))
    lengths = []
    for row, label in zip(rows, y, strict=True):
        weights = classes.clone().requires_grad_()
        torch.nn.functional.cross_entropy((weights @ row)[None], torch.tensor([label])).backward()
        lengths.append(float(weights.grad.square().sum()))
    np.testing.assert_allclose(selector.scores_, lengths, rtol=1e-6, atol=1e-12)

    sgd = Incremental(
        SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.01), n_epochs=3, random_state=0
    )
    grand = ProxyCoresetSelector(sgd, strategy="grand", random_state=0).fit(table, y)
    error = grand.rerank(strategy="el2n", X=table).scores_
    np.testing.assert_allclose(grand.scores_, error * np.sqrt((X**2).sum(axis=1) + 1))


def test_sparse_features_in_a_memory(tmp_path):
    proxy = make_pipeline(TfidfVectorizer(), LogisticRegression())
    selector = ProxyCoresetSelector(proxy, strategy="badge", subset_size=8, memory=tmp_path, random_state=0)
    first = selector.fit(TEXTS, SENTIMENT).indices_.tolist()
    assert selector.fit(TEXTS, SENTIMENT).from_cache_ and selector.indices_.tolist() == first


def test_x_itself_is_not_kept_in_a_memory(tmp_path):
    selector = ProxyCoresetSelector(LOGISTIC, strategy="k_centers", memory=tmp_path, random_state=0).fit(X, y)
    assert not [*tmp_path.rglob("features.npy")]
    first = selector.indices_.tolist()
    assert selector.fit(X, y).from_cache_ and selector.indices_.tolist() == first


def test_the_best_window_is_judged_by_inputs_and_not_by_what_has_memorised_the_labels():
    rng = np.random.RandomState(0)
    labels = rng.randint(2, size=400)
    rows = (rng.randn(400, 20) + 0.4 * labels[:, None]).astype(np.float32)
    noisy = np.where(rng.rand(400) < 0.2, 1 - labels, labels)
    net = make_net(module__n_in=20, module__n_hidden=64, module__n_classes=2, max_epochs=80, lr=0.1)
    chosen = ProxyCoresetSelector(net, strategy=Window("aum"), subset_size=0.2, random_state=0).fit(
        rows, noisy
    )
    assert (noisy == labels)[chosen.indices_].mean() > 0.85
    hardest = chosen.rerank(strategy="aum", X=rows)
    assert (noisy == labels)[hardest.indices_].mean() < 0.65
    judged = as_proxy(chosen.proxy_).gather(rows, ("features",)).features
    evidence = Evidence(y=noisy, inputs=judged, **chosen._kept.parts)
    fooled, _ = Window("aum").rank(evidence, 80, random_state=0)
    assert (noisy == labels)[fooled].mean() < (noisy == labels)[chosen.indices_].mean()


def test_sparse_rows():
    rows = sparse.csr_matrix(X)
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0).fit(rows, y)
    np.testing.assert_array_equal(selector.transform(rows.tocsc()).toarray(), X[selector.indices_])


def test_torch_tensors():
    tensor = torch.from_numpy(X).float()
    selector = ProxyCoresetSelector(make_net(), subset_size=0.2, random_state=0).fit(
        tensor, torch.from_numpy(y)
    )
    kept, labels = selector.select(tensor, torch.from_numpy(y))
    assert isinstance(kept, torch.Tensor) and isinstance(labels, torch.Tensor)
    assert torch.equal(kept, tensor[selector.indices_])
    assert torch.equal(selector.transform(tensor), kept)
    np.testing.assert_array_equal(selector.transform(tensor.double().numpy()), kept.double().numpy())


class NoisyImages(LazyRows):
    """Images drawn when they are read."""

    def _read_source(self, rows):
        return np.stack(
            [np.random.RandomState(row).randint(0, 256, (8, 8, 3), dtype=np.uint8) for row in rows]
        )

    def _source_key(self, rows):
        return str(rows.tolist())


def test_images_and_lazy_rows():
    lazy = NoisyImages(40, (8, 8, 3))
    labels = np.arange(40) % 2
    proxy = ResNetClassifier(depth=8, max_epochs=2, batch_size=16)
    selector = ProxyCoresetSelector(proxy, subset_size=0.3, random_state=0).fit(lazy, labels)
    assert {"training_record", "features"} == set(selector._ranks_by.requires)
    kept = selector.transform(lazy)
    assert isinstance(kept, NoisyImages) and kept.shape == (12, 8, 8, 3)
    resident = clone(selector).fit(np.asarray(lazy), labels)
    np.testing.assert_array_equal(resident.indices_, selector.indices_)
    with pytest.raises(ValueError, match="CoresetClassifier"):
        selector.transform(lazy[:20])
    by_logits = ProxyCoresetSelector(proxy, strategy="entropy", subset_size=0.3, random_state=0).fit(
        lazy, labels
    )
    assert len(by_logits.indices_) == 12 and by_logits.explain()["nearest_kept"].notna().sum() == 28


# transform, select, explain ------------------------------------------------------------------


def test_transform_knows_the_rows_by_their_content():
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0).fit(X, y)
    for same in (X.copy(), np.asfortranarray(X), X.tolist()):
        np.testing.assert_array_equal(selector.transform(same), X[selector.indices_])
    changed = X.copy()
    changed[149, 3] += 0.1
    for other in (changed, X[::-1], X[:75], np.vstack([X, X]), X.astype(np.float32)):
        with pytest.raises(ValueError, match=r"(?s)Pipeline: use CoresetClassifier.*ProxyCoresetSampler"):
            selector.transform(other)
    with pytest.raises(ValueError, match="3 features"):
        selector.transform(X[:, :3])
    # In float32 these rows are all alike.
    large = 1e9 + X
    selector.fit(large, y)
    with pytest.raises(ValueError, match="Pipeline"):
        selector.transform(large[::-1])


def test_fit_transform_warns_that_y_is_not_cut():
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0)
    with pytest.warns(UserWarning, match=r"select\(X, y\).*CoresetClassifier"):
        kept = selector.fit_transform(X, y)
    np.testing.assert_array_equal(kept, X[selector.indices_])


def test_pipeline_step_warns_before_it_fails():
    pipeline = make_pipeline(ProxyCoresetSelector(LOGISTIC), LOGISTIC)
    with (
        pytest.warns(UserWarning, match="CoresetClassifier"),
        pytest.raises(ValueError, match="inconsistent"),
    ):
        pipeline.fit(X, y)


def test_select_cuts_all_alike():
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0).fit(X, y)
    names = [f"{row}.png" for row in range(150)]
    kept, labels, weights, files = selector.select(X, y, np.arange(150.0), names)
    np.testing.assert_array_equal(kept, X[selector.indices_])
    np.testing.assert_array_equal(labels, y[selector.indices_])
    np.testing.assert_array_equal(weights, selector.indices_)
    assert files == [f"{row}.png" for row in selector.indices_]
    np.testing.assert_array_equal(selector.select(y), labels)
    with pytest.raises(ValueError, match=r"arrays\[1\] of select has 149 rows, but 150"):
        selector.select(X, y[1:])
    with pytest.raises(ValueError, match="at least one"):
        selector.select()


def test_explain():
    proxy = make_pipeline(StandardScaler(), LOGISTIC)
    selector = ProxyCoresetSelector(proxy, subset_size=0.2, random_state=0).fit(X, y)
    table = selector.explain()
    assert list(table.columns) == ["row", "score", "rank", "kept", "nearest_kept"]
    np.testing.assert_array_equal(table["row"], np.arange(150))
    np.testing.assert_array_equal(table["score"], selector.scores_)
    np.testing.assert_array_equal(table["row"][np.argsort(table["rank"])], selector.order_)
    np.testing.assert_array_equal(table["kept"], selector.support_)
    assert table["rank"].min() == 1 and (table["rank"] <= 30).sum() == 30
    features = StandardScaler().fit_transform(X)
    for row, nearest in zip(table["row"], table["nearest_kept"], strict=True):
        if selector.support_[row]:
            assert nearest is pd.NA
        else:
            distances = np.linalg.norm(features[selector.indices_] - features[row], axis=1)
            assert np.linalg.norm(features[nearest] - features[row]) == pytest.approx(
                distances.min(), abs=1e-7
            )


def test_explain_without_rows():
    rows = X.copy()
    alive = weakref.ref(rows)
    selector = ProxyCoresetSelector(make_pipeline(StandardScaler(), LOGISTIC), random_state=0).fit(rows, y)
    expected = selector.explain()
    pickled = pickle.loads(pickle.dumps(selector))
    del rows
    assert alive() is None  # the selector keeps no rows
    for gone in (selector, pickled):
        with pytest.warns(UserWarning, match=r"explain\(X\)"):
            assert gone.explain()["nearest_kept"].isna().all()
        pd.testing.assert_frame_equal(gone.explain(X), expected)
    with pytest.raises(ValueError, match="explain needs the X that was fitted"):
        selector.explain(X[::-1])


def test_explain_where_features_allow_no_distances(monkeypatch):
    monkeypatch.setattr("sksvp._inputs._tables._MAX_DENSE", 10)
    texts = ["good film", "bad film", "fine day", "awful day", "good day", "bad night"] * 5
    proxy = make_pipeline(TfidfVectorizer(), LogisticRegression())
    selector = ProxyCoresetSelector(proxy, strategy="entropy", subset_size=0.2, random_state=0)
    selector.fit(texts, [1, 0, 1, 0, 1, 0] * 5)
    with pytest.warns(
        UserWarning, match="nearest_kept stays empty: .* sparse table .*TruncatedSVD"
    ) as caught:
        table = selector.explain(texts)
    assert caught[0].filename == __file__
    assert table["nearest_kept"].isna().all() and table["kept"].sum() == 6
    np.testing.assert_array_equal(table["score"], selector.scores_)


def test_explain_of_a_module_without_features():
    class Bare(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(4, 3))

        def forward(self, x):
            return x @ self.weight

    rows = X.astype(np.float32)
    selector = ProxyCoresetSelector(make_net(Bare), strategy="entropy", random_state=0).fit(rows, y)
    with pytest.warns(UserWarning, match="nearest_kept stays empty: The module Bare has no final hidden"):
        assert selector.explain()["nearest_kept"].isna().all()


def test_explain_without_the_search_needs_no_rows():
    selector = ProxyCoresetSelector(make_pipeline(StandardScaler(), LOGISTIC), random_state=0)
    selector.fit(X.tolist(), y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = selector.explain(nearest=False)
    assert table["nearest_kept"].isna().all()
    rest = ["row", "score", "rank", "kept"]
    pd.testing.assert_frame_equal(table[rest], selector.explain(X)[rest])
    with pytest.raises(ValueError, match="explain needs the X that was fitted"):
        selector.explain(X[::-1], nearest=False)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 3, 2048]))
def test_nearest_rows_in_tiles(seed, tile):
    from sksvp.coreset import _nearest

    rng = np.random.RandomState(seed)
    features = rng.randint(-3, 4, (30, 3)) + 1000.0
    kept = np.sort(rng.choice(30, rng.randint(1, 29), replace=False))
    dropped = np.setdiff1d(np.arange(30), kept)
    before, _nearest._TILE = _nearest._TILE, tile
    try:
        nearest = nearest_rows(features, dropped, kept)
    finally:
        _nearest._TILE = before
    squares = ((features[dropped, None] - features[kept][None]) ** 2).sum(axis=2)
    chosen = squares[np.arange(len(dropped)), np.searchsorted(kept, nearest)]
    np.testing.assert_array_equal(chosen, squares.min(axis=1))


def test_progress_goes_to_stderr(capsys):
    ProxyCoresetSelector(LOGISTIC, verbose=1).fit(X, y)
    out, err = capsys.readouterr()
    assert out == "" and "ProxyCoresetSelector" in err
    ProxyCoresetSelector(LOGISTIC).fit(X, y)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("proxy", "strategy", "said"),
    [
        (make_pipeline(StandardScaler(), SGDClassifier()), "auto", "SGDClassifier is trained in 20 passes"),
        (GradientBoostingClassifier(n_estimators=2), "auto", "since 50% of the rows"),
        (LOGISTIC, "auto", "strategy='auto': random rows of each class"),
        (SGDClassifier(), "forgetting_events", ""),
    ],
    ids=["partial_fit", "stages", "neither", "not auto"],
)
def test_what_auto_takes_is_said_with_verbose(proxy, strategy, said, capsys):
    ProxyCoresetSelector(proxy, strategy=strategy, verbose=1, random_state=0).fit(X, y)
    err = capsys.readouterr().err
    assert said in err and ("auto" in err) == (strategy == "auto")
    assert ("which strategy='entropy' uses" in err) == said.startswith("SGD")


# Seeds, clones, pickles ----------------------------------------------------------------------


def test_parameters_are_stored_untouched_and_reach_the_proxy():
    proxy = SGDClassifier()
    selector = ProxyCoresetSelector(proxy, random_state=0)
    assert selector.proxy is proxy
    selector.set_params(proxy__alpha=0.5)
    assert clone(selector).proxy.alpha == 0.5
    selector.fit(X, y)
    assert proxy.random_state is None and not hasattr(proxy, "coef_")
    assert isinstance(selector.proxy_.random_state, int)


def test_proxy_and_ranking_have_separate_streams():
    net = SGDClassifier(random_state=0)
    first, second = (
        ProxyCoresetSelector(net, strategy="forgetting_events", random_state=seed).fit(X, y)
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(first.scores_, second.scores_)  # its own seed is kept
    assert not np.array_equal(first.order_, second.order_)
    derived = ProxyCoresetSelector(SGDClassifier(), strategy="forgetting_events", random_state=0).fit(X, y)
    other_strategy = ProxyCoresetSelector(
        SGDClassifier(), strategy=ForgettingEvents(), subset_size=5, random_state=0
    )
    np.testing.assert_array_equal(derived.scores_, other_strategy.fit(X, y).scores_)


def test_random_state_object():
    first = ProxyCoresetSelector(SGDClassifier(), random_state=np.random.RandomState(0)).fit(X, y)
    second = ProxyCoresetSelector(SGDClassifier(), random_state=0).fit(X, y)
    np.testing.assert_array_equal(first.order_, second.order_)


FRESH = """
import numpy as np, sys
sys.path.insert(0, {tests!r})
from toy_nets import make_net
from toy_proxies import blobs
from sklearn.linear_model import SGDClassifier
from sksvp.coreset import ProxyCoresetSelector
X, y = blobs(90)
for proxy in (SGDClassifier(), make_net()):
    print(ProxyCoresetSelector(proxy, random_state=7).fit(X, y).order_.tolist())
"""


def test_same_seed_gives_same_rows_in_a_fresh_process():
    from pathlib import Path

    code = FRESH.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows, labels = blobs(90)
    here = [
        ProxyCoresetSelector(p, random_state=7).fit(rows, labels).order_.tolist()
        for p in (SGDClassifier(), make_net())
    ]
    assert done.stdout.splitlines() == [str(order) for order in here]


def test_pickle_and_html():
    selector = ProxyCoresetSelector(make_net(), random_state=0).fit(X.astype(np.float32), y)
    again = pickle.loads(pickle.dumps(selector))
    np.testing.assert_array_equal(
        again.transform(X.astype(np.float32)), selector.transform(X.astype(np.float32))
    )
    assert "ProxyCoresetSelector" in selector._repr_html_()


def test_refit_forgets_the_columns_of_before():
    frame, labels = load_iris(return_X_y=True, as_frame=True)
    selector = ProxyCoresetSelector(LOGISTIC, random_state=0).fit(frame, labels)
    selector.fit(X[:, :2], y)
    assert selector.n_features_in_ == 2 and not hasattr(selector, "feature_names_in_")


# Metadata ------------------------------------------------------------------------------------


def test_fit_params_reach_the_proxy():
    weights = np.where(y == 0, 50.0, 1.0)
    expected = GaussianNB().fit(X, y, weights).class_prior_
    selector = ProxyCoresetSelector(GaussianNB(), strategy="entropy").fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(selector.proxy_.class_prior_, expected)
    with config_context(enable_metadata_routing=True):
        proxy = GaussianNB().set_fit_request(sample_weight=True)
        selector = ProxyCoresetSelector(proxy, strategy="entropy").fit(X, y, sample_weight=weights)
        np.testing.assert_allclose(selector.proxy_.class_prior_, expected)
        with pytest.raises(ValueError, match="sample_weight"):
            ProxyCoresetSelector(GaussianNB(), strategy="entropy").fit(X, y, sample_weight=weights)
        passes = Incremental(GaussianNB().set_partial_fit_request(sample_weight=True), n_epochs=1)
        inside = make_pipeline(PCA(2), passes)
        counted = ProxyCoresetSelector(inside, strategy="forgetting_events").fit(X, y, sample_weight=weights)
        np.testing.assert_allclose(counted.proxy_[-1].estimator_.class_prior_, expected)


# Sampler -------------------------------------------------------------------------------------


def test_sampler_makes_the_same_choice():
    sampler = ProxyCoresetSampler(LOGISTIC, subset_size=0.2, random_state=0)
    frame, labels = load_iris(return_X_y=True, as_frame=True)
    rows, kept = sampler.fit_resample(frame, labels)
    selector = ProxyCoresetSelector(LOGISTIC, subset_size=0.2, random_state=0).fit(frame, labels)
    np.testing.assert_array_equal(sampler.sample_indices_, selector.indices_)
    pd.testing.assert_frame_equal(rows, frame.iloc[selector.indices_])
    pd.testing.assert_series_equal(kept, labels.iloc[selector.indices_])
    assert not hasattr(sampler, "transform") and not hasattr(ProxyCoresetSampler(LOGISTIC), "sample_indices_")


def test_sampler_in_imbalanced_learns_pipeline():
    from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
    from sklearn.model_selection import GridSearchCV

    pipeline = make_imblearn_pipeline(
        StandardScaler(), ProxyCoresetSampler(LOGISTIC, random_state=0), GaussianNB()
    )
    grid = GridSearchCV(
        pipeline, {"proxycoresetsampler__subset_size": [0.3, 0.6]}, cv=3, error_score="raise"
    ).fit(X, y)
    assert grid.best_score_ > 0.8
    assert grid.best_estimator_[-1].class_count_.sum() in (45, 90)
    images = (np.random.RandomState(0).rand(30, 8, 8, 3) * 255).astype(np.uint8)
    proxy = ResNetClassifier(depth=8, max_epochs=1, batch_size=16)
    sampler = ProxyCoresetSampler(proxy, subset_size=0.5, random_state=0)
    make_imblearn_pipeline(sampler, clone(proxy)).fit(images, np.arange(30) % 2).predict(images)


# What is known is checked before the proxy is trained ------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"strategy": KCenters(device="nodev")}, "nodev"),
        ({"strategy": KCenters(device="cuda:99")}, "cuda"),
        ({"strategy": KCenters(n_initial=-1)}, "'n_initial' parameter of KCenters"),
        ({"strategy": KCenters(n_initial=76)}, "n_initial counts inside n_samples=75"),
        (
            {"strategy": KCenters(n_initial=26), "class_balanced": True},
            "n_initial counts inside n_samples=25",
        ),
        ({"strategy": "entropy", "stop_proxy": RankingSettled(patience=0)}, "patience|epochs"),
        ({"strategy": "entropy", "memory": ""}, "memory"),
        ({"strategy": "entropy", "probabilities": "oof"}, "probabilities"),
    ],
    ids=str,
)
def test_bad_parameters_are_found_before_the_training(params, message, tmp_path):
    proxy = CountedTraining(tmp_path / "log")
    with pytest.raises(ValueError, match=message):
        ProxyCoresetSelector(proxy, **params).fit(X, y)
    assert n_trainings(proxy.log) == 0


def test_parameters_of_the_classifier_are_found_before_its_pipeline_is_fitted(tmp_path):
    class Slow(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            raise AssertionError("fitted")

    for last in (
        LogisticRegression(C=-1),
        Incremental(GaussianNB(), n_epochs=0),
        make_net(max_epochs=-1),
        make_net(iterator_valid__shuffle=True),
        make_net(iterator_valid__drop_last=True),
    ):
        with pytest.raises(
            ValueError, match=r"C' parameter|'n_epochs' parameter|max_epochs|iterator_valid__"
        ):
            ProxyCoresetSelector(make_pipeline(Slow(), last), strategy="entropy").fit(X, y)


def test_fitted_arrays_cannot_be_changed():
    """Later calls depend on them: a sorted copy of the scores must not change what explain says."""
    fitted = ProxyCoresetSelector(LOGISTIC, random_state=0).fit(X, y)
    for selector in (fitted, pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        for array in (
            selector.order_,
            selector.scores_,
            selector.support_,
            selector.indices_,
            selector.classes_,
            selector.get_support(),
            selector.get_support(indices=True),
        ):
            with pytest.raises(ValueError, match="read-only"):
                array[:] = 0
        assert np.sort(selector.scores_)[0] <= selector.scores_[0]


@pytest.mark.parametrize("yes", ["no", 1, None, np.array([True, False])], ids=str)
def test_what_is_not_a_boolean_is_no_yes(yes):
    selector = ProxyCoresetSelector(LOGISTIC, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="'indices' parameter"):
        selector.get_support(indices=yes)
    with pytest.raises(ValueError, match="'nearest' parameter"):
        selector.explain(nearest=yes)


def test_lengths_that_differ_name_X_and_y():
    with pytest.raises(ValueError, match="inconsistent numbers of samples: X has 150, y has 149"):
        ProxyCoresetSelector(LOGISTIC).fit(X, y[:-1])


class Gini(ScoredStrategy):
    requires = ("probabilities",)

    def score(self, evidence, rows):
        return evidence.score_rows(
            lambda block, log: 1 - (np.exp(block) if log else block).max(axis=1), rows=rows
        )


def test_registered_strategies_reach_workers(monkeypatch):
    monkeypatch.setattr(_registry, "_STRATEGIES", dict(_registry._STRATEGIES))
    register_strategy("gini", Gini)
    target = CoresetClassifier(LOGISTIC, ProxyCoresetSelector(LOGISTIC, random_state=0))
    grid = GridSearchCV(
        target, {"selector__strategy": ["gini", Gini()]}, cv=2, n_jobs=2, error_score="raise"
    ).fit(X, y)
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()
    # Classes that plain pickle cannot name do not hinder it.
    register_strategy("local", type("Local", (Gini,), {}))
    assert pickle.loads(pickle.dumps(ProxyCoresetSelector(LOGISTIC, strategy="gini"))).fit(X, y).strategy_


@pytest.mark.filterwarnings("ignore")
def test_checks_of_imbalanced_learn():
    checks = pytest.importorskip("imblearn.utils.estimator_checks")
    expected = {
        "check_samplers_fit": "asks for sampling_strategy_, which sets the sizes of classes",
        "check_samplers_multiclass_ova": "labels in columns, one against the others, are multilabel here",
    }
    failed = set()
    for sampler, check in checks.estimator_checks_generator(ProxyCoresetSampler(LOGISTIC, random_state=0)):
        try:
            check(sampler)
        except (AssertionError, ValueError):
            failed.add(check.func.__name__)
    assert failed == set(expected)


def test_masked_values_are_not_trained_on():
    masked = np.ma.masked_array(X, mask=X > 7)
    with pytest.raises(ValueError, match="X has masked values"):
        ProxyCoresetSelector(LOGISTIC).fit(masked, y)
    ProxyCoresetSelector(LOGISTIC).fit(np.ma.masked_array(X), y)
