"""A strategy only looks on: the proxy is trained as without it, and once for all strategies of a search."""

import hashlib
from itertools import cycle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_nets import make_net
from toy_proxies import blobs
from toy_texts import toy_texts

from sksvp import CoresetClassifier, ProxyCoresetSelector
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.proxies import Incremental, Proxy, as_proxy
from sksvp.strategies import (
    BetaSample,
    GraNd,
    Soft,
    Stratified,
    Top,
    Window,
    resolve_strategy,
    strategy_names,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

X, y = blobs(60)


def images():
    return (np.random.RandomState(0).rand(40, 8, 8) * 255).astype(np.uint8), np.arange(40) % 2


def network(**params):
    return ResNetClassifier(8, max_epochs=3, batch_size=16, device="cpu", precision="fp32", **params)


def texts():
    rows, labels = toy_texts(60)
    return np.array(rows, dtype=object), np.asarray(labels)


def bag():
    return BagOfNgramsClassifier(lr=0.5, max_epochs=4, bucket=100, device="cpu")


# Each with its rows, and the number of ways in which it is trained.
PROXIES = {
    "skorch net": (make_net(module__dropout=0.3), X, y, 1),
    "network": (network(), *images(), 1),
    "bag of n-grams": (bag(), *texts(), 1),
    "Incremental": (
        make_pipeline(StandardScaler(), Incremental(MLPClassifier((8,)), n_epochs=4)),
        X,
        y,
        1,
    ),
    "staged": (make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=5)), X, y, 1),
    "fit alone": (make_pipeline(StandardScaler(), LogisticRegression()), X, y, 1),
    # By its own fit, and by mini-batches where a strategy reads a record: two models.
    "partial_fit": (make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")), X, y, 2),
}


def served(proxy):
    """Names of the strategies that a proxy can serve."""
    gives = {*as_proxy(proxy).gives}
    return [name for name in strategy_names() if set(resolve_strategy(name).requires) <= gives]


def bits(selector, rows):
    """What the proxy says of the rows, to the last bit; whatever its training noted left out."""
    classifier = as_proxy(selector.proxy_)
    kinds = [kind for kind in ("probabilities", "features") if kind in classifier.gives]
    parts = classifier.gather(rows, kinds, y=None).parts
    return hashlib.sha256(
        b"".join(np.ascontiguousarray(part).tobytes() for part in parts.values())
    ).hexdigest()


def wrappers(proxy):
    """Every strategy that the proxy serves, each score in one of the samplers, and all channels on demand."""
    scored = [name for name in served(proxy) if getattr(resolve_strategy(name), "scores_each_row", False)]
    around = [kind(name) for name, kind in zip(scored, cycle([Top, Soft, Stratified]), strict=False)]
    extra = [Window("entropy", 0.1)] if "entropy" in scored else []
    if "feature_norm" in as_proxy(proxy).gives:
        extra += [GraNd(features="visits"), Stratified(GraNd(features="visits"))]
    if "training_record" in as_proxy(proxy).gives:
        extra += [BetaSample("dual")]
    return [*served(proxy), *around, *extra]


@pytest.mark.parametrize("kind", PROXIES)
def test_what_looks_on_changes_nothing_of_the_training(kind):
    proxy, rows, labels, n_ways = PROXIES[kind]
    strategies = wrappers(proxy)
    if kind in ("network", "bag of n-grams"):
        # Each trains a network: those that have most noted, and few others.
        strategies = ["entropy", "forgetting_events", "el2n", "tdds", "badge", Window("entropy", 0.1)]
        strategies += [BetaSample("dual"), GraNd(features="visits"), Stratified("tdds"), Soft("aum")]
    seen = {}
    for strategy in strategies:
        selector = ProxyCoresetSelector(proxy, strategy=strategy, subset_size=20, random_state=0)
        selector.fit(rows, labels)
        if selector.proxy_ is not None:
            seen.setdefault(bits(selector, rows), []).append(strategy)
    assert len(seen) == n_ways, seen
    if n_ways == 2:
        records = {"forgetting_events", "training_record"}
        by_records = [
            {bool(records & {*resolve_strategy(each).requires}) for each in group} for group in seen.values()
        ]
        assert sorted(map(sorted, by_records)) == [[False], [True]]


@pytest.mark.parametrize("kind", PROXIES)
def test_a_search_over_all_strategies_trains_one_proxy_a_fold(kind, tmp_path, monkeypatch):
    proxy, rows, labels, n_ways = PROXIES[kind]
    trainings = []
    train = Proxy.train

    def counted(self, X, *args, **kwargs):
        trainings.append(len(X))
        return train(self, X, *args, **kwargs)

    monkeypatch.setattr(Proxy, "train", counted)
    selector = ProxyCoresetSelector(proxy, subset_size=20, memory=tmp_path, random_state=0)
    target = make_net() if kind == "skorch net" else LogisticRegression()
    if kind == "network":
        rows, target = rows.reshape(len(rows), -1).astype(np.float32), LogisticRegression(max_iter=10)
        selector.set_params(proxy=network(image_shape=(1, 8, 8)))
    elif kind == "bag of n-grams":
        target = bag()
    names = served(selector.proxy)
    search = GridSearchCV(
        CoresetClassifier(target, selector),
        {"selector__strategy": names},
        cv=2,
        refit=False,
        error_score="raise",
    ).fit(rows, labels)
    assert len(search.cv_results_["params"]) == len(names) >= 10
    assert len(trainings) == 2 * n_ways


@pytest.mark.parametrize("kind", ["MLP", "network"])
def test_a_training_that_records_all_serves_every_strategy(kind):
    rows, labels, proxy = X, y, make_pipeline(StandardScaler(), MLPClassifier(4, max_iter=12))
    if kind == "network":
        (rows, labels), proxy = images(), network(image_shape=(1, 8, 8))
    plain = ProxyCoresetSelector(proxy, strategy="entropy", subset_size=20, random_state=0)
    noted = clone(plain).set_params(record_all=True).fit(rows, labels)
    for name in served(proxy):
        assert len(noted.rerank(strategy=name).indices_) == 20, name
    assert {"el2n", "tdds", "forgetting_events", "entropy"} <= set(noted.score_table(rows))
    with pytest.raises(ValueError, match=r"recorded no .*change.*record_all=True"):
        plain.fit(rows, labels).rerank(strategy="tdds")


def test_recording_all_is_no_matter_without_records():
    assert ProxyCoresetSelector(record_all=True, strategy="herding").fit(X).proxy_ is None
    logistic = ProxyCoresetSelector(LogisticRegression(), strategy="entropy", record_all=True).fit(X, y)
    assert set(logistic.score_table()) == {"y", "entropy", "least_confidence", "margin", "kept"}
    with pytest.raises(ValueError, match="record_all"):
        ProxyCoresetSelector(LogisticRegression(), record_all="yes").fit(X, y)
