"""Data sets of `bench_strategies`: tables, texts and images as columns of numbers, and wrong labels."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from joblib import Memory
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from sksvp.datasets import load_cifar10, load_digits, load_text_csv

_PATCH, _N_FILTERS, _N_FITTED = 6, 64, 50_000


class Data(NamedTuple):
    """Scaled columns in float32 and labels 0, 1, ..., some of the training labels perhaps wrong."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def name_of(spec: str) -> str:
    """Return the name of a data set on the page."""
    path, _, labels = spec.partition("@")
    name = "digits" if path == "digits" else Path(path).stem.removesuffix("_csv")
    name = "cifar10" if name.startswith("cifar-10") else name
    if not labels:
        return name
    return f"{name}, labels of people" if ":" in labels else f"{name}, {float(labels):.0%} wrong"


def load(spec: str, seed: int, memory: Memory) -> Data:
    """Return a data set.

    Parameters
    ----------
    spec : str
        ``digits``, or the path of a file NAME.npz, whose first four arrays are
        training rows, their labels, test rows and their labels, of a folder with
        train.csv and test.csv, or of CIFAR-10's folder. After an ``@``: the share of
        the training labels that are made wrong, or FILE.npz:NAME with others.
    seed : int
        Of the labels that are made wrong.
    memory : joblib.Memory
        Keeps the columns made of texts and images.
    """
    path, _, labels = spec.partition("@")
    X, y, X_test, y_test = memory.cache(_columns)(path)
    if ":" in labels:
        file, _, name = labels.rpartition(":")
        with np.load(file, allow_pickle=False) as arrays:
            y = arrays[name].astype(np.int64)
    elif labels:
        rng = np.random.RandomState(seed)
        y, n_classes = y.copy(), y.max() + 1
        wrong = rng.choice(len(y), size=round(float(labels) * len(y)), replace=False)
        y[wrong] = (y[wrong] + rng.randint(1, n_classes, size=len(wrong))) % n_classes
    return Data(X, y, X_test, y_test)


def _columns(path: str) -> Data:
    if path == "digits":
        data = load_digits()
        X, y, X_test, y_test = (
            data.X_train.reshape(len(data.y_train), -1),
            data.y_train,
            data.X_test.reshape(len(data.y_test), -1),
            data.y_test,
        )
    elif path.endswith(".npz"):
        with np.load(path, allow_pickle=False) as file:
            X, y, X_test, y_test = (file[name] for name in file.files[:4])
    elif (Path(path) / "batches.meta").exists():
        data = load_cifar10(path)
        features = PatchFeatures(data.X_train)
        X, y, X_test, y_test = features(data.X_train), data.y_train, features(data.X_test), data.y_test
    else:
        data = load_text_csv(path)
        words = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), TruncatedSVD(128, random_state=0))
        X, y = words.fit_transform(list(data.X_train)), data.y_train
        X_test, y_test = words.transform(list(data.X_test)), data.y_test
    scale = StandardScaler().fit(X)
    classes, codes = np.unique(y, return_inverse=True)
    return Data(
        scale.transform(X).astype(np.float32),
        codes,
        scale.transform(X_test).astype(np.float32),
        np.searchsorted(classes, y_test),
    )


class PatchFeatures:
    """256 fixed features of images: how well their quarters match 64 whitened random patches of theirs."""

    def __init__(self, images: np.ndarray):
        rng = np.random.RandomState(0)
        places = rng.randint(0, images.shape[1] - _PATCH, size=(2, _N_FITTED))
        rows = rng.randint(0, len(images), size=_N_FITTED)
        patches = np.stack(
            [
                images[row, top : top + _PATCH, left : left + _PATCH].transpose(2, 0, 1).ravel()
                for row, top, left in zip(rows, *places, strict=True)
            ]
        )
        patches = _normalised(torch.from_numpy(patches).float())
        self._mean = patches.mean(dim=0)
        values, vectors = torch.linalg.eigh((patches - self._mean).T.cov())
        self._whitening = vectors * (values + 0.1).rsqrt() @ vectors.T
        filters = (patches[:_N_FILTERS] - self._mean) @ self._whitening
        self._filters = functional.normalize(filters).T

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the features, (n, 256)."""
        return np.concatenate([self._of(images[start : start + 250]) for start in range(0, len(images), 250)])

    def _of(self, images: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(np.ascontiguousarray(images)).float().permute(0, 3, 1, 2)
        patches = _normalised(functional.unfold(pixels, _PATCH).transpose(1, 2))
        matches = ((patches - self._mean) @ (self._whitening @ self._filters)).relu()
        width = images.shape[1] - _PATCH + 1
        maps = matches.transpose(1, 2).reshape(len(images), _N_FILTERS, width, width)
        return functional.adaptive_avg_pool2d(maps, 2).flatten(1).numpy()


def _normalised(patches: torch.Tensor) -> torch.Tensor:
    patches = patches - patches.mean(dim=-1, keepdim=True)
    return patches / (patches.var(dim=-1, keepdim=True) + 10.0).sqrt()
