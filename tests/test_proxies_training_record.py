"""The training record of every kind of proxy: its margins against the definition, and what it costs elsewhere."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from skorch.callbacks import Callback
from toy_nets import Mlp, make_net
from toy_proxies import blobs
from toy_texts import toy_texts

from sksvp import ProxyCoresetSelector
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.proxies import Incremental, as_proxy
from sksvp.strategies import (
    AreaUnderMargin,
    GraNd,
    RecordVisits,
    TrainingRecord,
    _visit_store,
    recorder_names,
)

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


def texts():
    rows, labels = toy_texts(60)
    return BagOfNgramsClassifier(lr=0.5, max_epochs=4, bucket=100, random_state=0, device="cpu"), rows, labels


def images():
    rows = (np.random.RandomState(0).rand(40, 8, 8) * 255).astype(np.uint8)
    proxy = ResNetClassifier(
        depth=8, max_epochs=4, batch_size=16, random_state=0, device="cpu", precision="fp32"
    )
    return proxy, rows, np.arange(40) % 2


# Channels on demand ---------------------------------------------------------------------------

ALL = (*BOTH, "feature_norm", "change")


def parts_kept(proxy, rows, labels, **params):
    """Train with all recorders, and return the proxy, the record with all channels, and the training without."""
    plain = as_proxy(proxy).train(rows, labels, random_state=0, **params)
    trained = as_proxy(proxy).train(rows, labels, recorders=ALL, random_state=0, **params)
    evidence = trained.gather(rows, ALL, y=labels)
    return trained, TrainingRecord.of(evidence), plain


def test_a_skorch_net_shows_the_features_and_changes_of_its_training():
    Logging.log.clear()
    numbered = np.column_stack([X, np.arange(len(X))]).astype(np.float32)
    hidden = []

    class Hidden(Logging):
        def forward(self, x):
            if self.training:
                hidden.append(self.hidden(x[:, :-1]).detach().numpy())
            return super().forward(x)

    trained = as_proxy(make_net(Hidden, lr=0.5)).train(numbered, y, recorders=ALL, random_state=0)
    record = TrainingRecord.of(trained.gather(numbered, ALL, y=y))
    norms, logits = np.zeros((3, 60)), np.zeros((3, 60, 3))
    visits = np.zeros(60, dtype=int)
    for (rows, outputs), features in zip(Logging.log, hidden, strict=True):
        norms[visits[rows], rows] = (features**2).sum(axis=1)
        logits[visits[rows], rows] = outputs
        visits[rows] += 1
    np.testing.assert_allclose(record.require("feature_norm"), norms, rtol=1e-5)
    np.testing.assert_allclose(record.require("change"), changes_of(logits), rtol=1e-2, atol=2e-3)
    assert not any(layer._forward_pre_hooks for layer in trained.classifier.module_.modules())


def changes_of(logits):
    """From the definition."""
    logs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    moved = np.abs(np.exp(logs[1:]) * (logs[1:] - logs[:-1])).sum(axis=2)
    return np.vstack([np.zeros(logits.shape[1]), moved])


def test_a_skorch_net_without_a_last_linear_layer_has_no_features_to_note():
    class Products(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(4, 3))

        def forward(self, x):
            return x @ self.weight

    as_proxy(make_net(Products)).train(X, y, recorders=("change",), random_state=0)
    with pytest.raises(ValueError, match="Products has no final hidden features to find"):
        as_proxy(make_net(Products)).train(X, y, recorders=("feature_norm",), random_state=0)


@pytest.mark.parametrize("form", [np.asarray, csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("make", [SGDClassifier, lambda: Incremental(SGDClassifier(), n_epochs=4)])
def test_the_features_of_a_linear_model_are_its_rows(make, form):
    _, record, plain = parts_kept(make(), form(X), y)
    norms = record.require("feature_norm")
    np.testing.assert_allclose(norms, np.broadcast_to((X**2).sum(axis=1), norms.shape), rtol=1e-5)
    assert (record.require("change")[1:] > 0).any() and (record.require("change")[0] == 0).all()
    assert plain.records == {}
    with pytest.raises(ValueError, match="cannot give feature_norm"):
        as_proxy(MLPClassifier()).check_gives(("feature_norm",))
    with pytest.raises(ValueError, match="cannot give feature_norm"):
        as_proxy(GradientBoostingClassifier()).check_gives(("feature_norm",))


@pytest.mark.parametrize("batch_size", [1, 8])
def test_texts_show_their_mean_embeddings(batch_size):
    proxy, rows, labels = texts()
    trained, record, plain = parts_kept(proxy.set_params(batch_size=batch_size), rows, labels)
    np.testing.assert_array_equal(trained.estimator.embeddings_, plain.estimator.embeddings_)
    assert record.n_visits == 4 and set(plain.estimator.records_) == {"forgetting_events"}
    norms = record.require("feature_norm")
    assert (norms[-1] > norms[0]).all()
    # At a rate of next to nothing every visit has the features of the end.
    trained, record, _ = parts_kept(proxy.set_params(lr=1e-7), rows, labels)
    end = (trained.estimator.transform(rows) ** 2).sum(axis=1)
    np.testing.assert_allclose(record.require("feature_norm"), np.tile(end, (4, 1)), rtol=1e-4)


class SeenFeatures(Callback):
    """Notes the features and logits of the training passes of our networks."""

    def on_train_begin(self, net, **kwargs):
        self.log = []
        net.network.fc.register_forward_hook(self.note)

    def note(self, layer, inputs, logits):
        self.last = inputs[0].detach().numpy().copy(), logits.detach().numpy().copy()

    def on_batch_end(self, net, batch, training, **kwargs):
        if training:
            self.log.append((batch[0]["rows"].numpy(), *self.last))


def test_our_networks_show_the_features_of_the_training_pass():
    proxy, rows, labels = images()
    seen = SeenFeatures()
    watched = proxy.set_params(net_params={"callbacks": [("seen", seen)]})
    trained = as_proxy(watched).train(rows, labels, recorders=ALL)
    record = TrainingRecord.of(trained.gather(rows, ALL))
    log = trained.estimator.net_.callbacks_[-1][1].log
    norms, logits, visits = np.zeros((4, 40)), np.zeros((4, 40, 2)), np.zeros(40, dtype=int)
    for batch, features, outputs in log:
        norms[visits[batch], batch] = (features**2).sum(axis=1)
        logits[visits[batch], batch] = outputs
        visits[batch] += 1
    np.testing.assert_allclose(record.require("feature_norm"), norms, rtol=1e-5)
    np.testing.assert_allclose(record.require("change"), changes_of(logits), rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("make", [texts, images])
def test_what_nobody_asked_for_is_not_noted(make):
    proxy, rows, labels = make()
    trained = as_proxy(proxy).train(rows, labels, recorders=BOTH)
    assert set(trained.estimator.records_) == set(BOTH)
    proxied = as_proxy(proxy)
    assert set(proxied.free_recorders(())) == set(BOTH)
    # A memory keeps the training for strategies to come, which may read the changes.
    assert set(proxied.free_recorders((), is_kept=True)) == {*BOTH, "change"}


def test_strategies_ask_for_their_channels(tmp_path):
    proxy, rows, labels = images()
    for strategy in (GraNd(features="visits"), "tdds"):
        selector = ProxyCoresetSelector(proxy, strategy=strategy, random_state=0).fit(rows, labels)
        needed = selector.strategy_.requires[1]
        assert needed in selector.record_.channels
        assert np.isfinite(selector.scores_).all()
    table = selector.score_table()
    np.testing.assert_array_equal(table["tdds"], selector.scores_)


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


@pytest.mark.parametrize("bytes_in_memory", [2**28, 0], ids=["memory", "file"])
def test_a_checkpoint_keeps_every_recorder(tmp_path, monkeypatch, bytes_in_memory):
    monkeypatch.setattr(_visit_store, "BYTES_IN_MEMORY", bytes_in_memory)

    class EndIt(Exception):
        pass

    proxy, rows, labels = images()
    whole = as_proxy(proxy).train(rows, labels, recorders=ALL).estimator.records_
    kept = proxy.set_params(checkpoint=str(tmp_path), checkpoint_every=1)

    def end(gather):
        end.n += 1
        if end.n == 3:
            raise EndIt
        return False

    end.n, end.key = 0, lambda: "end"
    with pytest.raises(EndIt):
        as_proxy(kept).train(rows, labels, recorders=ALL, watch=end)

    def go_on(gather):
        return False

    go_on.key = end.key
    resumed = as_proxy(kept).train(rows, labels, recorders=ALL, watch=go_on).estimator
    assert len(resumed.history_) == 4
    for name in ALL:
        np.testing.assert_array_equal(resumed.records_[name], whole[name])
        assert resumed.records_[name].tobytes() == whole[name].tobytes()
    with pytest.raises(ValueError, match="recorders"):
        as_proxy(kept).train(rows, labels, watch=go_on)


class Interrupted(Exception):
    pass


class InterruptedSGD(SGDClassifier):
    """Breaks off at its fifth batch, once."""

    left = 5

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        InterruptedSGD.left -= 1
        if InterruptedSGD.left == 0:
            raise Interrupted
        return super().partial_fit(X, y, classes, sample_weight)


class InterruptedMlp(Mlp):
    """Breaks off at its fifth pass, once."""

    left = 5

    def forward(self, x):
        InterruptedMlp.left -= 1
        if InterruptedMlp.left == 0:
            raise Interrupted
        return super().forward(x)


@pytest.mark.parametrize("kind", ["partial_fit", "skorch", "texts"])
def test_what_cannot_be_resumed_is_recorded_anew_with_the_same_bits(kind, monkeypatch):
    """Neither an interrupted training nor its record is gone on with: the next one begins from the seed."""
    rows, labels = X, y
    if kind == "texts":
        proxy, rows, labels = texts()
        note = RecordVisits._keep

        def break_off(self, *args):
            InterruptedMlp.left -= 1
            if InterruptedMlp.left == 0:
                raise Interrupted
            note(self, *args)

        monkeypatch.setattr(RecordVisits, "_keep", break_off)
        monkeypatch.setattr(InterruptedMlp, "left", 2)
    elif kind == "skorch":
        proxy = make_net(InterruptedMlp, module__dropout=0.5)
        monkeypatch.setattr(InterruptedMlp, "left", 5)
    else:
        proxy = Incremental(InterruptedSGD(), n_epochs=4, batch_size=16)
        monkeypatch.setattr(InterruptedSGD, "left", 5)
    with pytest.raises(Interrupted):
        as_proxy(proxy).train(rows, labels, recorders=ALL, random_state=0)
    again, whole = (
        as_proxy(proxy).train(rows, labels, recorders=ALL, random_state=0).gather(rows, ALL, y=labels)
        for _ in range(2)
    )
    for name in ALL:
        assert again.require(name).tobytes() == whole.require(name).tobytes()


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
