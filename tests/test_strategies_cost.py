"""Estimates of seconds and memory: the laws of growth, not the clock."""

import numpy as np
import pytest

from sksvp.strategies import (
    DataSize,
    Entropy,
    Evidence,
    FacilityLocation,
    Growth,
    PickingStrategy,
    Strategy,
    Stratified,
    Window,
    estimate_cost,
    resolve_strategy,
    strategy_names,
)
from sksvp.strategies import _cost as cost_module

SIZE = DataSize(n_rows=3000, n_features=12, n_classes=5, n_samples=300, n_visits=10)


class AllPairs(PickingStrategy):
    """A user's strategy, which holds a byte for each pair of rows."""

    requires = ("features",)

    def _pick(self, evidence, pool, initial, n_samples, rng):
        pairs = np.zeros((len(pool), len(pool)), dtype=np.uint8)
        return pool[:n_samples], pairs[0].astype(float)


@pytest.mark.parametrize("name", strategy_names())
def test_every_strategy_states_its_growth(name):
    strategy = resolve_strategy(name)
    law = strategy.growth(SIZE)
    assert all(term >= 0 for term in law.terms)
    assert max(law.terms) > 0
    for larger in (SIZE._replace(n_rows=6000), SIZE._replace(n_samples=600)):
        grown = strategy.growth(larger)
        assert len(grown.terms) == len(law.terms)
        assert sum(grown.terms) >= sum(law.terms)
        assert grown.memory >= law.memory


@pytest.mark.parametrize("n_rows", [4000, 20_000])
@pytest.mark.parametrize("name", [name for name in strategy_names() if name != "k_centers"])
def test_the_stated_memory_is_what_is_held(name, n_rows):
    """Of k-centers the memory is torch's, which Python does not see."""
    strategy = resolve_strategy(name)
    strategy.rank(cost_module.made_up_evidence(strategy, SIZE), 30, random_state=0)
    size = SIZE._replace(n_rows=n_rows)
    evidence = cost_module.evidence_bytes(strategy, size)
    held = evidence + cost_module._peak_bytes(strategy, size)
    stated = evidence + strategy.growth(size).memory
    assert held / 2 < stated < held * 2


def test_the_memory_of_facility_location_has_an_end():
    one_class = DataSize(1_000_000, 10, 2, 100, 1)
    assert FacilityLocation().growth(one_class).memory < 3e9
    assert FacilityLocation().growth(one_class._replace(n_classes=1000)).memory < 1e8


def test_a_sum_of_terms_is_found_again():
    runs = [((n**2, n), 3e-9 * n**2 + 2e-6 * n) for n in (1000.0, 2000.0, 4000.0, 8000.0)]
    assert cost_module._fitted((1e10, 1e5), runs) == pytest.approx(30.2, rel=1e-6)
    # A term that the runs do not show has no part.
    assert cost_module._fitted(
        (1e10, 5.0), [((n**2, 0.0), 3e-9 * n**2) for n in (10.0, 20.0)]
    ) == pytest.approx(30)


def test_a_power_is_carried_on():
    runs = [(SIZE._replace(n_rows=n), 1e-6 * n**1.5) for n in (1000, 2000)]
    assert cost_module._carried_on(SIZE._replace(n_rows=100_000), runs) == pytest.approx(1e-6 * 1e5**1.5)
    assert cost_module._carried_on(runs[-1][0], runs) == runs[-1][1]


def test_classes_grow_before_their_number():
    strategy = FacilityLocation()
    size = DataSize(100_000, 8, 10, 10_000, 20)
    shapes = [(one.n_rows, one.n_classes, one.n_samples) for one in cost_module._small_sizes(strategy, size)]
    assert shapes[0] == (2000, 1, 200)
    assert (16_000, 2, 1600) in shapes
    assert shapes[-1] == (100_000, 10, 10_000)


def test_an_estimate_has_the_size_of_the_evidence():
    cost = estimate_cost("entropy", 1_000_000, 64, 10, 100_000)
    assert 4 * 10 * 1_000_000 < cost.memory < 3 * 4 * 10 * 1_000_000
    assert cost.seconds > 0
    assert cost.cpu_seconds > 0
    assert estimate_cost(Stratified(Entropy()), 1_000_000, 64, 10, 100_000).memory > cost.memory


def test_the_estimate_of_a_users_strategy_follows_its_runs():
    assert AllPairs().growth(SIZE) is None
    cost = estimate_cost(AllPairs(), 50_000, 4, 2, 100)
    assert 50_000**2 / 2 < cost.memory < 2 * 50_000**2


def test_a_users_growth_is_used():
    class Stated(AllPairs):
        def growth(self, size):
            return Growth((size.n_rows**2,), 7.0 * size.n_rows**2)

    cost = estimate_cost(Stated(), 50_000, 4, 2, 100)
    assert cost.memory == 7 * 50_000**2 + 50_000 * (8 + 4 * 4)


def test_what_cannot_be_estimated_is_an_error():
    class Unknown(Strategy):
        requires = ("temperature",)

        def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
            return np.arange(n_samples), np.zeros(evidence.n_rows)

    with pytest.raises(ValueError, match="temperature"):
        estimate_cost(Unknown(), 1000, 4, 2, 10)
    with pytest.raises(ValueError, match="n_samples must be at most n_rows=1000, got 1001"):
        estimate_cost("entropy", 1000, 4, 2, 1001)
    with pytest.raises(ValueError, match="n_classes"):
        estimate_cost("entropy", 1000, 4, 1, 10)
    with pytest.raises(ValueError, match="n_rows"):
        estimate_cost("entropy", 1000.0, 4, 2, 10)
    with pytest.raises(ValueError, match="Unknown strategy"):
        estimate_cost("entropie", 1000, 4, 2, 10)
    with pytest.raises(ValueError, match="size"):
        FacilityLocation().growth((1, 2, 3))


def test_made_up_evidence_serves_every_strategy():
    for strategy in (*map(resolve_strategy, strategy_names()), Window("el2n")):
        evidence = cost_module.made_up_evidence(strategy, SIZE)
        assert isinstance(evidence, Evidence)
        assert set(strategy.requires) <= set(evidence.kinds)
        held = sum(np.asarray(part).nbytes for part in [evidence.y, *evidence.parts.values()])
        assert cost_module.evidence_bytes(strategy, SIZE) == pytest.approx(held, abs=100)
