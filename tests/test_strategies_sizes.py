"""Class balance: quotas by largest remainder, filled in order."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sksvp.strategies import Entropy, Evidence, ForgettingEvents, choose, class_quotas, fill_quotas

labels = st.lists(st.sampled_from(["cat", "dog", "eel", "owl"]), min_size=1, max_size=40)


@settings(deadline=None)
@given(y=labels, data=st.data())
def test_quotas_are_the_shares_rounded_by_largest_remainder(y, data):
    n_samples = data.draw(st.integers(1, len(y)))
    classes, quotas = class_quotas(y, n_samples)
    assert classes.tolist() == sorted(set(y))
    assert quotas.sum() == n_samples
    shares = [Fraction(y.count(label) * n_samples, len(y)) for label in classes]
    rounded_up = [quota > share for quota, share in zip(quotas.tolist(), shares, strict=True)]
    for quota, share, label in zip(quotas.tolist(), shares, classes, strict=True):
        assert abs(quota - share) < 1
        assert quota <= y.count(label)
    # Whoever was rounded up had at least the remainder of whoever was rounded down.
    up = [share % 1 for share, is_up in zip(shares, rounded_up, strict=True) if is_up]
    down = [share % 1 for share, is_up in zip(shares, rounded_up, strict=True) if not is_up]
    assert min(up, default=1) >= max(down, default=0)


def test_quotas_known():
    classes, quotas = class_quotas([2] * 5 + [0] * 3 + [1] * 2, 5)
    assert classes.tolist() == [0, 1, 2]
    # Shares 1.5, 1, 2.5: the first of two equal remainders gets the place.
    assert quotas.tolist() == [2, 1, 2]


@settings(deadline=None)
@given(y=labels, data=st.data())
def test_filling_against_the_definition(y, data):
    order = data.draw(st.permutations(range(len(y))))
    order = order[: data.draw(st.integers(1, len(y)))]
    n_samples = data.draw(st.integers(1, len(order)))
    left = dict(zip(*(part.tolist() for part in class_quotas(y, n_samples)), strict=True))
    chosen = set()
    for row in order:
        if left[y[row]] > 0:
            left[y[row]] -= 1
            chosen.add(row)
    for row in order:
        if len(chosen) < n_samples and row not in chosen:
            chosen.add(row)
    assert fill_quotas(order, y, n_samples).tolist() == [row for row in order if row in chosen]


def test_places_a_class_cannot_fill_go_to_the_best_of_the_others():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    # Quotas are 2 and 2, but only one row of class 1 may be chosen.
    assert fill_quotas([3, 4, 0, 1, 2], y, 4).tolist() == [3, 4, 0, 1]


def test_a_class_of_one_row_and_unsorted_string_labels_work():
    y = np.array(["b", "a", "b", "b"])
    assert fill_quotas([0, 2, 3, 1], y, 4).tolist() == [0, 2, 3, 1]
    assert class_quotas(y, 2)[1].tolist() == [1, 1]


@pytest.mark.parametrize("n_samples", [0, 4])
def test_sizes_that_cannot_be_had_are_refused(n_samples):
    with pytest.raises(ValueError, match=r"n_samples must lie in 1 \.\. 3"):
        class_quotas([0, 1, 1], n_samples)
    with pytest.raises(ValueError, match=r"n_samples must lie in 1 \.\. 3"):
        fill_quotas([0, 1, 2], [0, 1, 1, 1], n_samples)


def test_bad_labels_and_orders_are_refused():
    with pytest.raises(ValueError, match="y must have the shape"):
        class_quotas([[0, 1]], 1)
    with pytest.raises(ValueError, match="order must hold each row once"):
        fill_quotas([0, 0], [0, 1], 1)
    with pytest.raises(ValueError, match=r"order must lie in 0 \.\. 1"):
        fill_quotas([0, 2], [0, 1], 1)


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    share=st.floats(0.02, 1),
    kind=st.sampled_from(["equal", "numbers"]),
    seed=st.integers(0, 100),
)
@settings(max_examples=80, deadline=None)
def test_quotas_follow_their_weights_up_to_the_sizes(sizes, share, kind, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    n_samples = max(1, int(share * len(labels)))
    weights = "equal" if kind == "equal" else np.random.RandomState(seed).randint(0, 4, len(sizes)) / 3
    _, quotas = class_quotas(labels, n_samples, weights=weights)
    assert quotas.sum() == n_samples
    assert (quotas <= sizes).all()
    if kind == "equal":
        is_open = quotas < sizes
        if is_open.any():
            assert quotas.max() - quotas[is_open].min() <= 1


def test_classes_that_the_proxy_gets_wrong_have_larger_quotas():
    y = np.repeat([0, 1, 2], 20)
    p = np.eye(3)[y] * 0.9 + 0.1 / 3
    p[:10] = p[20]  # half of class 0 is taken for class 1
    p[20:25] = p[0 + 15]  # a quarter of class 1 for class 0
    evidence = Evidence(y=y, probabilities=p, classes=[0, 1, 2])
    rows = choose(Entropy(), evidence, 12, class_balanced="by_error", random_state=0).rows
    assert np.bincount(y[rows], minlength=3).tolist() == [8, 4, 0]
    rows = choose(Entropy(), evidence, 12, class_balanced="equal", random_state=0).rows
    assert np.bincount(y[rows]).tolist() == [4, 4, 4]
    # Nothing is wrong in what is left: its sizes decide.
    rows = choose(Entropy(), evidence, 45, class_balanced="by_error", random_state=0).rows
    assert np.bincount(y[rows]).tolist() == [20, 20, 5]
    with pytest.raises(ValueError, match="needs probabilities"):
        choose(
            ForgettingEvents(),
            Evidence(y=y, forgetting_events=y),
            3,
            class_balanced="by_error",
            random_state=0,
        )


@pytest.mark.parametrize("weights", ["even", [1.0, 2.0], [-1, 1, 1], [np.nan, 1, 1]])
def test_weights_of_quotas_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be"):
        class_quotas([0, 1, 2, 2], 2, weights=weights)
