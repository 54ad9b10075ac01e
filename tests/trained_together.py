"""What each of several processes does in test_distributed; started by torchrun."""

import json
import pickle
import signal
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from skorch.callbacks import Callback
from torch import nn

from sksvp import ProxyCoresetSelector
from sksvp.coreset import RankingSettled
from sksvp.estimators import ResNetClassifier
from sksvp.training import Rows
from sksvp.training._batches import TrainingRows
from sksvp.training._net import TrainingNet
from sksvp.training._team import join_team

DIGITS = load_digits()
# 133 rows: neither the last batch nor the rows of a batch divide evenly.
X, y = DIGITS.images[:133].astype(np.uint8), DIGITS.target[:133]


class Record(Callback):
    """Keeps which rows of which epoch were here, and whether they were right."""

    seen: list

    def __init__(self):
        Record.seen = []

    def on_batch_end(self, net, batch, training, y_pred, **kwargs):
        right = (y_pred.argmax(1) == batch[1]).tolist()
        Record.seen.append((len(net.history), batch[0]["rows"].tolist(), right))


def resnet(**params):
    params = {"max_epochs": 12, "batch_size": 32, "lr": 0.05, "random_state": 0, "device": "cpu", **params}
    return ResNetClassifier(8, distributed=True, **params)


def train(folder, rank):
    model = resnet(precision="fp32", net_params={"callbacks": [Record()]}).fit(X, y)
    model.set_params(net_params=None).save(folder / f"model-{rank}.safetensors")
    return {
        "logits": model.predict_logits(X).tolist(),
        "events": model.records_["forgetting_events"].tolist(),
        "loss": model.history_[:, "train_loss"],
        "train_acc": model.history_[:, "train_acc"],
        "seen": Record.seen,
    }


class RecordOutputs(Callback):
    """Keeps the rows, logits and squared feature lengths of the batches that were here."""

    seen: list

    def __init__(self):
        RecordOutputs.seen = []

    def on_train_begin(self, net, **kwargs):
        def keep(layer, inputs, logits):
            self.norms = inputs[0].detach().square().sum(1).tolist()

        self.hook = net.network.fc.register_forward_hook(keep)

    def on_train_end(self, net, **kwargs):
        self.hook.remove()

    def on_batch_end(self, net, batch, training, y_pred, **kwargs):
        RecordOutputs.seen.append((len(net.history), batch[0]["rows"].tolist(), y_pred.tolist(), self.norms))


def recorded(folder, rank):
    """All records, of one training."""
    model = resnet(max_epochs=4, precision="fp32", net_params={"callbacks": [RecordOutputs()]})
    with model.observe(("training_record", "feature_norm", "change")):
        model.fit(X, y)
    records = {name: record.astype(float).tolist() for name, record in model.records_.items()}
    return {"records": records, "seen": RecordOutputs.seen}


def compiled(folder, rank):
    """Compiled blocks, and not, one epoch."""
    params = {"max_epochs": 1, "precision": "fp32"}
    options = {"compile": True, "compile__backend": "aot_eager"}
    models = [resnet(**params, net_params=net_params) for net_params in (None, options)]
    return {"logits": [model.fit(X, y).predict_logits(X).tolist() for model in models]}


def unseeded(folder, rank):
    """Without a seed they begin with one network all the same."""
    model = resnet(max_epochs=2, random_state=None).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    return {name: fitted.predict_logits(X).tolist() for name, fitted in (("logits", model), ("copy", copy))}


def interrupted(folder, rank):
    """Interrupted after its fourth epoch, and gone on with."""
    # In a file, since an attribute that changes would make another callback of it.
    epochs = folder / f"epochs-{rank}"

    class Stop(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 5 and not epochs.exists():
                epochs.touch()
                signal.raise_signal(signal.SIGINT)

        def on_epoch_end(self, net, **kwargs):
            if epochs.exists():
                epochs.write_text(epochs.read_text() + "e")

    def make():
        return resnet(
            max_epochs=6, checkpoint=folder / "kept", checkpoint_every=2, net_params={"callbacks": [Stop]}
        )

    # A process that was started in the background ignores the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def fit(model):
        with model.observe(("training_record", "feature_norm", "change")):
            return model.fit(X, y)

    with suppress(KeyboardInterrupt):
        fit(make())
    resumed = fit(make())
    epochs_of_resumed = len(epochs.read_text())
    whole = fit(resnet(max_epochs=6, net_params={"callbacks": [Stop]}))
    return {
        "epochs": len(resumed.history_),
        "epochs of the second call": epochs_of_resumed,
        "records": [
            {name: record.astype(float).tolist() for name, record in model.records_.items()}
            for model in (resumed, whole)
        ],
        "resumed": resumed.predict_logits(X).tolist(),
        "whole": whole.predict_logits(X).tolist(),
    }


def selector(folder, rank):
    rule = RankingSettled(tolerance=0.3, patience=2, min_epochs=3)
    select = ProxyCoresetSelector(resnet(), strategy="entropy", stop_proxy=rule, random_state=0).fit(X, y)
    return {"epochs": len(select.proxy_.history_), "rows": select.indices_.tolist()}


def linear(folder, rank):
    """Without batch norm, which sees a process's own rows, the gradient is that of the whole batch."""
    team = join_team(True, "cpu")
    return {
        "weights": train_linear(team),
        "with class weights": train_linear(team, torch.linspace(0.1, 3, 10)),
    }


def train_linear(team, class_weights=None):
    torch.manual_seed(0)
    net = TrainingNet(
        nn.Linear(64, 10), optimizer=torch.optim.SGD, criterion=nn.CrossEntropyLoss, lr=0.1, batch_size=32
    )
    net.set_params(train_split=None, callbacks__valid_acc=None, callbacks__print_log=None)
    net.initialize()
    net.criterion_.weight = class_weights
    pixels = torch.from_numpy(X.reshape(len(X), -1)).float() / 16
    net.batch_state_ = np.random.RandomState(1)
    rows = TrainingRows(Rows(len(y), lambda rows: pixels[torch.from_numpy(rows)], lambda batch: batch), y)
    net.train_epochs(rows, epochs=3, first=[], last=[], view=lambda batch, visit: batch, team=team)
    return [net.module_.weight.tolist(), net.history[:, "train_loss"]]


def other_rows(folder, rank):
    try:
        resnet().fit(X[rank:], y[rank:])
    except ValueError as error:
        return {"error": str(error)}


def too_few(folder, rank):
    try:
        resnet().fit(X[:3], y[:3])
    except ValueError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    rank = join_team(True, "cpu").rank
    told = {
        work.__name__: work(folder, rank)
        for work in (train, recorded, compiled, unseeded, interrupted, selector, linear, other_rows, too_few)
    }
    (folder / f"told-{rank}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()
