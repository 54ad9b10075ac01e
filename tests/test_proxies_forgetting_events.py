import itertools
import pickle
from collections import defaultdict
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch import NeuralNetBinaryClassifier
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler
from toy_nets import LoggingMlp, Mlp, make_net
from toy_proxies import blobs

from sksvp.estimators import ResNetClassifier
from sksvp.proxies import Incremental, as_proxy
from sksvp.strategies import forgetting_events

X, y = blobs()
X_NUMBERED = np.column_stack([X, np.arange(len(X))]).astype(np.float32)
EVENTS = ("forgetting_events",)


def count(proxy, X=X, y=y, **params):
    return as_proxy(proxy).train(X, y, recorders=EVENTS, random_state=0, **params)


def in_passes(classifier, **params):
    """Wrap a classifier that has no seed of its own, as a bare one is trained with seed 0."""
    seed = classifier.get_params().get("random_state")
    return Incremental(classifier, random_state=0 if seed is None else seed, **params)


def events_of_visits(visits, n_rows):
    """Count row by row from the definition; visits are (row, correct) in their order."""
    history = defaultdict(list)
    for row, correct in visits:
        history[row].append(correct)
    events = np.full(n_rows, np.inf)
    for row, correct in history.items():
        if any(correct):
            events[row] = sum(before and not after for before, after in itertools.pairwise(correct))
    return events


# skorch --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"iterator_train__shuffle": False},
        {"iterator_train__drop_last": True},
        {"callbacks": "disable"},
        {"callbacks": [Callback(), ("named", Callback())]},
        {"batch_size": -1},
        {"batch_size": 59},
        {"iterator_train__num_workers": 1},
    ],
    ids=lambda params: ",".join(params) or "defaults",
)
def test_events_of_a_skorch_net_are_those_of_its_training_forward(params):
    LoggingMlp.log.clear()
    net = make_net(LoggingMlp, **({"max_epochs": 8, "lr": 0.5, "module__dropout": 0.3} | params))
    trained = count(net, X_NUMBERED)
    visits = [
        (row, label == y[row])
        for rows, labels in LoggingMlp.log
        for row, label in zip(rows, labels, strict=True)
    ]
    expected = events_of_visits(visits, len(y))
    np.testing.assert_array_equal(trained.records["forgetting_events"], expected)
    assert np.isfinite(expected).any() and (expected > 0).any()


def test_counting_changes_neither_the_training_nor_the_net():
    callbacks = [("named", Callback())]
    net = make_net(callbacks=callbacks)
    counted = count(net).estimator
    plain = as_proxy(net).train(X, y, random_state=0).estimator
    np.testing.assert_array_equal(counted.predict_proba(X), plain.predict_proba(X))
    assert counted.iterator_train is DataLoader
    assert [name for name, _ in counted.callbacks_] == [name for name, _ in plain.callbacks_]
    assert set(counted.get_params()) == set(plain.get_params())
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(counted)).predict(X), counted.predict(X))
    assert clone(counted).callbacks[0][0] == "named"
    disabled = count(make_net(callbacks="disable")).estimator
    assert disabled.callbacks == "disable" and disabled.callbacks_ == []
    assert "get_default_callbacks" not in vars(disabled)


def test_net_inside_a_pipeline():
    scaled = StandardScaler().fit_transform(X)
    np.testing.assert_array_equal(
        count(make_pipeline(StandardScaler(), make_net())).records["forgetting_events"],
        count(make_net(), scaled).records["forgetting_events"],
    )


def test_binary_net():
    class Log(Callback):
        visits: ClassVar[list] = []

        def on_batch_end(self, net, batch, training, y_pred=None, **kwargs):
            rows = batch[0][:, -1].long().tolist()
            self.visits += zip(rows, ((y_pred.reshape(-1) > 0) == batch[1].bool()).tolist(), strict=True)

    net = NeuralNetBinaryClassifier(
        Mlp,
        module__n_in=5,
        module__n_classes=1,
        train_split=None,
        verbose=0,
        max_epochs=6,
        lr=0.5,
        callbacks=[Log],
    )
    small = X_NUMBERED * np.array([1, 1, 1, 1, 1], dtype=np.float32)
    trained = count(net, small, np.array(["no", "yes"])[(y == 0).astype(int)])
    np.testing.assert_array_equal(trained.records["forgetting_events"], events_of_visits(Log.visits, len(y)))


