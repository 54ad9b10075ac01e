"""Strategies that pick a set: coverage of the features and gradients, against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist

import sksvp.strategies._facility_location as facility_location_module
import sksvp.strategies._mapped_blocks as mapped_blocks_module
from sksvp.strategies import (
    BADGE,
    BAIT,
    D2,
    ClusterMargin,
    Evidence,
    FacilityLocation,
    Herding,
    Moderate,
    TypiClust,
    badge,
    bait,
    centre_distances,
    choose,
    cluster_margin,
    d2,
    facility_location,
    herding,
    margin,
    moderate,
    typiclust,
)


def make(n_rows=60, n_features=4, n_classes=3, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(n_classes, size=n_rows)
    features = rng.randn(n_rows, n_features) + 2 * rng.randn(n_classes, n_features)[y]
    p = rng.dirichlet(np.ones(n_classes), size=n_rows)
    return Evidence(y=y, features=features, probabilities=p, classes=np.arange(n_classes))


SETS = [
    FacilityLocation(),
    FacilityLocation(by_class=False, kernel="rbf"),
    FacilityLocation("margin"),
    Herding(),
    Moderate(),
    TypiClust(),
    BADGE(),
    BAIT(),
    ClusterMargin(),
]


@pytest.mark.parametrize("strategy", SETS, ids=repr)
@pytest.mark.parametrize("n_samples", [1, 9, 60])
def test_every_set_has_as_many_rows_as_asked_for_each_once(strategy, n_samples):
    evidence = make()
    rows, scores = strategy.rank(evidence, n_samples, random_state=0)
    assert len(rows) == len(set(rows)) == n_samples
    assert scores.shape == (60,)
    assert rows.tolist() == strategy.rank(evidence, n_samples, random_state=0)[0].tolist()


@pytest.mark.parametrize("strategy", SETS, ids=repr)
def test_only_candidates_are_picked(strategy):
    evidence = make()
    candidates = np.arange(0, 60, 2)
    rows, scores = strategy.rank(
        evidence, 10, candidates=candidates, initial=np.array([0, 2, 5]), random_state=0
    )
    assert len(set(rows)) == 10
    assert set(rows) <= set(candidates) - {0, 2}
    assert np.isnan(scores[[0, 2, *range(1, 60, 2)]]).all()


@pytest.mark.parametrize("strategy", SETS, ids=repr)
def test_sets_keep_the_shares_of_the_classes(strategy):
    evidence = make()
    choice = choose(strategy, evidence, 20, class_balanced=True, random_state=0)
    np.testing.assert_allclose(np.bincount(evidence.y[choice.rows]), np.bincount(evidence.y) / 3, atol=1)


@pytest.mark.parametrize("strategy", SETS, ids=repr)
@pytest.mark.parametrize("values", ["constant", "duplicates"])
def test_equal_rows_are_no_trouble(strategy, values):
    features = np.ones((30, 3)) if values == "constant" else np.repeat(np.eye(3), 10, axis=0)
    p = np.full((30, 2), 0.5)
    evidence = Evidence(y=np.arange(30) % 2, features=features, probabilities=p, classes=[0, 1])
    rows, _ = strategy.rank(evidence, 12, random_state=0)
    assert len(set(rows)) == 12


@pytest.mark.parametrize("strategy", SETS, ids=repr)
def test_features_that_are_none_are_refused(strategy):
    evidence = make()
    evidence.features[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        strategy.rank(evidence, 5, random_state=0)
    with pytest.raises(ValueError, match=r"needs (features|probabilities)"):
        strategy.rank(Evidence(y=evidence.y), 5, random_state=0)


@pytest.mark.parametrize("strategy", SETS, ids=repr)
def test_half_precision_and_memory_maps_do_as_arrays_do(strategy, tmp_path):
    evidence = make()
    halves = evidence.features.astype(np.float16)
    np.save(tmp_path / "features.npy", halves)
    for features in (halves, np.load(tmp_path / "features.npy", mmap_mode="r")):
        parts = {"y": evidence.y, "probabilities": evidence.probabilities, "classes": evidence.classes}
        rows, _ = strategy.rank(Evidence(features=features, **parts), 9, random_state=0)
        single = Evidence(features=halves.astype(np.float32), **parts)
        assert rows.tolist() == strategy.rank(single, 9, random_state=0)[0].tolist()


# Facility location --------------------------------------------------------------------------


def greedy(similarity, n_samples, weights, covered):
    """Greedy facility location, every gain at every pick."""
    picks, tie = [], None
    for _ in range(n_samples):
        gains = weights @ np.maximum(similarity - covered[:, None], 0)
        tie = 1e-10 * gains.max() if tie is None else tie
        gains[picks] = -np.inf
        picks.append(int(np.flatnonzero(gains >= gains.max() - tie)[0]))
        covered = np.maximum(covered, similarity[:, picks[-1]])
    return picks


@given(
    seed=st.integers(0, 10_000),
    kernel=st.sampled_from(["distance", "rbf"]),
    is_weighted=st.booleans(),
    n_initial=st.integers(0, 3),
    is_coarse=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_facility_location_is_greedy(seed, kernel, is_weighted, n_initial, is_coarse):
    rng = np.random.RandomState(seed)
    features = rng.randint(1, 4, size=(25, 2)).astype(float) if is_coarse else rng.randn(25, 3)
    weights = rng.randint(0, 3, size=25).astype(float) if is_weighted else np.ones(25)
    initial = rng.choice(25, n_initial, replace=False)
    rest = np.setdiff1d(np.arange(25), initial)
    rows = features / np.linalg.norm(features, axis=1)[:, None] if kernel == "rbf" else features
    lengths = cdist(rows, rows)
    similarity = np.exp(-(lengths**2)) if kernel == "rbf" else -lengths
    least = 0.0 if kernel == "rbf" else -2 * np.linalg.norm(rows - rows.mean(axis=0), axis=1).max()
    covered = similarity[:, initial].max(axis=1) if n_initial else np.full(25, least)
    expected = rest[greedy(similarity[np.ix_(rest, rest)], 12, weights[rest], covered[rest])]
    picks = facility_location(features, 12, weights=weights, initial=initial, kernel=kernel)
    assert picks.tolist() == expected.tolist()


def test_similarities_that_are_not_kept_change_nothing(monkeypatch):
    features = np.random.RandomState(0).randn(300, 5)
    whole = facility_location(features, 40, return_gains=True)
    for n_kept in (0, 1, 50, 299):
        monkeypatch.setattr(facility_location_module, "_MAX_BYTES", 8 * 300 * n_kept)
        blocks = facility_location(features, 40, return_gains=True)
        assert whole[0].tolist() == blocks[0].tolist()
        np.testing.assert_allclose(whole[1], blocks[1])


def test_rows_that_gain_nothing_are_picked_in_their_order():
    features = np.repeat([[0.0, 0.0], [1.0, 0.0]], [3, 4], axis=0)
    rows, gains = facility_location(features, 7, return_gains=True)
    assert rows.tolist() == [3, 0, 1, 2, 4, 5, 6]
    np.testing.assert_array_equal(gains[2:], 0)


def test_gains_fall_and_do_not_depend_on_where_the_origin_is():
    features = np.random.RandomState(0).randn(100, 3)
    rows, gains = facility_location(features, 20, return_gains=True)
    assert (np.diff(gains) <= 1e-9).all()
    assert facility_location(features + 1e6, 20).tolist() == rows.tolist()
    assert facility_location(features * 3, 20).tolist() == rows.tolist()


def test_facility_location_covers_each_class_by_itself():
    evidence = make()
    rows, _ = FacilityLocation().rank(evidence, 15, random_state=0)
    for label, quota in enumerate(np.bincount(evidence.y[rows])):
        members = np.flatnonzero(evidence.y == label)
        expected = members[facility_location(evidence.features[members], quota)]
        assert rows[evidence.y[rows] == label].tolist() == expected.tolist()


def test_uncertainty_herding_weighs_rows_by_their_margin():
    evidence = make()
    rows, _ = FacilityLocation("margin", by_class=False, kernel="rbf").rank(evidence, 10, random_state=0)
    weights = 1 + margin(evidence.probabilities)
    assert rows.tolist() == facility_location(evidence.features, 10, weights=weights, kernel="rbf").tolist()


@pytest.mark.parametrize("weights", [[1.0], [-1.0] * 60, [np.nan] * 60])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        facility_location(make().features, 3, weights=weights)


# Herding and the middle ---------------------------------------------------------------------


@given(seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_herding_takes_the_nearest_row_and_not_the_farthest(seed):
    features = np.random.RandomState(seed).randn(20, 3)
    mean, picks = features.mean(axis=0), []
    for place in range(8):
        target = (place + 1) * mean - features[picks].sum(axis=0)
        lengths = np.linalg.norm(target - features, axis=1)
        lengths[picks] = np.inf
        picks.append(int(lengths.argmin()))
    assert herding(features, 8).tolist() == picks


def test_centres_are_medians_of_the_class():
    evidence = make()
    for label in range(3):
        members = evidence.y == label
        rows = evidence.features[members]
        expected = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
        np.testing.assert_allclose(centre_distances(evidence.features, evidence.y)[members], expected)


def test_moderate_keeps_the_middle_and_not_the_ends():
    evidence = make()
    rows, _ = Moderate().rank(evidence, 20, random_state=0)
    order = np.argsort(centre_distances(evidence.features, evidence.y))
    assert set(rows) == set(order[20:40])


# TypiClust ----------------------------------------------------------------------------------


def test_typiclust_takes_the_densest_row_of_each_cluster():
    rng = np.random.RandomState(0)
    centres = np.array([[10.0, 0, 0], [0, 10.0, 0], [0, 0, 10.0]])
    features = np.repeat(centres, 20, axis=0) + rng.randn(60, 3)
    picks = typiclust(features, 3, random_state=0)
    assert sorted(picks // 20) == [0, 1, 2]
    unit = features / np.linalg.norm(features, axis=1)[:, None]
    for pick in picks:
        members = np.arange(20) + 20 * (pick // 20)
        lengths = np.sort(cdist(unit[members], unit[members]), axis=1)[:, 1:11].mean(axis=1)
        assert members[lengths.argmin()] == pick


def test_typiclust_begins_where_there_are_no_labels():
    centres = np.array([[10.0, 0, 0], [0, 10.0, 0], [0, 0, 10.0]])
    features = np.repeat(centres, 20, axis=0) + np.random.RandomState(0).randn(60, 3)
    picks = typiclust(features, 1, initial=[0, 25], random_state=0)
    assert picks[0] // 20 == 2


# BADGE --------------------------------------------------------------------------------------


def brute_badge(p, h, labels, n_samples, rng):
    """k-means++ on gradients that are built, with the same draws."""
    error = p - np.eye(p.shape[1])[labels]
    gradients = np.einsum("ic,id->icd", error, np.column_stack([h, np.ones(len(h))])).reshape(len(h), -1)
    picks = [int((gradients**2).sum(axis=1).argmax())]
    while len(picks) < n_samples:
        nearest = cdist(gradients, gradients[picks], "sqeuclidean").min(axis=1)
        nearest[picks] = 0
        sums = np.cumsum(nearest)
        picks.append(int(np.searchsorted(sums, rng.uniform(0, sums[-1]), side="right")))
    return picks


@given(
    seed=st.integers(0, 1000),
    with_labels=st.booleans(),
    sureness=st.sampled_from([1.0, 0.1, 0.01]),
    is_positive=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_badge_is_k_means_plus_plus_on_the_gradients(seed, with_labels, sureness, is_positive):
    """Rows that differ much in length are those that bounds settle."""
    rng = np.random.RandomState(seed)
    p, h = rng.dirichlet(np.full(4, sureness), size=40), rng.randn(40, 5)
    h = np.maximum(h, 0) if is_positive else h
    y = rng.randint(4, size=40)
    labels = y if with_labels else p.argmax(axis=1)
    picks = badge(p, h, 10, y=y if with_labels else None, random_state=seed)
    assert picks.tolist() == brute_badge(p, h, labels, 10, np.random.RandomState(seed))


@pytest.mark.parametrize(
    "call", [lambda p, h: badge(p, h, 3), lambda p, h: BADGE().rank(Evidence(probabilities=p, features=h), 3)]
)
def test_badge_refuses_probabilities_that_are_none(call):
    p = np.full((20, 2), 0.5)
    p[7, 0] = np.nan
    with pytest.raises(ValueError, match="probabilities must be finite"):
        call(p, np.eye(20))


def test_badge_prefers_unsure_rows():
    """p in place of p minus the label would prefer the surest."""
    p = np.r_[np.tile([1.0, 0.0], (50, 1)), np.tile([0.5, 0.5], (3, 1))]
    h = np.random.RandomState(0).randn(53, 4)
    assert badge(p, h, 1)[0] >= 50


def test_badge_uses_labels_where_it_knows_the_columns():
    evidence = make()
    rows, _ = BADGE().rank(evidence, 8, random_state=3)
    expected = badge(evidence.probabilities, evidence.features, 8, y=evidence.y, random_state=3)
    assert rows.tolist() == expected.tolist()
    blind = Evidence(features=evidence.features, probabilities=evidence.probabilities)
    expected = badge(evidence.probabilities, evidence.features, 8, random_state=3)
    assert BADGE().rank(blind, 8, random_state=3)[0].tolist() == expected.tolist()


def test_badge_finds_the_columns_in_any_order():
    evidence = make()
    names = np.array(["a", "b", "c"])[evidence.y]
    expected = badge(evidence.probabilities, evidence.features, 20, y=evidence.y, random_state=3).tolist()
    turned = Evidence(
        y=names,
        features=evidence.features,
        probabilities=evidence.probabilities[:, [2, 0, 1]],
        classes=["c", "a", "b"],
    )
    assert BADGE().rank(turned, 20, random_state=3)[0].tolist() == expected
    # Labels that have no column: there the most probable class stands for them.
    few = np.where(evidence.y == 2, evidence.probabilities[:, :2].argmax(axis=1), evidence.y)
    p = evidence.probabilities[:, :2] / evidence.probabilities[:, :2].sum(axis=1, keepdims=True)
    part = Evidence(y=names, features=evidence.features, probabilities=p[:, ::-1], classes=["b", "a"])
    expected = badge(p, evidence.features, 20, y=few, random_state=3).tolist()
    assert BADGE().rank(part, 20, random_state=3)[0].tolist() == expected


def test_logits_do_as_probabilities_do():
    evidence = make()
    logits = np.log(evidence.probabilities)
    others = Evidence(y=evidence.y, features=evidence.features, logits=logits, classes=np.arange(3))
    for strategy in (BADGE(), BAIT(), ClusterMargin(), FacilityLocation("margin")):
        first, _ = strategy.rank(evidence, 8, random_state=0)
        assert first.tolist() == strategy.rank(others, 8, random_state=0)[0].tolist()


@pytest.mark.parametrize("function", [badge, bait])
def test_arrays_that_do_not_fit_are_refused(function):
    evidence = make()
    with pytest.raises(ValueError, match="rows"):
        function(evidence.probabilities[:-1], evidence.features, 3)
    with pytest.raises(ValueError, match="two classes"):
        function(evidence.probabilities[:, :1], evidence.features, 3)


# BAIT and cluster-margin --------------------------------------------------------------------


@given(seed=st.integers(0, 1000), n_initial=st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_bait_lowers_the_trace(seed, n_initial):
    rng = np.random.RandomState(seed)
    p, h = rng.dirichlet(np.ones(3), size=20), rng.randn(20, 3)
    initial = rng.choice(20, n_initial, replace=False)
    rest = np.setdiff1d(np.arange(20), initial)
    top = p.max(axis=1)
    roots = np.sqrt(top * (1 - top))[:, None] * np.column_stack([h, np.ones(20)])
    target = roots.T @ roots / 20
    n_samples = 4
    n_all = n_initial + n_samples

    def trace(rows):
        matrix = np.eye(4) + roots[initial].T @ roots[initial] / n_all
        matrix += roots[rows].T @ roots[rows] * n_samples / n_all
        return np.trace(np.linalg.inv(matrix) @ target)

    picks = []
    for _ in range(2 * n_samples):
        left = [row for row in rest if row not in picks]
        picks.append(min(left, key=lambda row: trace([*picks, row])))
    while len(picks) > n_samples:
        worst = min(range(len(picks)), key=lambda place: trace(picks[:place] + picks[place + 1 :]))
        picks.pop(worst)
    assert bait(p, h, n_samples, initial=initial).tolist() == picks


def test_cluster_margin_takes_unsure_rows_of_many_clusters():
    rng = np.random.RandomState(0)
    features = np.repeat(np.eye(4) * 20, 25, axis=0) + rng.randn(100, 4)
    top = np.r_[rng.uniform(0.5, 0.6, 50), rng.uniform(0.9, 1.0, 50)]
    evidence = Evidence(features=features, probabilities=np.column_stack([top, 1 - top]))
    rows, scores = ClusterMargin(n_candidates=5, cluster_size=25).rank(evidence, 10, random_state=0)
    assert rows.max() < 50
    assert np.bincount(rows // 25).tolist() == [5, 5]
    np.testing.assert_allclose(scores, 1 + margin(evidence.probabilities))


@pytest.mark.parametrize("strategy", [BADGE(), BAIT()], ids=repr)
def test_logits_that_are_no_numbers_are_refused(strategy):
    evidence = make()
    logits = np.log(evidence.probabilities)
    logits[3, 1] = np.nan
    with pytest.raises(ValueError, match="logits must be finite"):
        strategy.rank(Evidence(features=evidence.features, logits=logits), 5, random_state=0)


# Functions and sparse tables ----------------------------------------------------------------


def test_the_functions_choose_as_the_strategies_do():
    evidence = make()
    features, p, y = evidence.features, evidence.probabilities, evidence.y
    unsure = margin(p)

    def ranked(strategy, initial=None, **parts):
        return strategy.rank(Evidence(**parts), 9, initial=initial, random_state=5)[0].tolist()

    assert cluster_margin(p, features, 9, random_state=5).tolist() == ranked(
        ClusterMargin(), features=features, probabilities=p
    )
    assert cluster_margin(
        p, features, 9, initial=[3, 4], n_candidates=2, cluster_size=5, random_state=5
    ).tolist() == (ranked(ClusterMargin(2, 5), [3, 4], features=features, probabilities=p))
    assert moderate(features, 9, y, random_state=5).tolist() == ranked(Moderate(), features=features, y=y)
    assert d2(features, 9, scores=unsure, gamma=1.0, random_state=5).tolist() == ranked(
        D2("margin", gamma=1.0), features=features, probabilities=p
    )
    assert d2(features, 9, random_state=5).tolist() == ranked(D2(None), features=features)
    assert set(facility_location(features, 9, y=y)) == set(ranked(FacilityLocation(), features=features, y=y))
    assert set(herding(features, 9, y=y)) == set(ranked(Herding(normalize=False), features=features, y=y))
    assert herding(features, 9, initial=[1, 2]).tolist() == ranked(
        Herding(normalize=False), [1, 2], features=features
    )


def test_d2_without_a_score_prefers_dense_regions_and_spreads():
    rng = np.random.RandomState(0)
    features = np.r_[rng.randn(50, 2) * 0.1, rng.randn(50, 2) * 0.1 + 9, rng.uniform(20, 60, size=(20, 2))]
    rows = d2(features, 6, random_state=0)
    assert (rows < 100).all()
    assert 0 < (rows < 50).sum() < 6


def test_labels_and_scores_that_do_not_fit_are_refused():
    features = make().features
    for function in (facility_location, herding):
        with pytest.raises(ValueError, match="y must have one label for each of the 60 rows, got 59"):
            function(features, 3, y=np.zeros(59))
    with pytest.raises(ValueError, match=r"scores must have the shape \(60,\)"):
        d2(features, 3, scores=np.zeros(59))
    with pytest.raises(ValueError, match="NaN"):
        d2(features, 3, scores=np.full(60, np.nan))


def test_initial_rows_of_a_class_cover_that_class():
    features = np.r_[np.zeros((10, 1)), np.ones((10, 1)), np.zeros((5, 1)), np.ones((5, 1))]
    y = np.repeat([0, 1], [20, 10])
    rows = facility_location(features, 2, y=y, initial=[0, 29])
    # The row of 0 is covered in class 0, that of 1 in class 1.
    assert sorted(rows.tolist()) == [10, 20]


@pytest.mark.parametrize(
    "strategy",
    [*SETS, D2("margin"), D2(None), Herding(normalize=False), FacilityLocation(kernel="rbf")],
    ids=repr,
)
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_features_give_the_same_rows(strategy, kind):
    rng = np.random.RandomState(0)
    evidence = make()
    features = np.where(rng.rand(60, 30) < 0.2, rng.randn(60, 30), 0.0)
    features[:, :3] = rng.randn(60, 3)

    def rank(table, initial):
        parts = {**evidence.parts, "features": table}
        told = Evidence(y=evidence.y, classes=evidence.classes, **parts)
        return strategy.rank(told, 9, random_state=0, initial=initial)

    for initial in (None, [4, 7]):
        rows, scores = rank(kind(features), initial)
        expected_rows, expected_scores = rank(features, initial)
        assert rows.tolist() == expected_rows.tolist()
        np.testing.assert_allclose(scores, expected_scores, rtol=1e-6, atol=1e-6)
    if hasattr(strategy, "weigh"):
        told = Evidence(y=evidence.y, features=kind(features))
        assert strategy.weigh(told, np.sort(rows)).sum() == 60


def test_sparse_tables_that_are_too_large_are_refused(monkeypatch):
    monkeypatch.setattr("sksvp._inputs._tables._MAX_DENSE", 100)
    table = sparse.csr_matrix(np.eye(60))
    with pytest.raises(TypeError, match=r"sparse table of the shape \(60, 60\).*TruncatedSVD"):
        bait(make().probabilities, table, 3)
    with pytest.raises(TypeError, match="TruncatedSVD"):
        moderate(table, 3, make().y)
    assert len(herding(table, 3)) == len(badge(make().probabilities, table, 3)) == 3


def test_identical_sparse_rows_are_counted_once():
    table = sparse.csr_matrix(np.repeat(np.eye(3), 20, axis=0))
    assert len(typiclust(table, 6, random_state=0)) == 6


@pytest.mark.parametrize("kernel", ["distance", "rbf"])
@pytest.mark.parametrize("seed", range(3))
def test_wide_sparse_rows_are_covered_as_dense_ones_are(kernel, seed, monkeypatch):
    rng = np.random.RandomState(seed)
    table = np.where(rng.rand(80, 500) < 0.02, rng.rand(80, 500), 0.0)
    # A class, and a labelled row, with nothing in them.
    table[:10] = table[15] = 0.0
    y = np.r_[np.zeros(10), np.ones(70)].astype(int)
    wide = sparse.csr_matrix(table.copy())
    wide.resize(80, 2**28)
    for initial in (None, [15, 40]):
        expected = facility_location(table, 24, y=y, initial=initial, kernel=kernel)
        assert facility_location(wide, 24, y=y, initial=initial, kernel=kernel).tolist() == expected.tolist()
        with monkeypatch.context() as patch:
            patch.setattr(facility_location_module, "_MAX_BYTES", 8 * 80 * 5)
            assert facility_location(wide, 24, y=y, initial=initial, kernel=kernel).tolist() == (
                expected.tolist()
            )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_badge_maps_large_probabilities_into_memory(dtype, monkeypatch, tmp_path):
    evidence = make(n_rows=300, n_classes=5)
    logits = np.lib.format.open_memmap(tmp_path / "logits.npy", mode="w+", dtype=dtype, shape=(300, 5))
    logits[:] = np.log(evidence.probabilities)
    told = Evidence(y=evidence.y, features=evidence.features, logits=logits, classes=evidence.classes)
    expected = BADGE().rank(told, 40, random_state=0)[0]
    monkeypatch.setattr(mapped_blocks_module, "BYTES_IN_MEMORY", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert BADGE().rank(told, 40, random_state=0)[0].tolist() == expected.tolist()
    # The file has no name, and goes with the array.
    assert [path.name for path in tmp_path.iterdir()] == ["logits.npy"]

    def no_room(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", no_room)
    with pytest.raises(OSError, match=r"the probabilities need .* bytes in the folder of temporary files"):
        BADGE().rank(told, 40, random_state=0)
