"""Learning rates by epoch and by batch."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from sksvp.estimators import ResNetClassifier
from sksvp.training._callbacks import SetLearningRate
from sksvp.training._schedule import SCHEDULES, batch_factors, epoch_factors, one_cycle_factors


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


def test_the_first_epochs_of_a_longer_schedule():
    """Table 3 of the method's paper: 50 of 181 epochs, none of which has a lower rate."""
    rates = 0.1 * np.array(batch_factors("cifar:181", 50, 2))
    np.testing.assert_allclose(rates, [0.01] * 2 + [0.1] * 98)
    assert batch_factors("cifar:20", 20, 3) == batch_factors("cifar", 20, 3)
    assert batch_factors("one-cycle:10", 4, 2) == one_cycle_factors(20)[:8]


def test_a_network_follows_the_first_epochs_of_a_schedule():
    rates = []

    class Note(Callback):
        def on_epoch_end(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    X = np.random.RandomState(0).randint(0, 256, (20, 8, 8)).astype(np.uint8)
    network = ResNetClassifier(
        8, max_epochs=4, schedule="cifar:8", batch_size=10, device="cpu", net_params={"callbacks": [Note()]}
    )
    network.fit(X, np.arange(20) % 2)
    np.testing.assert_allclose(rates, 0.1 * np.array(epoch_factors("cifar", 8)[:4]))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("cifar:3", "schedule='cifar:3' has 3 epochs, fewer than max_epochs=4"),
        ("cifar:0", "schedule must be one of"),
        ("cifar:", "schedule must be one of"),
        ("cosine:9", "got 'cosine'"),
    ],
)
def test_first_epochs_that_cannot_be_had(schedule, words):
    with pytest.raises(ValueError, match=words):
        ResNetClassifier(8, max_epochs=4, schedule=schedule).check_params()


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


# One cycle ----------------------------------------------------------------------------------


@given(st.integers(1, 3000))
def test_one_cycle_is_a_triangle(n_batches):
    factors = np.array(one_cycle_factors(n_batches))
    peak = max(1, round(0.2 * n_batches))
    # Through 0 before the first batch, 1 in the last of the rise, and 0 again where the batch after the last would be.
    expected = np.interp(np.arange(1, n_batches + 1), [0, peak, n_batches + 1], [0, 1, 0])
    np.testing.assert_allclose(factors, expected, atol=1e-12)
    assert len(factors) == n_batches
    assert factors.max() == 1.0
    assert factors.min() > 0


def test_factors_by_batch():
    assert batch_factors("cifar-50", 3, 2) == [0.1, 0.1, 1.0, 1.0, 1.0, 1.0]
    assert batch_factors([(1, 0.5), (1, 1.0)], 2, 3) == [0.5] * 3 + [1.0] * 3
    assert batch_factors("one-cycle", 3, 5) == one_cycle_factors(15)


def test_one_cycle_has_no_factors_by_epoch():
    with pytest.raises(ValueError, match="every batch"):
        epoch_factors("one-cycle", 10)


class Rates(Callback):
    """Notes the rate that each batch was trained with."""

    def initialize(self):
        self.rates_ = []
        return self

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.rates_.extend(group["lr"] for group in net.optimizer_.param_groups)


def fit_with_rates(n_rows=40, **params):
    X = np.random.RandomState(0).randint(0, 255, (n_rows, 8, 8)).astype(np.uint8)
    callback = Rates()
    model = ResNetClassifier(
        8, lr=0.2, device="cpu", random_state=0, net_params={"callbacks": [callback]}, **params
    )
    model.fit(X, np.arange(n_rows) % 2)
    return model, X, callback.rates_


@pytest.mark.parametrize(
    ("n_rows", "epochs", "batches"),
    [
        (40, 4, 12),  # 16, 16 and 8 rows
        (32, 4, 8),
        (33, 4, 8),  # a last row alone joins the batch before it
        (40, 1, 3),
        (10, 1, 1),
    ],
)
def test_every_batch_of_a_training_has_the_rate_of_its_place(n_rows, epochs, batches):
    _, _, rates = fit_with_rates(n_rows, max_epochs=epochs, batch_size=16, schedule="one-cycle")
    np.testing.assert_allclose(rates, 0.2 * np.array(one_cycle_factors(batches)))


