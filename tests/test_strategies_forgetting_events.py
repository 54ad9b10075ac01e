"""Forgetting events: the whole history, batch by batch, and the strategy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sksvp.strategies import Evidence, ForgettingCounter, ForgettingEvents, forgetting_events

histories = arrays(bool, st.tuples(st.integers(0, 8), st.integers(1, 6)))


def define(visits):
    was_right, n_events = False, 0
    for right in visits:
        if was_right and not right:
            n_events += 1
        was_right = right
    return n_events if any(visits) else np.inf


@settings(deadline=None)
@given(correct=histories)
def test_count_against_the_definition(correct):
    events = forgetting_events(correct)
    assert events.dtype == np.float64
    assert events.tolist() == [define(visits) for visits in correct.T.tolist()]


@settings(deadline=None)
@given(correct=histories, seed=st.integers(0, 100))
def test_counter_agrees_with_the_whole_history(correct, seed):
    rng = np.random.default_rng(seed)
    n_visits, n_rows = correct.shape
    counter = ForgettingCounter(n_rows)
    for visit in range(n_visits):
        for batch in np.array_split(rng.permutation(n_rows), 2):
            counter.note(batch, correct[visit, batch])
    np.testing.assert_array_equal(counter.result(), forgetting_events(correct))


def test_never_learned_is_infinite_and_first_mistakes_do_not_count():
    history = [[0, 0, 1, 1], [0, 0, 1, 0], [0, 1, 1, 1], [0, 1, 1, 0]]
    assert forgetting_events(history).tolist() == [np.inf, 0.0, 0.0, 2.0]


def test_rows_never_visited_are_infinite():
    counter = ForgettingCounter(3)
    counter.note(np.array([1]), np.array([True]))
    assert counter.result().tolist() == [np.inf, 0.0, np.inf]


def test_counter_takes_tensors_and_empty_batches():
    torch = pytest.importorskip("torch")
    counter = ForgettingCounter(2)
    counter.note(torch.tensor([1, 0]), torch.tensor([True, False]))
    counter.note([], [])
    counter.note(torch.tensor([1]), torch.tensor([False]))
    assert counter.result().tolist() == [np.inf, 1.0]


@pytest.mark.parametrize(
    ("rows", "correct", "message"),
    [
        ([0, 1], [True], "equal length"),
        ([[0]], [[True]], "1-D"),
        ([0, 3], [True, True], "0 .. 2"),
        ([-1], [True], "0 .. 2"),
        ([1, 1], [True, False], "each row once"),
        ([0.0], [True], "integers"),
        ([0], [0.5], "true and false"),
    ],
)
def test_bad_visits_are_refused_and_change_nothing(rows, correct, message):
    counter = ForgettingCounter(3)
    with pytest.raises((ValueError, TypeError), match=message):
        counter.note(rows, correct)
    assert counter.result().tolist() == [np.inf] * 3


@pytest.mark.parametrize(
    ("correct", "message"),
    [
        ([True, False], "shape"),
        ([[0, 2]], "true and false"),
        ([[np.nan, 1.0]], "true and false"),
        ([["yes", "no"]], "true and false"),
    ],
)
def test_bad_histories_are_refused(correct, message):
    with pytest.raises(ValueError, match=message):
        forgetting_events(correct)


def test_strategy_puts_never_learned_rows_first_and_unforgotten_last():
    events = np.array([0.0, 3.0, np.inf, 1.0, 0.0, np.inf])
    rows, scores = ForgettingEvents().rank(Evidence(forgetting_events=events), 3, random_state=0)
    assert set(rows[:2]) == {2, 5}
    assert rows[2:4].tolist() == [1, 3]
    assert set(rows[4:]) == {0, 4}
    np.testing.assert_array_equal(scores, events)


def test_strategy_refuses_nan_and_another_shape():
    with pytest.raises(ValueError, match="NaN for row 1"):
        ForgettingEvents().rank(Evidence(forgetting_events=[0.0, np.nan]), 1)
    with pytest.raises(ValueError, match="forgetting_events must have the shape"):
        ForgettingEvents().rank(Evidence(forgetting_events=np.zeros((2, 1))), 1)
