"""Targets of core-sets that begin from the weights of the proxy."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sksvp.coreset import CoresetClassifier, ProxyCoresetSelector
from sksvp.datasets import load_digits
from sksvp.estimators import ResNetClassifier

DIGITS = load_digits()
X, y, X_test, y_test = DIGITS.X_train[:300], DIGITS.y_train[:300], DIGITS.X_test[:200], DIGITS.y_test[:200]
PROXY = ResNetClassifier(8, max_epochs=8, batch_size=32, device="cpu", precision="fp32")
# A rate of nearly nothing: the target stays where it begins.
STILL = ResNetClassifier(
    14, max_epochs=1, lr=1e-9, batch_size=32, device="cpu", precision="fp32", random_state=0
)


def selector_of(proxy=PROXY, **params):
    return ProxyCoresetSelector(proxy, strategy="entropy", random_state=0, **{"subset_size": 0.5, **params})


@pytest.mark.parametrize("frozen", [False, True])
def test_the_target_begins_where_the_proxy_is(frozen):
    selector = FrozenEstimator(selector_of().fit(X, y)) if frozen else selector_of()
    warm = CoresetClassifier(STILL, selector, warm_target=True).fit(X, y)
    proxy = warm.selector_.proxy_.score(X_test, y_test)
    assert proxy > 0.5 and abs(warm.score(X_test, y_test) - proxy) < 0.1
    cold = clone(warm).set_params(warm_target=False).fit(X, y)
    assert cold.score(X_test, y_test) < proxy - 0.2
    np.testing.assert_array_equal(cold.selector_.indices_, warm.selector_.indices_)


def test_names_as_labels():
    names = np.array([f"digit {label}" for label in y])
    warm = CoresetClassifier(STILL, selector_of(), warm_target=True).fit(X, names)
    assert set(warm.predict(X_test)) <= set(names) and list(warm.classes_) == sorted(set(names))


@pytest.mark.parametrize(
    ("target", "selector", "message"),
    [
        (
            ResNetClassifier(8),
            selector_of(ResNetClassifier(20)),
            "warm_target=True needs a proxy whose weights",
        ),
        (
            LogisticRegression(),
            selector_of(LogisticRegression(C=0.1)),
            "warm_target=True needs a proxy whose weights",
        ),
        (STILL, selector_of(None).set_params(strategy="random"), "needs a selector with a proxy"),
    ],
    ids=["shallower", "no network", "no proxy"],
)
def test_what_the_target_cannot_begin_from(target, selector, message):
    with pytest.raises(ValueError, match=message):
        CoresetClassifier(target, selector, warm_target=True).fit(X, y)


def test_chosen_rows_without_a_class():
    few = selector_of(subset_size=5)
    with (
        pytest.warns(UserWarning, match="hold no row of"),
        pytest.raises(
            ValueError, match=r"the proxy knows 10 classes, and the chosen rows have \d; use class_balanced"
        ),
    ):
        CoresetClassifier(STILL, few, warm_target=True).fit(X, y)
