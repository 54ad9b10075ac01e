"""Learning rates by epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sksvp.estimators._schedule import SCHEDULES, epoch_factors


def test_full_cifar_recipe():
    rates = 0.1 * np.array(epoch_factors("cifar", 181))
    np.testing.assert_allclose(rates, [0.01] + [0.1] * 90 + [0.01] * 45 + [0.001] * 45)


def test_full_imagenet_recipe():
    rates = 0.1 * np.array(epoch_factors("imagenet", 100))
    published = (
        [0.0167, 0.0333, 0.05, 0.0667, 0.0833] + [0.1] * 25 + [0.01] * 30 + [0.001] * 20 + [0.0001] * 20
    )
    np.testing.assert_allclose(rates, published, atol=5e-5)


def test_short_recipes():
    assert epoch_factors("cifar-50", 50) == [0.1] + [1.0] * 45 + [0.1] * 4
    assert epoch_factors("imagenet-45", 45)[5:] == [1.0] * 25 + [0.1] * 15


@pytest.mark.parametrize(
    ("epochs", "lengths"), [(20, [1, 9, 5, 5]), (60, [1, 29, 15, 15]), (2, [1, 1, 0, 0])]
)
def test_scaled(epochs, lengths):
    factors = epoch_factors("cifar", epochs)
    assert [factors.count(f) if f != 0.1 else None for f in (1.0, 0.01)] == [lengths[1], lengths[3]]
    assert factors[: lengths[0]] == [0.1] * lengths[0]
    assert len(factors) == epochs


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 400))
def test_every_epoch_has_a_rate_and_the_order_stays(name, epochs):
    factors = epoch_factors(name, epochs)
    assert len(factors) == epochs
    order = [factor for _, factor in SCHEDULES[name]]
    position = 0
    for factor in factors:
        while order[position] != factor:
            position += 1
    if epochs >= 2:
        assert max(factors) == max(order)
        if order[0] < max(order):
            assert factors[0] < max(order)


@pytest.mark.parametrize(
    "schedule", ["cosine", [], [(0, 1.0)], [(3, -1.0)], [(1,)], [("a", 1)], [(2, float("nan"))]]
)
def test_bad_schedules(schedule):
    with pytest.raises(ValueError, match="schedule"):
        epoch_factors(schedule, 10)


def test_own_segments():
    assert epoch_factors([(1, 0.5), (1, 1.0)], 4) == [0.5, 0.5, 1.0, 1.0]
