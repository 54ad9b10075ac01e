"""Overlap of chosen rows against all ways to break ties, and chance against draws."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sksvp.agreement import overlap


def choices(scores, n_kept):
    """Return all sets of the first rows, however equal scores are ordered."""
    rows = range(len(scores))
    return [
        set(chosen)
        for chosen in combinations(rows, n_kept)
        if all(scores[i] >= scores[j] for i in chosen for j in rows if j not in chosen)
    ]


scores = st.lists(st.sampled_from([0.0, 1.0, 2.0, np.inf]), min_size=5, max_size=5)


@settings(deadline=None)
@given(a=scores, b=scores, n_kept=st.integers(1, 5))
def test_is_the_mean_over_all_orders_of_equal_scores(a, b, n_kept):
    shared = [len(x & y) / n_kept for x in choices(a, n_kept) for y in choices(b, n_kept)]
    assert overlap(a, b, [n_kept])["overlap"][0] == pytest.approx(np.mean(shared))


def test_chance_is_that_of_random_choices():
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        a, b = (rng.permutation(40)[:12] for _ in range(2))
        drawn.append(len(np.intersect1d(a, b)) / 12)
    line = overlap(np.arange(40), np.arange(40), [12]).iloc[0]
    assert line["overlap"] == 1.0
    assert line["chance"] == pytest.approx(np.mean(drawn), abs=0.01)
    assert line["chance_std"] == pytest.approx(np.std(drawn), rel=0.05)


def test_rows_without_a_score_are_never_chosen():
    assert overlap([np.nan, 1.0, 2.0], [9.0, 1.0, 2.0], [2])["overlap"][0] == 0.5
    with pytest.raises(ValueError, match="a ranks 2 rows, fewer than the 3"):
        overlap([np.nan, 1.0, 2.0], [9.0, 1.0, 2.0], [3])


@pytest.mark.parametrize(
    ("a", "b", "shares", "message"),
    [
        ([1, 2], [1, 2, 3], [0.5], "same length, got 2 and 3"),
        ([1], [1], [1.0], "at least two rows"),
        ([1, 2], [1, 2], [0.1], "keeps none"),
        ([1, 2], [1, 2], [3], "must lie in 1 .. 2"),
        ([1, 2], [1, 2], [], "The 'shares' parameter of overlap"),
        ([1, "x"], [1, 2], [0.5], "a: could not convert"),
    ],
)
def test_bad_input_is_refused(a, b, shares, message):
    with pytest.raises(ValueError, match=message):
        overlap(a, b, shares)
