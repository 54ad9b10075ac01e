"""Samplers: how a score becomes a set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn.linear_model import RidgeClassifier

from sksvp.strategies import (
    D2,
    BetaSample,
    Entropy,
    Evidence,
    FacilityLocation,
    Soft,
    Stratified,
    Top,
    TrainingRecord,
    Window,
    choose,
)
from sksvp.strategies._beta_sample import beta_parameters
from sksvp.strategies._d2 import neighbour_distances, pick_by_messages
from sksvp.strategies._sampler import draw_by_weight
from sksvp.strategies._stratified import fill_evenly


def forgotten(counts, **parts):
    return Evidence(forgetting_events=np.asarray(counts, dtype=float), **parts)


def make_record(n_rows=60, n_visits=12, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(3, size=n_rows)
    logits = rng.randn(n_visits, n_rows, 3) + 2 * np.eye(3)[y] * rng.uniform(-0.5, 2, size=(n_rows, 1))
    parts = np.exp(logits)
    return TrainingRecord.from_probabilities(parts / parts.sum(axis=2, keepdims=True), y), y


SAMPLERS = [
    Top("forgetting_events"),
    Stratified("forgetting_events", 0.1),
    Soft("forgetting_events"),
    Window("forgetting_events", start=0.2),
    Window("forgetting_events"),
    D2("forgetting_events"),
    Stratified("aum", 0.2),
    Stratified("el2n", 0.2),
    BetaSample(),
    BetaSample("forgetting_events"),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("n_samples", [1, 7, 59, 60])
def test_every_sampler_gives_as_many_rows_as_asked_for_each_once(sampler, n_samples):
    record, y = make_record()
    features = np.random.RandomState(1).randn(60, 3)
    counts = np.r_[np.full(5, np.inf), np.arange(55) // 10]
    evidence = forgotten(counts, y=y, training_record=record, features=features, inputs=features)
    rows, scores = sampler.rank(evidence, n_samples, random_state=0)
    assert len(rows) == len(set(rows)) == n_samples
    assert scores.shape == (60,)
    again, _ = sampler.rank(evidence, n_samples, random_state=0)
    assert rows.tolist() == again.tolist()
    candidates = np.arange(0, 60, 2)
    if n_samples <= 20:
        rows, scores = sampler.rank(
            evidence, n_samples, candidates=candidates, initial=[0, 2], random_state=0
        )
        assert set(rows) <= set(candidates) - {0, 2}
        assert np.isnan(scores[1::2]).all()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_samplers_keep_the_shares_of_the_classes(sampler):
    record, y = make_record()
    features = np.random.RandomState(1).randn(60, 3)
    evidence = forgotten(np.arange(60) // 10, y=y, training_record=record, features=features, inputs=features)
    choice = choose(sampler, evidence, 20, class_balanced=True, random_state=0)
    np.testing.assert_allclose(np.bincount(y[choice.rows]), np.bincount(y) / 3, atol=1)


@pytest.mark.parametrize("sampler", [Stratified("entropy"), Top("entropy"), Soft("entropy")], ids=repr)
def test_a_constant_score_is_a_random_choice(sampler):
    evidence = Evidence(probabilities=np.full((40, 2), 0.5))
    rows, _ = sampler.rank(evidence, 10, random_state=0)
    others, _ = sampler.rank(evidence, 10, random_state=1)
    assert len(set(rows)) == 10
    assert set(rows) != set(others)


def test_a_score_of_the_users_own_will_do():
    class Gini(Entropy):
        def score(self, evidence, rows):
            return 1 - (np.asarray(evidence.probabilities)[rows] ** 2).sum(axis=1)

    evidence = Evidence(probabilities=[[1.0, 0.0], [0.5, 0.5], [0.8, 0.2]])
    assert Top(Gini()).rank(evidence, 1, random_state=0)[0].tolist() == [1]


def test_what_picks_rows_is_no_score():
    with pytest.raises(ValueError, match="score must be a strategy that scores every row"):
        Stratified(FacilityLocation()).rank(Evidence(features=np.eye(4)), 2, random_state=0)
    with pytest.raises(ValueError, match="Unknown strategy 'aums'"):
        Stratified("aums").requires  # noqa: B018


# Stratified ---------------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(0, 20), min_size=1, max_size=8), share=st.floats(0.01, 1))
@settings(max_examples=60, deadline=None)
def test_places_are_shared_out_evenly(sizes, share):
    sizes = np.array(sizes)
    n_samples = int(share * sizes.sum())
    quotas = fill_evenly(sizes, n_samples)
    assert quotas.sum() == n_samples
    assert (quotas <= sizes).all()
    # A group that is not taken whole has as much as any other, but for the remainder.
    open_groups = quotas < sizes
    if open_groups.any():
        assert quotas.max() - quotas[open_groups].min() <= len(sizes)


def test_strata_have_equal_width_and_the_maximum_is_in_the_last():
    counts = np.r_[np.zeros(90), np.full(5, 5.0), np.full(5, 10.0)]
    rows, scores = Stratified("forgetting_events", n_strata=10).rank(forgotten(counts), 15, random_state=0)
    assert np.unique(scores[rows], return_counts=True)[1].tolist() == [5, 5, 5]


def test_a_maximum_below_zero_is_not_lost():
    """Others scale the upper border, which moves it inwards where every score is negative."""
    record = TrainingRecord(np.ones((2, 6)), margin=np.tile([1.0, 2, 3, 4, 5, 6], (2, 1)))
    rows, _ = Stratified("aum", n_strata=2).rank(Evidence(training_record=record), 6, random_state=0)
    assert sorted(rows) == [0, 1, 2, 3, 4, 5]


def test_rows_never_learned_are_a_stratum():
    counts = np.r_[np.zeros(30), np.ones(30), np.full(10, np.inf)]
    rows, scores = Stratified("forgetting_events").rank(forgotten(counts), 9, random_state=0)
    assert [np.count_nonzero(scores[rows] == value) for value in (0.0, 1.0, np.inf)] == [3, 3, 3]


@pytest.mark.parametrize("score", ["aum", "el2n", "variability"])
def test_the_hardest_by_the_margin_are_dropped_whatever_the_score(score):
    """One code cuts the easiest for every score but the margin's."""
    record, _ = make_record()
    hardest = np.argsort(record.require("margin").mean(axis=0))[:12]
    rows, _ = Stratified(score, 0.2).rank(Evidence(training_record=record), 48, random_state=0)
    assert not set(rows) & set(hardest)


