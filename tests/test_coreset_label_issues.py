"""Rows whose label is doubtful: wrong labels that were planted are found."""

import gc

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from toy_proxies import blobs

from sksvp import ProxyCoresetSampler, ProxyCoresetSelector
from sksvp.coreset._label_issues import plant_wrong_labels
from sksvp.proxies import Incremental
from sksvp.strategies import Top

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MLP = Incremental(MLPClassifier((32,), learning_rate_init=0.01), n_epochs=20, batch_size=32)
LOGISTIC = LogisticRegression(max_iter=200)


def with_errors(y, n_wrong=20, seed=0):
    """Return labels of which some are wrong, and which."""
    rng = np.random.RandomState(seed)
    rows = rng.choice(len(y), n_wrong, replace=False)
    classes, codes = np.unique(y, return_inverse=True)
    codes[rows] = (codes[rows] + rng.randint(1, len(classes), n_wrong)) % len(classes)
    return classes[codes], rows


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X, y = X[:800] / 16, y[:800]
    return X, y, *with_errors(y)


@pytest.fixture(scope="module")
def of_record(digits):
    X, _, y, _ = digits
    return ProxyCoresetSelector(MLP, strategy="aum", random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def of_folds(digits):
    X, _, y, _ = digits
    return ProxyCoresetSelector(
        LOGISTIC, strategy="entropy", probabilities="out_of_fold", random_state=0
    ).fit(X, y)


@pytest.mark.parametrize("by", ["auto", "aum", "loss", "probability", "both"])
def test_planted_errors_are_found(digits, of_record, by):
    _, right, y, wrong = digits
    table = of_record.label_issues(by=by)
    assert list(table.columns) == ["row", "label", "suggested", "score", "issue"]
    assert np.isin(table["row"][:20], wrong).sum() >= (14 if by == "probability" else 18)
    found = table[np.isin(table["row"], wrong)]
    assert (found["suggested"].to_numpy() == right[found["row"]]).mean() >= 0.8
    np.testing.assert_array_equal(table["label"], y[table["row"]])
    assert sorted(table["row"]) == list(range(len(y)))
    assert table["score"].is_monotonic_decreasing
    np.testing.assert_array_equal(table["issue"], table["score"] > 0)
    if by in ("auto", "aum"):
        assert 18 <= table["issue"].sum() <= 60


def test_probabilities_out_of_fold_find_them_without_a_record(digits, of_folds):
    _, _, _, wrong = digits
    table = of_folds.label_issues()
    assert np.isin(table["row"][:20], wrong).sum() >= 17
    assert np.isin(wrong, table["row"][table["issue"]]).sum() >= 18


def test_several_proxies_find_more_together(digits):
    X, _, y, wrong = digits
    mlp = Incremental(MLPClassifier((8,), learning_rate_init=0.003), n_epochs=10, batch_size=32)

    def found(n):
        selector = ProxyCoresetSelector(mlp, strategy="aum", n_proxies=n, random_state=0).fit(X, y)
        return np.isin(selector.label_issues()["row"][:20], wrong).sum()

    assert found(5) > found(1)


def test_flags(digits, of_record):
    _, _, _, wrong = digits
    default = of_record.label_issues()
    for flag, n_flagged in ((20, 20), (0.1, 80), (800, 800)):
        table = of_record.label_issues(flag=flag)
        pd.testing.assert_frame_equal(table.drop(columns="issue"), default.drop(columns="issue"))
        assert table["issue"].tolist() == [True] * n_flagged + [False] * (800 - n_flagged)
    made_up = of_record.label_issues(flag="made_up_class")
    assert np.isin(wrong, made_up["row"][made_up["issue"]]).sum() >= 18
    pd.testing.assert_frame_equal(made_up, of_record.label_issues(flag="made_up_class"))
    assert not made_up["issue"].all()


@pytest.mark.slow
def test_measured_on_planted_errors(of_record, of_folds):
    for selector in (of_record, of_folds):
        table = selector.planted_label_issues(planted=0.1)
        assert list(table.index) == ["uniform", "alike"]
        assert table["planted"].tolist() == [80, 80]
        assert table.loc["uniform", "auroc"] > 0.9
        assert table.loc["alike", "auroc"] < table.loc["uniform", "auroc"]
        assert table.loc["uniform", "recall"] > 0.8
        shares = table[["precision_at_planted", "precision", "recall"]]
        assert ((shares >= 0) & (shares <= 1)).all(axis=None)
        pd.testing.assert_frame_equal(table, selector.planted_label_issues(planted=0.1))
    other = of_folds.planted_label_issues(planted=0.1, random_state=5)
    assert not other.equals(table)


def test_strings_and_order_of_rows(digits):
    X, _, y, _ = digits
    names = np.array(list("jihgfedcba"))

    def issues(rows, labels):
        return ProxyCoresetSelector(LOGISTIC, strategy="entropy").fit(rows, labels).label_issues()

    plain, named = issues(X, y), issues(frame := pd.DataFrame(X), names[y])
    assert len(frame) == 800
    worst = plain["score"] > -3
    np.testing.assert_array_equal(named["row"][worst], plain["row"][worst])
    np.testing.assert_array_equal(named["suggested"][worst], names[plain["suggested"][worst]])
    order = np.random.RandomState(0).permutation(len(y))
    shuffled = X[order]
    moved = issues(shuffled, y[order])
    np.testing.assert_array_equal(order[moved["row"][worst]], plain["row"][worst])
    np.testing.assert_allclose(moved["score"], plain["score"], atol=0.05)


def test_a_class_of_few_rows_and_ties():
    X, y = blobs(90)
    y = np.where(np.arange(90) == 4, 7, y)
    table = (
        ProxyCoresetSelector(MLP, strategy="aum", random_state=0).fit(X, y).label_issues(flag="made_up_class")
    )
    assert 4 in table["row"][:10].tolist()
    twice = np.tile(X, (2, 1)), np.tile(y, 2)
    ties = ProxyCoresetSelector(LOGISTIC, strategy="entropy", random_state=0).fit(*twice).label_issues()
    pairs = ties.set_index("row")["score"]
    np.testing.assert_allclose(pairs.sort_index()[:90], pairs.sort_index()[90:])


def test_samplers_leave_them_out(digits):
    X, _, y, wrong = digits
    sampler = ProxyCoresetSampler(
        MLP, strategy=Top("aum", drop_label_issues=True), subset_size=100, random_state=0
    )
    sampler.fit_resample(X, y)
    issues = sampler.label_issues()
    assert not np.isin(sampler.indices_, issues["row"][issues["issue"]]).any()
    assert np.isin(wrong, sampler.indices_).sum() <= 2
    assert np.isin(wrong, sampler.rerank(strategy="aum").indices_).sum() >= 15


def test_rows_that_are_gone():
    X, y = blobs(90)
    rows = X.copy()
    selector = ProxyCoresetSelector(LOGISTIC, strategy="entropy", random_state=0).fit(rows, y)
    del rows
    gc.collect()
    with pytest.raises(ValueError, match="give them as X"):
        selector.label_issues()
    assert len(selector.label_issues(X)) == 90
    with pytest.raises(ValueError, match="rows that were fitted, got others"):
        selector.label_issues(X + 1)
    with pytest.raises(ValueError, match="give them as X"):
        selector.planted_label_issues()


def test_a_proxy_without_probabilities_suggests_nothing():
    X, y = blobs(90)

    class Stages(SGDClassifier):
        pass

    selector = ProxyCoresetSelector(Stages(loss="hinge"), strategy="forgetting_events", random_state=0).fit(
        X, y
    )
    with pytest.raises(ValueError, match="'probability' reads probabilities"):
        selector.label_issues()


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"by": "mean"}, "by"),
        ({"by": None}, "by"),
        ({"flag": 0}, "flag"),
        ({"flag": 1.5}, "flag"),
        ({"flag": "all"}, "flag"),
        ({"flag": True}, "flag"),
        ({"flag": 91}, "90"),
        ({"by": "aum"}, r"'aum' reads training_record, and the training gave no training_record"),
    ],
)
def test_wrong_arguments(params, match):
    X, y = blobs(90)
    selector = ProxyCoresetSelector(LOGISTIC, strategy="entropy", random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=match):
        selector.label_issues(**params)


