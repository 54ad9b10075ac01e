"""A network is trained without any classifier around it."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from sksvp.training import Rows, Team, Trainer, score_rows

X, y = load_digits(return_X_y=True)
X, y = torch.from_numpy(X[:200]).float() / 16, y[:200]
ROWS = Rows(len(X), lambda indices: X[torch.from_numpy(indices)], lambda batch: batch, is_slow=False)


class Net(nn.Module):
    n_features = 32

    def __init__(self, n_classes):
        super().__init__()
        self.hidden = nn.Linear(64, 32)
        self.head = nn.Linear(32, n_classes)

    def features(self, x):
        return self.hidden(x).relu()

    def forward(self, x):
        return self.head(self.features(x))


def trainer(**params):
    given = {
        "name": "Net",
        "team": Team("cpu"),
        "epochs": 8,
        "max_epochs": 8,
        "lr": 0.1,
        "full_lr": 0.1,
        "schedule": "constant",
        "batch_size": 32,
        "sgd": {"momentum": 0.9},
        "label_smoothing": 0.0,
        "class_weights": None,
        "precision": "fp32",
        "net_params": None,
        "checkpoint_every": 2,
        "watch": None,
        "verbose": 0,
        "has_large_layers": False,
        "records_steps": False,
    }
    return Trainer(**{**given, **params})


def train(trainer, net=None):
    net = net or trainer.build_net(Net, 10, np.random.RandomState(0))
    trainer.train(net, ROWS, y, lambda batch, visit: batch)
    return net, score_rows(net, ROWS, np.arange(len(X)), "logits", batch_size=32)


def test_it_learns_and_leaves_the_generators_alone():
    before = torch.get_rng_state()
    net, logits = train(trainer())
    assert (logits.argmax(axis=1) == y).mean() > 0.95
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"] / 4
    torch.testing.assert_close(torch.get_rng_state(), before, rtol=0, atol=0)
    np.testing.assert_array_equal(train(trainer())[1], logits)
    features = score_rows(net, ROWS, np.array([5, 3]), "features", batch_size=32)
    np.testing.assert_allclose(features, net.module_.features(X[[5, 3]]).detach(), rtol=1e-5, atol=1e-6)


def test_a_net_that_is_trained_further_goes_on_with_its_draws():
    orders = []

    def view(batch, visit):
        orders.append(visit.rows.tolist())
        return batch

    def train_twice():
        net, _ = train(trainer(epochs=1))
        for _ in range(2):
            trainer(epochs=1, batch_size=200).train(net, ROWS, y, view)
        return net.network.state_dict()

    first, second = train_twice(), train_twice()
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]
    assert orders[:2] == orders[2:]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_forgetting_events_are_those_of_the_last_training():
    first = trainer(epochs=1)
    train(first)
    assert set(first.counter.counter.events()) == {0, np.inf}


def test_a_watch_sees_the_network_as_it_is_and_ends_the_training():
    seen = []

    def watch(gather):
        seen.append((gather("logits", np.arange(7)), gather("forgetting_events", np.arange(7))))
        return len(seen) == 3

    net, logits = train(trainer(watch=watch))
    assert len(net.history) == len(seen) == 3
    np.testing.assert_allclose(seen[-1][0]["logits"], logits[:7], rtol=1e-4, atol=1e-5)
    assert seen[-1][1]["forgetting_events"].shape == (7,)


def test_a_folder_that_cannot_be_opened():
    def refuse(team):
        raise ValueError("in use")

    kept = trainer()
    with pytest.raises(ValueError, match="in use"), kept.keeping(refuse):
        train(kept)


def test_too_small_shares_are_refused():
    team = Team("cpu")
    team.size = 20
    with pytest.raises(
        ValueError, match="20 processes need at least 40 rows in X and in a batch, got 200 and"
    ):
        train(trainer(team=team))