def test_rows_drawn_twice_in_a_batch_are_visited_twice():
    LoggingMlp.log.clear()
    sampler = WeightedRandomSampler(np.ones(len(y)), 3 * len(y), generator=torch.Generator().manual_seed(0))
    net = make_net(
        LoggingMlp, iterator_train__sampler=sampler, iterator_train__shuffle=False, batch_size=90, lr=0.5
    )
    trained = count(net, X_NUMBERED)
    visits = [
        (row, label == y[row])
        for rows, labels in LoggingMlp.log
        for row, label in zip(rows, labels, strict=True)
    ]
    np.testing.assert_array_equal(trained.records["forgetting_events"], events_of_visits(visits, len(y)))


class Slices:
    """A training iterator without a batch sampler."""

    def __init__(self, dataset, batch_size):
        self.dataset, self.batch_size = dataset, batch_size

    def __iter__(self):
        for start in range(0, len(self.dataset), self.batch_size):
            rows = range(start, min(start + self.batch_size, len(self.dataset)))
            inputs, labels = zip(*(self.dataset[row] for row in rows), strict=True)
            yield torch.from_numpy(np.stack(inputs)), torch.tensor(labels)


class OwnBatches:
    """A batch sampler that does not use its sampler."""

    sampler = range(60)

    def __iter__(self):
        yield from (list(range(start, start + 10)) for start in range(0, 60, 10))

    def __len__(self):
        return 6


def test_iterators_whose_rows_cannot_be_followed_are_refused():
    net = make_net(iterator_train=Slices)
    del net.iterator_train__shuffle
    net = clone(net)
    as_proxy(net).train(X, y, random_state=0)  # trains well without being counted
    with pytest.raises(ValueError, match=r"batch_sampler.*Slices"):
        count(net)
    own = make_net(
        iterator_train__batch_sampler=OwnBatches(),
        iterator_train__batch_size=1,
        iterator_train__shuffle=False,
    )
    with pytest.raises(ValueError, match="does not draw its rows from its own sampler"):
        count(own)


# Mini-batches --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "classifier",
    [SGDClassifier(), Perceptron(), MLPClassifier((4,)), GaussianNB()],
    ids=lambda classifier: type(classifier).__name__,
)
def test_mini_batches_count_before_each_update(classifier):
    n_epochs, batch_size, labels = 4, 16, np.array(["a", "b", "c"])[y]
    proxy = clone(classifier)
    if "random_state" in proxy.get_params():
        proxy.set_params(random_state=3)
    trained = count(in_passes(proxy, n_epochs=n_epochs, batch_size=batch_size), y=labels)

    again = clone(proxy)
    rng = np.random.RandomState(proxy.get_params().get("random_state", 0))
    correct = np.zeros((n_epochs, len(y)), dtype=bool)
    for epoch in range(n_epochs):
        order = rng.permutation(len(y))
        for start in range(0, len(y), batch_size):
            rows = order[start : start + batch_size]
            if epoch or start:
                correct[epoch, rows] = again.predict(X[rows]) == labels[rows]
            again.partial_fit(X[rows], labels[rows], classes=["a", "b", "c"])
    np.testing.assert_array_equal(trained.records["forgetting_events"], forgetting_events(correct))
    np.testing.assert_array_equal(trained.estimator.predict(X), again.predict(X))