def test_fewer_are_dropped_where_too_few_would_be_left():
    record, _ = make_record()
    rows, _ = Stratified("aum", 0.9).rank(Evidence(training_record=record), 50, random_state=0)
    assert len(set(rows)) == 50


# Draws --------------------------------------------------------------------------------------


def test_draws_are_in_proportion_to_their_weights():
    weights = np.array([0.1, 0.2, 0.3, 0.4, 0.0])
    with np.errstate(divide="ignore"):
        logs = np.log(weights)
    rng = np.random.RandomState(0)
    draws = np.array([draw_by_weight(logs, 2, rng) for _ in range(20000)])
    np.testing.assert_allclose(np.bincount(draws[:, 0], minlength=5) / 20000, weights, atol=0.012)
    # The second, given the first: without replacement.
    second = draws[draws[:, 0] == 3, 1]
    np.testing.assert_allclose(
        np.bincount(second, minlength=5)[:3] / len(second), weights[:3] / 0.6, atol=0.02
    )
    assert (draws != 4).all()
    assert 4 in draw_by_weight(logs, 5, rng)


def test_rows_without_weight_come_at_random():
    rng = np.random.RandomState(0)
    firsts = [draw_by_weight(np.full(4, -np.inf), 1, rng)[0] for _ in range(400)]
    assert np.bincount(firsts, minlength=4).min() > 60


def test_the_density_of_beta_sampling_moves_to_easy_rows():
    means = [beta.mean(*beta_parameters(0.3, left_out, 4.0)) for left_out in (0.0, 0.5, 0.9, 1.0)]
    assert means[0] == pytest.approx(1 - 15 * 0.7 / 16)
    assert means == sorted(means)
    assert means[-1] > 0.999


def test_a_low_temperature_gives_the_top_and_a_high_one_chance():
    counts = np.arange(100)
    cold, _ = Soft("forgetting_events", 1e-3).rank(forgotten(counts), 10, random_state=0)
    assert sorted(cold) == list(range(90, 100))
    hot = np.concatenate(
        [
            Soft("forgetting_events", 1e6).rank(forgotten(counts), 10, random_state=seed)[0]
            for seed in range(200)
        ]
    )
    assert abs(hot.mean() - 49.5) < 3


