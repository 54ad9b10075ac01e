"""The training record of every kind of proxy: its margins against the definition, and what it costs elsewhere."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from toy_nets import Mlp, make_net
from toy_proxies import blobs
from toy_texts import toy_texts

from sksvp import ProxyCoresetSelector
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.proxies import Incremental, as_proxy
from sksvp.strategies import AreaUnderMargin, TrainingRecord, recorder_names

X, y = blobs()
BOTH = ("training_record", "forgetting_events")


def margins_of(logits, labels):
    """From the definition, row by row."""
    return [row[label] - max(np.delete(row, label)) for row, label in zip(logits, labels, strict=True)]


def margins_kept(record):
    return TrainingRecord.from_array(record).require("margin").T


@pytest.mark.parametrize("name", recorder_names())
def test_a_restored_recorder_goes_on(name):
    from sksvp.strategies import new_recorders

    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(6, 20, 3)), rng.integers(0, 3, 20)
    whole, first, second = (new_recorders([name], 20)[name] for _ in range(3))
    for visit in logits[:3]:
        first.update(np.arange(20), visit, labels)
    second.restore({key: array.copy() for key, array in first.state().items()})
    before = first.result().copy()
    for visit in logits[3:]:
        second.update(np.arange(20), visit, labels)
    for visit in logits:
        whole.update(np.arange(20), visit, labels)
    np.testing.assert_array_equal(second.result(), whole.result())
    np.testing.assert_array_equal(first.result(), before)


def events_of(margins):
    """Count forgetting events from margins: right is above zero."""
    from sksvp.strategies import forgetting_events

    return forgetting_events(margins.T > 0)


class Logging(Mlp):
    """Notes the logits of its training passes."""

    log: ClassVar[list] = []

    def forward(self, x):
        logits = super().forward(x[:, :-1])
        if self.training:
            self.log.append((x[:, -1].long().numpy().copy(), logits.detach().numpy().copy()))
        return logits


def test_a_skorch_net_shows_the_logits_of_its_training():
    Logging.log.clear()
    numbered = np.column_stack([X, np.arange(len(X))]).astype(np.float32)
    trained = as_proxy(make_net(Logging, lr=0.5)).train(numbered, y, recorders=BOTH, random_state=0)
    expected = np.full((len(X), 3), np.nan)
    visits = np.zeros(len(X), dtype=int)
    for rows, logits in Logging.log:
        expected[rows, visits[rows]] = margins_of(logits, y[rows])
        visits[rows] += 1
    np.testing.assert_allclose(
        margins_kept(trained.records["training_record"]), expected, rtol=2e-3, atol=1e-3
    )
    np.testing.assert_array_equal(trained.records["forgetting_events"], events_of(expected))


@pytest.mark.parametrize(
    ("proxy", "n_visits"),
    [
        (SGDClassifier(), 20),
        (MLPClassifier((8,)), 20),
        (Incremental(SGDClassifier(), n_epochs=4, batch_size=16), 4),
    ],
    ids=["decision values", "MLP", "Incremental"],
)
def test_mini_batches_show_what_the_model_says_of_them(proxy, n_visits):
    trained = as_proxy(proxy).train(X, y, recorders=BOTH, random_state=0)
    margins = margins_kept(trained.records["training_record"])
    assert margins.shape == (60, n_visits)
    np.testing.assert_array_equal(trained.records["forgetting_events"], events_of(margins))


def test_the_visits_of_mini_batches_are_those_before_their_updates():
    model = MLPClassifier((8,), random_state=3)
    trained = as_proxy(Incremental(model, n_epochs=3, batch_size=25, random_state=5)).train(
        X, y, recorders=BOTH
    )
    rng, classes, expected = np.random.RandomState(5), np.unique(y), np.zeros((60, 3))
    for epoch in range(3):
        order = rng.permutation(60)
        for start in range(0, 60, 25):
            rows = order[start : start + 25]
            if epoch or start:
                expected[rows, epoch] = -np.log(model.predict_proba(X[rows])[np.arange(len(rows)), y[rows]])
            else:
                expected[rows, epoch] = np.log(3)
            model.partial_fit(X[rows], y[rows], classes=classes)
    losses = TrainingRecord.from_array(trained.records["training_record"]).require("loss").T
    np.testing.assert_allclose(losses, expected, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize(
    "proxy", [GradientBoostingClassifier(n_estimators=7), HistGradientBoostingClassifier(max_iter=7)]
)
def test_stages_are_visits_too(proxy):
    trained = as_proxy(proxy).train(X, y, random_state=0)
    evidence = trained.gather(X, BOTH, y=y)
    record = TrainingRecord.of(evidence)
    expected = np.array([stage[np.arange(60), y] for stage in trained.estimator.staged_predict_proba(X)])
    np.testing.assert_allclose(np.exp(-record.require("loss").astype(float)), expected, rtol=2e-3)
    np.testing.assert_array_equal(evidence.forgetting_events, events_of(record.require("margin").T))


def test_a_net_of_probabilities_shows_their_logarithms():
    class Softmax(Mlp):
        def forward(self, x):
            return super().forward(x).softmax(dim=1)

    logits = as_proxy(make_net(lr=0.1)).train(X, y, recorders=BOTH, random_state=0)
    probabilities = as_proxy(make_net(Softmax, lr=0.1, criterion=torch.nn.NLLLoss)).train(
        X, y, recorders=BOTH, random_state=0
    )
    np.testing.assert_allclose(
        probabilities.records["training_record"], logits.records["training_record"], rtol=1e-2, atol=1e-2
    )


def texts():
    rows, labels = toy_texts(60)
    return BagOfNgramsClassifier(lr=0.5, max_epochs=4, bucket=100, random_state=0, device="cpu"), rows, labels


def images():
    rows = (np.random.RandomState(0).rand(40, 8, 8) * 255).astype(np.uint8)
    proxy = ResNetClassifier(
        depth=8, max_epochs=4, batch_size=16, random_state=0, device="cpu", precision="fp32"
    )
    return proxy, rows, np.arange(40) % 2


@pytest.mark.parametrize("make", [texts, images])
def test_our_own_models_show_more_where_they_are_asked(make):
    proxy, rows, labels = make()
    plain = as_proxy(proxy).train(rows, labels)
    trained = as_proxy(proxy).train(rows, labels, recorders=BOTH)
    assert set(plain.estimator.records_) == {"forgetting_events"}
    evidence = trained.gather(rows, BOTH)
    assert evidence.training_record.shape == (len(labels), 4, 3)
    np.testing.assert_array_equal(evidence.forgetting_events, plain.estimator.records_["forgetting_events"])
    np.testing.assert_array_equal(
        trained.estimator.predict_logits(rows), plain.estimator.predict_logits(rows)
    )
    learned = np.isfinite(evidence.forgetting_events)
    np.testing.assert_array_equal(learned, (margins_kept(evidence.training_record) > 0).any(axis=1))
    with pytest.raises(ValueError, match="recorded none of the training_record"):
        plain.gather(rows, BOTH)


def test_a_checkpoint_keeps_every_recorder(tmp_path):
    class EndIt(Exception):
        pass

    proxy, rows, labels = images()
    whole = as_proxy(proxy).train(rows, labels, recorders=BOTH).estimator.records_
    kept = proxy.set_params(checkpoint=str(tmp_path), checkpoint_every=1)

    def end(gather):
        end.n += 1
        if end.n == 3:
            raise EndIt
        return False

    end.n, end.key = 0, lambda: "end"
    with pytest.raises(EndIt):
        as_proxy(kept).train(rows, labels, recorders=BOTH, watch=end)

    def go_on(gather):
        return False

    go_on.key = end.key
    resumed = as_proxy(kept).train(rows, labels, recorders=BOTH, watch=go_on).estimator
    assert len(resumed.history_) == 4
    for name in BOTH:
        np.testing.assert_array_equal(resumed.records_[name], whole[name])
    with pytest.raises(ValueError, match="recorders"):
        as_proxy(kept).train(rows, labels, watch=go_on)


class LowestMargins(AreaUnderMargin):
    requires = ("training_record", "probabilities")


@pytest.mark.parametrize("proxy", [make_net(), SGDClassifier(loss="log_loss")], ids=["skorch", "partial_fit"])
def test_a_training_in_the_memory_serves_every_record(proxy, tmp_path):
    def fit(strategy, memory=tmp_path):
        return ProxyCoresetSelector(proxy, strategy=strategy, memory=memory, random_state=0).fit(X, y)

    fit("forgetting_events")
    first, again = fit(LowestMargins()), fit(LowestMargins())
    assert (first.from_cache_, again.from_cache_) == (True, True)
    np.testing.assert_array_equal(again.order_, first.order_)
    np.testing.assert_array_equal(fit(LowestMargins(), memory=None).scores_, first.scores_)
    assert fit("forgetting_events").from_cache_
