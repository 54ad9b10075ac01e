"""A proxy that stops when its ranking has settled."""

import pickle
from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skorch.callbacks import Callback, EarlyStopping

from sksvp import CoresetClassifier, ProxyCoresetSelector, RankingSettled
from sksvp.coreset import ProxyStop
from sksvp.estimators import ResNetClassifier

X, y = load_digits(n_class=4, return_X_y=True)
X, y = X[:160].astype(np.uint8), y[:160]
NEVER = RankingSettled(tolerance=0.0, patience=3, n_rows=60)
SOON = RankingSettled(tolerance=1.0, patience=2, min_epochs=3, n_rows=60)


def resnet(**params):
    return ResNetClassifier(
        8,
        **{
            "max_epochs": 6,
            "batch_size": 32,
            "image_shape": (1, 8, 8),
            "device": "cpu",
            "lr": 0.02,
            **params,
        },
    )


def skorch_net(**params):
    from skorch import NeuralNetClassifier
    from torch import nn
    from toy_nets import Mlp

    return NeuralNetClassifier(
        Mlp,
        module__n_in=64,
        module__n_classes=4,
        module__dropout=0.2,
        criterion=nn.CrossEntropyLoss,
        max_epochs=6,
        batch_size=32,
        verbose=0,
        train_split=None,
        **params,
    )


def slow_sgd():
    # So slow that some rows are not learned in the first epochs: the ranking is not flat.
    return SGDClassifier(learning_rate="constant", eta0=1e-9, random_state=0)


def select(proxy, **params):
    selector = ProxyCoresetSelector(proxy, random_state=0, **params)
    return selector.fit(params_of_rows(proxy), y)


def params_of_rows(proxy):
    return X.astype(np.float32) / 16 if type(proxy).__name__ == "NeuralNetClassifier" else X


