"""Margins of the visits, against their definition, in every way of training."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from toy_nets import Mlp, make_net
from toy_proxies import blobs
from toy_texts import toy_texts

from sksvp import ProxyCoresetSelector
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.proxies import Incremental, as_proxy
from sksvp.strategies import ForgettingCounter, ScoredStrategy, VisitMargins, recorder_names

X, y = blobs()
BOTH = ("visit_margins", "forgetting_events")


def margins_of(logits, labels):
    """From the definition, row by row."""
    return [row[label] - max(np.delete(row, label)) for row, label in zip(logits, labels, strict=True)]


@pytest.mark.parametrize("n_classes", [2, 5])
def test_margins_of_arrays_and_tensors_follow_the_definition(n_classes):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(40, n_classes)).astype(np.float32), rng.integers(0, n_classes, 40)
    expected = margins_of(logits, labels)
    np.testing.assert_allclose(VisitMargins.judge(logits, labels), expected, rtol=1e-6)
    judged = VisitMargins.judge(torch.from_numpy(logits), torch.from_numpy(labels))
    np.testing.assert_allclose(judged.numpy(), expected, rtol=1e-6)


def test_a_margin_above_zero_is_a_right_row():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(60, 3)).astype(np.float32), rng.integers(0, 3, 60)
    np.testing.assert_array_equal(
        VisitMargins.judge(logits, labels) > 0, ForgettingCounter.judge(logits, labels)
    )


def test_rows_have_visits_of_their_own():
    margins = VisitMargins(3)
    margins.note([0, 2], [1.0, 2.0])
    margins.note([2], [3.0])
    margins.note([2, 1], [4.0, 5.0])
    np.testing.assert_array_equal(
        margins.result(), [[1.0, np.nan, np.nan], [5.0, np.nan, np.nan], [2.0, 3.0, 4.0]]
    )


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
    np.testing.assert_allclose(trained.records["visit_margins"], expected, rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(trained.records["forgetting_events"], events_of(expected))


@pytest.mark.parametrize(
    ("proxy", "n_visits"),
    [(SGDClassifier(), 20), (Incremental(SGDClassifier(), n_epochs=4, batch_size=16), 4)],
    ids=["bare", "Incremental"],
)
def test_models_that_name_labels_only_have_margins_of_one(proxy, n_visits):
    trained = as_proxy(proxy).train(X, y, recorders=BOTH, random_state=0)
    margins = trained.records["visit_margins"]
    assert margins.shape == (60, n_visits) and set(np.unique(margins)) == {-1.0, 1.0}
    np.testing.assert_array_equal(trained.records["forgetting_events"], events_of(margins))


def test_stages_are_visits_too():
    trained = as_proxy(GradientBoostingClassifier(n_estimators=7)).train(X, y, random_state=0)
    evidence = trained.gather(X, BOTH, y=y)
    assert evidence.visit_margins.shape == (60, 7)
    np.testing.assert_array_equal(evidence.forgetting_events, events_of(evidence.visit_margins))


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
    assert evidence.visit_margins.shape == (len(labels), 4)
    np.testing.assert_array_equal(evidence.forgetting_events, plain.estimator.records_["forgetting_events"])
    np.testing.assert_array_equal(
        trained.estimator.predict_logits(rows), plain.estimator.predict_logits(rows)
    )
    learned = np.isfinite(evidence.forgetting_events)
    np.testing.assert_array_equal(learned, (evidence.visit_margins > 0).any(axis=1))
    with pytest.raises(ValueError, match="recorded none of the visit_margins"):
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


class LowestMargins(ScoredStrategy):
    requires = ("visit_margins", "probabilities")

    def score(self, evidence, rows):
        return -np.nanmean(evidence.require("visit_margins")[rows].astype(float), axis=1)


@pytest.mark.parametrize("proxy", [make_net(), SGDClassifier(loss="log_loss")], ids=["skorch", "partial_fit"])
def test_a_memory_trains_again_only_for_what_it_lacks(proxy, tmp_path):
    def fit(strategy, memory=tmp_path):
        return ProxyCoresetSelector(proxy, strategy=strategy, memory=memory, random_state=0).fit(X, y)

    fit("forgetting_events")
    first, again = fit(LowestMargins()), fit(LowestMargins())
    assert (first.from_cache_, again.from_cache_) == (False, True)
    np.testing.assert_array_equal(again.order_, first.order_)
    np.testing.assert_array_equal(fit(LowestMargins(), memory=None).scores_, first.scores_)
    assert fit("forgetting_events").from_cache_
