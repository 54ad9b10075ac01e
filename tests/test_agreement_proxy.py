"""Agreement of a proxy with its target, against trainings by hand."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from toy_proxies import blobs

from sksvp.agreement import overlap, proxy_agreement, rank_correlation
from sksvp.strategies import Auto, Entropy, Stratified, choose, entropy

X, Y = blobs(120)


def test_is_what_trainings_by_hand_give():
    small, large = GaussianNB(), LogisticRegression()
    found = proxy_agreement(small, large, X, Y, strategy="entropy", shares=[0.2, 50], random_state=0)
    a, b = (entropy(model.fit(X, Y).predict_proba(X)) for model in (small, large))
    assert found.correlation == pytest.approx(rank_correlation(a, b))
    expected = overlap(a, b, [0.2, 50])
    assert found.overlap["overlap"].tolist() == pytest.approx(expected["overlap"].tolist())
    assert found.overlap["chance"].tolist() == expected["chance"].tolist()
    # Neither draws anything: the runs are equal.
    assert found.ceiling == pytest.approx(1.0)
    assert (found.overlap["proxy_overlap"] == 1.0).all()
    assert "proxy and target agree at" in str(found)


def test_seeds_differ_between_runs_and_the_same_seed_repeats():
    def run():
        forest = RandomForestClassifier(10, max_depth=3)
        return proxy_agreement(forest, GaussianNB(), X, Y, strategy="margin", n_runs=3, random_state=1)

    found = run()
    assert 0 < found.matrix.loc["proxy", "proxy"] < 1
    assert np.array_equal(found.scores["proxy"], run().scores["proxy"])


def test_one_run_has_no_ceiling():
    found = proxy_agreement(GaussianNB(), LogisticRegression(), X, Y, n_runs=1, random_state=0)
    assert np.isnan(found.ceiling)
    assert found.overlap["target_overlap"].isna().all()
    assert "two trainings" not in str(found)


@pytest.mark.parametrize("strategy", ["forgetting_events", "k_centers", Stratified("aum")])
def test_records_picks_and_samplers(strategy):
    proxy, target = (
        make_pipeline(scaler, SGDClassifier(loss="log_loss", alpha=alpha))
        for scaler, alpha in ((StandardScaler(), 1e-4), (MinMaxScaler(), 0.01))
    )
    found = proxy_agreement(proxy, target, X, Y, strategy=strategy, shares=[0.5], random_state=0)
    assert found.scores["proxy"].shape == (2, 120)
    assert (found.chosen["target"].sum(axis=2) == 60).all()
    assert -1 <= found.correlation <= 1


def test_classes_have_quotas():
    found = proxy_agreement(
        GaussianNB(), GaussianNB(), X, Y, strategy="entropy", shares=[30], class_balanced=True, random_state=0
    )
    assert np.bincount(Y[found.chosen["proxy"][0, 0]]).tolist() == [10, 10, 10]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"strategy": "random"}, "must read what the models say"),
        ({"strategy": "auto"}, "strategy='auto' decides anew for each share"),
        ({"strategy": Auto()}, "strategy='auto' decides anew for each share"),
        ({"strategy": "herding"}, "Herding reads features only, and those of proxy and target are the same"),
        (
            {"strategy": "forgetting_events"},
            "target: The proxy LogisticRegression cannot give forgetting_events",
        ),
        ({"shares": [0.001]}, "keeps none"),
        ({"n_runs": 0}, "The 'n_runs' parameter"),
        ({"y": np.zeros(120, dtype=int)}, "two classes or more"),
        ({"y": Y[:5]}, "120"),
    ],
)
def test_bad_input_is_refused(told, message):
    arguments = {"y": Y, "strategy": "entropy"} | told
    with pytest.raises(ValueError, match=message):
        proxy_agreement(GaussianNB(), LogisticRegression(), X, **arguments)


class Counted(Entropy):
    """Entropy that counts how often it ranks."""

    ranked = 0

    def rank(self, evidence, n_samples, **options):
        Counted.ranked += 1
        self.evidence = evidence
        return super().rank(evidence, n_samples, **options)


@pytest.mark.parametrize("class_balanced", [False, "equal"])
def test_one_ranking_serves_all_sizes(class_balanced, monkeypatch):
    monkeypatch.setattr(Counted, "ranked", 0)
    counted = Counted()
    found = proxy_agreement(
        GaussianNB(),
        LogisticRegression(),
        X,
        Y,
        strategy=counted,
        shares=[0.1, 0.3, 0.5],
        n_runs=1,
        class_balanced=class_balanced,
        random_state=0,
    )
    assert Counted.ranked == 2
    for chosen, size in zip(found.chosen["target"][0], (12, 36, 60), strict=True):
        rows = choose(Entropy(), counted.evidence, size, class_balanced=class_balanced).rows
        assert sorted(rows) == np.flatnonzero(chosen).tolist()
