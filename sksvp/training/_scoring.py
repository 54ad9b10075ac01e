"""Logits and features of many rows, batch by batch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..networks import logits_and_features
from ._net import TrainingNet
from ._out_of_memory import first_with_room
from ._row_source import Rows, RowSource

# Least number of rows of a scoring batch; larger batches keep a GPU busy.
_SCORED_ROWS = {"cpu": 256, "cuda": 1024}
# Number of batches of scores that stay on a GPU before they are copied.
_WAITING_SCORES = 16


def score_rows(
    net: TrainingNet, rows: Rows, indices: np.ndarray, kinds: Sequence[str], *, batch_size: int
) -> dict[str, np.ndarray]:
    """Score some rows in float32, all kinds in one pass: (len(indices), n_classes or n_features) each.

    Parameters
    ----------
    net : TrainingNet
    rows : Rows
    indices : ndarray of int
        Numbers of the rows to score.
    kinds : sequence of {"logits", "features"}
    batch_size : int
        Number of rows of a training batch. Scoring uses batches of at least 256, or
        1,024 on a GPU, and smaller ones if the device has no room.

    Raises
    ------
    MemoryError
        If the device has no room for a single row.
    """
    score = _scores_of(net.network.eval(), kinds)
    widths = [net.n_features if kind == "features" else len(net.classes) for kind in kinds]
    device = torch.device(net.device)
    source = RowSource(rows, device, read_often=False)
    done = first_with_room(
        lambda size: _score_in_batches(
            lambda batch: score(rows.clean_view(batch)), source, indices, sum(widths), size, device
        ),
        scored_rows(batch_size, device),
    )
    if done is None:
        raise MemoryError(f"{device} has no room to score a single row.")
    parts = np.split(done[1], np.cumsum(widths)[:-1], axis=1)
    return {kind: np.ascontiguousarray(part) for kind, part in zip(kinds, parts, strict=True)}


def _scores_of(module: Any, kinds: Sequence[str]) -> Callable[[Tensor], Tensor]:
    """Return a function of a batch that gives the kinds side by side, from one forward pass."""
    if len(kinds) == 1:
        return module.features if kinds[0] == "features" else module

    def score(inputs: Tensor) -> Tensor:
        logits, features = logits_and_features(module, inputs)
        return torch.cat([(features if kind == "features" else logits).float() for kind in kinds], dim=1)

    return score


def scored_rows(batch_size: int, device: torch.device) -> int:
    """Return the number of rows of a scoring batch on a device that has room for it."""
    return max(batch_size, _SCORED_ROWS.get(device.type, _SCORED_ROWS["cpu"]))


def _score_in_batches(
    score: Callable[[Tensor], Tensor],
    source: RowSource,
    rows: np.ndarray,
    n_columns: int,
    size: int,
    device: torch.device,
) -> np.ndarray:
    starts = range(0, len(rows), size)
    parts = [slice(start, start + size) for start in starts]
    # A single row would run other kernels, which round differently, so a last row alone is doubled.
    order = np.append(rows, rows[-1]) if len(rows) - starts[-1] == 1 else rows
    parts[-1] = slice(starts[-1], None)
    out = np.empty((len(rows), n_columns), dtype=np.float32)
    filled, waiting = 0, []
    with torch.inference_mode():
        for batch in source.batches(order, parts):
            waiting.append(score(batch).float())
            # Copying the scores of each batch would make the host wait for a GPU.
            if device.type != "cuda" or len(waiting) == _WAITING_SCORES:
                filled = _take(waiting, out, filled)
        _take(waiting, out, filled)
    return out


def _take(waiting: list[Tensor], out: np.ndarray, filled: int) -> int:
    """Move waiting scores to `out`, up to its last row, and return the number of its filled rows."""
    if waiting:
        block = torch.cat(waiting).cpu().numpy()[: len(out) - filled]
        out[filled : filled + len(block)] = block
        filled += len(block)
        waiting.clear()
    return filled
