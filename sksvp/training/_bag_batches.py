"""Stochastic gradient descent over bags of n-grams in batches, on any device of torch."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..text import Ngrams
from ._bag_visits import BagVisits


class BagBatches:
    """Bags of n-grams and the model they train, on a device.

    Predictions and updates of a batch's texts use the model before the batch, and
    the updates are summed. With a batch size of 1 this is what `train_texts` does.
    Updates of the same row are added in a fixed order.

    Parameters
    ----------
    ngrams : Ngrams
        N-grams of the texts.
    y : ndarray of shape (n,), int64
        Encoded labels.
    weights : ndarray of shape (n_classes,)
        Weight of each class in the loss.
    inputs, outputs : ndarray
        The model, which is copied to the device.
    visits : BagVisits
        Recorders of the texts.
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
        visits: BagVisits,
        device: torch.device,
        batch_size: int,
    ):
        self.visits = visits
        self.bounds = ngrams.bounds
        self.device = device
        self.batch_size = batch_size
        self.ids = torch.from_numpy(ngrams.ids).to(device)
        self.y = torch.from_numpy(y).to(device)
        self.weights = torch.from_numpy(weights).to(device)
        self.inputs = torch.tensor(inputs, device=device)
        self.outputs = torch.tensor(outputs, device=device)

    def epoch(self, order: np.ndarray, rates: np.ndarray) -> tuple[float, float]:
        """Update with all texts in this order; return the mean loss and the accuracy before the updates."""
        parts = [slice(start, start + self.batch_size) for start in range(0, len(order), self.batch_size)]
        judged, losses = [], []
        for part in parts:
            logits, hidden, batch_loss = self.step(order[part], rates[part])
            judged.append(self.visits.judge(order[part], logits, hidden))
            losses.append(batch_loss)
        # Copied at the end of the epoch, since copying each batch would wait for the device.
        whole = {judge: torch.cat([part[judge] for part in judged]).cpu().numpy() for judge in judged[0]}
        loss = float(torch.stack(losses).double().sum())
        return loss / len(order), self.visits.note(order, whole) / len(order)

    def step(self, texts: np.ndarray, rates: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Update with a batch; return the logits and features of its texts before, and the sum of their losses."""
        starts, stops = self.bounds[texts], self.bounds[texts + 1]
        n_ids = torch.from_numpy(stops - starts).to(self.device)
        offsets = n_ids.cumsum(0) - n_ids
        total = int((stops - starts).sum())
        owner = torch.repeat_interleave(n_ids, output_size=total)  # position in the batch of each row's text
        place = torch.arange(total, device=self.device) - offsets[owner]
        rows = self.ids[torch.from_numpy(starts).to(self.device)[owner] + place].long()
        hidden = F.embedding_bag(rows, self.inputs, offsets, mode="mean")
        logits = hidden @ self.outputs.T
        labels = self.y[torch.from_numpy(texts).to(self.device)]
        error = F.one_hot(labels, len(self.outputs)) - torch.softmax(logits, dim=1)
        # A text without any known word causes no update.
        scale = torch.from_numpy(rates).to(self.device) * self.weights[labels] * (n_ids > 0)
        step = scale[:, None] * error
        gradient = step @ self.outputs / n_ids.clamp(min=1)[:, None]
        self.outputs += step.T @ hidden
        # index_put_ accumulates in a fixed order; index_add_ does not on a GPU.
        self.inputs.index_put_((rows,), gradient[owner], accumulate=True)
        loss = torch.where(n_ids > 0, F.cross_entropy(logits, labels, reduction="none"), 0).sum()
        return logits, hidden, loss

    def model(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both matrices of the model."""
        return self.inputs.cpu().numpy(), self.outputs.cpu().numpy()