# Windows ------------------------------------------------------------------------------------


def test_a_window_is_a_run_of_the_order():
    counts = np.random.RandomState(0).permutation(50)
    rows, _ = Window("forgetting_events", start=0.2).rank(forgotten(counts), 10, random_state=0)
    assert counts[rows].tolist() == list(range(39, 29, -1))
    rows, _ = Window("forgetting_events", start=0.95).rank(forgotten(counts), 10, random_state=0)
    assert counts[rows].tolist() == list(range(9, -1, -1))


def test_the_best_window_is_the_one_whose_ridge_classifier_is_right_most_often():
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=200)
    features = rng.randn(200, 3) + 2 * y[:, None]
    labels = y.copy()
    labels[:60] = 1 - y[:60]  # the hardest are wrong
    counts = np.r_[np.arange(200, 140, -1), np.arange(140)[::-1]]
    rows, _ = Window("forgetting_events", step=0.1).rank(
        forgotten(counts, y=labels, inputs=features), 40, random_state=0
    )
    scaled = features / np.sqrt(np.mean(features**2))
    accuracy = []
    for start in range(0, 161, 20):
        part = slice(start, start + 40)
        padded = np.column_stack([scaled, np.ones(200)])
        weights = np.linalg.solve(
            padded[part].T @ padded[part] + np.eye(4), padded[part].T @ np.eye(2)[labels[part]]
        )
        accuracy.append(np.mean((padded @ weights).argmax(axis=1) == labels))
    start = 20 * int(np.argmax(accuracy))
    assert sorted(rows) == list(range(start, start + 40))
    assert start >= 60
    assert RidgeClassifier().fit(features[rows], labels[rows]).score(features[60:], labels[60:]) > 0.9


# D2 -----------------------------------------------------------------------------------------


@given(seed=st.integers(0, 200), n_neighbors=st.integers(1, 4), gamma=st.floats(0, 2))
@settings(max_examples=25, deadline=None)
def test_messages_are_those_of_the_definition(seed, n_neighbors, gamma):
    rng = np.random.RandomState(seed)
    features, scores = rng.randn(15, 2), rng.exponential(size=15)
    lengths = np.linalg.norm(features[:, None] - features, axis=2)
    joined = np.zeros((15, 15), dtype=bool)
    for row in range(15):
        joined[row, np.argsort(lengths[row])[1 : n_neighbors + 1]] = True
    joined |= joined.T
    values = scores + (np.exp(-lengths) * joined) @ scores
    expected, left = [], set(range(15))
    for _ in range(15):
        row = max(left, key=lambda one: values[one])
        expected.append(row)
        left.remove(row)
        values -= joined[row] * np.exp(-gamma * lengths[row]) * values[row]
    picks = pick_by_messages(scores, neighbour_distances(features, n_neighbors), 15, gamma)
    assert picks.tolist() == expected


def test_duplicates_are_joined_by_a_distance_of_zero():
    distances = neighbour_distances(np.zeros((3, 2)), 1)
    assert (distances.toarray() == 0).all()
    assert (np.diff(distances.indptr) >= 1).all()


def test_shares_are_read_as_they_are_written():
    scores = np.arange(100.0)
    features = np.random.RandomState(0).randn(100, 2)
    evidence = forgotten(scores, features=features)
    # The float product of 0.29 and 100 is below 29.
    for sampler in (Stratified("forgetting_events", 0.29), D2("forgetting_events", hardest_dropped=0.29)):
        assert sampler.rank(evidence, 71, random_state=0)[0].max() == 70
    assert Window("forgetting_events", start=0.29).rank(evidence, 5, random_state=0)[0].tolist() == [
        70, 69, 68, 67, 66
    ]  # fmt: skip
    p = np.column_stack([np.linspace(0.01, 0.9, 100), 1 - np.linspace(0.01, 0.9, 100)])
    evidence = Evidence(probabilities=p, y=np.zeros(100, dtype=int), classes=np.arange(2))
    kept = Top(Entropy(), drop_label_issues=0.29).rank(evidence, 71, random_state=0)[0]
    assert sorted(kept) == list(range(29, 100))
    assert len(Top(Entropy(), drop_label_issues=0.29).rank(evidence, 1, random_state=0)[0]) == 1