def test_piecewise_rates_hold_for_all_batches_of_an_epoch():
    _, _, rates = fit_with_rates(40, max_epochs=3, batch_size=16, schedule="cifar-50")
    np.testing.assert_allclose(rates, [0.02] * 3 + [0.2] * 6)


def test_training_beyond_one_cycle_stays_at_its_last_rate():
    groups = [{"lr": 9.0}, {"lr": 9.0, "lr_factor": 10.0}]
    net = SimpleNamespace(lr=9.0, optimizer_=SimpleNamespace(param_groups=groups), history=[])
    setter = SetLearningRate(one_cycle_factors(5), batches_per_epoch=2)
    setter.on_train_begin(net)
    seen = []
    for batch in range(7):
        if batch % 2 == 0:
            net.history.append({"batches": []})
        net.history[-1]["batches"].append({})
        setter.on_batch_begin(net, training=False)
        setter.on_batch_begin(net, training=True)
        seen.append([group["lr"] for group in net.optimizer_.param_groups])
    expected = np.array([1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(seen, np.stack([expected, 10 * expected], axis=1))


def test_partial_fit_after_one_cycle_takes_the_constant_rate():
    model, X, rates = fit_with_rates(40, max_epochs=2, batch_size=16, schedule="one-cycle")
    assert model.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(rates[-1])
    assert rates[-1] > 0
    model.partial_fit(X, np.arange(40) % 2)
    assert model.net_.optimizer_.param_groups[0]["lr"] == 0.2


class Halve(Callback):
    """Halves all rates after each epoch."""

    def on_epoch_end(self, net, **kwargs):
        for group in net.optimizer_.param_groups:
            group["lr"] /= 2


def rates_of(net_params, **params):
    rates = Rates()
    net_params["callbacks"] = [rates, *net_params.get("callbacks", [])]
    model = ResNetClassifier(8, max_epochs=3, batch_size=16, lr=0.2, net_params=net_params, **params)
    X = np.random.RandomState(0).randint(0, 256, (32, 8, 8)).astype(np.uint8)
    return model.fit(X, np.arange(32) % 2), X, rates


def test_a_schedule_of_the_user_is_followed():
    scheduler = LRScheduler("StepLR", step_size=1, gamma=0.1)
    model, _, rates = rates_of({"callbacks": [scheduler]}, schedule="constant")
    np.testing.assert_allclose(rates.rates_, [0.2, 0.2, 0.02, 0.02, 0.002, 0.002])
    np.testing.assert_allclose(model.history_[:, "event_lr"], [0.2, 0.02, 0.002])


def test_what_a_callback_changes_moves_on_with_the_schedule():
    _, _, rates = rates_of({"callbacks": [Halve()]}, schedule=[(2, 1.0), (1, 0.1)])
    np.testing.assert_allclose(rates.rates_, [0.2, 0.2, 0.1, 0.1, 0.005, 0.005])


def test_parameter_groups_keep_their_ratio():
    groups = [("fc*", {"lr": 0.002})]
    model, X, rates = rates_of({"optimizer__param_groups": groups}, schedule=[(2, 1.0), (1, 0.1)])
    np.testing.assert_allclose(rates.rates_, 4 * [0.002, 0.2] + 2 * [0.0002, 0.02])
    # Trained further at the first rates again: a group's ratio is not that of its last rate.
    model.partial_fit(X, np.arange(32) % 2)
    np.testing.assert_allclose(rates.rates_[12:], 2 * [0.002, 0.2])


class AddGroup(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2:
            net.optimizer_.add_param_group({"params": [nn.Parameter(torch.zeros(3))], "lr": 0.4})


def test_a_group_that_is_added_on_the_way_moves_on_with_the_schedule():
    _, _, rates = rates_of({"callbacks": [AddGroup()]}, schedule=[(2, 1.0), (1, 0.1)])
    np.testing.assert_allclose(rates.rates_, [0.2, 0.2] + 2 * [0.2, 0.4] + 2 * [0.02, 0.04])
