"""Curves over repeats and the speed-up of a selection."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import ProxyActiveLearner
from sksvp.active import active_learning_curve, selection_speedup

X, y = blobs(80)
X_test, y_test = blobs(60, seed=1)


@pytest.fixture
def learner():
    return ProxyActiveLearner(
        LogisticRegression(max_iter=500),
        LogisticRegression(C=0.1, max_iter=500),
        rounds=[10, 10],
        initial_size=10,
        target_at="all",
        random_state=3,
    )


def test_curve_is_that_of_single_runs(learner):
    curve = active_learning_curve(learner, X, y, X_test, y_test, n_repeats=3)
    assert curve.columns.tolist() == [
        "repeat",
        "random_state",
        "round",
        "n_labeled",
        "proxy_error",
        "target_error",
        "proxy_fit",
        "inference",
        "ranking",
        "target_fit",
    ]
    assert curve.groupby("repeat")["n_labeled"].agg(list).tolist() == [[10, 20, 30]] * 3
    assert curve["random_state"].nunique() == 3
    for seed, lines in curve.groupby("random_state", sort=False):
        run = clone(learner).set_params(random_state=int(seed)).fit(X, y, X_val=X_test, y_val=y_test)
        np.testing.assert_array_equal(
            lines["proxy_error"], [1 - entry["proxy_score"] for entry in run.history_]
        )
        assert lines["target_error"].iloc[-1] == 1 - run.score(X_test, y_test)
    assert curve["target_error"].isna().tolist() == [True, False, False] * 3
    fewer = active_learning_curve(learner, X, y, X_test, y_test, n_repeats=2)
    np.testing.assert_array_equal(fewer["proxy_error"], curve["proxy_error"][:6])


def test_curve_goes_on_from_a_checkpoint(learner, tmp_path):
    log = tmp_path / "log"
    learner.set_params(proxy=CountedTraining(str(log)), checkpoint=tmp_path / "runs")
    first = active_learning_curve(learner, X, y, X_test, y_test, n_repeats=1)
    assert n_trainings(log) == 3
    both = active_learning_curve(learner, X, y, X_test, y_test, n_repeats=2)
    assert n_trainings(log) == 6
    np.testing.assert_array_equal(both["proxy_fit"][:3], first["proxy_fit"])


@pytest.mark.parametrize(
    ("params", "n_repeats", "message"),
    [
        ({"rounds": None}, 1, r"learner must have rounds"),
        ({"random_state": None, "checkpoint": "runs"}, 1, "needs a random_state"),
        ({}, 0, r"The 'n_repeats' parameter .* must be an int in the range \[1, "),
        ({}, 1.5, "The 'n_repeats' parameter"),
    ],
    ids=str,
)
def test_curves_that_are_refused(learner, params, n_repeats, message):
    with pytest.raises(ValueError, match=message):
        active_learning_curve(learner.set_params(**params), X, y, X_test, y_test, n_repeats=n_repeats)


def entry(number, total, proxy_fit, inference, ranking, target_fit=None):
    return {
        "round": number,
        "n_labeled": total,
        "proxy_fit": proxy_fit,
        "inference": inference,
        "ranking": ranking,
        "target_fit": target_fit,
    }


def test_speedup_counts_what_the_choices_needed():
    # The random start and the targets do not count; seconds add up.
    proxy = [entry(0, 10, None, None, 5.0), entry(1, 20, 1.0, 0.5, 0.5, 99.0), entry(2, 30, 3.0, 0.75, 0.25)]
    target = [entry(0, 10, None, None, 0.0), entry(1, 20, 10.0, 1.0, 1.0), entry(2, 30, 20.0, 2.0, 2.0)]
    table = selection_speedup(proxy, target)
    assert table.to_dict("list") == {
        "n_labeled": [20, 30],
        "seconds": [2.0, 6.0],
        "baseline_seconds": [12.0, 36.0],
        "speedup": [6.0, 6.0],
    }
    nothing = [entry(0, 10, None, None, 0.0), entry(1, 20, None, None, 0.0), entry(2, 30, None, None, 0.0)]
    assert selection_speedup(nothing, target)["speedup"].tolist() == [np.inf, np.inf]


def test_speedup_by_the_clock_of_the_processor():
    one = [{**entry(1, 20, 9.0, 9.0, 9.0), "proxy_fit_cpu": 1.0, "inference_cpu": 0.5, "ranking_cpu": None}]
    two = [{**entry(1, 20, 1.0, 1.0, 1.0), "proxy_fit_cpu": 4.0, "inference_cpu": 1.5, "ranking_cpu": 0.5}]
    assert selection_speedup(one, two, clock="cpu")["speedup"].tolist() == [4.0]
    with pytest.raises(ValueError, match="The 'clock' parameter of selection_speedup must be a str among"):
        selection_speedup(one, two, clock="sun")


def test_speedup_of_runs(learner):
    learner.fit(X, y)
    baseline = clone(learner).set_params(proxy=clone(learner.target)).fit(X, y)
    table = selection_speedup(learner.history_, baseline.history_)
    assert (table["speedup"] > 0).all() and table["n_labeled"].tolist() == [20, 30]


def test_histories_that_cannot_be_compared():
    one, two = [entry(1, 20, 1.0, 1.0, 1.0)], [entry(1, 21, 1.0, 1.0, 1.0)]
    with pytest.raises(ValueError, match=r"same numbers of labels, got \[20\] and \[21\]"):
        selection_speedup(one, two)
    with pytest.raises(ValueError, match="baseline_history must hold a round"):
        selection_speedup(one, [])
