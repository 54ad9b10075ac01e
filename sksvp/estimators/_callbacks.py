"""Small skorch callbacks: the learning rate, the forgetting events, the progress bar."""

from skorch.callbacks import Callback

from ..strategies import ForgettingCounter


class SetLearningRate(Callback):
    """Set the learning rate of each batch before it is trained on.

    Parameters
    ----------
    rates : list of float
        One a batch; training that goes on beyond them stays at the last.

    Notes
    -----
    A group of the optimizer's parameters that has a number ``lr_factor`` takes
    that many times the rate.
    """

    def __init__(self, rates: list[float]):
        self.rates = rates

    def initialize(self):
        self.n_batches_ = 0
        return self

    def on_batch_begin(self, net, training=None, **kwargs):
        if training:
            rate = self.rates[min(self.n_batches_, len(self.rates) - 1)]
            for group in net.optimizer_.param_groups:
                group["lr"] = rate * group.get("lr_factor", 1.0)
            self.n_batches_ += 1


class CountForgetting(Callback):
    """Note for every row of a training batch whether it was right before the update.

    Reads the logits that the training step computed anyway, so the count costs
    no forward pass (Toneva et al., 2019). The mean over an epoch is its training
    accuracy, kept in the history as ``train_acc``.
    """

    def __init__(self, n_rows: int):
        self.n_rows = n_rows

    def initialize(self):
        self.counter_ = ForgettingCounter(self.n_rows)
        return self

    def on_epoch_begin(self, net, **kwargs):
        self.n_correct_ = 0
        self.n_seen_ = 0

    def on_batch_end(self, net, batch, training, y_pred=None, **kwargs):
        if training:
            inputs, y = batch
            correct = (y_pred.argmax(dim=1) == y).cpu().numpy()
            self.counter_.update(inputs["rows"], correct)
            self.n_correct_ += int(correct.sum())
            self.n_seen_ += len(correct)

    def on_epoch_end(self, net, **kwargs):
        net.history.record("train_acc", self.n_correct_ / max(1, self.n_seen_))


class TrainingEnds(Exception):
    """Raised inside a training to end it after this epoch, as if it had been the last."""


class EndWhen(Callback):
    """Ask after each epoch whether the training may end.

    Parameters
    ----------
    may_end : callable
        ``may_end(net) -> bool``.
    """

    def __init__(self, may_end):
        self.may_end = may_end

    def on_epoch_end(self, net, **kwargs):
        if self.may_end(net):
            raise TrainingEnds


class EpochBar(Callback):
    """A tqdm bar over the epochs, on stderr, with the running loss and accuracy."""

    def __init__(self, name: str):
        self.name = name

    def on_train_begin(self, net, **kwargs):
        from tqdm.auto import tqdm

        self.bar_ = tqdm(total=net.max_epochs, desc=self.name, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        self.bar_.set_postfix(loss=f"{last['train_loss']:.3f}", acc=f"{last['train_acc']:.3f}", refresh=False)
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "bar_"}
