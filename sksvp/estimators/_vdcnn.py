"""Very deep convolutional networks over characters, trained by the Amazon recipe of the method."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from .._inputs._parameters import WholeNumber
from ..networks import POOLINGS, VDCNN, check_depth, check_widths, min_length
from ..text import encode_characters
from ..training import Schedule, TrainingView
from ._base import TorchClassifier
from ._classifier import LARGEST
from ._text_input import TextInput


@dataclass(frozen=True)
class TextFormat:
    """How texts were read: the characters kept of each."""

    length: int


class VDCNNClassifier(TextInput, TorchClassifier):
    """Very deep convolutional network over characters, by default with the published Amazon recipe.

    The recipe of [1]_: stochastic gradient descent with momentum, the rate
    halved four times, batches of 128, no augmentation. Depth 9 is the proxy, 29
    the target. Texts are lower-cased and cut after `length` characters, and kept
    as one byte a character through the training.

    Parameters
    ----------
    depth : {9, 17, 29, 49}, default=9
        Convolutions of the network [2]_.
    pooling : {"conv", "maxpool", "kmaxpool"}, default="conv"
        How the length halves between stages: a convolution of stride 2, max
        pooling of width 3, or the larger half of each channel's values.
    shortcut : bool, default=False
        Add each block's input to its output.
    length : int, default=1014
        Characters that are read of each text; time and memory grow with it. At
        least 57, or 64 with "kmaxpool".
    widths : sequence of 4 int, default=(64, 128, 256, 512)
        Channels of the stages. With (16, 32, 64, 128), hidden 512 and "maxpool"
        depth 9 is the small form, of 0.9 in place of 14 million weights.
    hidden : int, default=2048
        Size of both hidden layers, and of the features.
    max_epochs : int, default=15
        Passes over the rows. Small data needs updates, not epochs: with a few
        thousand rows take more.
    schedule : str or sequence of (epochs, factor), default="amazon"
        Piecewise-constant learning rate, scaled to `max_epochs`: "amazon" (15
        epochs: three each at 1, 1/2, 1/4, 1/8 and 1/16 times `lr`), "constant", or
        any of those of `ResNetClassifier`, "one-cycle" among them.

    Attributes
    ----------
    format_ : TextFormat
        The characters read of each text.

    See Also
    --------
    BagOfNgramsClassifier : A linear model, trained in a small part of the time.
    sksvp.text.encode_characters : The numbers that the network reads.

    References
    ----------
    .. [1] C. Coleman et al., "Selection via proxy: efficient data selection for
       deep learning", ICLR 2020.
    .. [2] A. Conneau, H. Schwenk, L. Barrault and Y. LeCun, "Very deep
       convolutional networks for text classification", EACL 2017.

    Examples
    --------
    >>> from sksvp.estimators import VDCNNClassifier
    >>> X = ["a fine film", "what a waste of time"] * 8
    >>> y = ["good", "bad"] * 8
    >>> model = VDCNNClassifier(length=64, widths=(8, 8, 8, 8), hidden=16, max_epochs=12, batch_size=4, random_state=0)
    >>> model.fit(X, y).predict(["a fine film"]).tolist()
    ['good']
    """

    _has_large_layers = True
    _parameter_constraints: dict = {
        **TorchClassifier._parameter_constraints,
        "depth": [WholeNumber(1, LARGEST)],
        "pooling": [StrOptions(set(POOLINGS))],
        "shortcut": ["boolean"],
        "length": [WholeNumber(1, LARGEST)],
        "widths": [list, tuple],
        "hidden": [WholeNumber(1, LARGEST)],
    }

    _format_type = TextFormat

    def __init__(
        self,
        depth: int = 9,
        *,
        pooling: str = "conv",
        shortcut: bool = False,
        length: int = 1014,
        widths: Sequence[int] = (64, 128, 256, 512),
        hidden: int = 2048,
        max_epochs: int = 15,
        lr: float = 0.01,
        schedule: Schedule = "amazon",
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        label_smoothing: float = 0.0,
        batch_size: int = 128,
        class_weight: dict | str | None = None,
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
        check_depth(self.depth)
        shortest = min_length(self.pooling)
        if self.length < shortest:
            raise ValueError(
                f"length={self.length!r} must be at least {shortest} with the pooling {self.pooling!r}."
            )
        check_widths(self.widths, 4)

    def _validate(self, X, *, reset: bool):
        texts = super()._validate(X, reset=reset)
        if not reset:
            # Scored texts are encoded batch by batch: they are read once.
            return texts
        self.format_ = TextFormat(int(self.length))
        return encode_characters(texts, self.format_.length)

    def _reader(self, X) -> Callable[[np.ndarray], Tensor]:
        if isinstance(X, np.ndarray) and X.dtype == np.uint8:
            encoded = torch.from_numpy(X)
            return lambda rows: encoded[torch.from_numpy(rows)]
        return lambda rows: torch.from_numpy(encode_characters(X[rows], self.format_.length))

    def _training_view(self, X, random_state: np.random.RandomState) -> TrainingView:
        return lambda batch, visit: batch

    def _clean_view(self, batch: Tensor) -> Tensor:
        return batch

    def _build_module(self, n_classes: int) -> nn.Module:
        return VDCNN(
            self.depth,
            n_classes,
            self.pooling,
            self.shortcut,
            widths=tuple(self.widths),
            hidden=self.hidden,
        )
