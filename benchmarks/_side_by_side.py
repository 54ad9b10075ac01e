"""Small networks trained side by side in batched products, each on rows of its own."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

BATCH = 64
_WIDTH = 64


def visits(subset: np.ndarray, n_updates: int, seed: int) -> np.ndarray:
    """Return the rows of each update: passes over a subset, each in another order.

    Subsets of one size are visited by the same places, so that their targets differ by
    their rows alone.

    Parameters
    ----------
    subset : ndarray of int
        Rows of a target.
    n_updates : int
        Number of updates.
    seed : int
        Of the orders.

    Returns
    -------
    ndarray of shape (n_updates, BATCH), int
    """
    return _passes(len(subset), n_updates, seed, lambda place, order: subset[order])


def fresh_visits(n_rows: int, size: int, n_updates: int, seed: int) -> np.ndarray:
    """Return the rows of each update where every pass is over other random rows (RS2); see `visits`.

    Parameters
    ----------
    n_rows, size : int
        Rows there are, and rows of a pass.
    n_updates, seed : int
        As in `visits`.
    """
    fresh = np.random.RandomState(1000 + seed)
    return _passes(size, n_updates, seed, lambda place, order: fresh.choice(n_rows, size, replace=False))


def _passes(size: int, n_updates: int, seed: int, rows_of) -> np.ndarray:
    rng = np.random.RandomState(seed)
    n_passes = -(-n_updates * BATCH // size)
    parts = [rows_of(place, rng.permutation(size)) for place in range(n_passes)]
    return np.concatenate(parts)[: n_updates * BATCH].reshape(n_updates, BATCH)


def errors(sequences: Sequence[np.ndarray], data, seed: int) -> list[float]:
    """Train a network with two hidden layers on each sequence of batches and return their test errors.

    Parameters
    ----------
    sequences : sequence of ndarray of shape (n_updates, BATCH), int
        Rows of each update of each network; the same number of updates for all.
    data : Data
        Rows and labels.
    seed : int
        Of the first weights, which all networks share.
    """
    X, y, X_test, y_test = (torch.from_numpy(part) for part in data)
    n_networks, n_updates = len(sequences), len(sequences[0])
    batches = torch.from_numpy(np.stack(sequences, axis=1).astype(np.int32))
    draws = torch.Generator().manual_seed(seed)
    widths = [X.shape[1], _WIDTH, _WIDTH, int(y_test.max()) + 1]
    parameters = []
    for n_in, n_out in pairwise(widths):
        weights = torch.randn(n_in, n_out, generator=draws) * (2 / n_in) ** 0.5
        parameters.append(weights.repeat(n_networks, 1, 1).requires_grad_())
        parameters.append(torch.zeros(n_networks, 1, n_out, requires_grad=True))

    def logits(rows):
        for layer in range(0, 6, 2):
            rows = torch.baddbmm(parameters[layer + 1], rows, parameters[layer])
            rows = rows.relu() if layer < 4 else rows
        return rows

    optimizer = torch.optim.SGD(
        parameters, lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_updates)
    for rows in batches:
        flat = rows.flatten()
        loss = functional.cross_entropy(
            logits(X[flat].view(n_networks, BATCH, -1)).flatten(0, 1), y[flat], reduction="sum"
        )
        optimizer.zero_grad()
        # Each network's own mean loss.
        (loss / BATCH).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        wrong = torch.zeros(n_networks)
        for part in torch.arange(len(y_test)).split(500):
            predicted = logits(X_test[part].expand(n_networks, -1, -1)).argmax(dim=2)
            wrong += (predicted != y_test[part]).sum(dim=1)
    return (wrong / len(y_test)).double().round(decimals=5).tolist()
