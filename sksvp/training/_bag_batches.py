"""Stochastic gradient descent over bags of n-grams in batches, on any device of torch."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..strategies import ForgettingCounter
from ..text import Ngrams


class BagBatches:
    """Bags of n-grams and the model they train, on a device.

    A batch's texts are judged and updated with the model as it was before the
    batch; their updates are added up, so that batches of one are what
    `train_texts` does. Sums over equal rows are made in a fixed order.

    Parameters
    ----------
    ngrams : Ngrams
        Of the texts.
    y : ndarray of shape (n,), int64
        Classes, as numbers.
    weights : ndarray of shape (n_classes,)
        Of the classes in the loss.
    inputs, outputs : ndarray
        The model, which is copied to the device.
    device : torch.device
    batch_size : int
    """

    def __init__(
        self,
        ngrams: Ngrams,
        y: np.ndarray,
        weights: np.ndarray,
        inputs: np.ndarray,
        outputs: np.ndarray,
        device: torch.device,
        batch_size: int,
    ):
        self.bounds = ngrams.bounds
        self.device = device
        self.batch_size = batch_size
        self.ids = torch.from_numpy(ngrams.ids).to(device)
        self.y = torch.from_numpy(y).to(device)
        self.weights = torch.from_numpy(weights).to(device)
        self.inputs = torch.tensor(inputs, device=device)
        self.outputs = torch.tensor(outputs, device=device)
        self._counter = ForgettingCounter(len(y))

    def epoch(self, order: np.ndarray, rates: np.ndarray) -> tuple[float, float]:
        """Update with all texts in this order; return the mean loss and the accuracy before the updates."""
        parts = [slice(start, start + self.batch_size) for start in range(0, len(order), self.batch_size)]
        steps = [self.step(order[part], rates[part]) for part in parts]
        # Read when the epoch is over: a look at each batch would wait for the device.
        right = torch.cat([right for right, _ in steps]).cpu().numpy()
        loss = float(torch.stack([loss for _, loss in steps]).double().sum())
        self._counter.update(order, right)
        return loss / len(order), float(right.mean())

    def events(self) -> np.ndarray:
        """Return the forgetting events of each text."""
        return self._counter.events()

    def step(self, texts: np.ndarray, rates: np.ndarray) -> tuple[Tensor, Tensor]:
        """Update with a batch; return which texts were right before, and the sum of their losses."""
        starts, stops = self.bounds[texts], self.bounds[texts + 1]
        n_ids = torch.from_numpy(stops - starts).to(self.device)
        offsets = n_ids.cumsum(0) - n_ids
        total = int((stops - starts).sum())
        owner = torch.repeat_interleave(n_ids, output_size=total)  # the text of each row, in the batch
        place = torch.arange(total, device=self.device) - offsets[owner]
        rows = self.ids[torch.from_numpy(starts).to(self.device)[owner] + place].long()
        hidden = F.embedding_bag(rows, self.inputs, offsets, mode="mean")
        logits = hidden @ self.outputs.T
        labels = self.y[torch.from_numpy(texts).to(self.device)]
        own = logits.gather(1, labels[:, None])
        # Of equal logits none is right: a blank model knows no class.
        right = (logits >= own).sum(dim=1) == 1
        error = F.one_hot(labels, len(self.outputs)) - torch.softmax(logits, dim=1)
        # A text without any known word teaches nothing.
        scale = torch.from_numpy(rates).to(self.device) * self.weights[labels] * (n_ids > 0)
        step = scale[:, None] * error
        gradient = step @ self.outputs / n_ids.clamp(min=1)[:, None]
        self.outputs += step.T @ hidden
        # Accumulated in a fixed order, which index_add_ does not keep to on a GPU.
        self.inputs.index_put_((rows,), gradient[owner], accumulate=True)
        loss = torch.where(n_ids > 0, F.cross_entropy(logits, labels, reduction="none"), 0).sum()
        return right, loss

    def model(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both matrices."""
        return self.inputs.cpu().numpy(), self.outputs.cpu().numpy()
