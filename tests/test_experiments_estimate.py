"""What an experiment will take, before it is run."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.experiments import ActiveRun, CoresetRun, estimate, format_estimate
from sksvp.experiments import _timed as timed
from sksvp.experiments._estimate_parts import _time_ranking, ranking_cost
from sksvp.experiments._timed import TrainingCost, first_rows, time_training, watching_peak
from sksvp.strategies import Evidence, KCenters, Random, estimate_cost


class Clocked:
    """A clock that is moved by what is trained, in place of the real ones."""

    def __init__(self):
        self.now = 0.0
        self.sizes = []

    def __call__(self):
        return self

    def __enter__(self):
        self.began = self.now
        return self

    def __exit__(self, *exception):
        self.wall = self.cpu = self.now - self.began


class Stepwise(ClassifierMixin, BaseEstimator):
    def __init__(self, max_epochs=10, batch_size=8):
        self.max_epochs = max_epochs
        self.batch_size = batch_size


class Whole(ClassifierMixin, BaseEstimator):
    pass


@pytest.fixture
def clock(monkeypatch):
    clock = Clocked()
    monkeypatch.setattr(timed, "Clock", clock)
    return clock


@pytest.mark.parametrize("row", [1e-5, 1e-3, 0.02])
def test_seconds_of_epochs_are_carried_on(clock, row):
    """Start, rows, epochs and rows of epochs are told apart, however long a step is."""

    def train(model, X, y):
        clock.sizes.append((len(y), model.max_epochs))
        clock.now += 0.5 + 1e-4 * len(y) + model.max_epochs * (0.01 + row * len(y))

    y = np.arange(5000) % 2
    cost = time_training(Stepwise(), y[:, None], y, train)
    expected = 0.5 + 0.5 + 10 * (0.01 + row * 5000)
    np.testing.assert_allclose(cost.seconds(5000, 10), expected, rtol=1e-6)
    np.testing.assert_allclose(cost.seconds(5000, 10, 100), 1.0 + 10 * (0.01 + row * 100), rtol=1e-6)
    assert sum(n_rows * epochs for n_rows, epochs in clock.sizes) <= 5000 * 3 + 5 * 8


def test_a_long_step_is_made_three_times(clock):
    def train(model, X, y):
        clock.sizes.append((len(y), model.max_epochs))
        clock.now += 20.0 * model.max_epochs * len(y) / 8

    y = np.arange(800) % 2
    cost = time_training(Stepwise(), y[:, None], y, train)
    assert clock.sizes == [(8, 1), (8, 2)]
    np.testing.assert_allclose(cost.seconds(800, 10), 20.0 * 10 * 100)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_a_model_without_epochs_is_carried_on_by_its_growth(clock, power):
    def train(model, X, y):
        clock.sizes.append(len(y))
        clock.now += 1e-5 * len(y) ** power

    y = np.arange(200_000) % 2
    cost = time_training(Whole(), y[:, None], y, train)
    np.testing.assert_allclose(cost.seconds(200_000, None), 1e-5 * 200_000**power, rtol=1e-6)
    assert max(clock.sizes) <= 200_000


def test_rows_of_all_classes_come_first():
    y = np.array([0] * 50 + [1, 2])
    assert set(y[first_rows(y)[:3]]) == {0, 1, 2}
    assert sorted(first_rows(y)) == list(range(52))


def test_the_peak_of_a_block():
    with watching_peak() as small:
        np.ones(10)
    with watching_peak() as large:
        np.ones(20_000_000).sum()
    if small[0]:
        assert large[0] - small[0] == pytest.approx(160e6, rel=0.3)


def test_memory_of_a_part():
    cost = TrainingCost(*np.zeros((4, 2)), memory=5.0, memory_row=2.0)
    assert cost.peak(10) == 25.0


def images(n=60):
    return np.random.RandomState(0).randint(0, 256, (n, 8, 8)).astype(np.uint8), np.arange(n) % 3


def network_run(**settings):
    X, y = images()
    network = ResNetClassifier(8, max_epochs=3, batch_size=16, device="cpu")
    given = {
        "proxy": network,
        "target": network,
        "strategies": ["el2n", "k_centers", "random"],
        "seeds": [0, 1],
    }
    return CoresetRun(X, y, X, y, **given | {"subset_sizes": [0.5, 30]} | settings)


def test_every_kind_of_work_has_a_line():
    table = estimate(network_run(with_rs2=True, with_same_cost=True, subset_sizes=[0.5]))
    assert table["part"].tolist() == ["proxy", "scoring", *["ranking"] * 3, *["target"] * 4, "total"]
    of_targets = table[table["part"] == "target"].set_index("name")["times"]
    assert of_targets.to_dict() == {"chosen rows": 6, "rs2": 2, "all rows, same cost": 2, "all rows": 2}
    assert (table["seconds"] > 0).all()
    parts = table[table["part"] != "total"]
    assert table["cpu_seconds"].iloc[-1] == pytest.approx(parts["cpu_seconds"].sum())
    assert table["memory"].iloc[-1] == parts["memory"].max()
    text = format_estimate(table)
    assert text.splitlines()[0].split() == ["estimate", "rows", "times", "CPU", "s", "wall", "s", "memory"]
    assert len({len(line.rstrip()) for line in text.splitlines()}) == 1
    assert max(map(len, text.splitlines())) <= 80


def test_the_rival_of_the_same_cost_takes_as_long_as_the_dearest_choice():
    table = estimate(network_run(with_same_cost=True, subset_sizes=[0.5], seeds=[0])).set_index("name")
    choice = table["seconds"] / table["times"]
    ranking = max(choice["el2n"], choice["k_centers"])
    expected = choice["ResNetClassifier"] + choice["features"] + ranking + choice["chosen rows"]
    assert table.loc["all rows, same cost", "seconds"] == pytest.approx(expected, rel=1e-6)


def test_nothing_but_the_choice():
    table = estimate(network_run(strategies=["random"]), only_select=True)
    assert table["part"].tolist() == ["ranking", "ranking", "total"]


def test_texts_and_models_without_epochs():
    X, y = [f"word{i % 3} and {i % 11}" for i in range(300)], np.arange(300) % 3
    bag = BagOfNgramsClassifier(max_epochs=2)
    run = CoresetRun(
        X, y, X, y, proxy=bag, target=bag, strategies=["entropy", "aum"], seeds=[0], subset_sizes=[0.5]
    )
    assert (estimate(run)["seconds"] > 0).all()
    X = np.random.RandomState(0).normal(size=(300, 4))
    model = LogisticRegression()
    run = CoresetRun(
        X, y, X, y, proxy=model, target=model, strategies=["entropy"], seeds=[0], subset_sizes=[0.5],
        probabilities="out_of_fold",
    )  # fmt: skip
    table = estimate(run)
    assert table.loc[table["part"] == "scoring", "seconds"].item() > table.loc[0, "seconds"]


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_rankings_are_carried_on_by_their_growth(clock, power):
    class Slow(Random):
        def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
            clock.sizes.append((len(candidates), n_samples))
            clock.now += 1e-6 * len(candidates) ** power
            return candidates, np.zeros(evidence.n_rows)

    evidence = Evidence(y=np.arange(9000) % 2)
    seconds, _ = _time_ranking(Slow(), evidence, 25_000, 100_000)
    np.testing.assert_allclose(seconds, 1e-6 * 100_000**power)
    assert clock.sizes == [(2000, 500)] * 2 + [(4000, 1000)] * 2


def test_rankings_are_those_of_estimate_cost(monkeypatch):
    X = np.random.RandomState(0).normal(size=(300, 7)).astype(np.float32)
    asked = []

    def noting(rule, *sizes, **visits):
        asked.append((type(rule).__name__, sizes, visits))
        return estimate_cost(rule, *sizes, **visits)

    monkeypatch.setattr("sksvp.experiments._estimate_parts.estimate_cost", noting)
    evidence = Evidence(y=np.arange(300) % 5, features=X)
    seconds, memory = ranking_cost(KCenters(), evidence, 50, 3000, n_classes=5)
    assert asked == [("KCenters", (3000, 7, 5, 50), {})]
    assert (seconds > 0).all() and memory >= X[0].nbytes * 3000
    # A greedy strategy picks within each class of a class-balanced choice.
    ranking_cost(KCenters(), evidence, 50, 3000, n_classes=5, apart=True)
    assert asked[-1][1] == (600, 7, 5, 10)


def active_run(**settings):
    X, y = images(120)
    network = ResNetClassifier(8, max_epochs=3, batch_size=16, device="cpu")
    given = {"proxy": network, "target": network, "strategies": ["margin", "k_centers"], "seeds": [0, 1]}
    return ActiveRun(
        X, y, X, y, **given | {"initial_size": 20, "rounds": [20, 30], "target_at": "all"} | settings
    )


def test_rounds_of_active_learning():
    table = estimate(active_run())
    parts = table[table["part"] != "total"]
    proxies = parts[parts["part"] == "proxy"]
    assert proxies["n_rows"].tolist() == [20, 20, 40, 40, 70, 70] and (proxies["times"] == 4).all()
    # Of a target that chooses for itself nothing else is trained.
    targets = parts[parts["part"] == "target"].set_index("n_rows")["times"]
    assert targets.to_dict() == {40: 6, 70: 6}
    of_margin = parts[parts["name"] == "margin by proxy, round 2"].set_index("part")["n_rows"]
    assert of_margin.to_dict() == {"scoring": 80, "ranking": 30}
    assert parts.loc[parts["name"] == "k_centers by proxy, round 2", "n_rows"].tolist() == [120, 30]
    assert table["cpu_seconds"].iloc[-1] == pytest.approx(parts["cpu_seconds"].sum())
    assert len({len(line.rstrip()) for line in format_estimate(table).splitlines()}) == 1


def test_rounds_with_fewer_candidates_equal_updates_and_a_start():
    table = estimate(
        active_run(
            strategies=["margin"], with_target=False, with_random=False, max_candidates=50, target_at=[70],
            start="k_centers", start_features=np.random.RandomState(0).normal(size=(120, 3)),
        )
    )  # fmt: skip
    assert table.loc[table["part"] == "scoring", "n_rows"].tolist() == [50, 50]
    assert table.loc[0, ["part", "name", "n_rows"]].tolist() == ["ranking", "start", 20]
    assert table.loc[table["part"] == "target", "n_rows"].tolist() == [70]
