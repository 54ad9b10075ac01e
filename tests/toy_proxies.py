"""Rows, and small models without torch, that the tests of evidence and core-sets use."""

import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression


class CountedTraining(ClassifierMixin, BaseEstimator):
    """A logistic regression that writes a line to a file each time it is trained."""

    def __init__(self, log, seconds=0.0, random_state=None, verbose=0, device="cpu"):
        self.log = log
        self.seconds = seconds
        self.random_state = random_state
        self.verbose = verbose
        self.device = device

    def fit(self, X, y, sample_weight=None):
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


def blobs(n_rows=60, n_classes=3, n_features=4, seed=0):
    """Draw overlapping float32 classes, shuffled."""
    rng = np.random.RandomState(seed)
    y = np.arange(n_rows) % n_classes
    centres = rng.normal(scale=1.5, size=(n_classes, n_features))
    X = centres[y] + rng.normal(size=(n_rows, n_features))
    order = rng.permutation(n_rows)
    return X[order].astype(np.float32), y[order]


def fit_in_worker(selector, X, y):
    """Fit a selector in another process and tell whether it found its proxy in the memory."""
    return selector.fit(X, y).from_cache_
