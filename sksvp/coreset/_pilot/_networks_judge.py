"""Small networks, one for each set of rows, trained side by side in batched products."""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

_BATCH, _WIDTH = 64, 64
# Passes over the rows of a network, as long as its updates stay within bounds; and what it has in any case.
_PASSES, _LEAST_UPDATES, _MOST_UPDATES = 12, 300, 1000
_LEAST_PASSES = 3
_TEST_BLOCK = 500
# What tells the seconds of an update.
_PROBED_NETWORKS, _PROBED_UPDATES = 10, 20


class SmallNetworks:
    """Judge sets of rows by a network with two hidden layers trained on each.

    All sets have the same number of rows, and all networks of one seed the same first
    weights and the same order of visits, so that they differ by their rows alone.
    """

    # Seeds of each set and repeat: they cost little side by side.
    n_seeds = 3

    def __str__(self) -> str:
        return "small networks on the columns of X"

    def wrong(
        self,
        X: Any,
        y: np.ndarray,
        sets: Sequence[np.ndarray],
        seeds: Sequence[int],
        X_test: Any,
        y_test: np.ndarray,
        *,
        n_updates: int | None = None,
    ) -> np.ndarray:
        """Train a network on each set and return which test rows it classifies wrong.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
        y : ndarray of shape (n_rows,)
            Labels.
        sets : sequence of ndarray of shape (n_kept,), int
            Row numbers.
        seeds : sequence of int
            One seed for each set.
        X_test, y_test : array-like
            Held-out rows and their labels.
        n_updates : int, optional
            Updates of each network.

        Returns
        -------
        ndarray of shape (n_sets, n_test), bool
        """
        import torch

        scale = StandardScaler().fit(as_table(X))
        rows, held_out = (
            torch.from_numpy(scale.transform(as_table(part)).astype(np.float32)) for part in (X, X_test)
        )
        classes, codes = np.unique(y, return_inverse=True)
        labels = torch.from_numpy(codes)
        networks = Networks(rows.shape[1], len(classes), seeds)
        networks.train(rows, labels, _visits(sets, seeds, n_updates or _count_updates(len(sets[0]))))
        predicted = np.concatenate([networks.predict(part) for part in held_out.split(_TEST_BLOCK)], axis=1)
        return classes[predicted] != np.asarray(y_test)

    def seconds(self, X: Any, y: np.ndarray, n_kept: int) -> float:
        """Return about how long a network takes on `n_kept` rows, measured on some rows."""
        sets = [np.arange(min(n_kept, len(y)))] * _PROBED_NETWORKS
        start = time.perf_counter()
        self.wrong(X, y, sets, range(_PROBED_NETWORKS), X, y, n_updates=_PROBED_UPDATES)
        of_update = (time.perf_counter() - start) / (_PROBED_UPDATES * _PROBED_NETWORKS)
        return of_update * _count_updates(n_kept)


def as_table(X: Any) -> np.ndarray:
    """Return rows as a table of float64."""
    return np.asarray(X, dtype=np.float64)


def is_table(X: Any) -> bool:
    """Tell whether rows are a table of finite numbers."""
    if len(getattr(X, "shape", ())) != 2 or not hasattr(X, "__array__"):
        return False
    kinds = {getattr(dtype, "kind", "O") for dtype in getattr(X, "dtypes", [getattr(X, "dtype", None)])}
    return kinds <= set("biuf") and bool(np.isfinite(as_table(X)).all())


def _count_updates(n_kept: int) -> int:
    wanted = min(max(_PASSES * n_kept // _BATCH, _LEAST_UPDATES), _MOST_UPDATES)
    return max(wanted, -(-_LEAST_PASSES * n_kept // _BATCH))


def _visits(sets: Sequence[np.ndarray], seeds: Sequence[int], n_updates: int) -> np.ndarray:
    """Return the rows of each update, (n_updates, n_sets, batch): passes over the rows of a set in random order."""
    size = len(sets[0])
    n_passes = -(-n_updates * _BATCH // size)
    places: dict[int, np.ndarray] = {}
    for seed in seeds:
        if seed not in places:
            rng = np.random.RandomState(seed)
            orders = np.concatenate([rng.permutation(size) for _ in range(n_passes)])
            places[seed] = orders[: n_updates * _BATCH].reshape(n_updates, _BATCH)
    return np.stack([rows[places[seed]] for rows, seed in zip(sets, seeds, strict=True)], axis=1)


class Networks:
    """Networks with two hidden layers, whose weights are stacked along the first axis."""

    def __init__(self, n_columns: int, n_classes: int, seeds: Sequence[int]):
        import torch

        self.n_networks = len(seeds)
        self.weights, self.biases = [], []
        draws = {seed: torch.Generator().manual_seed(seed) for seed in seeds}
        for n_in, n_out in pairwise((n_columns, _WIDTH, _WIDTH, n_classes)):
            first = {
                seed: torch.randn(n_in, n_out, generator=draw) * (2 / n_in) ** 0.5
                for seed, draw in draws.items()
            }
            self.weights.append(torch.stack([first[seed] for seed in seeds]).requires_grad_())
            self.biases.append(torch.zeros(self.n_networks, 1, n_out, requires_grad=True))

    def logits(self, rows):
        """Return the outputs, (n_networks, n_rows, n_classes), for rows (n_networks, n_rows, n_columns)."""
        import torch

        for place, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = torch.baddbmm(biases, rows if place == 0 else rows.relu(), weights)
        return rows

    def train(self, X, y, visits: np.ndarray) -> None:
        """Train all networks, each on its own batches."""
        import torch
        from torch.nn import functional

        parameters = [*self.weights, *self.biases]
        optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(visits))
        for batch in torch.from_numpy(visits):
            rows = batch.flatten()
            outputs = self.logits(X[rows].view(self.n_networks, _BATCH, -1))
            loss = functional.cross_entropy(outputs.flatten(0, 1), y[rows], reduction="sum")
            optimizer.zero_grad()
            # Each network has its own mean loss.
            (loss / _BATCH).backward()
            optimizer.step()
            schedule.step()

    def predict(self, X) -> np.ndarray:
        """Return the predicted classes by number, (n_networks, n_rows)."""
        import torch

        with torch.no_grad():
            return self.logits(X.expand(self.n_networks, -1, -1)).argmax(dim=2).numpy()
