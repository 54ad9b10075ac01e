"""Small networks that the tests of evidence and core-sets use as proxies."""

from typing import ClassVar

import torch
from skorch import NeuralNetClassifier
from torch import nn


class Mlp(nn.Module):
    """Two linear layers and no further name for the hidden vector."""

    def __init__(self, n_in=4, n_hidden=8, n_classes=3, dropout=0.0):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(n_hidden, n_classes)

    def forward(self, x):
        return self.head(self.hidden(x))


class MlpWithFeatures(Mlp):
    """Says by a method what its features are."""

    def features(self, x):
        return 2 * self.hidden(x)


class TimmLike(Mlp):
    """Has timm's two halves."""

    def forward_features(self, x):
        return self.hidden(x)

    def forward_head(self, x, pre_logits=False):
        return 3 * x if pre_logits else self.head(x)


class Softmax(Mlp):
    """Gives probabilities, as skorch's default loss expects."""

    def forward(self, x):
        return torch.softmax(super().forward(x), dim=-1)


class LoggingMlp(Mlp):
    """Takes row numbers in the last column and notes, in training, the class it predicts for each."""

    log: ClassVar[list] = []

    def __init__(self, n_in=5, **kwargs):
        super().__init__(n_in - 1, **kwargs)

    def forward(self, x):
        logits = super().forward(x[:, :-1])
        if self.training:
            LoggingMlp.log.append((x[:, -1].long().numpy().copy(), logits.argmax(1).numpy().copy()))
        return logits


def make_net(module=Mlp, **params):
    """Build a skorch net that is silent and keeps all its rows."""
    defaults = {"criterion": nn.CrossEntropyLoss, "max_epochs": 3, "lr": 0.1, "batch_size": 16}
    defaults |= {"train_split": None, "verbose": 0, "iterator_train__shuffle": True}
    return NeuralNetClassifier(module, **(defaults | params))
