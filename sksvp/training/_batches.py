"""Batches that are read as a whole, without a DataLoader that fetches and collates single rows."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from skorch.dataset import Dataset
from torch import Tensor

from ._row_source import Rows, RowSource


class Visit(NamedTuple):
    """Rows of a batch, epoch of the training (from 0), and random generator."""

    rows: np.ndarray
    epoch: int
    generator: torch.Generator


# Function from a raw batch to the module's input.
TrainingView = Callable[[Tensor, Visit], Tensor]


class TrainingRows(Dataset):
    """Rows and encoded labels of a training or a validation, as skorch's dataset.

    Callbacks of skorch pass `X`, the dataset itself, to the net, and compare `y` with
    its predictions.

    Parameters
    ----------
    rows : Rows
    y : ndarray of shape (n,)
        Labels, encoded as 0 .. n_classes - 1.
    """

    def __init__(self, rows: Rows, y: np.ndarray):
        self.X = self
        self.rows = rows
        self.y = torch.from_numpy(np.ascontiguousarray(y, dtype=np.int64))

    def __len__(self) -> int:
        return self.rows.n

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.rows.read(np.asarray([index]))[0], self.y[index]


def batch_bounds(n_rows: int, batch_size: int, least: int = 2) -> list[tuple[int, int]]:
    """Cut n rows into batches; a last batch of fewer than `least` rows is merged with the one before it.

    Batch norm cannot train on a single row, and no row may be dropped, because
    forgetting events are counted for every row in every epoch.
    """
    starts = list(range(0, n_rows, batch_size))
    if len(starts) > 1 and n_rows - starts[-1] < least:
        starts.pop()
    return list(zip(starts, [*starts[1:], n_rows], strict=True))


class ShuffledBatches:
    """Training iterator for skorch: one pass over the rows, or `epoch_rows` of them, in a new random order.

    It yields ``({"rows", "inputs", "n_batch", "y_batch"}, y)``: row numbers, their
    augmented and prepared inputs, size and labels of the whole batch, and the rows'
    labels, on the device. Several processes draw the same order, and each gets
    its share of every batch.
    """

    def __init__(
        self,
        dataset: TrainingRows,
        *,
        batch_size: int,
        random_state: np.random.RandomState,
        prepare: TrainingView,
        device: torch.device,
        first_epoch: int = 0,
        rank: int = 0,
        n_ranks: int = 1,
        epoch_rows: int | None = None,
    ):
        self.dataset = dataset
        self.epoch_rows = len(dataset) if epoch_rows is None else epoch_rows
        self.batch_size = batch_size
        self.random_state = random_state
        self.prepare = prepare
        self.device = device
        self.epoch = first_epoch
        self.rank = rank
        self.n_ranks = n_ranks
        self._source = RowSource(dataset.rows, device, read_often=dataset.rows.read_anew is None)
        self._y = dataset.y.to(device)

    def __len__(self) -> int:
        return len(self._bounds())

    def _bounds(self) -> list[tuple[int, int]]:
        return batch_bounds(self.epoch_rows, self.batch_size, least=2 * self.n_ranks)

    def __iter__(self) -> Iterator[tuple[dict[str, object], Tensor]]:
        order = self.random_state.permutation(len(self.dataset))[: self.epoch_rows]
        seed = int(self.random_state.randint(2**31))
        # Each process augments with another seed.
        generator = torch.Generator(self.device).manual_seed((seed + self.rank) % 2**31)
        bounds = self._bounds()
        shares = [slice(start + self.rank, stop, self.n_ranks) for start, stop in bounds]
        order_there = torch.from_numpy(order).to(self.device)
        y = self._y[order_there]
        raw_batches = self._source_of_epoch(seed).batches(order, shares)
        for (start, stop), share, raw in zip(bounds, shares, raw_batches, strict=True):
            inputs = self.prepare(raw, Visit(order[share], self.epoch, generator))
            about = {"rows": order_there[share], "n_batch": stop - start, "y_batch": y[start:stop]}
            yield {"inputs": inputs, **about}, y[share]
        self.epoch += 1

    def _source_of_epoch(self, seed: int) -> RowSource:
        rows = self.dataset.rows
        if rows.read_anew is None:
            return self._source
        # Rows that no later epoch reads again are not kept on a GPU.
        return RowSource(replace(rows, read=rows.read_anew(seed)), self.device, read_often=False)


class CleanBatches:
    """Iterator for skorch over rows in their order, without augmentation."""

    def __init__(self, dataset: TrainingRows, *, batch_size: int, device: torch.device):
        self.dataset = dataset
        self.batch_size = batch_size
        self._source = RowSource(dataset.rows, device, read_often=False)
        self._y = dataset.y.to(device)

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[dict[str, object], Tensor]]:
        order = np.arange(len(self.dataset))
        parts = [slice(start, start + self.batch_size) for start in order[:: self.batch_size].tolist()]
        for part, raw in zip(parts, self._source.batches(order, parts), strict=True):
            yield {"inputs": self.dataset.rows.clean_view(raw), "n_batch": len(raw)}, self._y[part]
