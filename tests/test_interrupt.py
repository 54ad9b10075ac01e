"""Ctrl-C ends a fit, also where skorch would go on with a half-trained network."""

import signal

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback, EarlyStopping
from toy_nets import make_net

from sksvp import CoresetClassifier, ProxyCoresetSelector

rng = np.random.RandomState(0)
X, y = rng.standard_normal((60, 4)).astype(np.float32), np.arange(60) % 3


class PressCtrlC(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("strategy", ["entropy", "forgetting_events"])
def test_an_interrupted_net_is_no_proxy_and_is_not_kept(strategy, tmp_path):
    proxy = make_pipeline(FunctionTransformer(), make_net(max_epochs=5, callbacks=[PressCtrlC()]))
    selector = ProxyCoresetSelector(proxy, strategy=strategy, memory=tmp_path, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        selector.fit(X, y)
    with pytest.raises(NotFittedError):
        check_is_fitted(selector)
    assert not list(tmp_path.rglob("*.joblib"))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_net_is_no_target():
    selector = ProxyCoresetSelector(LogisticRegression(), random_state=0)
    classifier = CoresetClassifier(make_net(max_epochs=5, callbacks=[PressCtrlC()]), selector)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, y)
    assert not hasattr(classifier, "estimator_")


def test_early_stopping_is_no_interruption():
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=10.0)
    selector = ProxyCoresetSelector(make_net(max_epochs=9, callbacks=[stopping]), random_state=0).fit(X, y)
    assert len(selector.proxy_.history) == 3
