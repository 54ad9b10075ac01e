"""Several proxies: which are trained, how their rankings are averaged, what is kept of them."""

import warnings

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_proxies import CountedTraining, blobs, n_trainings

from sksvp import CoresetClassifier, ProxyCoresetSampler, ProxyCoresetSelector, RankingSettled
from sksvp.agreement import rank_correlation
from sksvp.proxies import Incremental
from sksvp.strategies import (
    AreaUnderMargin,
    BetaSample,
    Evidence,
    ForgettingEvents,
    Soft,
    Stratified,
    Top,
    Window,
    choose_together,
    resolve_strategy,
)
from sksvp.strategies._several_proxies import mean_ranks

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

X, y = blobs(150)
MLP = Incremental(MLPClassifier((8,)), n_epochs=6, batch_size=30)


def selector(proxy=MLP, strategy="el2n", **params):
    params = {"subset_size": 0.3, "random_state": 0, **params}
    return ProxyCoresetSelector(proxy, strategy=strategy, **params)


def test_ranks_are_averaged_with_ties_and_infinity():
    scores = np.array([[0.0, 0.0, np.inf, 2.0], [5.0, 1.0, 1.0, np.inf]])
    assert mean_ranks(scores).tolist() == [2.25, 1.5, 2.75, 3.5]


def test_rows_are_ranked_by_the_mean_rank_of_single_proxies():
    together = selector(n_proxies=3).fit(X, y)
    assert len(together.proxies_) == 3
    alone = [part.rank(evidence, 1)[1] for part, evidence in _singles(together, "el2n")]
    expected = np.mean([rankdata(scores) for scores in alone], axis=0)
    np.testing.assert_array_equal(together.scores_, expected)
    assert expected[together.indices_].min() >= np.delete(expected, together.indices_).max()


def _singles(fitted, name):
    """Return the strategy of a name with the evidence of each proxy."""
    rule = resolve_strategy(name)
    return [(rule, evidence) for evidence in fitted._evidence_again(rule.requires, X)]


@pytest.mark.parametrize("strategy", ["el2n", "entropy", "stratified", "forgetting_events", "k_centers"])
def test_the_first_proxy_is_that_of_one(strategy):
    proxy = make_pipeline(StandardScaler(), MLP)
    one, three = (selector(proxy, strategy, n_proxies=n).fit(X, y) for n in (1, 3))
    default = ProxyCoresetSelector(proxy, strategy=strategy, subset_size=0.3, random_state=0).fit(X, y)
    np.testing.assert_array_equal(one.order_, default.order_)
    np.testing.assert_array_equal(one.proxy_.predict_proba(X), three.proxy_.predict_proba(X))
    assert three.proxy_ is three.proxies_[0]
    others = [proxy.predict_proba(X) for proxy in three.proxies_]
    assert not np.array_equal(others[0], others[1]) and not np.array_equal(others[1], others[2])


def test_a_seed_of_the_proxy_gives_way_to_others():
    proxy = Incremental(MLPClassifier((8,), random_state=7), n_epochs=3, batch_size=30, random_state=3)
    fitted = ProxyCoresetSelector(proxy, strategy="entropy", n_proxies=2).fit(X, y)
    again = ProxyCoresetSelector(clone(proxy), strategy="entropy", n_proxies=2).fit(X, y)
    np.testing.assert_array_equal(fitted.scores_, again.scores_)
    seeds = [(one.random_state, one.estimator.random_state) for one in fitted.proxies_]
    assert seeds[0] == (3, 7)
    assert len({*seeds[0], *seeds[1]}) == 4
    assert not np.array_equal(*(one.predict_proba(X) for one in fitted.proxies_))


def test_more_proxies_agree_more():
    rows, labels = blobs(400, n_classes=4, n_features=6, seed=3)

    def agreement(n):
        scores = [selector(n_proxies=n, random_state=seed).fit(rows, labels).scores_ for seed in (0, 1)]
        return rank_correlation(*scores)

    assert agreement(5) > agreement(1) + 0.02


def test_samplers_get_a_score_of_the_mean_ranks():
    fitted = selector(strategy=Top("el2n"), n_proxies=3).fit(X, y)
    np.testing.assert_array_equal(fitted.indices_, selector(n_proxies=3).fit(X, y).indices_)
    ranks = selector(n_proxies=3).fit(X, y).scores_
    np.testing.assert_array_equal(np.argsort(ranks, kind="stable"), np.argsort(fitted.scores_, kind="stable"))
    single = np.array([rule.rank(evidence, 1)[1] for rule, evidence in _singles(fitted, "el2n")])
    assert fitted.scores_.max() == pytest.approx(single.max(axis=1).mean())
    assert fitted.scores_.mean() == pytest.approx(single.mean(), rel=1e-3)


@pytest.mark.parametrize(
    "strategy",
    [
        Stratified("el2n"),
        Stratified("forgetting_events"),
        BetaSample(),
        Window("el2n", 0.1),
        Soft("entropy"),
        "badge",
    ],
)
def test_every_kind_of_strategy_chooses(strategy):
    fitted = selector(make_pipeline(StandardScaler(), MLP), strategy, n_proxies=2).fit(X, y)
    assert len(fitted.indices_) == 45
    by_class = selector(make_pipeline(StandardScaler(), MLP), strategy, n_proxies=2, class_balanced=True).fit(
        X, y
    )
    assert np.bincount(y[by_class.indices_]).tolist() == [15, 15, 15]


