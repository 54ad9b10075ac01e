"""The pilot: what it recommends, how sure it is, what it costs, and what it refuses."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import ProxyCoresetSampler, ProxyCoresetSelector, pilot
from sksvp.coreset._pilot import _networks_judge
from sksvp.coreset._pilot._budget import Budget, Costs
from sksvp.coreset._pilot._candidates import BASELINE, default_strategies
from sksvp.coreset._pilot._networks_judge import SmallNetworks, _visits
from sksvp.coreset._pilot._result import PilotResult
from sksvp.coreset._pilot._run import PilotRun
from sksvp.strategies import KCenters, Strategy, named_strategy

X, Y = blobs(300, n_classes=3)
PROXY = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss"))
NEIGHBOURS = KNeighborsClassifier(1)
# Small networks take seconds.
FAST = {"target": GaussianNB(), "n_repeats": 3, "random_state": 0}


@pytest.fixture(autouse=True)
def few_updates(monkeypatch):
    monkeypatch.setattr(_networks_judge, "_LEAST_UPDATES", 60)
    monkeypatch.setattr(_networks_judge, "_PASSES", 3)


class Oracle(Strategy):
    """Takes rows of X near the centre of their class, which it knows; or, reversed, rows of one class only."""

    def __init__(self, good=True):
        self.good = good

    def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
        y = np.asarray(evidence.y)
        scores = np.tile([1.0, 0.0], len(y))[: len(y)] if self.good else (y == 0) * 1.0
        order = np.argsort(-scores, kind="stable")
        return order, scores


def planted(n_rows=400):
    """Return rows, labels, and an oracle's order: the labels of a known half are noise."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) // 2 % 2
    X = np.column_stack([y * 4.0 + rng.normal(size=n_rows), rng.normal(size=n_rows)])
    noisy = y.copy()
    noisy[1::2] = rng.integers(0, 2, n_rows // 2)
    return X, noisy, y


def test_a_strategy_that_avoids_wrong_labels_is_recommended_and_one_that_misleads_is_not():
    X, noisy, true = planted()
    X_test, y_test = X + 0.01, true
    found = pilot(
        PROXY, X, noisy, strategies=[Oracle(), Oracle(good=False)], subset_size=0.3,
        X_test=X_test, y_test=y_test, target=NEIGHBOURS, random_state=0,
    )  # fmt: skip
    assert found.best_name_ == "Oracle()"
    assert found.verdict_.startswith("Take Oracle(): ")
    table = found.table_.set_index("candidate")
    assert table.loc["Oracle()", "difference"] < -2 * table.loc["Oracle()", "standard_error"]
    assert table.index[-1] == "Oracle(good=False)"
    assert table.loc["Oracle(good=False)", "error"] == pytest.approx(0.5)
    best = found.best_.fit(X, noisy)
    assert (best.indices_ % 2 == 0).all()
    assert len(best.indices_) == 120


def test_random_rows_are_recommended_where_nothing_is_surely_better():
    found = pilot(PROXY, X, Y, strategies=["margin"], subset_size=0.2, **FAST)
    assert found.best_name_ == BASELINE
    assert found.verdict_.startswith("Take class-balanced random rows")
    assert found.best_.strategy.requires == ()
    assert found.best_.class_balanced is True
    assert set(found.table_["candidate"]) == {BASELINE, "margin", "random"}
    assert "± (one s.e.)" in str(found)


def result(errors, row_errors):
    names = [BASELINE, "a", "b"][: errors.shape[1]]
    return PilotResult(
        names,
        errors,
        row_errors,
        np.zeros(len(names)),
        dict.fromkeys(names),
        [],
        "a judge",
        10,
        1.0,
        0.5,
    )


def test_the_standard_error_is_the_larger_of_repeats_and_rows():
    errors = np.array([[0.2, 0.1], [0.3, 0.1], [0.25, 0.2]])
    rows = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    difference = errors[:, 1] - errors[:, 0]
    by_repeat = np.std(difference, ddof=1) / np.sqrt(3)
    by_row = np.std(rows[1] - rows[0], ddof=1) / 2
    assert by_row > by_repeat
    table = result(errors, rows).table_.set_index("candidate")
    assert table.loc["a", "difference"] == pytest.approx(difference.mean())
    assert table.loc["a", "standard_error"] == pytest.approx(by_row)
    calm = np.tile([[0.5], [0.4]], 4)
    assert result(errors, calm).table_.set_index("candidate").loc["a", "standard_error"] == pytest.approx(
        by_repeat
    )


def test_a_judge_that_learned_little_is_told():
    rows = np.zeros((2, 4))
    assert "It learned little" in str(result(np.full((3, 2), 0.45), rows))
    assert "It learned little" not in str(result(np.full((3, 2), 0.3), rows))


def test_the_winner_is_the_best_of_those_that_surely_lead():
    # b has the lower mean, but its lead is within twice its standard error.
    errors = np.array([[0.30, 0.25, 0.00], [0.30, 0.26, 0.30], [0.30, 0.25, 0.30]])
    rows = np.tile(errors.mean(axis=0)[:, None], 5)
    assert result(errors, rows).best_name_ == "a"


def test_the_same_seed_repeats():
    first, second = (
        pilot(PROXY, X, Y, strategies=["el2n"], subset_size=0.3, **FAST).errors_ for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_held_out_rows_are_not_trained_on():
    """A judge that knows its rows by heart is only right by chance where labels are noise."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2, 300)
    found = pilot(
        PROXY,
        rng.normal(size=(300, 3)),
        noise,
        strategies=["entropy"],
        subset_size=0.9,
        target=NEIGHBOURS,
        random_state=0,
    )
    assert (found.errors_ > 0.3).all()


def test_one_training_of_the_proxy_serves_all_strategies_and_the_memory_keeps_it(tmp_path):
    log = tmp_path / "log"
    proxy = CountedTraining(log)
    told = {"subset_size": 0.3, "memory": tmp_path / "memory", **FAST}
    pilot(proxy, X, Y, strategies=["entropy", "margin", "k_centers"], **told)
    assert n_trainings(log) == 3
    pilot(proxy, X, Y, strategies=["entropy", "margin", "k_centers", "least_confidence"], **told)
    assert n_trainings(log) == 3


def test_several_proxies_are_compared_and_the_best_is_returned():
    proxies = {"line": LogisticRegression(), "guess": DummyClassifier(strategy="uniform")}
    found = pilot(proxies, X, Y, strategies=["entropy"], subset_size=0.3, **FAST)
    assert set(found.table_["candidate"]) == {BASELINE, "random", "entropy by line", "entropy by guess"}
    assert isinstance(found.selectors["entropy by guess"].proxy, DummyClassifier)


def test_candidates_without_evidence_are_listed_and_the_others_go_on():
    found = pilot(
        LogisticRegression(),
        X,
        Y,
        strategies=["aum", "entropy"],
        subset_size=0.3,
        n_repeats=3,
        random_state=0,
    )
    (left_out,) = found.left_out_
    assert left_out.name == "aum"
    assert left_out.reason == "the proxy LogisticRegression gives no training_record"
    assert "entropy" in found.names
    assert "left out: aum: " in str(found)


def test_a_strategy_that_fails_is_listed_and_the_others_go_on():
    found = pilot(
        PROXY,
        X,
        Y,
        strategies=[KCenters(n_initial=200), "entropy"],
        subset_size=0.3,
        n_repeats=3,
        random_state=0,
    )
    assert [out.name for out in found.left_out_] == ["KCenters(n_initial=200)"]
    assert "n_initial" in found.left_out_[0].reason


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.9])
def test_default_candidates_need_nothing_that_the_proxy_lacks(share):
    for gives in (
        (),
        ("probabilities",),
        ("probabilities", "features"),
        ("probabilities", "training_record"),
    ):
        for entry in default_strategies(gives, share):
            assert set(named_strategy(entry.removeprefix("class-balanced ")).requires) <= set(gives)
    assert default_strategies(("features",), share)[0] == "facility_location"


# The budget ---------------------------------------------------------------------------------------


def test_a_budget_that_fits_no_candidate_says_what_one_costs(tmp_path):
    slow = CountedTraining(tmp_path / "log", seconds=0.3)
    with pytest.raises(ValueError, match=r"budget=0.5 fits no candidate: one costs about [0-9.]+ seconds"):
        pilot(slow, X, Y, strategies=["entropy"], subset_size=0.3, budget=0.5, random_state=0)


@pytest.mark.parametrize(
    ("left", "n_repeats", "n_kept"),
    [(100.0, 5, 4), (21.0, 4, 4), (15.5, 3, 4), (14.9, 3, 3), (9.5, 3, 2), (1.0, 3, 2)],
)
def test_a_budget_ends_repeats_first_and_then_candidates(monkeypatch, left, n_repeats, n_kept):
    # A repeat takes a second for the proxy and one for each candidate: five for all.
    monkeypatch.setattr(Budget, "left", left)
    planned = Budget(60.0).plan(Costs(1.0, 1.0), [BASELINE, "a", "b", "c"], 5)
    assert planned == (n_repeats, [BASELINE, "a", "b", "c"][:n_kept])


def test_a_budget_after_the_first_repeat_counts_what_choosing_took(monkeypatch):
    monkeypatch.setattr(Budget, "left", 8.0)
    costs = Costs(1.0, 1.0, {"a": 0.5, "b": 5.0})
    assert Budget(60.0).plan(costs, [BASELINE, "a", "b"], 5, done=1) == (3, [BASELINE, "a"])


def test_what_the_budget_leaves_out_is_listed(monkeypatch):
    monkeypatch.setattr(Budget, "left", 10.0)
    monkeypatch.setattr(PilotRun, "_probe", lambda *given: Costs(1.0, 1.0))
    names = ["entropy", "margin", "least_confidence"]
    found = pilot(LogisticRegression(), X, Y, strategies=names, subset_size=0.5, budget=10, **FAST)
    assert found.names == [BASELINE, "entropy"]
    assert {out.name for out in found.left_out_} == {"margin", "least_confidence", "random"}
    assert found.left_out_[0].reason == "the budget of 10 seconds ended before the first repeat"
    assert len(found.errors_) == 3


# The judge ----------------------------------------------------------------------------------------


def test_networks_side_by_side_are_each_trained_alone():
    rng = np.random.default_rng(0)
    sets = [rng.permutation(300)[:40] for _ in range(4)]
    together = SmallNetworks().wrong(X, Y, sets, [5, 5, 6, 6], X, Y)
    for place, (rows, seed) in enumerate(zip(sets, [5, 5, 6, 6], strict=True)):
        alone = SmallNetworks().wrong(X, Y, [rows], [seed], X, Y)
        assert np.mean(together[place] != alone[0]) < 0.01
    # It has learned something of these classes.
    assert (together.mean(axis=1) < LogisticRegression().fit(X, Y).score(X, Y)).all()


def test_visits_are_passes_over_the_rows():
    rows = np.arange(100, 132)
    (visits,) = _visits([rows], [0], 3).transpose(1, 0, 2)
    assert visits.shape == (3, 64)
    for batch in visits:
        assert (np.bincount(batch - 100) == 2).all()


def test_a_set_of_one_class_is_judged_by_its_class():
    found = pilot(
        PROXY,
        X,
        Y,
        strategies=[Oracle(good=False)],
        subset_size=0.2,
        target=LogisticRegression(),
        random_state=0,
    )
    assert found.table_.set_index("candidate").loc["Oracle(good=False)", "error"] == pytest.approx(2 / 3)


def test_the_judge_is_named():
    told = {"strategies": ["entropy"], "subset_size": 0.3, "n_repeats": 3, "random_state": 0}
    assert "small networks" in pilot(LogisticRegression(), X, Y, **told).judge
    assert pilot(LogisticRegression(), X, Y, target="proxy", **told).judge == "LogisticRegression itself"
    X_lists = [list(map(float, row)) for row in X]
    assert pilot(LogisticRegression(), X_lists, Y, **told).judge == "LogisticRegression itself"


# In a selector ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ProxyCoresetSelector, ProxyCoresetSampler])
def test_a_selector_chooses_by_the_pilot(kind):
    selector = kind(PROXY, strategy="pilot", subset_size=0.3, random_state=0)
    selector = selector.fit(X, Y)
    best = selector.pilot_.best_
    expected = kind(
        PROXY, strategy=best.strategy, class_balanced=best.class_balanced, subset_size=0.3, random_state=0
    ).fit(X, Y)
    assert np.array_equal(selector.indices_, expected.indices_)
    assert selector.strategy == "pilot"
    assert selector.timings_["pilot"] > 0
    assert set(selector.timings_) == {"pilot", "proxy_fit", "inference", "ranking"}
    assert np.array_equal(selector.rerank().indices_, expected.indices_)
    assert not hasattr(selector.rerank(strategy="random"), "pilot_")


def test_a_selector_keeps_its_memory_and_its_fit_parameters(tmp_path):
    log = tmp_path / "log"
    selector = ProxyCoresetSelector(
        CountedTraining(log),
        strategy="pilot",
        subset_size=0.3,
        memory=tmp_path / "memory",
        random_state=0,
    )
    weights = np.ones(len(Y))
    selector.fit(X, Y, sample_weight=weights)
    trained = n_trainings(log)
    assert 5 <= trained <= 6
    again = selector.fit(X, Y, sample_weight=weights)
    assert n_trainings(log) == trained
    assert again.pilot_.best_name_ == selector.pilot_.best_name_


def test_without_a_proxy_the_columns_choose():
    found = ProxyCoresetSelector(strategy="pilot", subset_size=0.1, random_state=0).fit(X, Y).pilot_
    assert {"herding", "facility_location", BASELINE} <= set(found.names)
    assert "entropy" not in found.names


def test_several_proxies_are_refused_in_a_selector():
    selector = ProxyCoresetSelector(PROXY, strategy="pilot", n_proxies=2, random_state=0)
    with pytest.raises(ValueError, match="n_proxies=2 must be 1 with strategy='pilot'"):
        selector.fit(X, Y)


# Bad input ----------------------------------------------------------------------------------------


RARE = np.r_[Y[:-3], [7, 7, 7]]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"y": RARE}, r"3 row\(s\) of class 7, and a pilot that holds out rows of its own needs 5 of each"),
        ({"y": np.zeros(300, dtype=int)}, "one class only, 0"),
        ({"subset_size": 2}, "keeps 2 rows in each repeat of the pilot, for 3 classes"),
        ({"subset_size": 300}, "keeps all 300 rows"),
        ({"subset_size": 1.0}, "The 'subset_size' parameter of pilot"),
        ({"strategies": ["entropie"]}, "Unknown strategy 'entropie'"),
        ({"strategies": ["pilot"]}, "got 'pilot', which compares itself"),
        ({"strategies": ["auto"]}, "got 'auto', which compares itself"),
        ({"strategies": ["stratified:score=moon"]}, "moon"),
        ({"X_test": X}, "come together"),
        ({"X_test": X, "y_test": Y + 1}, "y_test has the label 3"),
        ({"target": "network"}, "The 'target' parameter"),
        (
            {"X": [list(map(float, row)) for row in X], "target": "networks"},
            "needs a table of finite numbers",
        ),
        ({"n_repeats": 2}, "The 'n_repeats' parameter"),
        ({"budget": 0}, "The 'budget' parameter"),
        ({"proxy": {}}, "at least one model"),
    ],
)
def test_bad_input_is_refused(told, message):
    arguments = {"proxy": LogisticRegression(), "X": X, "y": Y, "random_state": 0} | told
    with pytest.raises(ValueError, match=message):
        pilot(arguments.pop("proxy"), arguments.pop("X"), arguments.pop("y"), **arguments)


def test_test_rows_make_small_classes_possible():
    found = pilot(
        LogisticRegression(),
        X,
        RARE,
        strategies=["entropy"],
        X_test=X,
        y_test=RARE,
        n_repeats=3,
        random_state=0,
    )
    assert found.row_errors.shape == (3, 300)


def test_folds_hold_out_each_row_once():
    found = pilot(
        LogisticRegression(), X, Y, strategies=["entropy"], subset_size=0.5, **FAST | {"n_repeats": 5}
    )
    assert found.row_errors.shape[1] == 300
    sizes = [len(held) for _, held in StratifiedKFold(5).split(X, Y)]
    assert found.n_kept == round(0.5 * (300 - sizes[0]))


def test_a_repeat_that_keeps_fewer_rows_than_classes_is_refused():
    # Of the 3 rows four fifths are left in a repeat.
    with pytest.raises(
        ValueError, match="subset_size=3 keeps 2 rows in each repeat of the pilot, for 3 classes"
    ):
        pilot(PROXY, X, Y, subset_size=3, strategies=["entropy"], **FAST)
    assert (
        pilot(PROXY, X, Y, subset_size=3, strategies=["entropy"], X_test=X[:30], y_test=Y[:30], **FAST).n_kept
        == 3
    )


def test_test_rows_of_another_form_are_named():
    n_columns = X.shape[1]
    for X_test, y_test, message in (
        (X[:1], Y[:1], "X_test and y_test must have two rows at least, got 1"),
        (X[:5, :1], Y[:5], rf"X_test must have rows of the shape \({n_columns},\), as X has, got \(1,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            pilot(PROXY, X, Y, X_test=X_test, y_test=y_test)


def test_strategies_none_of_which_the_proxy_can_serve_are_refused():
    with pytest.raises(
        ValueError, match=r"strategies=\['el2n'\]: none of them can be tried; el2n: the proxy"
    ):
        pilot(LogisticRegression(), X, Y, strategies=["el2n"], subset_size=0.5)
