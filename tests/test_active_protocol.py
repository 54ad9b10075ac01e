"""Rounds: the protocol of an experiment, and searches over it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import ProxyActiveLearner
from sksvp.active import replay_selection
from sksvp.active._protocol import make_plan
from sksvp.estimators import ResNetClassifier
from sksvp.strategies import least_confidence

X, y = blobs(100)
X_val, y_val = blobs(60, seed=1)
LOGISTIC = LogisticRegression(max_iter=1000)
SECONDS = ("proxy_fit", "inference", "ranking", "target_fit")
KEYS = {
    "round",
    "n_labeled",
    "rows",
    *SECONDS,
    *(f"{part}_cpu" for part in SECONDS),
    "proxy_score",
    "target_score",
}


def learner_of(tmp_path=None, **params):
    proxy = LOGISTIC if tmp_path is None else CountedTraining(str(tmp_path / "proxy"))
    return ProxyActiveLearner(proxy, **{"rounds": [10, 20], "initial_size": 10, "random_state": 0, **params})


def test_history():
    learner = learner_of(target=LogisticRegression(C=0.1, max_iter=1000), target_at="all")
    learner.fit(X, y, X_val=X_val, y_val=y_val)
    assert all(set(entry) == KEYS for entry in learner.history_)
    assert [entry["round"] for entry in learner.history_] == [0, 1, 2]
    assert [entry["n_labeled"] for entry in learner.history_] == [10, 20, 40]
    assert [len(entry["rows"]) for entry in learner.history_] == [10, 10, 20]
    chosen = np.concatenate([entry["rows"] for entry in learner.history_])
    assert sorted(chosen) == learner.labeled_rows_.tolist()
    np.testing.assert_array_equal(learner.labels_, y[learner.labeled_rows_])
    first, second, third = learner.history_
    assert first["proxy_fit"] is first["inference"] is first["target_fit"] is None
    for entry in (second, third):
        assert all(type(entry[part]) is float for part in KEYS - {"round", "n_labeled", "rows"})
    known = np.sort(np.concatenate([first["rows"], second["rows"]]))
    assert second["proxy_score"] == clone(LOGISTIC).fit(X[known], y[known]).score(X_val, y_val)
    target = LogisticRegression(C=0.1, max_iter=1000).fit(X[known], y[known])
    assert second["target_score"] == target.score(X_val, y_val)
    assert third["target_score"] == learner.score(X_val, y_val)
    assert learner._run.X is None


def test_rounds_are_the_definition():
    learner = learner_of(strategy="least_confidence").fit(X, y)
    labelled = np.zeros(100, dtype=bool)
    labelled[learner.history_[0]["rows"]] = True
    for entry in learner.history_[1:]:
        model = clone(LOGISTIC).fit(X[labelled], y[labelled])
        free = np.flatnonzero(~labelled)
        scores = least_confidence(model.predict_proba(X[free]))
        best = free[np.argsort(-scores, kind="stable")][: len(entry["rows"])]
        np.testing.assert_array_equal(entry["rows"], best)
        labelled[best] = True


@pytest.mark.parametrize(
    ("params", "val", "proxies", "targets"),
    [
        ({}, False, 2, 1),
        ({}, True, 3, 1),
        ({"target_at": "all"}, False, 2, 2),
        ({"target_at": [10, 40]}, False, 2, 2),
        ({"target_at": []}, False, 2, 0),
        ({"strategy": "random"}, False, 0, 1),
        ({"strategy": "random"}, True, 0, 1),
        ({"strategy": "random", "target": None}, True, 3, 0),
        ({"target": None}, False, 3, 0),
        ({"target": "same"}, False, 3, 0),
        ({"target": "same", "target_at": "all"}, True, 3, 0),
        ({"target": "same", "target_at": [20]}, False, 2, 0),
    ],
    ids=str,
)
def test_nothing_is_trained_that_nobody_needs(tmp_path, params, val, proxies, targets):
    learner = learner_of(tmp_path, target=CountedTraining(str(tmp_path / "target")))
    learner.set_params(**{k: v for k, v in params.items() if v != "same"})
    if params.get("target") == "same":
        learner.set_params(target=CountedTraining(str(tmp_path / "proxy")))
    scored = {"X_val": X_val, "y_val": y_val} if val else {}
    learner.fit(X, y, **scored)
    assert n_trainings(tmp_path / "proxy") == proxies
    assert n_trainings(tmp_path / "target") == targets
    if params.get("target_at") == []:
        with pytest.raises(NotFittedError, match="target_at named no total"):
            learner.predict(X)
    else:
        learner.predict(X)
    assert n_trainings(tmp_path / "proxy") == proxies


def test_one_model_in_both_parts_has_its_seconds_in_both(tmp_path):
    learner = learner_of(tmp_path, target=CountedTraining(str(tmp_path / "proxy")), target_at="all")
    learner.fit(X, y, X_val=X_val, y_val=y_val)
    _, first, second = learner.history_
    assert second["proxy_fit"] == first["target_fit"]
    assert first["target_score"] == first["proxy_score"]
    assert learner.target_ is learner.proxy_


def test_selection_does_not_depend_on_what_is_only_reported():
    plain = learner_of().fit(X, y)
    other = learner_of(target=LogisticRegression(C=9), target_at="all").fit(X, y, X_val=X_val, y_val=y_val)
    for one, two in zip(plain.history_, other.history_, strict=True):
        np.testing.assert_array_equal(one["rows"], two["rows"])
    # Strategies of one seed share their random start.
    assert set(learner_of(strategy="random").fit(X, y).history_[0]["rows"]) == set(plain.history_[0]["rows"])


def test_interactive_and_rounds_agree():
    learner = learner_of().fit(X, y)
    hand = ProxyActiveLearner(LOGISTIC, random_state=0).fit(X)
    for size, entry in zip([10, 10, 20], learner.history_, strict=True):
        rows = hand.query(size)
        np.testing.assert_array_equal(rows, entry["rows"])
        hand.teach(rows, y[rows])
        assert hand.history_[-1]["round"] == entry["round"]
        assert hand.history_[-1]["n_labeled"] == entry["n_labeled"]


# The plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize("initial_size", [0, 0.0, float("nan"), -1])
def test_a_start_of_no_rows_is_refused(initial_size):
    with pytest.raises(
        ValueError, match="initial_size must be a number of rows or a share of the pool above 0"
    ):
        make_plan([10], initial_size, "last", 100)


@pytest.mark.parametrize(
    ("rounds", "initial_size", "sizes"),
    [
        ([10, 5], 0.02, [2, 10, 5]),
        ([0.1, 0.255], 7, [7, 10, 26]),
        (np.array([0.1]), 0.001, [1, 10]),
        (np.array([3, 4]), 1, [1, 3, 4]),
        # Shares of the whole pool never ask for more, however they are rounded: here 35.5 and 35.5.
        ([0.355, 0.355, 0.27], 0.02, [2, 36, 36, 26]),
        ([0.2, 0.7], 0.1, [10, 20, 70]),
        ([0.9996], 0.0004, [1, 99]),
        ((1.0,), 0.4, None),
    ],
    ids=str,
)
def test_sizes(rounds, initial_size, sizes):
    if sizes is None:
        with pytest.raises(ValueError, match=r"ask for 140 labels of a pool of 100 rows"):
            make_plan(rounds, initial_size, "last", 100)
    else:
        assert make_plan(rounds, initial_size, "last", 100).sizes == sizes


@pytest.mark.parametrize(
    ("target_at", "totals"), [("last", {40}), ("all", {20, 40}), ([10, 40], {10, 40}), (np.array([20]), {20})]
)
def test_target_totals(target_at, totals):
    assert make_plan([10, 20], 10, target_at, 100).due == totals


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rounds": []}, r"rounds=\[\] must hold"),
        ({"rounds": [10, 0.5]}, "all ints or all floats"),
        ({"rounds": [True]}, "all ints or all floats"),
        ({"rounds": [0]}, "each buy one label at least"),
        ({"rounds": [0.001]}, "each buy one label at least"),
        ({"rounds": [1.5]}, r"shares of the pool, in \(0, 1\]"),
        ({"rounds": ["many"]}, "The 'rounds' parameter"),
        ({"rounds": 5}, "'rounds' parameter"),
        ({"rounds": [50, 50]}, "ask for 110 labels of a pool of 100"),
        ({"rounds": [0.5, 0.5]}, "ask for 110 labels of a pool of 100"),
        ({"rounds": [0.5, 0.496], "initial_size": 0.02}, "ask for 102 labels of a pool of 100"),
        ({"target_at": [10, 30]}, r"totals that never occur: 30; the totals are 10, 20, 40"),
        ({"target_at": [0.5]}, "The 'target_at' parameter"),
        ({"target_at": "first"}, "'target_at' parameter"),
    ],
    ids=str,
)
def test_plans_that_are_refused(params, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        learner_of(checkpoint=tmp_path / "runs").set_params(**params).fit(X, y)
    assert not (tmp_path / "runs").exists()


def test_methods_of_a_person_are_refused_after_rounds():
    learner = learner_of().fit(X, y)
    for call in (lambda: learner.query(1), lambda: learner.teach([0], [0]), lambda: learner.extend(X)):
        with pytest.raises(ValueError, match="is for rounds=None"):
            call()


def test_y_val():
    for wrong in ({"X_val": X_val}, {"y_val": y_val}):
        with pytest.raises(ValueError, match="given together"):
            learner_of().fit(X, y, **wrong)
    with pytest.raises(ValueError, match="y_val lacks 1 labels"):
        learner_of().fit(X, y, X_val=X_val, y_val=[None, *y_val[1:]])


# The oracle ----------------------------------------------------------------------------------


class Oracle:
    def __init__(self, answer=lambda rows: y[rows]):
        self.answer, self.asked = answer, []

    def __call__(self, rows):
        self.asked.append(rows.tolist())
        return self.answer(rows)


def test_oracle_is_asked_for_what_y_lacks():
    oracle = Oracle()
    learner = learner_of(oracle=oracle).fit(X)
    assert oracle.asked == [entry["rows"].tolist() for entry in learner.history_]
    plain = learner_of().fit(X, y)
    np.testing.assert_array_equal(learner.labeled_rows_, plain.labeled_rows_)
    half = Oracle()
    known = [label if row % 2 else None for row, label in enumerate(y.tolist())]
    other = learner_of(oracle=half).fit(X, known)
    np.testing.assert_array_equal(other.labeled_rows_, plain.labeled_rows_)
    assert [row for rows in half.asked for row in rows] == [
        row for entry in plain.history_ for row in entry["rows"] if row % 2 == 0
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda rows: y[rows][:-1], r"one label for each of the 10 rows it is asked for, got 9 values"),
        (lambda rows: [None, *y[rows][1:]], r"got 10 values, 9 of them labels"),
        (lambda rows: y[rows] + 0.5, "continuous"),
        (lambda rows: None, "oracle must return one label for each of the 10 rows .* got NoneType"),
        (lambda rows: dict(zip(rows, y[rows], strict=True)), "as a list or an array, got dict"),
    ],
    ids=["short", "missing", "no class", "nothing", "by row"],
)
def test_answers_that_are_refused(answer, message):
    with pytest.raises(ValueError, match=message):
        learner_of(oracle=answer).fit(X)


def test_without_labels_or_oracle():
    with pytest.raises(ValueError, match="y lacks 1 of 100"):
        learner_of().fit(X, [None, *y[1:].tolist()])
    with pytest.raises(ValueError, match="requires y to be passed"):
        learner_of().fit(X)


def test_exceptions_of_the_oracle_reach_the_user_and_the_state_is_saved(tmp_path):
    def fail_later(rows):
        if len(oracle.asked) == 3:
            raise ConnectionError("the labelling service is down")
        return y[rows]

    oracle = Oracle(fail_later)
    learner = learner_of(oracle=oracle, checkpoint=tmp_path)
    with pytest.raises(ConnectionError, match="service is down"):
        learner.fit(X)
    assert not hasattr(learner, "_run")
    oracle.answer = lambda rows: y[rows]
    learner.fit(X)
    assert oracle.asked[2] == oracle.asked[3] and len(oracle.asked) == 4
    np.testing.assert_array_equal(learner.labeled_rows_, learner_of().fit(X, y).labeled_rows_)


# Searches ------------------------------------------------------------------------------------


def test_grid_search_with_a_checkpoint_root(tmp_path):
    learner = learner_of(
        checkpoint=tmp_path / "runs", rounds=[5, 5], target=LogisticRegression(C=3, max_iter=500)
    )
    grid = {"strategy": ["entropy", "random"], "rounds": [[5, 5], [0.1]], "proxy__C": [1, 10]}
    search = GridSearchCV(learner, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len([path for path in (tmp_path / "runs").iterdir() if path.is_dir()]) == 8 * 2 + 1
    again = GridSearchCV(learner, grid, cv=2, error_score="raise").fit(X, y)
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])
    assert len([path for path in (tmp_path / "runs").iterdir() if path.is_dir()]) == 8 * 2 + 1


def test_grid_search_over_the_depth_of_the_proxy():
    rng = np.random.RandomState(0)
    labels = np.arange(36) % 2
    images = rng.randint(0, 60, (36, 8, 8)).astype(np.uint8)
    images[labels == 1, :4] += 120
    proxy = ResNetClassifier(max_epochs=1, batch_size=8, device="cpu")
    target = make_pipeline(StandardScaler(), LogisticRegression())
    learner = ProxyActiveLearner(proxy, target, rounds=[4], initial_size=8, random_state=0)
    search = GridSearchCV(learner, {"proxy__depth": [8, 14]}, cv=2, error_score="raise").fit(
        images.reshape(36, -1), labels
    )
    assert len(search.cv_results_["params"]) == 2


# Replay --------------------------------------------------------------------------------------


def test_replay_trains_the_target_that_the_run_would_have_trained(tmp_path):
    target = ResNetClassifier(depth=8, max_epochs=1, batch_size=8, device="cpu")
    whole = learner_of(target=target, target_at=[10, 40]).fit(X, y, X_val=X_val, y_val=y_val)
    plain = learner_of().fit(X, y)
    replayed = replay_selection(
        plain.history_, target, X, y, target_at=[10, 40], X_val=X_val, y_val=y_val, random_state=0
    )
    for entry, other in zip(whole.history_, replayed, strict=True):
        assert set(other) == KEYS
        assert other["target_score"] == entry["target_score"]
        assert (other["target_fit"] is None) == (entry["target_fit"] is None)
    assert plain.history_[0]["target_fit"] is None, "the history that was given is left alone"
    lists = [{**entry, "rows": entry["rows"].tolist()} for entry in plain.history_]
    assert [
        entry["target_fit"] is not None for entry in replay_selection(lists, LOGISTIC, X, y, target_at="last")
    ] == [False, False, True]


def test_replay_refuses():
    history = learner_of().fit(X, y).history_
    with pytest.raises(ValueError, match="begin with the random start"):
        replay_selection(history[1:], LOGISTIC, X, y)
    with pytest.raises(ValueError, match="totals that never occur"):
        replay_selection(history, LOGISTIC, X, y, target_at=[11])
    with pytest.raises(ValueError, match="y has no label for the row"):
        replay_selection(history, LOGISTIC, X, [None] * 100)
    with pytest.raises(ValueError, match=r"rows in history must lie in 0 \.\. 19"):
        replay_selection(history, LOGISTIC, X[:20], y[:20])
