"""Targets that begin from the weights of the proxy."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sksvp.active import ProxyActiveLearner
from sksvp.datasets import load_digits
from sksvp.estimators import ResNetClassifier, WhitenedConvNetClassifier

DIGITS = load_digits()
X, y, X_test, y_test = DIGITS.X_train[:300], DIGITS.y_train[:300], DIGITS.X_test[:200], DIGITS.y_test[:200]
# A rate of nearly nothing: the target stays where it begins.
STILL = {"lr": 1e-9, "batch_size": 32, "device": "cpu", "precision": "fp32"}
PROXY = ResNetClassifier(8, max_epochs=8, batch_size=32, device="cpu", precision="fp32")


def learner_of(proxy, target, **params):
    return ProxyActiveLearner(
        proxy, target, warm_target=True, rounds=[100], initial_size=100, random_state=0, **params
    )


@pytest.mark.parametrize("strategy", ["margin", "random"])
def test_the_target_begins_where_the_proxy_is(strategy):
    learner = learner_of(PROXY, ResNetClassifier(14, max_epochs=1, **STILL), strategy=strategy)
    last = learner.fit(X, y, X_val=X_test, y_val=y_test).history_[-1]
    proxy = learner.proxy_.score(X_test, y_test)
    assert proxy > 0.5 and abs(last["target_score"] - proxy) < 0.1
    cold = clone(learner).set_params(warm_target=False).fit(X, y, X_val=X_test, y_val=y_test).history_[-1]
    assert cold["target_score"] < proxy - 0.2
    np.testing.assert_array_equal(cold["rows"], last["rows"])


def test_the_target_is_the_same_from_a_checkpoint(tmp_path):
    learner = learner_of(
        PROXY, ResNetClassifier(14, max_epochs=2, batch_size=32, device="cpu"), checkpoint=tmp_path
    )
    expected = learner.fit(X, y).predict(X_test)
    np.testing.assert_array_equal(clone(learner).fit(X, y).predict(X_test), expected)


@pytest.mark.parametrize(
    ("proxy", "target"),
    [
        (ResNetClassifier(20), ResNetClassifier(8)),
        (ResNetClassifier(20, block="bottleneck"), ResNetClassifier(20)),
        (WhitenedConvNetClassifier(), ResNetClassifier(8)),
        (LogisticRegression(C=0.1), LogisticRegression()),
    ],
    ids=["shallower", "block", "kind", "no network"],
)
def test_models_that_do_not_nest(proxy, target):
    with pytest.raises(
        ValueError, match="warm_target=True needs a proxy whose weights the target can begin from"
    ):
        learner_of(proxy, target).fit(X, y)


def test_no_target():
    with pytest.raises(ValueError, match="target is None"):
        learner_of(PROXY, None).fit(X, y)
