"""Entropy, least confidence and margin against their definitions in exact arithmetic."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from sksvp.strategies import Entropy, Evidence, LeastConfidence, Margin, entropy, least_confidence, margin

FUNCTIONS = [entropy, least_confidence, margin]
STRATEGIES = {entropy: Entropy, least_confidence: LeastConfidence, margin: Margin}


def define(function, logits, *, shifted=False):
    """The score of one row of logits in 100 digits."""
    with localcontext() as context:
        context.prec = 100
        weights = [Decimal(float(value)).exp() for value in logits]
        p = sorted((weight / sum(weights) for weight in weights), reverse=True)
        if function is entropy:
            return float(-sum(value * value.ln() for value in p if value > 0))
        if function is least_confidence:
            return float(1 - p[0])
        return float(p[1] - p[0] + (1 if shifted else 0))


small_logits = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(2, 6)),
    elements=st.floats(-30, 30, width=32).map(lambda value: np.float32(round(value, 2))),
)


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(deadline=None)
@given(logits=small_logits)
def test_probabilities_against_the_definition(function, logits):
    probabilities = np.exp(log_softmax(logits.astype(np.float64), axis=1))
    expected = [define(function, row) for row in logits]
    np.testing.assert_allclose(function(probabilities), expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(deadline=None)
@given(logits=small_logits)
def test_logs_against_the_definition_to_full_precision(function, logits):
    logs = log_softmax(logits.astype(np.float64), axis=1)
    expected = [define(function, row, shifted=True) for row in logits]
    # Relative, even of 1e-26: a margin near 0 alone is as coarse as the 1 it is taken from.
    np.testing.assert_allclose(function(logs, log=True), expected, rtol=1e-11, atol=0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sure_rows_stay_apart_down_to_1e_300(function):
    gaps = np.linspace(1, 690, 400)
    logits = np.column_stack([gaps, np.zeros(400), np.full(400, -3.0)]).astype(np.float32)
    logs = log_softmax(logits.astype(np.float64), axis=1)
    scores = function(logs, log=True)
    assert (np.diff(scores) < 0).all()
    assert 0 < scores[-1] < 1e-290
    # The strategy ranks them from float32 logits, where probabilities would all be 1.
    rows, strategy_scores = STRATEGIES[function]().rank(Evidence(logits=logits), 1, random_state=0)
    np.testing.assert_array_equal(rows, np.arange(400))
    np.testing.assert_allclose(strategy_scores, function(np.exp(logs)), atol=1e-15)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_probability_of_zero_is_no_nan_and_ranks_last(function):
    probabilities = np.array([[1.0, 0.0, 0.0], [0.4, 0.3, 0.3], [0.0, 1.0, 0.0], [0.9, 0.1, 0.0]])
    scores = function(probabilities)
    assert np.isfinite(scores).all()
    assert scores[0] == scores[2] == scores.min()
    rows, _ = STRATEGIES[function]().rank(Evidence(probabilities=probabilities), 4, random_state=0)
    assert rows[:2].tolist() == [1, 3]
    with np.errstate(divide="ignore"):
        logs = np.log(probabilities)
    shift = 1.0 if function is margin else 0.0
    np.testing.assert_allclose(function(logs, log=True), scores + shift, atol=1e-15)


def test_known_values():
    p = [[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, 0.0]]
    np.testing.assert_allclose(entropy(p), [1.5 * np.log(2), np.log(3), 0], atol=1e-15)
    np.testing.assert_allclose(least_confidence(p), [0.5, 2 / 3, 0], atol=1e-15)
    np.testing.assert_allclose(margin(p), [-0.25, 0, -1], atol=1e-15)
    assert not np.signbit(entropy(p)[2])


@settings(deadline=None)
@given(p=st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_two_classes_rank_alike_under_all_scores(p):
    probabilities = np.column_stack([p, 1 - np.array(p)])
    # A gap of p and 1 - p is twice the distance to 1/2, so that one order follows from the other.
    np.testing.assert_allclose(margin(probabilities), 2 * least_confidence(probabilities) - 1, atol=1e-15)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, ">f8", bool])
def test_any_real_dtype_gives_float64_scores(function, dtype):
    one_hot = np.eye(4).astype(dtype)
    scores = function(one_hot)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, function(np.eye(4)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_float32_is_scored_in_float64(function):
    logits = np.random.default_rng(0).normal(size=(50, 10))
    probabilities = np.exp(log_softmax(logits, axis=1)).astype(np.float32)
    np.testing.assert_array_equal(function(probabilities), function(probabilities.astype(np.float64)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_blocks_do_not_show(function):
    logits = np.random.default_rng(0).normal(size=(30_000, 5))
    probabilities = np.exp(log_softmax(logits, axis=1))
    whole = function(probabilities)
    np.testing.assert_array_equal(
        whole, np.concatenate([function(part) for part in np.array_split(probabilities, 7)])
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("log", [False, True])
def test_no_rows_no_scores(function, log):
    assert function(np.empty((0, 3)), log=log).shape == (0,)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("probabilities", "error", "message"),
    [
        ([0.5, 0.5], ValueError, r"shape \(n_rows, n_classes\), got \(2,\)"),
        (np.ones((2, 2, 2)), ValueError, "shape"),
        ([[1.0], [1.0]], ValueError, "at least two classes"),
        ([[0.5, np.nan]], ValueError, "finite"),
        ([[np.inf, 0.0]], ValueError, "finite"),
        ([[0.5, 0.4]], ValueError, "sums to 0.9"),
        ([[2.0, 3.0]], ValueError, "sums to 5"),
        ([[1.5, -0.5]], ValueError, r"lie in \[0, 1\], got -0.5"),
        ([["a", "b"]], TypeError, "real numbers"),
        (np.array([[0.5, None]], dtype=object), TypeError, "real numbers"),
        (csr_matrix([[1.0, 0.0]]), TypeError, "dense"),
    ],
)
def test_bad_probabilities_are_refused(function, probabilities, error, message):
    with pytest.raises(error, match=message):
        function(probabilities)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ([[np.nan, 0.0]], "finite"),
        ([[np.inf, 0.0]], "finite"),
        ([[1e9, 0.0]], "finite"),
        ([[-np.inf, -np.inf]], "sums to 0"),
        ([[0.5, 0.5]], "sums to 3.29"),
    ],
)
def test_bad_logs_are_refused(function, logs, message):
    with pytest.raises(ValueError, match=message):
        function(logs, log=True)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_sum_a_little_off_is_accepted(function):
    # fastText prints probabilities up to 1.00001.
    scores = function([[1.00001, 0.00001], [0.5004, 0.5004]])
    assert scores[1] > scores[0] >= (-1.1 if function is margin else 0.0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_rows_anywhere_are_found(function):
    probabilities = np.full((70_000, 2), 0.5)
    probabilities[69_999] = [0.7, 0.7]
    with pytest.raises(ValueError, match=r"sums to 1\.4"):
        function(probabilities)
