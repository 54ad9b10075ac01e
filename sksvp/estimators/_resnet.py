"""Pre-activation ResNets for small images, trained by the CIFAR recipe of the method."""

import os
from collections.abc import Sequence

from sklearn.utils._param_validation import StrOptions
from torch import nn

from .._inputs._parameters import WholeNumber
from ..networks import PreActResNet, resolve_block
from ..training import Schedule
from ._classifier import LARGEST
from ._image_classifier import ImageClassifier


class ResNetClassifier(ImageClassifier):
    """Pre-activation ResNet for small images, by default with the published CIFAR recipe.

    The recipe of [1]_: stochastic gradient descent with momentum, a warm-up epoch
    at a tenth of the rate and two drops by ten; images are padded by an eighth of their side,
    cropped back at random and, in colour, flipped. A shallow or briefly trained
    one is the proxy, a deep one the target.

    Parameters
    ----------
    depth : int, default=20
        Layers with weights: 6n + 2 (8, 14, 20, 56, 110, ...) with pairs of 3x3
        convolutions, 9n + 2 (164, ...) with bottlenecks.
    block : {"auto", "basic", "bottleneck"}, default="auto"
        Residual block; "auto" takes bottlenecks for 164 and for depths that are
        only 9n + 2.
    max_epochs : int, default=181
        Passes over the rows. Small data needs updates, not epochs: with a few
        thousand rows take batches of 32.
    schedule : str or sequence of (epochs, factor), default="cifar"
        Piecewise-constant learning rate, scaled to `max_epochs`: "cifar" (181
        epochs: 1 at 0.1, 90 at 1, 45 at 0.1, 45 at 0.01 times `lr`), "cifar-50"
        (the short one: 1, 45, 4), "imagenet", "imagenet-45" or "constant"; or
        "one-cycle", which changes the rate in every batch: linearly up to `lr`
        over the first fifth of the training, then linearly down to zero [2]_.
        "cifar:181" with ``max_epochs=50`` trains the first 50 of 181 epochs, as the
        published partially trained proxies were.

    See Also
    --------
    WhitenedConvNetClassifier : A faster network and recipe for small images.
    TorchvisionClassifier : Networks for large images.
    sksvp.ProxyCoresetSelector : Chooses rows with such a proxy.

    References
    ----------
    .. [1] C. Coleman et al., "Selection via proxy: efficient data selection for
       deep learning", ICLR 2020.
    .. [2] L. N. Smith and N. Topin, "Super-convergence: very fast training of
       neural networks using large learning rates", 2018 (arXiv:1708.07120).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sksvp.estimators import ResNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> proxy = ResNetClassifier(depth=8, max_epochs=5, batch_size=32, image_shape=(1, 8, 8), random_state=0)
    >>> proxy.fit(X[:500], y[:500]).transform(X[500:]).shape
    (1297, 64)
    """

    _parameter_constraints: dict = {
        **ImageClassifier._parameter_constraints,
        "depth": [WholeNumber(8, LARGEST)],
        "block": [StrOptions({"auto", "basic", "bottleneck"})],
    }

    def __init__(
        self,
        depth: int = 20,
        *,
        block: str = "auto",
        max_epochs: int = 181,
        lr: float = 0.1,
        schedule: Schedule = "cifar",
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        label_smoothing: float = 0.0,
        batch_size: int = 128,
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
        resolve_block(self.depth, self.block)

    def _build_module(self, n_classes: int) -> nn.Module:
        channels = self.format_.shape[0]
        return PreActResNet(self.depth, n_classes, in_channels=channels, block=self.block)
