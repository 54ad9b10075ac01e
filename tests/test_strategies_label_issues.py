"""How much the evidence of a row speaks against its label, and samplers that leave out doubtful rows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sksvp.strategies import (
    D2,
    BetaSample,
    Entropy,
    Evidence,
    Sampler,
    Soft,
    Stratified,
    Top,
    TrainingRecord,
    Window,
    choose,
    label_suspicion,
)
from sksvp.strategies._label_issues import mark_most_suspicious

RNG = np.random.RandomState(0)
N = 60
Y = np.arange(N) % 3
PROBABILITIES = RNG.dirichlet([1, 1, 1], N)
MARGINS = RNG.normal(1, 1, (7, N))
LOSSES = RNG.gamma(1, 1, (7, N))
RECORD = TrainingRecord(LOSSES, squared=np.full((7, N), 0.5), margin=MARGINS)
EVIDENCE = Evidence(
    y=Y,
    probabilities=PROBABILITIES,
    features=RNG.normal(size=(N, 4)),
    training_record=RECORD,
    classes=[0, 1, 2],
)
SAMPLERS = [
    Top("el2n"),
    Stratified("el2n"),
    Stratified("aum", 0.1),
    BetaSample(),
    Window("el2n", 0.1),
    Soft("el2n"),
    D2(),
]


def test_suspicion_by_its_definition():
    lead = [
        math.log(max(p[c] for c in range(3) if c != y) / p[y]) for p, y in zip(PROBABILITIES, Y, strict=True)
    ]
    np.testing.assert_allclose(label_suspicion(EVIDENCE, by="probability"), lead)
    np.testing.assert_allclose(label_suspicion(EVIDENCE, by="aum"), -MARGINS.mean(axis=0))
    np.testing.assert_allclose(label_suspicion(EVIDENCE, by="loss"), LOSSES.mean(axis=0) - math.log(3))
    np.testing.assert_array_equal(label_suspicion(EVIDENCE), label_suspicion(EVIDENCE, by="aum"))
    aum, probability = -MARGINS.mean(axis=0), np.array(lead)
    both = aum / np.sqrt((aum**2).mean()) + probability / np.sqrt((probability**2).mean())
    np.testing.assert_allclose(label_suspicion(EVIDENCE, by="both"), both)
    rows = [5, 3, 40]
    np.testing.assert_allclose(label_suspicion(EVIDENCE, by="probability", rows=rows), np.array(lead)[rows])


def test_first_visits_tell_nothing():
    margins = np.array([[-9.0, -9.0, 1.0], [1.0, -1.0, 2.0], [3.0, -3.0, -1.0]])
    record = TrainingRecord(np.ones((3, 3)), margin=margins)
    np.testing.assert_allclose(
        label_suspicion(Evidence(y=[0, 1, 0], training_record=record)), [-2.0, 2.0, -0.5]
    )
    never_right = TrainingRecord(np.ones((2, 3)), margin=-np.ones((2, 3)))
    np.testing.assert_array_equal(
        label_suspicion(Evidence(y=[0, 1, 0], training_record=never_right)), [1, 1, 1]
    )
    losses = Evidence(y=[0, 1, 0], training_record=TrainingRecord.from_losses([[1.0, 2, 3], [3, 2, 1]]))
    np.testing.assert_allclose(label_suspicion(losses, by="loss"), 2 - math.log(2))


def test_logits_count_where_there_are_some():
    logits = np.log(PROBABILITIES) + 5
    by_logits = Evidence(y=Y, logits=logits, classes=[0, 1, 2])
    np.testing.assert_allclose(label_suspicion(by_logits), label_suspicion(EVIDENCE, by="probability"))
    sure = Evidence(y=[0, 1, 0], logits=np.array([[0.0, -np.inf], [0.0, -np.inf], [900.0, 0.0]]))
    assert label_suspicion(sure).tolist() == [-1e6, 1e6, -900.0]
    certain = Evidence(y=[0, 1], probabilities=[[1.0, 0.0], [1.0, 0.0]])
    assert np.isfinite(label_suspicion(certain)).all() and label_suspicion(certain)[1] > 80


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.permutations("abc"))
def test_order_of_rows_and_names_of_classes_do_not_matter(seed, names):
    order = np.random.RandomState(seed).permutation(N)
    labels = np.array(names)[Y]
    columns = np.argsort(names)
    other = Evidence(
        y=labels[order],
        probabilities=PROBABILITIES[order][:, columns],
        training_record=TrainingRecord(LOSSES[:, order], margin=MARGINS[:, order]),
        classes=np.array(names)[columns],
    )
    for by in ("aum", "loss", "probability", "both"):
        np.testing.assert_allclose(label_suspicion(other, by=by), label_suspicion(EVIDENCE, by=by)[order])


@pytest.mark.parametrize(
    ("evidence", "by", "match"),
    [
        (Evidence(y=Y), "auto", "probabilities"),
        (Evidence(probabilities=PROBABILITIES), "auto", "needs y"),
        (Evidence(y=Y, probabilities=PROBABILITIES), "aum", "training_record"),
        (Evidence(y=Y, probabilities=PROBABILITIES), "best", "'by' parameter"),
        (Evidence(y=Y, probabilities=PROBABILITIES[:, :2]), "auto", "3 labels and 2 columns"),
        (
            Evidence(y=Y, probabilities=PROBABILITIES, classes=[0, 1, 3]),
            "auto",
            "3 labels and 3 columns of the",
        ),
        (Evidence(y=Y, probabilities=np.full((N, 3), np.nan)), "auto", "NaN"),
        (Evidence(y=Y, training_record=TrainingRecord.from_losses(LOSSES)), "aum", "margin"),
        (PROBABILITIES, "auto", "'evidence' parameter"),
    ],
)
def test_what_tells_nothing_of_labels(evidence, by, match):
    with pytest.raises(ValueError, match=match):
        label_suspicion(evidence, by=by)


def test_marked_rows():
    scores = np.array([1.0, 3.0, 3.0, 0.0, -1.0])
    assert mark_most_suspicious(scores, True).tolist() == [True, True, True, False, False]
    assert not mark_most_suspicious(scores, False).any()
    assert np.flatnonzero(mark_most_suspicious(scores, 0.2)).tolist() == [1]
    assert np.flatnonzero(mark_most_suspicious(scores, 0.59)).tolist() == [1, 2]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
def test_doubtful_rows_are_left_out_by_every_sampler(sampler):
    suspicion = -MARGINS.mean(axis=0)
    clean = clone(sampler).set_params(drop_label_issues=True)
    assert clean.needs_labels and "training_record" in clean.requires
    n_right = int((suspicion <= 0).sum())
    assert 0 < N - n_right < N // 3
    rows, scores = clean.rank(EVIDENCE, 20, random_state=0)
    assert (suspicion[rows] <= 0).all() and len(set(rows)) == 20
    assert np.isfinite(scores).all()
    share = clone(sampler).set_params(drop_label_issues=0.25)
    worst = np.argsort(-suspicion)[:15]
    assert not np.isin(worst, share.rank(EVIDENCE, 30, random_state=0)[0]).any()
    # No more than leaves enough rows, the least doubtful of them.
    np.testing.assert_array_equal(
        np.sort(share.rank(EVIDENCE, 50, random_state=0)[0]), np.sort(np.argsort(suspicion)[:50])
    )
    assert len(clean.rank(EVIDENCE, N, random_state=0)[0]) == N


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
@pytest.mark.parametrize("nothing", [False, 0.0])
def test_nothing_is_left_out_by_default(sampler, nothing):
    same = clone(sampler).set_params(drop_label_issues=nothing)
    np.testing.assert_array_equal(
        same.rank(EVIDENCE, 20, random_state=0)[0], sampler.rank(EVIDENCE, 20, random_state=0)[0]
    )
    assert same.requires == sampler.requires


def test_what_tells_of_labels_is_required():
    assert Top("entropy", drop_label_issues=0.1).requires == ("probabilities",)
    assert Top("forgetting_events", drop_label_issues=True).requires == (
        "forgetting_events",
        "training_record",
    )
    assert Top("aum", drop_label_issues=True).requires == ("training_record",)
    assert not Top("entropy").needs_labels
    unsure = Evidence(y=Y, probabilities=PROBABILITIES)
    rows = Top(Entropy(), drop_label_issues=True).rank(unsure, 5, random_state=0)[0]
    assert (PROBABILITIES[rows].argmax(axis=1) == Y[rows]).all()


def test_classes_have_their_own_share():
    choice = choose(Top("aum", drop_label_issues=0.25), EVIDENCE, 30, class_balanced=True, random_state=0)
    suspicion = -MARGINS.mean(axis=0)
    for label in range(3):
        members = np.flatnonzero(label == Y)
        worst = members[np.argsort(-suspicion[members])[:5]]
        assert not np.isin(worst, choice.rows).any()
        assert np.isin(choice.rows, members).sum() == 10


@pytest.mark.parametrize("wrong", [1, 1.0, -0.1, "auto", None, np.nan])
def test_wrong_shares(wrong):
    with pytest.raises(ValueError, match="drop_label_issues"):
        Top("aum", drop_label_issues=wrong).rank(EVIDENCE, 5)


def test_a_sampler_of_a_user_needs_no_such_parameter():
    class Last(Sampler):
        def __init__(self, score):
            super().__init__(score)

        def _sample(self, evidence, order, scores, n_samples, rng):
            return np.arange(len(order) - n_samples, len(order))

    rows, _ = Last("aum").rank(EVIDENCE, 3, random_state=0)
    assert sorted(rows) == sorted(np.argsort(-MARGINS.mean(axis=0))[:3])
