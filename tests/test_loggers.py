"""The loggers of skorch as callbacks of our networks, with stand-ins for TensorBoard and MLflow."""

from types import SimpleNamespace

import numpy as np
import pytest
from skorch.callbacks import MlflowLogger, TensorBoard

from sksvp import ProxyCoresetSelector
from sksvp.estimators import ResNetClassifier

RNG = np.random.RandomState(0)
X, y = RNG.randint(0, 256, (40, 8, 8, 3)).astype(np.uint8), np.arange(40) % 3


class Writer:
    """What skorch's TensorBoard asks of a SummaryWriter."""

    def __init__(self):
        self.told = []

    def add_scalar(self, tag, scalar_value, global_step):
        self.told.append((tag, global_step, scalar_value))

    def close(self):
        self.told.append("closed")


class Client:
    """What skorch's MlflowLogger asks of an MlflowClient."""

    def __init__(self):
        self.told = []
        self.terminated = []

    def log_metric(self, run_id, key, value, step):
        self.told.append((run_id, key, step, value))

    def set_terminated(self, run_id, status=None):
        self.terminated.append((run_id, status))


def fitted(logger):
    network = ResNetClassifier(
        depth=8, max_epochs=3, net_params={"callbacks": [logger]}, device="cpu", random_state=0
    )
    return network.fit(X, y)


def test_tensorboard_gets_every_epoch():
    network = fitted(TensorBoard(writer := Writer()))
    losses = {step: value for tag, step, value in writer.told[:-1] if tag == "Loss/train_loss"}
    assert writer.told[-1] == "closed"
    assert losses == {n: epoch["train_loss"] for n, epoch in enumerate(network.history_, start=1)}


def test_mlflow_gets_every_epoch():
    run = SimpleNamespace(info=SimpleNamespace(run_id="7"))
    network = fitted(MlflowLogger(run, client := Client(), create_artifact=False))
    assert len(client.terminated) == 1
    for key in ("train_loss", "train_acc", "dur"):
        values = [value for run_id, name, _, value in client.told if (run_id, name) == ("7", key)]
        assert values == pytest.approx([epoch[key] for epoch in network.history_])


def test_a_proxy_is_logged_within_a_selector():
    writer = Writer()
    proxy = ResNetClassifier(
        depth=8, max_epochs=2, net_params={"callbacks": [TensorBoard(writer)]}, device="cpu"
    )
    selector = ProxyCoresetSelector(proxy, strategy="entropy", random_state=0).fit(X, y)
    # The proxy is a clone, and so is its logger.
    (logger,) = selector.proxy_.net_params["callbacks"]
    assert [step for tag, step, _ in logger.writer.told[:-1] if tag == "Loss/train_loss"] == [1, 2]
