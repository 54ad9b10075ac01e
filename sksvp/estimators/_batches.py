"""Batches cut from resident rows, without a DataLoader's fetch and collate of single rows."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset


class TrainingRows(Dataset):
    """Rows and encoded labels of one training, as skorch's dataset.

    Parameters
    ----------
    read : callable
        ``read(indices) -> Tensor``, the unaugmented batch of those rows.
    y : ndarray of shape (n,)
        Labels, encoded as 0 .. n_classes - 1.
    """

    def __init__(self, read: Callable[[np.ndarray], Tensor], y: np.ndarray):
        self.read = read
        self.y = torch.from_numpy(np.ascontiguousarray(y, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.read(np.asarray([index]))[0], self.y[index]


def batch_bounds(n_rows: int, batch_size: int) -> list[tuple[int, int]]:
    """Cut n rows into batches; a last batch of one row joins the one before it.

    Batch norm cannot train on a single row, and no row may be left out: every
    row's forgetting events are counted in every epoch.
    """
    starts = list(range(0, n_rows, batch_size))
    if len(starts) > 1 and n_rows - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], n_rows], strict=True))


class ShuffledBatches:
    """skorch's training iterator: one pass over the rows in a new random order.

    Yields ``({"rows", "inputs"}, y)``: which rows, their augmented and prepared
    inputs, and their labels, on the device.
    """

    def __init__(
        self,
        dataset: TrainingRows,
        *,
        batch_size: int,
        random_state: np.random.RandomState,
        prepare: Callable[[Tensor, torch.Generator, np.ndarray], Tensor],
        device: torch.device,
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.random_state = random_state
        self.prepare = prepare
        self.device = device

    def __len__(self) -> int:
        return len(batch_bounds(len(self.dataset), self.batch_size))

    def __iter__(self) -> Iterator[tuple[dict[str, object], Tensor]]:
        order = self.random_state.permutation(len(self.dataset))
        generator = torch.Generator(self.device).manual_seed(int(self.random_state.randint(2**31)))
        for start, stop in batch_bounds(len(self.dataset), self.batch_size):
            rows = order[start:stop]
            inputs = self.dataset.read(rows).to(self.device, non_blocking=True)
            y = self.dataset.y[rows].to(self.device, non_blocking=True)
            yield {"rows": rows, "inputs": self.prepare(inputs, generator, rows)}, y