def test_steps_before_are_fitted_once():
    calls = []

    class Counting(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            calls.append(len(X))
            return super().fit(X, y)

    passes = in_passes(SGDClassifier(random_state=0), n_epochs=3)
    pipeline = make_pipeline(Counting(), FunctionTransformer(), passes)
    trained = count(pipeline)
    assert calls == [len(y)]
    assert not hasattr(pipeline[0], "mean_")
    scaled = StandardScaler().fit_transform(X)
    expected = count(passes, scaled)
    np.testing.assert_array_equal(trained.records["forgetting_events"], expected.records["forgetting_events"])
    np.testing.assert_array_equal(trained.estimator.predict(X), expected.estimator.predict(scaled))


def test_pipeline_of_one_step_and_nested_pipelines():
    expected = count(SGDClassifier(random_state=0)).records["forgetting_events"]
    np.testing.assert_array_equal(
        count(make_pipeline(SGDClassifier(random_state=0))).records["forgetting_events"], expected
    )
    nested = make_pipeline(FunctionTransformer(), make_pipeline("passthrough", SGDClassifier(random_state=0)))
    np.testing.assert_array_equal(count(nested).records["forgetting_events"], expected)


def test_weights_are_cut_to_each_batch():
    weights = np.where(y == 0, 100.0, 1.0)
    trained = count(
        in_passes(GaussianNB(), n_epochs=1, batch_size=7), fit_params={"sample_weight": weights}
    ).estimator.estimator_
    np.testing.assert_allclose(trained.class_prior_, GaussianNB().fit(X, y, weights).class_prior_)
    pipeline = make_pipeline(StandardScaler(), in_passes(GaussianNB(), n_epochs=1))
    inside = count(pipeline, fit_params={"incremental__sample_weight": weights}).estimator
    np.testing.assert_allclose(inside[-1].estimator_.class_prior_, trained.class_prior_)


def test_without_a_need_for_events_a_classifier_is_fitted_plainly():
    trained = as_proxy(SGDClassifier(random_state=0)).train(X, y)
    assert not trained.records
    np.testing.assert_array_equal(trained.estimator.coef_, SGDClassifier(random_state=0).fit(X, y).coef_)


# Stages, own counts, and those that have none ------------------------------------------------


@pytest.mark.parametrize(
    "ensemble",
    [
        GradientBoostingClassifier(n_estimators=15, max_depth=1),
        AdaBoostClassifier(n_estimators=15),
        HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_stages_are_visits(ensemble):
    labels = np.array(["a", "b", "c"])[y]
    for proxy in (clone(ensemble), make_pipeline(StandardScaler(), clone(ensemble))):
        trained = count(proxy, y=labels)
        assert not trained.records
        fitted = (
            trained.estimator
            if proxy is trained.estimator or not hasattr(proxy, "steps")
            else trained.estimator[-1]
        )
        rows = X if fitted is trained.estimator else trained.estimator[:-1].transform(X)
        correct = np.stack([stage == labels for stage in fitted.staged_predict(rows)])
        events = as_proxy(trained.estimator).gather(X, EVENTS, y=labels).forgetting_events
        np.testing.assert_array_equal(events, forgetting_events(correct))


def test_our_networks_count_by_themselves():
    images = (np.random.RandomState(0).rand(40, 8, 8) * 255).astype(np.uint8)
    labels = np.arange(40) % 2
    trained = count(ResNetClassifier(depth=8, max_epochs=2, batch_size=16), images, labels)
    events = as_proxy(trained.estimator).gather(images, EVENTS, y=labels).forgetting_events
    np.testing.assert_array_equal(events, trained.estimator.records_["forgetting_events"])
    with pytest.raises(ValueError, match="those of 40 rows"):
        as_proxy(trained.estimator).gather(images[:10], EVENTS, y=labels[:10])


@pytest.mark.parametrize(
    "proxy",
    [
        LogisticRegression(),
        FrozenEstimator(SGDClassifier()),
        make_pipeline(StandardScaler(), FrozenEstimator(make_net())),
        FrozenEstimator(make_pipeline(StandardScaler(), GaussianNB())),
    ],
    ids=["never", "frozen", "frozen last step", "frozen pipeline"],
)
def test_others_and_frozen_ones_are_refused(proxy):
    with pytest.raises(ValueError, match="cannot give forgetting_events"):
        as_proxy(proxy).gather(X, EVENTS, y=y)


def test_net_that_was_trained_without_counting_says_so():
    with pytest.raises(ValueError, match="recorded none"):
        as_proxy(make_net().fit(X, y)).gather(X, EVENTS, y=y)


def test_pipeline_that_resamples_is_refused():
    imblearn_pipeline = pytest.importorskip("imblearn.pipeline")
    samplers = pytest.importorskip("imblearn.under_sampling")
    proxy = imblearn_pipeline.make_pipeline(samplers.RandomUnderSampler(), SGDClassifier())
    with pytest.raises(ValueError, match="cannot give forgetting_events"):
        as_proxy(proxy).gather(X, EVENTS, y=y)


def test_loss_with_classes_first_in_two_columns():
    net = make_net(module__n_classes=2, criterion=nn.CrossEntropyLoss)
    assert np.isfinite(count(net, y=(y > 0).astype(int)).records["forgetting_events"]).any()
