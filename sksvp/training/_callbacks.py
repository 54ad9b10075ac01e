"""Small skorch callbacks: the learning rate, the recorders, the progress bar."""

from collections.abc import Mapping

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import Tensor

from ..networks import watch_features
from ..strategies import Recorder, is_right
from ._team import Team


class SetLearningRate(Callback):
    """Follow a schedule: set the rates of the optimizer's parameter groups when the scheduled rate changes.

    Other callbacks may set rates too. A group with a rate of its own keeps its ratio
    to the rate of the net, and a rate that a callback has changed is scaled with the
    schedule. A constant schedule never changes a rate.

    Parameters
    ----------
    rates : list of float
        Rate of each batch. Batches after the last use the last rate.
    batches_per_epoch : int
        Number of batches of an epoch.

    Notes
    -----
    The ratio of a group is its ``lr_factor``, which is set here if the group has none.
    """

    def __init__(self, rates: list[float], batches_per_epoch: int):
        self.rates = rates
        self.batches_per_epoch = batches_per_epoch
        self.n_epochs_before = 0

    def go_on_after(self, n_epochs: int) -> None:
        """Treat the current rates of the groups as those after `n_epochs` epochs."""
        self.n_epochs_before = n_epochs

    def on_train_begin(self, net, **kwargs):
        for group in net.optimizer_.param_groups:
            group.setdefault("lr_factor", group["lr"] / net.lr)
        n_before = self.n_epochs_before * self.batches_per_epoch
        self.rate_ = self.rates[min(n_before, len(self.rates)) - 1] if n_before else None

    def on_batch_begin(self, net, training=None, **kwargs):
        if not training:
            return
        # A training that was resumed has its earlier epochs in the history.
        n_before = (len(net.history) - 1) * self.batches_per_epoch + len(net.history[-1]["batches"]) - 1
        rate = self.rates[min(n_before, len(self.rates) - 1)]
        if rate == self.rate_:
            return
        for group in net.optimizer_.param_groups:
            # A callback may have added a group.
            factor = group.setdefault("lr_factor", group["lr"] / (self.rate_ or net.lr))
            is_ours = self.rate_ is None or group["lr"] == self.rate_ * factor
            group["lr"] = rate * factor if is_ours else group["lr"] * rate / self.rate_
        self.rate_ = rate


class TrainHeadFirst(Callback):
    """Let only the head learn in the first epochs of a network.

    A head of random weights has large gradients, which would spoil good weights below
    it. Batch norm goes on with the statistics of the batches. Weights that somebody
    else keeps from learning are left as they are.
    """

    def __init__(self, n_epochs: int):
        self.n_epochs = n_epochs

    def on_train_begin(self, net, **kwargs):
        self.held_: list[torch.nn.Parameter] = []

    def on_epoch_begin(self, net, **kwargs):
        # The epoch that begins is in the history.
        if len(net.history) > self.n_epochs:
            self._let_go()
        elif not self.held_:
            head = {id(weights) for weights in net.network.fc.parameters()}
            body = [weights for weights in net.network.parameters() if id(weights) not in head]
            self.held_ = [weights.requires_grad_(False) for weights in body if weights.requires_grad]

    def on_train_end(self, net, **kwargs):
        self._let_go()

    def _let_go(self) -> None:
        for weights in self.held_:
            weights.requires_grad_(True)
        self.held_ = []


class ShowVisits(Callback):
    """Show every row of an epoch to recorders, as it was before the update of its batch.

    The callback uses the logits of the training step, so it costs no forward pass, and
    its features if a recorder reads them; then no step is recorded on a GPU. The
    values of the recorders stay on the device until the end of the epoch, because
    reading them for each batch would make the host wait. The share of correct rows is
    the training accuracy of the epoch. The history has it as ``train_acc``, beside
    ``train_acc_best``.
    """

    def __init__(
        self, recorders: Mapping[str, Recorder], n_rows: int, team: Team, *, n_visited: int | None = None
    ):
        self.recorders = recorders
        self.n_rows = n_rows
        self.team = team
        self.judges = {is_right: False} | {each.judge: each.needs_features for each in recorders.values()}
        self.sees_all = n_visited in (None, n_rows)
        if not self.sees_all:
            self.judges = {_is_visited: False, **self.judges}

    def on_train_begin(self, net, **kwargs):
        self.watch_ = watch_features(net.network, self._see) if any(self.judges.values()) else None

    def _see(self, features):
        self.features_ = features.detach()

    def on_train_end(self, net, **kwargs):
        if self.watch_ is not None:
            self.watch_.remove()

    def on_epoch_begin(self, net, **kwargs):
        self.seen_ = {}

    def on_batch_end(self, net, batch, training, y_pred=None, **kwargs):
        if not training:
            return
        inputs, y = batch
        for judge, needs_features in self.judges.items():
            values = judge(self.features_ if needs_features else y_pred.detach(), y)
            if judge not in self.seen_:
                self.seen_[judge] = values.new_zeros((self.n_rows, *values.shape[1:]))
            self.seen_[judge][inputs["rows"]] = values

    def on_epoch_end(self, net, **kwargs):
        rows = np.arange(self.n_rows)
        if not self.sees_all:
            rows = np.flatnonzero(self.team.unite(self.seen_.pop(_is_visited)).cpu().numpy())
        for judge, values in self.seen_.items():
            seen = self.team.unite(values).cpu().numpy()
            if not self.sees_all:
                seen = seen[rows]
            for recorder in self.recorders.values():
                if recorder.judge is judge:
                    recorder.note(rows, seen)
            if judge is is_right:
                accuracy = float(seen.mean())
        self.seen_ = {}
        net.history.record("train_acc", accuracy)
        # As skorch does for its scores.
        net.history.record(
            "train_acc_best", all(accuracy > before["train_acc"] for before in net.history[:-1])
        )


def _is_visited(logits: Tensor, y: Tensor) -> Tensor:
    return torch.ones_like(y, dtype=torch.bool)


class AskAfterEpoch(Callback):
    """Ask after each epoch whether the training may end, which `EndAsAsked` then does.

    Two callbacks: this one runs before the user's and sees every epoch; the other
    runs after them, so that they see the last epoch too.

    Parameters
    ----------
    may_end : callable
        ``may_end(net) -> bool``.
    """

    def __init__(self, may_end):
        self.may_end = may_end

    def on_epoch_end(self, net, **kwargs):
        self.ends_ = self.may_end(net)


class EndAsAsked(Callback):
    """End the training after this epoch if another callback was told so.

    Parameters
    ----------
    asked : Callback
        Callback that sets ``ends_`` after each epoch, such as `AskAfterEpoch`.
    """

    def __init__(self, asked: Callback):
        self.asked = asked

    def on_epoch_end(self, net, **kwargs):
        if self.asked.ends_:
            # How skorch's callbacks end a training.
            raise KeyboardInterrupt


class EpochBar(Callback):
    """A tqdm bar over the epochs, on stderr, with the running loss and accuracy."""

    def __init__(self, name: str):
        self.name = name

    def on_train_begin(self, net, **kwargs):
        from tqdm.auto import tqdm

        self.bar_ = tqdm(total=net.max_epochs, initial=len(net.history), desc=self.name, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        # The user may have removed skorch's callback that records the loss.
        shown = {key: last[f"train_{key}"] for key in ("loss", "acc") if f"train_{key}" in last}
        self.bar_.set_postfix({key: f"{value:.3f}" for key, value in shown.items()}, refresh=False)
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "bar_"}
