"""Small networks trained side by side in batched products, each on rows of its own."""

from collections.abc import Sequence

import numpy as np
import torch

from sksvp.coreset._pilot._networks_judge import Networks

BATCH = 64


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
    networks = Networks(X.shape[1], int(y_test.max()) + 1, [seed] * len(sequences))
    networks.train(X, y, np.stack(sequences, axis=1).astype(np.int32))
    parts = torch.arange(len(y_test)).split(500)
    wrong = sum((networks.predict(X_test[part]) != y_test[part].numpy()).sum(axis=1) for part in parts)
    return (wrong / len(y_test)).round(5).tolist()
