"""Small models that the tests of evidence and core-sets use as proxies."""

from pathlib import Path

import numpy as np
import torch
from skorch import NeuralNetClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
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

    log: list = []

    def __init__(self, n_in=5, **kwargs):
        super().__init__(n_in - 1, **kwargs)

    def forward(self, x):
        logits = super().forward(x[:, :-1])
        if self.training:
            LoggingMlp.log.append((x[:, -1].long().numpy().copy(), logits.argmax(1).numpy().copy()))
        return logits


class CountedTraining(ClassifierMixin, BaseEstimator):
    """A logistic regression that writes a line to a file each time it is trained."""

    def __init__(self, log, seconds=0.0, random_state=None, verbose=0, device="cpu"):
        self.log = log
        self.seconds = seconds
        self.random_state = random_state
        self.verbose = verbose
        self.device = device

    def fit(self, X, y, sample_weight=None):
        import time

        time.sleep(self.seconds)
        with open(self.log, "a") as file:
            file.write("trained\n")
        self.model_ = LogisticRegression(max_iter=500).fit(X, y, sample_weight)
        self.classes_ = self.model_.classes_
        self.n_features_in_ = self.model_.n_features_in_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def transform(self, X):
        return np.asarray(X, dtype=np.float64)


def n_trainings(log) -> int:
    """Count what `CountedTraining` wrote."""
    return len(Path(log).read_text().splitlines()) if Path(log).exists() else 0


def make_net(module=Mlp, **params):
    """Build a skorch net that is silent and keeps all its rows."""
    defaults = {"criterion": nn.CrossEntropyLoss, "max_epochs": 3, "lr": 0.1, "batch_size": 16}
    defaults |= {"train_split": None, "verbose": 0, "iterator_train__shuffle": True}
    return NeuralNetClassifier(module, **(defaults | params))


def blobs(n_rows=60, n_classes=3, n_features=4, seed=0):
    """Draw overlapping float32 classes, shuffled."""
    rng = np.random.RandomState(seed)
    y = np.arange(n_rows) % n_classes
    centres = rng.normal(scale=1.5, size=(n_classes, n_features))
    X = centres[y] + rng.normal(size=(n_rows, n_features))
    order = rng.permutation(n_rows)
    return X[order].astype(np.float32), y[order]
