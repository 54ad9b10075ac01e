"""Training and scoring of a linear model of bags of n-grams."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm.auto import tqdm

from .._clock import Clock
from ..strategies import new_recorders
from ..text import Ngrams
from ._bag_batches import BagBatches
from ._bag_visits import BagVisits
from ._epoch_tests import record_test

_CUDA_BATCH = 16
# Number of updates in one call of the compiled loop, during which Ctrl-C waits.
_UPDATES = 50_000


class BagTraining(NamedTuple):
    """A trained model and how its training went.

    Attributes
    ----------
    embeddings : ndarray of shape (n_rows, dim), float32
    coef : ndarray of shape (n_classes, dim), float32
    records : dict of str to ndarray
        Results of the recorders by name.
    history : skorch.history.History
        Loss, accuracy before the updates, and seconds of each epoch.
    """

    embeddings: np.ndarray
    coef: np.ndarray
    records: dict[str, np.ndarray]
    history: Any


def train_bags(
    ngrams: Ngrams,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    n_rows: int,
    dim: int,
    max_epochs: int,
    lr: float,
    batch_size: int | str,
    device: torch.device,
    random_state: np.random.RandomState,
    recorder_names: Sequence[str],
    bar_name: str | None,
    epoch_rows: int | None = None,
    test_error: Callable[[np.ndarray, np.ndarray], float] | None = None,
) -> BagTraining:
    """Train a model from fresh embeddings, at a rate that falls linearly to zero with the words read.

    Parameters
    ----------
    ngrams : Ngrams
        N-grams of the texts.
    y : ndarray of shape (n_texts,)
        Encoded labels.
    weights : ndarray of shape (n_classes,), float32
        Weights of the classes in the loss.
    n_rows, dim : int
        Shape of the embeddings.
    max_epochs : int
    lr : float
        Learning rate of the first update.
    batch_size : int or "auto"
        Number of texts of an update.
    device : torch.device
    random_state : numpy.random.RandomState
    recorder_names : sequence of str
        Names of the recorders that see each text before its update.
    bar_name : str or None
        Name of the progress bar; None for no bar.
    epoch_rows : int or None
        Texts that each epoch visits, drawn anew; None for all.
    test_error : callable, optional
        ``test_error(embeddings, coef)`` is noted after each epoch.
    """
    from skorch.history import History

    if batch_size == "auto":
        batch_size = _CUDA_BATCH if device.type == "cuda" else 1
    model = _fresh_embeddings(n_rows, dim, random_state), np.zeros((len(weights), dim), dtype=np.float32)
    y = np.ascontiguousarray(y, dtype=np.int64)
    recorders = new_recorders(recorder_names, len(y))
    visits = BagVisits(recorders, y)
    steps: _OneByOne | BagBatches
    if batch_size == 1 and device.type == "cpu":
        steps = _OneByOne(ngrams, y, weights, *model, visits)
    else:
        steps = BagBatches(ngrams, y, weights, *model, visits, device, int(batch_size))
    n_words = np.diff(ngrams.bounds)
    # Words of an epoch: where it visits some texts, the rate falls as if they were of mean length.
    per_epoch = max(1, n_words.sum())
    history = History()
    with tqdm(total=max_epochs, desc=bar_name, unit="epoch", disable=bar_name is None) as bar:
        for epoch in range(1, max_epochs + 1):
            clock = Clock()
            clock.__enter__()
            order = random_state.permutation(len(y))[:epoch_rows]
            ends = np.cumsum(n_words[order])
            # The rate is zero after the last word of the last epoch.
            n_read = (epoch - 1) * per_epoch + (ends - n_words[order]) * (per_epoch / max(1, ends[-1]))
            rates = (lr * (1 - n_read / (max_epochs * per_epoch))).astype(np.float32)
            loss, accuracy = steps.epoch(order, rates)
            clock.__exit__()
            history.new_epoch()
            history.record("epoch", epoch)
            history.record("dur", clock.wall)
            history.record("train_loss", loss)
            history.record("train_acc", accuracy)
            if test_error is not None:
                record_test(history, clock, partial(test_error, *steps.model()))
            bar.set_postfix(loss=f"{loss:.3f}", acc=f"{accuracy:.3f}", refresh=False)
            bar.update()
    records = {name: recorder.result() for name, recorder in recorders.items()}
    return BagTraining(*steps.model(), records, history)


def mean_embeddings(ngrams: Ngrams, embeddings: np.ndarray) -> np.ndarray:
    """Return the mean embedding of each text, (n_texts, dim) float32; n-grams without a row count as zero."""
    from ._bag_loops import mean_rows

    out = np.empty((len(ngrams.lengths), embeddings.shape[1]), dtype=np.float32)
    mean_rows(*ngrams, embeddings, out)
    return out


def _fresh_embeddings(n_rows: int, dim: int, random_state: np.random.RandomState) -> np.ndarray:
    generator = np.random.default_rng(random_state.randint(2**31, size=4))
    embeddings = generator.random((n_rows, dim), dtype=np.float32)
    embeddings -= np.float32(0.5)
    embeddings *= np.float32(2 / dim)
    return embeddings


class _OneByOne:
    """Trains on one text after the other, on a CPU."""

    def __init__(
        self,
        ngrams: Ngrams,
        y: np.ndarray,
        weights: np.ndarray,
        inputs: np.ndarray,
        outputs: np.ndarray,
        visits: BagVisits,
    ):
        self._texts = (ngrams.ids, ngrams.bounds, y, weights)
        self._model = inputs, outputs
        self._visits = visits

    def epoch(self, order: np.ndarray, rates: np.ndarray) -> tuple[float, float]:
        from ._bag_loops import train_texts

        loss, n_right = 0.0, 0
        for start in range(0, len(order), _UPDATES):
            part = slice(start, start + _UPDATES)
            n_texts, (n_classes, dim) = len(order[part]), self._model[1].shape
            logits = np.empty((n_texts, n_classes), dtype=np.float32)
            features = np.empty((n_texts if self._visits.need_features else 0, dim), dtype=np.float32)
            loss += train_texts(order[part], *self._texts, rates[part], *self._model, logits, features)
            n_right += self._visits.note(order[part], self._visits.judge(order[part], logits, features))
        return loss / len(order), n_right / len(order)

    def model(self) -> tuple[np.ndarray, np.ndarray]:
        return self._model