@pytest.mark.parametrize("planted", [0, 0.6, -0.1, 5, None])
def test_wrong_shares_to_plant(planted):
    X, y = blobs(90)
    selector = ProxyCoresetSelector(LOGISTIC, strategy="entropy", random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="planted"):
        selector.planted_label_issues(planted=planted)


def test_what_has_no_proxy_or_cannot_be_trained_again():
    X, y = blobs(90)
    with pytest.raises(ValueError, match="reads probabilities"):
        ProxyCoresetSelector(LOGISTIC, strategy="random").fit(X, y).label_issues()
    with pytest.raises(ValueError, match="not fitted"):
        ProxyCoresetSelector(LOGISTIC).label_issues()
    frozen = ProxyCoresetSelector(FrozenEstimator(LOGISTIC.fit(X, y)), strategy="entropy").fit(X, y)
    assert len(frozen.label_issues()) == 90


def test_planted_labels_are_wrong_and_where_they_are_likely():
    rng = np.random.RandomState(0)
    y = np.repeat(["a", "b", "c"], 100)
    probabilities = np.full((300, 3), 0.01)
    probabilities[np.arange(300), np.repeat([0, 1, 2], 100)] = 0.98
    probabilities[:50] = [0.4, 0.0, 0.6]
    labels, rows = plant_wrong_labels(y, 40, np.array(["a", "b", "c"]), probabilities, rng)
    assert len(rows) == 40 == len(set(rows)) and (labels[rows] != y[rows]).all()
    assert (np.delete(labels, rows) == np.delete(y, rows)).all()
    assert (rows < 50).mean() > 0.7
    assert (labels[rows[rows < 50]] == "c").all()
    uniform, rows = plant_wrong_labels(y, 150, None, None, rng)
    assert (uniform[rows] != y[rows]).all()
    assert all(np.isin(np.flatnonzero(y == label), rows, invert=True).sum() >= 5 for label in "abc")
    with pytest.raises(ValueError, match=r"286 wrong labels, and 285 of 300 rows"):
        plant_wrong_labels(y, 286, None, None, rng)
