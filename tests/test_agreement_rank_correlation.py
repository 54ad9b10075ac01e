"""Correlation of two scores against its definition."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from sksvp.agreement import rank_correlation

two_scores = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, 2.5, 7.0, np.inf]), st.sampled_from([-3.0, 0.0, 4.0, np.inf])),
    min_size=2,
    max_size=12,
)


def mean_ranks(scores):
    return [
        sum(other < score for other in scores) + (sum(other == score for other in scores) + 1) / 2
        for score in scores
    ]


def pearson(a, b):
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    covariance = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return covariance / math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))


def tau_b(a, b):
    pairs = list(itertools.combinations(range(len(a)), 2))
    sign = [((a[i] > a[j]) - (a[i] < a[j]), (b[i] > b[j]) - (b[i] < b[j])) for i, j in pairs]
    agree = sum(x * y for x, y in sign)
    return agree / math.sqrt(sum(x != 0 for x, _ in sign) * sum(y != 0 for _, y in sign))


@settings(deadline=None)
@given(scores=two_scores)
def test_spearman_and_kendall_with_ties_and_infinity(scores):
    a, b = map(list, zip(*scores, strict=True))
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    assert rank_correlation(a, b) == pytest.approx(pearson(mean_ranks(a), mean_ranks(b)), abs=1e-12)
    assert rank_correlation(a, b, method="kendall") == pytest.approx(tau_b(a, b), abs=1e-12)


@settings(deadline=None)
@given(scores=two_scores)
def test_pearson_takes_infinity_as_the_largest_finite_score(scores):
    capped = []
    for part in zip(*scores, strict=True):
        finite = [score for score in part if score < np.inf]
        assume(len(set(finite)) > 1)
        capped.append([min(score, max(finite)) for score in part])
    a, b = zip(*scores, strict=True)
    assert rank_correlation(a, b, method="pearson") == pytest.approx(pearson(*capped), abs=1e-12)


def test_agrees_with_scipy_on_many_rows():
    rng = np.random.default_rng(0)
    a = rng.normal(size=5000)
    b = a + rng.normal(size=5000)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


@pytest.mark.parametrize("method", ["spearman", "pearson", "kendall"])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_perfect_agreement_and_its_reverse_at_any_scale(method, scale):
    a = np.arange(5.0) * scale
    assert rank_correlation(a, a, method=method) == pytest.approx(1.0)
    assert rank_correlation(a, -a, method=method) == pytest.approx(-1.0)


@pytest.mark.parametrize("method", ["spearman", "pearson", "kendall"])
@pytest.mark.parametrize("constant", [0.0, 2.0, np.inf])
def test_equal_scores_have_no_correlation(method, constant):
    with pytest.warns(UserWarning, match="b has the same score for all rows"):
        assert math.isnan(rank_correlation([1.0, 2.0], [constant, constant], method=method))


@pytest.mark.parametrize(
    ("a", "b", "method", "message"),
    [
        ([1.0, np.nan], [1, 2], "spearman", "a must not hold NaN"),
        ([1, 2], [np.nan, np.nan], "pearson", "b must not hold NaN"),
        ([1, 2, 3], [1, 2], "spearman", "same length, got 3 and 2"),
        ([1], [1], "spearman", "at least two rows"),
        ([[1, 2]], [1, 2], "spearman", r"a must have the shape \(n_rows,\)"),
        ([1, 2], [1, 2], "cosine", "The 'method' parameter of rank_correlation must be a str among"),
    ],
)
def test_bad_input_is_refused(a, b, method, message):
    with pytest.raises(ValueError, match=message):
        rank_correlation(a, b, method=method)
