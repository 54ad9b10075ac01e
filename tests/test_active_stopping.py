"""The rule that says when the labels suffice, and its columns, warnings and line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Perceptron
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp.active import PredictionsSettled, ProxyActiveLearner, active_learning_curve
from sksvp.plotting import ActiveLearningDisplay

X, y = blobs(200)
X_test, y_test = blobs(60, seed=1)
LOGISTIC = LogisticRegression(max_iter=1000)
RULE = PredictionsSettled("flips", tolerance=0.05, patience=2)


def learner_of(**params):
    return ProxyActiveLearner(
        LOGISTIC, **{"rounds": [10] * 18, "initial_size": 10, "random_state": 0, "stop": RULE, **params}
    )


codes = st.lists(st.integers(-1, 3), min_size=12, max_size=12)


@given(codes, codes)
def test_changes_by_their_definitions(one, other):
    before, now = ({"codes": each, "expected_error": None} for each in (one, other))
    agree = np.mean([a == b for a, b in zip(one, other, strict=True)])
    assert PredictionsSettled("flips").change(before, now) == pytest.approx(1 - agree)
    by_chance = sum(np.mean(np.equal(one, c)) * np.mean(np.equal(other, c)) for c in range(-1, 4))
    kappa = PredictionsSettled().change(before, now)
    if by_chance == 1:
        assert np.isnan(kappa)
    else:
        assert kappa == pytest.approx(1 - (agree - by_chance) / (1 - by_chance))


def test_expected_error_is_the_mean_doubt():
    learner = learner_of(stop=PredictionsSettled("expected_error", tolerance=0.0)).fit(X, y)
    doubts = []
    rows = np.empty(0, dtype=int)
    for entry in learner.history_:
        rows = np.sort(np.concatenate([rows, entry["rows"]]))
        doubts.append(1 - clone(LOGISTIC).fit(X[rows], y[rows]).predict_proba(X).max(axis=1).mean())
    changes = [entry["proxy_change"] for entry in learner.history_]
    assert changes[0] is None
    np.testing.assert_allclose(changes[1:], np.abs(np.diff(doubts)), atol=1e-6)


def test_run_ends_when_the_rule_is_met():
    learner = learner_of().fit(X, y)
    changes = [entry["proxy_change"] for entry in learner.history_]
    settled = [entry["settled"] for entry in learner.history_]
    assert changes[0] is None and settled[0] is None
    expected = [RULE.is_met(changes[: end + 1], 2) for end in range(1, len(changes))]
    assert settled[1:] == expected
    assert settled[-1] and not any(settled[1:-1])
    assert learner.settled_ and len(learner.history_) < 19
    # The choice itself is that of a learner without the rule.
    whole = learner_of(stop=None).fit(X, y)
    assert "settled" not in whole.history_[0] and not whole.settled_
    for entry, other in zip(learner.history_, whole.history_, strict=False):
        np.testing.assert_array_equal(entry["rows"], other["rows"])


def test_rule_can_be_noted_only():
    learner = learner_of(stop=clone(RULE).set_params(ends_run=False)).fit(X, y)
    assert len(learner.history_) == 19
    assert any(entry["settled"] for entry in learner.history_)


def test_target_has_the_last_word(tmp_path):
    target = CountedTraining(str(tmp_path / "target"))
    learner = learner_of(target=target).fit(X, y, X_val=X_test, y_val=y_test)
    targets = [entry["target_fit"] is not None for entry in learner.history_]
    proxies = [entry["proxy_change"] for entry in learner.history_]
    first = next(end for end in range(len(proxies)) if RULE.is_met(proxies[: end + 1], 2))
    # It is trained from the round on in which the proxy has settled, and twice at least.
    assert targets.index(True) == first and sum(targets) >= 2
    assert n_trainings(tmp_path / "target") == sum(targets)
    assert learner.history_[-1]["target_change"] <= RULE.tolerance
    assert learner.history_[-1]["target_score"] == learner.score(X_test, y_test)
    assert learner.settled_


def test_target_of_the_end_is_trained_if_the_run_only_notes():
    learner = learner_of(target=LogisticRegression(C=0.1), stop=clone(RULE).set_params(ends_run=False)).fit(
        X, y
    )
    assert learner.history_[-1]["target_fit"] is not None
    assert learner.history_[-1]["n_labeled"] == 190


def test_random_strategy_is_watched_too():
    learner = learner_of(strategy="random").fit(X, y)
    assert learner.settled_
    whole = learner_of(strategy="random", stop=None).fit(X, y)
    for entry, other in zip(learner.history_, whole.history_, strict=False):
        np.testing.assert_array_equal(entry["rows"], other["rows"])


def test_people_are_warned(recwarn):
    known = np.where(np.arange(200) % 20 == 0, y, -1)
    learner = ProxyActiveLearner(LOGISTIC, missing_label=-1, stop=RULE, random_state=0).fit(X, known)
    for _ in range(15):
        rows = learner.query(10)
        if learner.settled_:
            break
        assert not [one for one in recwarn if "suffice" in str(one.message)]
        learner.teach(rows, y[rows])
    assert [str(one.message) for one in recwarn if "suffice" in str(one.message)] == [
        str(recwarn[-1].message)
    ]
    assert "flips of the proxy changed by" in str(recwarn[-1].message)


def test_people_with_a_target_train_it_before_the_rule_is_met():
    known = np.where(np.arange(200) % 5 == 0, y, -1)
    learner = ProxyActiveLearner(
        LOGISTIC, LogisticRegression(C=0.1), missing_label=-1, stop=RULE, random_state=0
    ).fit(X, known)
    for _ in range(6):
        rows = learner.query(10)
        learner.teach(rows, y[rows])
    assert not learner.settled_
    learner.fit_target()
    assert not learner.settled_
    rows = learner.query(10)
    learner.teach(rows, y[rows]).fit_target()
    assert learner.history_[-1]["target_change"] <= RULE.tolerance
    with pytest.warns(UserWarning, match="The labels seem to suffice"):
        learner.query(10)
    assert learner.settled_


def test_killed_run_stops_where_a_whole_one_does(tmp_path):
    whole = learner_of().fit(X, y)

    class Killed(Exception):
        pass

    def oracle(rows, left=[3]):  # noqa: B006
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return y[rows]

    none = np.full(200, -1)
    learner = learner_of(oracle=oracle, missing_label=-1, checkpoint=tmp_path)
    with pytest.raises(Killed):
        learner.fit(X, none)
    learner = clone(learner).set_params(oracle=lambda rows: y[rows]).fit(X, none)
    assert [entry["proxy_change"] for entry in learner.history_] == [
        entry["proxy_change"] for entry in whole.history_
    ]
    again = clone(learner).fit(X, none)
    assert len(again.history_) == len(whole.history_)


def test_rows_are_drawn_anew_for_a_longer_pool():
    known = np.where(np.arange(200) % 5 == 0, y, -1)
    learner = ProxyActiveLearner(LOGISTIC, missing_label=-1, stop=RULE, random_state=0).fit(X, known)
    rows = learner.query(10)
    learner.teach(rows, y[rows]).extend(X_test)
    learner.query(10)
    assert learner.history_[0]["proxy_change"] is None


def test_sample():
    rows = PredictionsSettled(n_rows=7).sample(100, 0)
    assert len(np.unique(rows)) == 7 and (np.diff(rows) > 0).all() and rows.max() < 100
    np.testing.assert_array_equal(rows, PredictionsSettled(n_rows=7).sample(100, 0))
    assert PredictionsSettled().sample(5, 0).tolist() == [0, 1, 2, 3, 4]


def test_line_in_the_curve():
    learner = learner_of(stop=clone(RULE).set_params(ends_run=False))
    curve = active_learning_curve(learner, X, y, X_test, y_test, n_repeats=2)
    display = ActiveLearningDisplay(curve).plot()
    met = curve[curve["settled"].eq(True)].groupby("repeat")["n_labeled"].min()
    assert display.stops_[""].get_xdata()[0] == met.mean()
    assert ActiveLearningDisplay(curve.drop(columns="settled")).plot().stops_ == {}


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"measure": "delta"}, "measure"),
        ({"tolerance": 1.5}, "tolerance"),
        ({"patience": 0}, "patience"),
        ({"ends_run": "no"}, "ends_run"),
    ],
)
def test_bad_parameters(params, match):
    with pytest.raises(ValueError, match=match):
        learner_of(stop=PredictionsSettled(**params)).fit(X, y)


def test_rule_must_be_one():
    with pytest.raises(ValueError, match="stop"):
        learner_of(stop="kappa").fit(X, y)


def test_expected_error_needs_probabilities():
    with pytest.raises(ValueError, match="probabilities"):
        ProxyActiveLearner(Perceptron(), strategy="random", stop=PredictionsSettled("expected_error")).fit(X)
