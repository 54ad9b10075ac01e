"""The rule of "auto": what it sees, and what it takes."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp import ProxyActiveLearner
from sksvp.strategies import (
    Auto,
    AutoQuery,
    Evidence,
    FacilityLocation,
    Margin,
    Random,
    TrainingRecord,
    TypiClust,
    choose,
)
from sksvp.strategies._auto import Looks, Thresholds, decide_by

N, N_CLASSES = 1000, 4
Y = np.arange(N) % N_CLASSES


def make_evidence(*, wrong=0.0, mostly_wrong=0.0, kinds=("training_record", "features")):
    """Classes far apart, of which some rows have the label of another, and some are wrong at most visits."""
    rng = np.random.RandomState(0)
    y = Y.copy()
    others = rng.permutation(N)[: int(wrong * N)]
    y[others] = (y[others] + 1) % N_CLASSES
    is_wrong = np.isin(np.arange(N), rng.permutation(N)[: int(mostly_wrong * N)])
    margins = np.where(is_wrong, -1.0, 1.0) + 0.1 * rng.randn(12, N)
    losses = np.log1p(np.exp(-margins))
    parts = {
        "training_record": np.stack([losses, np.full_like(losses, 0.5), margins], axis=2).transpose(1, 0, 2),
        "features": 10.0 * np.eye(N_CLASSES)[Y] + rng.randn(N, N_CLASSES),
        "probabilities": np.full((N, N_CLASSES), 1 / N_CLASSES),
    }
    return Evidence(y=y, **{kind: parts[kind] for kind in kinds})


def taken(n_samples, **looks):
    decision = Auto().decide(make_evidence(**looks), n_samples)
    return repr(decision.strategy), decision.class_balanced


RECORD, NOTHING = ("training_record",), ("probabilities",)


@pytest.mark.parametrize(
    ("share", "looks", "strategy", "balanced"),
    [
        (0.05, {}, "FacilityLocation(weights='confidence')", False),
        (0.1, {"mostly_wrong": 0.1}, "FacilityLocation(weights='confidence')", False),
        (0.2, {}, "FacilityLocation()", False),
        (0.3, {}, "D2()", True),
        (0.5, {}, "Stratified(score=EL2N())", False),
        (0.5, {"mostly_wrong": 0.1}, "Stratified(score=EL2N())", False),
        (0.7, {"mostly_wrong": 0.1}, "Stratified(score=EL2N())", False),
        (0.05, {"wrong": 0.3}, "FacilityLocation(weights='confidence')", False),
        (0.1, {"wrong": 0.3}, "FacilityLocation(weights='confidence')", False),
        # Few rows of a class do not do without their hardest third.
        (0.2, {"wrong": 0.3}, "FacilityLocation(weights='confidence')", False),
        (0.8, {"wrong": 0.3}, "FacilityLocation(weights='confidence')", False),
        # A proxy that doubts far more than the neighbours do has not learned enough.
        (0.1, {"mostly_wrong": 0.5}, "FacilityLocation()", False),
        (0.5, {"mostly_wrong": 0.5}, "Random()", True),
        (0.1, {"kinds": ("features",)}, "FacilityLocation()", False),
        (0.3, {"kinds": ("features",)}, "Random()", True),
        (0.1, {"kinds": ("features",), "wrong": 0.3}, "Random()", True),
        (0.05, {"kinds": RECORD}, "Random()", True),
        (0.2, {"kinds": RECORD, "mostly_wrong": 0.1}, "Stratified(hardest_dropped=0.2, score=EL2N())", False),
        (0.5, {"kinds": RECORD, "mostly_wrong": 0.1}, "Stratified(hardest_dropped=0.1, score=EL2N())", False),
        (0.2, {"kinds": RECORD}, "Random()", True),
        (0.7, {"kinds": RECORD}, "Stratified(score=EL2N())", False),
        (0.7, {"kinds": RECORD, "mostly_wrong": 0.2}, "Random()", True),
        (0.2, {"kinds": NOTHING}, "Random()", True),
        (0.9, {"kinds": NOTHING}, "Random()", True),
    ],
)
def test_what_is_taken(share, looks, strategy, balanced):
    assert taken(int(share * N), **looks) == (strategy, balanced)


@pytest.mark.parametrize(("share", "dropped"), [(0.2, 0.3), (0.5, 0.3), (0.8, 0.2), (0.999, 0.001)])
def test_many_rows_of_a_class_do_without_the_hardest(share, dropped):
    looks = Looks(share=share, n_per_class=1000, outvoted=0.3, doubtful=0.2)
    decision = decide_by(looks, Thresholds())
    assert repr(decision.strategy) == f"Stratified(hardest_dropped={dropped}, score=EL2N())"
    assert decision.class_balanced
    few = decide_by(looks._replace(n_per_class=999), Thresholds())
    assert repr(few.strategy) == "FacilityLocation(weights='confidence')"


@pytest.mark.parametrize(("unequal", "strategy"), [(5, "D2()"), (5.1, "FacilityLocation()")])
def test_rare_classes_are_covered(unequal, strategy):
    looks = Looks(share=0.3, n_per_class=100, outvoted=0.1, doubtful=0.1, unequal=unequal)
    assert repr(decide_by(looks, Thresholds()).strategy) == strategy


def test_few_rows_of_a_class_are_never_the_hard_ones():
    # A fifth of 60 rows of four classes are 3 of each, half of them 7.
    evidence = make_evidence()
    parts = {kind: part[:60] for kind, part in evidence.parts.items()}
    few = Evidence(y=evidence.y[:60], **parts)
    assert isinstance(Auto().decide(few, 12).strategy, FacilityLocation)
    assert isinstance(Auto().decide(few, 30).strategy, Random)


@pytest.mark.parametrize("n_samples", [1, 50, 200, 500, 999, 1000])
@pytest.mark.parametrize("kinds", [(), NOTHING, RECORD, ("features",), ("training_record", "features")])
def test_it_chooses_from_any_evidence(n_samples, kinds):
    evidence = make_evidence(kinds=kinds) if kinds else Evidence(y=Y)
    chosen = choose(Auto(), evidence, n_samples, random_state=0)
    assert len(set(chosen.rows)) == n_samples
    decision = Auto().decide(evidence, n_samples)
    again = choose(
        decision.strategy, evidence, n_samples, class_balanced=decision.class_balanced, random_state=0
    )
    np.testing.assert_array_equal(chosen.rows, again.rows)


def test_the_reason_names_what_was_seen():
    reason = Auto().decide(make_evidence(wrong=0.3), 100).reason
    assert "10% of the rows (25 of each class)" in reason and "outvote" in reason


def test_the_users_quotas_stay():
    chosen = choose(Auto(), Evidence(y=Y % 3 % 2), 100, class_balanced="equal", random_state=0)
    assert np.bincount((Y % 3 % 2)[chosen.rows]).tolist() == [50, 50]


def test_a_record_of_losses_alone_is_enough():
    evidence = make_evidence(kinds=("features",))
    record = TrainingRecord.from_losses(np.full((12, N), 0.1))
    evidence = Evidence(y=Y, features=evidence.features, training_record=record)
    assert isinstance(Auto().decide(evidence, 50).strategy, FacilityLocation)


def test_a_training_that_ended_early_counts_as_none():
    evidence = make_evidence(kinds=("features",))
    evidence = Evidence(y=Y, features=evidence.features, training_record=np.empty((N, 0, 3)))
    assert repr(Auto().decide(evidence, 50).strategy) == "FacilityLocation()"


def test_a_row_of_a_kind_of_its_own_is_no_neighbour_of_itself():
    # Duplicates with other labels: every row is outvoted.
    features = np.repeat(np.arange(50.0), 20)[:, None]
    y = np.tile([0, 1], 500)
    assert isinstance(Auto().decide(Evidence(y=y, features=features), 50).strategy, Random)


def test_rows_without_labels_are_covered():
    evidence = make_evidence(kinds=("features",))
    assert repr(Auto().decide(Evidence(features=evidence.features), 20).strategy) == "FacilityLocation()"
    assert isinstance(Auto().decide(Evidence(n_rows=10), 2).strategy, Random)


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_features_with_gaps_are_done_without(gap):
    evidence = make_evidence()
    features = evidence.features.copy()
    features[3, 1] = gap
    evidence = Evidence(y=Y, features=features, training_record=evidence.training_record)
    assert isinstance(Auto().decide(evidence, 100).strategy, Random)


def test_sparse_features_are_covered():
    evidence = make_evidence(kinds=("features",))
    features = sparse.csr_array(np.round(evidence.features))
    decision = Auto().decide(Evidence(y=Y, features=features), 50)
    assert isinstance(decision.strategy, FacilityLocation)
    assert len(choose(decision.strategy, Evidence(y=Y, features=features), 50).rows) == 50


@pytest.mark.parametrize("n_samples", [0, 1001, 2.5])
def test_sizes_are_checked(n_samples):
    with pytest.raises((ValueError, TypeError), match="n_samples must"):
        Auto().decide(make_evidence(), n_samples)


# Active learning --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_labels", "n_rows", "kinds", "strategy"),
    [
        (30, 1000, ("probabilities", "features"), FacilityLocation("margin", by_class=False)),
        (60, 1000, ("probabilities", "features"), FacilityLocation("margin", by_class=False)),
        (61, 1000, ("probabilities", "features"), Margin()),
        (30, 100_000, ("probabilities", "features"), Margin()),
        (30, 1000, ("probabilities",), Margin()),
        (30, 1000, ("features",), Random()),
    ],
)
def test_what_is_asked_for(n_labels, n_rows, kinds, strategy):
    decision = AutoQuery(kinds).decide(n_rows=n_rows, n_labels=n_labels, n_classes=3)
    assert repr(decision.strategy) == repr(strategy) and decision.reason


def test_what_is_asked_for_without_labels():
    decision = AutoQuery().decide(n_rows=100, n_labels=0, n_classes=0)
    assert repr(decision.strategy) == "TypiClust(scale=True)"


def test_a_query_ranks_as_it_decides():
    rng = np.random.RandomState(0)
    probabilities = rng.dirichlet([1, 1, 1], size=200)
    evidence = Evidence(features=rng.randn(200, 3), probabilities=probabilities)
    initial = np.arange(10)
    chosen = choose(AutoQuery(), evidence, 20, initial=initial, random_state=0)
    covered = choose(
        FacilityLocation("margin", by_class=False), evidence, 20, initial=initial, random_state=0
    )
    np.testing.assert_array_equal(chosen.rows, covered.rows)
    assert len(choose(AutoQuery(), evidence, 100, initial=initial).rows) == 100


BLOBS = 10.0 * np.eye(3)[np.arange(240) % 3] + np.random.RandomState(0).randn(240, 3)
KINDS_OF_BLOBS = np.arange(240) % 3


def test_a_learner_takes_what_suits_its_labels():
    proxy = make_pipeline(StandardScaler(), LogisticRegression())
    learner = ProxyActiveLearner(proxy, strategy="auto", random_state=0).fit(BLOBS)
    taken = []
    for n_rows in (6, 20, 60):
        rows = learner.query(n_rows)
        taken.append(type(learner.strategy_).__name__)
        assert learner.strategy_reason_
        learner.teach(rows, KINDS_OF_BLOBS[rows])
    assert taken == ["TypiClust", "FacilityLocation", "Margin"]
    assert set(KINDS_OF_BLOBS[learner.history_[0]["rows"]]) == {0, 1, 2}


def test_a_learner_of_texts_takes_what_it_can():
    texts = [f"{word} {number}" for number in range(30) for word in ("good", "bad")]
    kinds = np.arange(60) % 2
    proxy = make_pipeline(HashingVectorizer(n_features=32), LogisticRegression())
    learner = ProxyActiveLearner(proxy, strategy="auto", random_state=0).fit(texts)
    rows = learner.query(6)
    assert isinstance(learner.strategy_, Random) and "features" in learner.strategy_reason_
    learner.teach(rows, kinds[rows]).query(6)
    assert isinstance(learner.strategy_, FacilityLocation)


def test_rows_that_are_all_alike_are_no_error():
    learner = ProxyActiveLearner(GaussianNB(), strategy="auto", random_state=0)
    learner.fit(np.zeros((20, 2)))
    learner.query(2)
    assert isinstance(learner.strategy_, TypiClust)
    named = ProxyActiveLearner(GaussianNB(), random_state=0).fit(np.zeros((20, 2)))
    named.query(2)
    assert named.strategy_reason_ is None and isinstance(named.strategy_, Random)
