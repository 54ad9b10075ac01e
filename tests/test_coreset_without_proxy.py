"""Core-sets from a table of numbers alone: no proxy, and perhaps no labels."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_coreset_selector import expected_failures
from toy_proxies import CountedTraining, n_trainings

from sksvp import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector, RankingSettled
from sksvp.strategies import (
    BADGE,
    D2,
    Evidence,
    FacilityLocation,
    Herding,
    KCenters,
    Moderate,
    Stratified,
    TypiClust,
    facility_location,
    k_centers,
)

X, y = load_iris(return_X_y=True)
LABEL_FREE = [KCenters(), FacilityLocation(), Herding(), TypiClust(), D2(score=None), Stratified("random")]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        ProxyCoresetSelector(strategy="k_centers", random_state=0),
        ProxyCoresetSelector(strategy="moderate", random_state=0),
        ProxyCoresetSampler(strategy="facility_location"),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# Without a proxy -----------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [*LABEL_FREE, Moderate()], ids=repr)
def test_the_choice_is_that_of_the_strategy_on_x(strategy):
    selector = ProxyCoresetSelector(strategy=strategy, subset_size=20, random_state=0).fit(X, y)
    evidence = Evidence(y=y, features=X)
    again = ProxyCoresetSelector(LogisticRegression(), strategy=strategy, subset_size=20, random_state=0)
    np.testing.assert_array_equal(selector.indices_, np.sort(selector.order_[:20]))
    np.testing.assert_array_equal(selector.indices_, again.fit(X, y).indices_)
    rows, _ = strategy.rank(evidence, 20, random_state=0)
    assert len(rows) == 20 == selector.support_.sum()
    assert selector.proxy_ is None and selector.timings_["proxy_fit"] == 0
    assert selector.explain()["nearest_kept"].notna().sum() == 130


def test_k_centers_without_a_random_start_is_the_function():
    selector = ProxyCoresetSelector(strategy=KCenters(n_initial=0), subset_size=9, random_state=0).fit(X)
    first = selector.order_[:1]
    assert selector.order_.tolist() == [*first, *k_centers(X, 8, initial=first)]


@pytest.mark.parametrize("strategy", ["entropy", "badge", "el2n", "forgetting_events", "grand", "stratified"])
def test_a_strategy_that_needs_a_proxy_says_what_it_needs(strategy):
    with pytest.raises(
        ValueError, match=r"needs .*proxy is None: give a proxy.* k_centers, random, facility"
    ):
        ProxyCoresetSelector(strategy=strategy).fit(X, y)


@pytest.mark.parametrize(
    ("rows", "found"),
    [(["a", "b"] * 75, "numbers"), (np.zeros((150, 2, 2)), "shape"), (X.astype(str).astype(object), "")],
    ids=["texts", "3-d", "objects"],
)
def test_rows_that_are_no_table_of_numbers_are_refused(rows, found):
    selector = ProxyCoresetSelector(strategy="k_centers")
    if found:
        with pytest.raises(ValueError, match=f"X must be a table of numbers .*{found}"):
            selector.fit(rows)
    else:
        assert selector.fit(rows).support_.sum() == 75


def test_nothing_takes_metadata_or_a_rule_that_stops():
    with pytest.raises(TypeError, match=r"sample_weight.*proxy is None"):
        ProxyCoresetSelector(strategy="k_centers").fit(X, y, sample_weight=np.ones(150))
    with pytest.raises(ValueError, match="stop_proxy needs a proxy"):
        ProxyCoresetSelector(strategy="k_centers", stop_proxy=RankingSettled()).fit(X, y)
    with config_context(enable_metadata_routing=True):
        ProxyCoresetSelector(strategy="k_centers").fit(X, y)
        with pytest.raises(TypeError):
            ProxyCoresetSelector(strategy="k_centers").fit(X, y, sample_weight=np.ones(150))


def test_a_search_over_proxies_and_none(tmp_path):
    selector = ProxyCoresetSelector(
        strategy="k_centers", subset_size=0.3, memory=str(tmp_path / "memory"), random_state=0
    )
    classifier = CoresetClassifier(LogisticRegression(max_iter=500), selector)
    counted = CountedTraining(tmp_path / "log", random_state=0)
    grid = {"selector__proxy": [None, counted], "selector__strategy": ["k_centers", "herding"]}
    for routed in (False, True):
        with config_context(enable_metadata_routing=routed):
            search = GridSearchCV(classifier, grid, cv=3, error_score="raise").fit(X, y)
        assert search.best_score_ > 0.9
    # Two strategies share a training, also in the second search; the refit may add one.
    assert 3 <= n_trainings(tmp_path / "log") <= 4
    assert clone(selector).proxy is None
    assert pickle.loads(pickle.dumps(selector.fit(X))).select(X).shape == (45, 4)


def test_one_class_is_no_trouble_without_a_proxy():
    assert (
        ProxyCoresetSelector(strategy="herding", subset_size=3).fit(X, np.zeros(150, int)).support_.sum() == 3
    )
    with pytest.raises(ValueError, match="one class only"):
        ProxyCoresetSelector(LogisticRegression(), strategy="herding").fit(X, np.zeros(150, int))


def test_choosing_again():
    selector = ProxyCoresetSelector(strategy="k_centers", subset_size=30, random_state=0).fit(X, y)
    other = selector.rerank(strategy="facility_location", subset_size=12)
    direct = ProxyCoresetSelector(strategy="facility_location", subset_size=12, random_state=0).fit(X, y)
    assert other.indices_.tolist() == direct.indices_.tolist()
    assert other.weights_.sum() == 150
    with pytest.raises(ValueError, match="proxy is None"):
        selector.rerank(strategy="entropy")
    assert selector.score_table().columns.tolist() == ["y", "kept"]
    blind = ProxyCoresetSelector(strategy="k_centers", subset_size=30, random_state=0).fit(X)
    assert blind.rerank(strategy="herding").support_.sum() == 30
    assert blind.score_table().columns.tolist() == ["kept"]
    with pytest.raises(ValueError, match="reads the labels"):
        blind.rerank(strategy="moderate")
    with pytest.raises(ValueError, match="class_balanced='equal' needs the class"):
        blind.rerank(class_balanced="equal")


# Without labels ------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", LABEL_FREE, ids=repr)
def test_labels_may_be_missing(strategy):
    selector = ProxyCoresetSelector(strategy=strategy, subset_size=20, random_state=0)
    assert not get_tags(selector).target_tags.required
    selector.fit(X)
    assert selector.classes_ is None and selector.support_.sum() == 20
    assert selector.indices_.tolist() == selector.fit(X, None).indices_.tolist()
    np.testing.assert_array_equal(selector.transform(X), X[selector.indices_])
    with pytest.warns(UserWarning, match="fit_transform drops rows"):
        assert selector.fit_transform(X).shape == (20, 4)
    sampler = ProxyCoresetSampler(strategy=strategy, subset_size=20, random_state=0)
    rows, labels = sampler.fit_resample(X, None)
    np.testing.assert_array_equal(rows, X[selector.indices_])
    assert labels is None


def test_facility_location_by_class_covers_all_rows_where_there_are_no_labels():
    blind = ProxyCoresetSelector(strategy="facility_location", subset_size=12).fit(X)
    assert blind.order_.tolist() == facility_location(X, 12).tolist()
    by_class = ProxyCoresetSelector(strategy="facility_location", subset_size=12).fit(X, y)
    assert set(by_class.indices_) == set(facility_location(X, 12, y=y))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"strategy": "k_centers", "class_balanced": True}, "class_balanced=True needs the class"),
        ({"strategy": "random", "class_balanced": "equal"}, "class_balanced='equal' needs the class"),
        ({"strategy": "moderate"}, "the strategy Moderate reads the labels"),
        ({"strategy": "entropy", "proxy": LogisticRegression()}, "the proxy LogisticRegression learns from"),
        ({"strategy": "k_centers", "proxy": LogisticRegression()}, r"proxy=None takes X itself"),
        ({"strategy": "cld", "proxy": FrozenEstimator(LogisticRegression())}, "y is None"),
    ],
    ids=str,
)
def test_what_needs_labels_says_so(params, message):
    with pytest.raises(
        ValueError, match=f"requires y to be passed, but the target y is None.*{message}|{message}"
    ):
        ProxyCoresetSelector(**params).fit(X)


def test_a_frozen_proxy_needs_no_labels(tmp_path):
    frozen = FrozenEstimator(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y))
    for strategy in ("entropy", "k_centers", BADGE(), "facility_location"):
        selector = ProxyCoresetSelector(
            frozen, strategy=strategy, subset_size=20, memory=tmp_path, random_state=0
        )
        assert selector.fit(X).support_.sum() == 20
        assert selector.rerank(strategy="margin").support_.sum() == 20
    with_labels = ProxyCoresetSelector(frozen, strategy="entropy", subset_size=20, random_state=0).fit(X, y)
    assert with_labels.indices_.tolist() == selector.rerank(strategy="entropy").indices_.tolist()


def test_random_rows_need_neither():
    assert ProxyCoresetSelector(LogisticRegression(), strategy="random").fit(["a"] * 10).support_.sum() == 5


# Containers ----------------------------------------------------------------------------------


def memory_map(rows, folder):
    file = np.lib.format.open_memmap(folder / "rows.npy", mode="w+", dtype=np.float16, shape=rows.shape)
    file[:] = rows
    file.flush()
    return np.load(folder / "rows.npy", mmap_mode="r")


# Exact in every dtype below.
COARSE = torch.from_numpy(np.random.RandomState(0).randn(150, 4)).bfloat16().double().numpy()
FORMS = {
    "float16": lambda rows, _: rows.astype(np.float16),
    "memory map": memory_map,
    "tensor": lambda rows, _: torch.from_numpy(rows).float().requires_grad_(),
    "bfloat16": lambda rows, _: torch.from_numpy(rows).bfloat16(),
    "frame": lambda rows, _: pd.DataFrame(rows, columns=list("abcd")),
    "nullable frame": lambda rows, _: pd.DataFrame(rows, columns=list("abcd")).astype("Float64"),
    "polars": lambda rows, _: pl.DataFrame(rows, schema=list("abcd")),
    "csr": lambda rows, _: sparse.csr_matrix(rows),
    "coo": lambda rows, _: sparse.coo_array(rows),
    "list": lambda rows, _: rows.tolist(),
    "fortran": lambda rows, _: np.asfortranarray(rows),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("strategy", LABEL_FREE[:5], ids=repr)
def test_every_container_gives_the_same_rows(form, strategy, tmp_path):
    rows = FORMS[form](COARSE, tmp_path)
    selector = ProxyCoresetSelector(strategy=strategy, subset_size=12, random_state=0)
    chosen = selector.fit(COARSE).indices_
    assert selector.fit(rows).indices_.tolist() == chosen.tolist()
    assert len(selector.transform(rows) if form not in ("csr", "coo") else selector.indices_) == 12


@pytest.mark.parametrize("strategy", ["k_centers", "herding", "facility_location", "typiclust", D2(None)])
def test_nan_and_infinity_are_refused(strategy):
    for bad in (np.nan, np.inf):
        rows = X.copy()
        rows[3, 1] = bad
        with pytest.raises(ValueError, match=r"features|X"):
            ProxyCoresetSelector(strategy=strategy).fit(rows)
