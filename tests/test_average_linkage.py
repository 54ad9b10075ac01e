"""Average-linkage clusters of many rows, against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

import sksvp.strategies._average_linkage as average_linkage_module
from sksvp.strategies import ClusterMargin, Evidence, margin
from sksvp.strategies._average_linkage import average_linkage, cut_into_cells


def joined(rows, n_clusters, cells):
    """Join the two clusters of one cell whose rows have the smallest mean distance, again and again."""
    distances = cdist(rows, rows)
    clusters = [[row] for row in range(len(rows))]
    while len(clusters) > n_clusters:
        means = {
            (a, b): distances[np.ix_(clusters[a], clusters[b])].mean()
            for a in range(len(clusters))
            for b in range(a)
            if cells[clusters[a][0]] == cells[clusters[b][0]]
        }
        if not means:
            break
        a, b = min(means, key=means.get)
        clusters[b] += clusters.pop(a)
    return {frozenset(cluster) for cluster in clusters}


def as_sets(clusters):
    return {frozenset(np.flatnonzero(clusters == cluster).tolist()) for cluster in np.unique(clusters)}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 40),
    share=st.floats(0, 1),
    cell_rows=st.sampled_from([3, 10, 2000]),
)
def test_the_clusters_of_the_smallest_mean_distance_are_joined(seed, n_rows, share, cell_rows):
    rows = np.random.RandomState(seed).randn(n_rows, 3)
    n_clusters = max(1, round(share * n_rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(average_linkage_module, "CELL_ROWS", cell_rows)
        patch.setattr(average_linkage_module, "_SAMPLE", cell_rows)
        clusters = average_linkage(rows, n_clusters, np.random.RandomState(0))
        cells = cut_into_cells(rows, np.random.RandomState(0))
    assert np.array_equal(np.sort(np.concatenate(cells)), np.arange(n_rows))
    assert max(map(len, cells)) <= cell_rows
    cell_of = {row: number for number, cell in enumerate(cells) for row in cell.tolist()}
    assert as_sets(clusters) == joined(rows, n_clusters, cell_of)
    assert set(clusters) == set(range(clusters.max() + 1))


def test_cells_are_cut_where_the_rows_spread_most():
    rows = np.random.RandomState(0).randn(4000, 5).astype(np.float32) * [1, 1, 9, 1, 1]
    low, high = cut_into_cells(rows, np.random.RandomState(0))
    places = np.sort(rows[:, 2])
    assert {len(low), len(high)} == {2000}
    gap = abs(np.median(rows[low, 2]) - np.median(rows[high, 2]))
    assert gap > 0.9 * (np.median(places[2000:]) - np.median(places[:2000]))


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_equal_rows_are_cut_and_joined_too(value):
    clusters = average_linkage(np.full((5000, 2), value), 500, np.random.RandomState(0))
    assert len(np.unique(clusters)) == 500


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n_samples=st.integers(1, 12), n_candidates=st.integers(1, 4))
def test_cluster_margin_goes_round_the_clusters_from_the_smallest(seed, n_samples, n_candidates):
    rng = np.random.RandomState(seed)
    features, p = rng.randn(40, 2), rng.dirichlet(np.ones(3), size=40)
    evidence = Evidence(features=features, probabilities=p)
    rows, _ = ClusterMargin(n_candidates, 8).rank(evidence, n_samples, random_state=0)
    # margin: the higher, the less sure.
    candidates = np.argsort(-margin(p), kind="stable")[: n_candidates * n_samples].tolist()
    groups = [
        members
        for cluster in joined(features, 5, np.zeros(40))
        if (members := [row for row in candidates if row in cluster])
    ]
    left = {number: len(members) for number, members in enumerate(groups)}
    of = {row: number for number, members in enumerate(groups) for row in members}
    assert set(rows) <= set(candidates)
    # In each round every cluster that has candidates left gives one; the smallest come first.
    rounds = []
    for row in rows.tolist():
        if not rounds or of[row] in rounds[-1]:
            rounds.append([])
        rounds[-1].append(of[row])
    for place, numbers in enumerate(rounds):
        sizes = [left[number] for number in numbers]
        assert sizes == sorted(sizes)
        open_sizes = sorted(size for size in left.values() if size > place)
        assert sizes == open_sizes[: len(sizes)]
        assert len(sizes) == len(open_sizes) or place == len(rounds) - 1
