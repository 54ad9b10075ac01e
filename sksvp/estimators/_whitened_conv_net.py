"""A fast proxy for small images: a short whitened network, trained in a few epochs of one cycle."""

import os
from collections.abc import Sequence

import numpy as np
from torch import nn

from ..networks import WhitenedConvNet, check_widths
from ..training import Rows, Schedule
from ._image_classifier import ImageClassifier

# The shifts of batch norm learn so many times faster than the weights.
_SHIFT_FACTOR = 64.0
# A few million patches settle the whitening of a dozen values.
_WHITENING_PIXELS = 2**21


class WhitenedConvNetClassifier(ImageClassifier):
    """A fast proxy for small images: a short whitened network, trained in a few epochs of one cycle.

    Put together from speed records on CIFAR-10 [1]_ [2]_, to need little work: a
    fixed first layer that whitens the images' patches, large batches, one cycle of
    a high learning rate with Nesterov momentum, label smoothing, shifts by a
    sixteenth of the side, and images in colour mirrored in every second epoch.
    `ResNetClassifier` has the published recipe instead.

    Parameters
    ----------
    widths : sequence of 3 int, default=(48, 96, 192)
        Channels of the stages.
    max_epochs : int, default=15
        Passes over the rows. Small data needs updates, not epochs: with a few
        thousand rows take batches of 32 and more epochs.
    lr : float, default=0.75
        Highest learning rate for a batch of 512.
    schedule : str or sequence of (epochs, factor), default="one-cycle"
        "one-cycle" changes the rate in every batch: linearly up over the first
        fifth, then linearly down to zero [3]_. Piecewise-constant ones as in
        `ResNetClassifier`.
    momentum : float, default=0.85
        Nesterov's, of the gradient descent.
    weight_decay : float, default=1.3e-3
        On the weights; a sixty-fourth of it on the shifts of batch norm.
    random_state : int, RandomState instance or None, default=None
        Weights, order of the rows, augmentation, and the rows that the first
        layer is computed from.

    See Also
    --------
    ResNetClassifier : The paper's networks with the published recipe for small images.
    sksvp.networks.WhitenedConvNet : The network.

    Notes
    -----
    The rates of [2]_, whose loss is a sum over the batch, are given here for
    the mean. Its lookahead and its averages over shifted test images are left out.

    References
    ----------
    .. [1] D. Page, "How to train your ResNet", 2018-2019
       (https://github.com/davidcpage/cifar10-fast).
    .. [2] K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024
       (arXiv:2404.00498).
    .. [3] L. N. Smith and N. Topin, "Super-convergence: very fast training of
       neural networks using large learning rates", 2018 (arXiv:1708.07120).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sksvp.estimators import WhitenedConvNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> proxy = WhitenedConvNetClassifier(batch_size=32, image_shape=(1, 8, 8), random_state=0)
    >>> proxy.fit(X[:500], y[:500]).transform(X[500:]).shape
    (1297, 192)
    """

    _reference_batch = 512
    _parameter_constraints: dict = {
        **ImageClassifier._parameter_constraints,
        "widths": [list, tuple],
        "scale_lr": ["boolean"],
    }

    def __init__(
        self,
        widths: Sequence[int] = (48, 96, 192),
        *,
        max_epochs: int = 15,
        lr: float = 0.75,
        scale_lr: bool = True,
        schedule: Schedule = "one-cycle",
        momentum: float = 0.85,
        weight_decay: float = 1.3e-3,
        label_smoothing: float = 0.2,
        batch_size: int = 512,
        augment: str | Sequence[str] | None = "auto",
        class_weight: dict | str | None = None,
        layout: str = "auto",
        image_shape: tuple[int, int, int] | None = None,
        device: str = "auto",
        precision: str = "auto",
        distributed: bool = False,
        net_params: dict | None = None,
        checkpoint: str | os.PathLike | None = None,
        checkpoint_every: int = 10,
        random_state=None,
        verbose: int = 0,
    ):
        self._keep(locals())

    def check_params(self) -> None:
        super().check_params()
        check_widths(self.widths, 3)

    def _build_module(self, n_classes: int) -> nn.Module:
        return WhitenedConvNet(n_classes, self.format_.shape[0], widths=tuple(self.widths))

    def _start_module(self, module: WhitenedConvNet, rows: Rows, random_state: np.random.RandomState) -> None:
        _, height, width = self.format_.shape
        n_rows = max(1, _WHITENING_PIXELS // (height * width))
        sample = np.sort(random_state.permutation(rows.n)[:n_rows])
        module.reset_whitening(rows.clean_view(rows.read(sample)))

    def _sgd_params(self) -> dict:
        shifts = {"lr_factor": _SHIFT_FACTOR, "weight_decay": self.weight_decay / _SHIFT_FACTOR}
        return {
            **super()._sgd_params(),
            "nesterov": self.momentum > 0,
            "param_groups": [("*.bias", shifts)],
        }

    def _default_augment(self, *, colour: bool) -> tuple[str, ...]:
        return ("shift", "alternating-flip") if colour else ("shift",)