def test_equal_proxies_choose_as_one():
    probabilities = np.random.RandomState(0).dirichlet([1, 1, 1], 20)
    events = np.array([0.0, 1.0, np.inf, 2.0] * 5)
    evidence = Evidence(probabilities=probabilities, forgetting_events=events)
    for strategy in (ForgettingEvents(), Stratified("entropy"), Soft("forgetting_events")):
        together, mean = choose_together(strategy, [evidence, evidence], 0)
        np.testing.assert_array_equal(
            strategy.rank(evidence, 8, random_state=1)[0][:8], together.rank(mean, 8, random_state=1)[0][:8]
        )


def test_mean_evidence():
    first = Evidence(
        logits=np.array([[0.0, 0.0], [1000.0, 0.0]]),
        features=np.eye(2),
        training_record=np.zeros((2, 3, 3)),
        classes=["a", "b"],
    )
    second = Evidence(
        logits=np.array([[0.0, -np.inf], [0.0, 0.0]]),
        features=2 * np.eye(2),
        training_record=np.full((2, 2, 3), 2.0),
        classes=["a", "b"],
    )
    _, mean = choose_together(Top("entropy"), [first, second], 0)
    np.testing.assert_allclose(np.exp(mean.logits), [[0.75, 0.25], [0.75, 0.25]])
    np.testing.assert_array_equal(mean.features, np.eye(2))
    np.testing.assert_array_equal(mean.training_record, np.ones((2, 2, 3)))
    assert mean.classes.tolist() == ["a", "b"]


def test_each_proxy_is_an_entry_of_the_memory(tmp_path):
    log = str(tmp_path / "log")
    chooser = selector(CountedTraining(log), "entropy", n_proxies=3, memory=tmp_path / "memory")
    first = chooser.fit(X, y)
    assert (n_trainings(log), first.from_cache_) == (3, False)
    more = clone(chooser).set_params(n_proxies=4).fit(X, y)
    assert (n_trainings(log), more.from_cache_) == (4, False)
    fewer = clone(chooser).set_params(n_proxies=2).fit(X, y)
    assert (n_trainings(log), fewer.from_cache_) == (4, True)


def test_choosing_again_and_the_table_use_all_proxies():
    fitted = selector(strategy="el2n", n_proxies=3).fit(X, y)
    for strategy in ("aum", "entropy", Stratified("el2n", 0.1), "random"):
        fresh = selector(strategy=strategy, n_proxies=3).fit(X, y)
        again = fitted.rerank(strategy=strategy)
        np.testing.assert_array_equal(again.order_, fresh.order_)
        np.testing.assert_array_equal(again.scores_, fresh.scores_)
    table = fitted.score_table()
    np.testing.assert_array_equal(table["el2n"], fitted.scores_)
    np.testing.assert_array_equal(table["aum"], fitted.rerank(strategy="aum").scores_)
    margins = fitted.record_.channels["margin"].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(AreaUnderMargin().score(fitted._kept, np.arange(len(y))), -margins)


def test_out_of_fold_and_a_rule_hold_for_each():
    unseen = selector(strategy="entropy", n_proxies=2, probabilities="out_of_fold").fit(X, y)
    assert not np.array_equal(unseen._kept.probabilities, unseen._kept_further[0].probabilities)
    stopped = selector(n_proxies=2, stop_proxy=RankingSettled(0.5, patience=1, min_epochs=1)).fit(X, y)
    assert stopped.proxy_stop_.stopped
    assert len(stopped.indices_) == 45


def test_timings_are_sums(tmp_path):
    proxy = CountedTraining(str(tmp_path / "log"), seconds=0.05)
    assert selector(proxy, "entropy", n_proxies=3).fit(X, y).timings_["proxy_fit"] > 0.14


def test_the_sampler_and_the_classifier_have_it_too():
    sampler = ProxyCoresetSampler(MLP, strategy="el2n", subset_size=0.3, n_proxies=2, random_state=0)
    sampler.fit_resample(X, y)
    classifier = CoresetClassifier(LogisticRegression(), selector(n_proxies=2)).fit(X, y)
    np.testing.assert_array_equal(sampler.indices_, classifier.selector_.indices_)


def test_proxies_that_say_the_same_are_warned_of():
    with pytest.warns(UserWarning, match="n_proxies=1 chooses the same rows") as caught:
        selector(LogisticRegression(), "entropy", n_proxies=2).fit(X, y)
    assert {warning.filename for warning in caught} == {__file__}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*chooses the same rows")
        selector(RandomForestClassifier(5), "entropy", n_proxies=2).fit(X, y)


def test_a_strategy_without_proxy_trains_none():
    fitted = selector(strategy="random", n_proxies=3).fit(X, y)
    assert fitted.proxy_ is None and fitted.proxies_ == []
    np.testing.assert_array_equal(fitted.indices_, selector(strategy="random").fit(X, y).indices_)


def test_the_bar_names_each_proxy(capsys):
    selector(n_proxies=2, verbose=1).fit(X, y)
    shown = capsys.readouterr().err
    assert "5/5" in shown and "proxy 2/2" in shown and "ranking" in shown


@pytest.mark.parametrize("wrong", [0, -1, 1.0, True, None, "2"])
def test_wrong_numbers_of_proxies(wrong):
    with pytest.raises(ValueError, match="n_proxies"):
        selector(n_proxies=wrong).fit(X, y)


def test_what_cannot_be_averaged():
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    with pytest.raises(ValueError, match=r"n_proxies=2 trains the proxy 2 times.*frozen"):
        selector(frozen, "entropy", n_proxies=2).fit(X, y)

    class Partial(ForgettingEvents):
        def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
            return np.arange(evidence.n_rows), np.full(evidence.n_rows, np.nan)

    with pytest.raises(ValueError, match=r"Partial gave NaN to 150 of 150 rows"):
        selector(strategy=Partial(), n_proxies=2).fit(X, y)