PROXIES = [resnet, skorch_net, lambda: make_pipeline(MinMaxScaler(), resnet()), slow_sgd]
STRATEGIES = ["forgetting_events", "entropy", "k_centers"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("make", PROXIES, ids=["ours", "skorch", "pipeline", "partial_fit"])
def test_stops_after_the_epochs_it_must_see_and_else_changes_nothing(make, strategy):
    if make is slow_sgd and strategy != "forgetting_events":
        pytest.skip("only mini-batches have epochs here")
    whole = select(make(), strategy=strategy)
    never = select(make(), strategy=strategy, stop_proxy=NEVER)
    assert whole.proxy_stop_ is None
    assert not never.proxy_stop_.stopped and never.proxy_stop_.seconds_saved == 0.0
    np.testing.assert_array_equal(never.scores_, whole.scores_)
    np.testing.assert_array_equal(never.order_, whole.order_)
    soon = select(make(), strategy=strategy, stop_proxy=SOON)
    assert (soon.proxy_stop_.n_epochs, soon.proxy_stop_.stopped) == (3, True)
    assert soon.proxy_stop_.max_epochs == (20 if make is slow_sgd else 6)
    assert soon.proxy_stop_.seconds_saved > 0
    assert len(soon.indices_) == 80
    # The first epochs are those of the whole training, schedule and all.
    np.testing.assert_array_equal(soon.proxy_stop_.correlations, never.proxy_stop_.correlations[:3])


def test_a_stopped_training_is_the_beginning_of_the_whole_one():
    stopped = select(resnet(), strategy="forgetting_events", stop_proxy=SOON).proxy_
    assert len(stopped.history_) == 3
    whole = select(resnet(), strategy="forgetting_events").proxy_
    assert [epoch["train_loss"] for epoch in stopped.history_] == [
        epoch["train_loss"] for epoch in whole.history_[:3]
    ]
    assert stopped.records_["forgetting_events"].shape == (160,)
    assert "_watch" not in stopped.__dict__ and pickle.loads(pickle.dumps(stopped)).predict(X).shape == (160,)


def test_correlations_are_spearmans_of_the_sample():
    seen = []

    class Spy(RankingSettled):
        def watch(self, *args):
            watch = super().watch(*args)

            def asked(gather):
                seen.append(gather(("forgetting_events",), watch.rows)["forgetting_events"])
                ends = watch(gather)
                self.correlations = watch.correlations
                return ends

            asked.correlations = watch.correlations
            return asked

    rule = Spy(tolerance=0.0, n_rows=100)
    selector = select(resnet(max_epochs=8), strategy="forgetting_events", stop_proxy=rule)
    assert len(seen) == 8 and all(len(events) == 100 for events in seen)
    told = selector.proxy_stop_.correlations
    assert np.isnan(told[0])
    for before, after, correlation in zip(seen, seen[1:], told[1:], strict=False):
        if np.ptp(np.nan_to_num(before, posinf=99)) and np.ptp(np.nan_to_num(after, posinf=99)):
            capped = [np.nan_to_num(events, posinf=1e6) for events in (before, after)]
            assert correlation == pytest.approx(spearmanr(*capped).statistic)
        else:
            assert np.isnan(correlation)


class TestRule:
    @staticmethod
    def epochs_until_the_end(rule, rankings):
        from sksvp.strategies import Entropy

        watch = rule.watch(Entropy(), np.zeros(3), 0)
        for number, logits in enumerate(rankings, start=1):
            if watch(lambda kind, rows, logits=logits: {"logits": np.asarray(logits)[rows]}):
                return number
        return None

    # Entropies in the orders 0 < 1 < 2 and 2 < 1 < 0, and all the same.
    UP = [[9.0, 0.0], [5.0, 0.0], [1.0, 0.0]]
    DOWN = UP[::-1]
    EVEN = [[1.0, 0.0]] * 3

    @pytest.mark.parametrize(
        ("rankings", "patience", "min_epochs", "ends"),
        [
            ([UP] * 9, 3, 1, 4),
            ([UP] * 9, 1, 1, 2),
            ([UP] * 9, 1, 6, 6),
            ([UP, UP, DOWN, DOWN, DOWN], 2, 1, 5),
            ([UP, DOWN] * 5, 1, 1, None),
            ([EVEN] * 9, 1, 1, None),
            ([EVEN, UP, UP], 1, 1, 3),
        ],
    )
    def test_patience(self, rankings, patience, min_epochs, ends):
        rule = RankingSettled(0.1, patience=patience, min_epochs=min_epochs)
        assert self.epochs_until_the_end(rule, rankings) == ends

    @pytest.mark.parametrize(
        ("params", "name"),
        [
            ({"tolerance": -0.1}, "tolerance"),
            ({"tolerance": 2.0}, "tolerance"),
            ({"patience": 0}, "patience"),
            ({"min_epochs": 0}, "min_epochs"),
            ({"n_rows": 1}, "n_rows"),
        ],
    )
    def test_parameters(self, params, name):
        with pytest.raises(ValueError, match=f"The '{name}' parameter of RankingSettled"):
            select(resnet(), strategy="entropy", stop_proxy=RankingSettled(**params))


@pytest.mark.parametrize(
    "proxy",
    [LogisticRegression(), GradientBoostingClassifier(), FrozenEstimator(LogisticRegression().fit(X, y))],
    ids=str,
)
def test_proxies_without_epochs(proxy):
    with pytest.raises(ValueError, match="stop_proxy needs a proxy that is trained in epochs"):
        select(proxy, strategy="entropy", stop_proxy=SOON)


class EndAt(Callback):
    """A user's callback that ends the training after an epoch, and notes those it has seen."""

    seen: ClassVar[list] = []

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        EndAt.seen.append(len(net.history))
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("epoch", [1, 4])
def test_a_callback_of_the_user_ends_the_training(epoch, strategy):
    net = skorch_net(callbacks=[EndAt(epoch)])
    told = select(net, strategy=strategy, stop_proxy=NEVER).proxy_stop_
    assert (told.n_epochs, told.max_epochs, told.stopped) == (epoch, 6, True)
    # The rule has seen the last epoch too.
    assert len(told.correlations) == epoch and told.seconds_saved > 0


def test_callbacks_of_the_user_see_the_epoch_that_the_rule_ends_with():
    EndAt.seen.clear()
    net = skorch_net(callbacks=[("mine", EndAt(99))])
    selector = select(net, strategy="entropy", stop_proxy=SOON)
    assert EndAt.seen == [1, 2, 3] and selector.proxy_stop_.n_epochs == 3
    assert [name for name, _ in selector.proxy_.callbacks] == ["mine"]
    assert not {"watch_epochs", "end_as_watched"} & {name for name, _ in selector.proxy_.callbacks_}
    pickle.dumps(selector)


def test_skorchs_early_stopping_beside_the_rule():
    net = skorch_net(callbacks=[EarlyStopping("train_loss", patience=2, threshold=1.0)])
    selector = select(net, strategy="entropy", stop_proxy=NEVER)
    assert selector.proxy_stop_.n_epochs == len(selector.proxy_.history) < 6
    assert len(selector.proxy_stop_.correlations) == selector.proxy_stop_.n_epochs


def test_without_callbacks_the_rule_ends_the_training():
    told = select(skorch_net(callbacks="disable"), strategy="entropy", stop_proxy=SOON).proxy_stop_
    assert told.n_epochs == 3


def test_a_network_of_ours_that_early_stopping_ends():
    callbacks = [EarlyStopping("train_loss", patience=1, threshold=1.0)]
    selector = select(resnet(net_params={"callbacks": callbacks}), strategy="entropy", stop_proxy=NEVER)
    told = selector.proxy_stop_
    assert told.n_epochs == len(selector.proxy_.history_) < 6 and told.seconds_saved > 0


def test_random_needs_no_proxy_and_no_rule():
    assert select(LogisticRegression(), strategy="random", stop_proxy=SOON).proxy_stop_ is None


def test_memory_tells_rules_apart(tmp_path):
    params = {"strategy": "forgetting_events", "memory": tmp_path}
    first = select(resnet(), stop_proxy=SOON, **params)
    again = select(resnet(), stop_proxy=clone(SOON), **params)
    assert again.from_cache_ and not first.from_cache_
    assert again.proxy_stop_ == ProxyStop(
        **{**vars(first.proxy_stop_), "correlations": again.proxy_stop_.correlations}
    )
    np.testing.assert_array_equal(again.proxy_stop_.correlations, first.proxy_stop_.correlations)
    for other in (None, RankingSettled(1.0, patience=2, min_epochs=4, n_rows=60)):
        assert not select(resnet(), stop_proxy=other, **params).from_cache_
    # Entropy settles at another moment than forgetting events.
    assert not select(resnet(), stop_proxy=SOON, strategy="entropy", memory=tmp_path).from_cache_


def test_grid_over_the_tolerance():
    selector = ProxyCoresetSelector(
        resnet(max_epochs=4), stop_proxy=RankingSettled(n_rows=50), random_state=0
    )
    model = CoresetClassifier(LogisticRegression(max_iter=500), selector)
    search = GridSearchCV(model, {"selector__stop_proxy__tolerance": [0.0, 1.0]}, cv=2, error_score="raise")
    assert 0.5 < search.fit(X, y).best_score_ <= 1.0
