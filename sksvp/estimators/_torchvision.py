"""torchvision's classification networks, trained by ImageNet's recipe."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._torchvision import import_torchvision
from ..networks import HeadedNetwork
from ..training._net import TrainingNet
from ..training._out_of_memory import is_out_of_memory
from ..training._schedule import Schedule
from ._image_classifier import ImageClassifier

_REFERENCE_BATCH = 256


class TorchvisionClassifier(ImageClassifier):
    """Any classification network of torchvision, by default with ImageNet's recipe.

    The recipe of [1]_ and its published code: stochastic gradient descent with momentum, five epochs of
    warm-up, three drops by ten, smoothed labels, and a learning rate in proportion to the
    batch. Images are cropped at random places and scales and flipped.

    Parameters
    ----------
    network : str, default="resnet18"
        Name of a network: "resnet18", "resnet50", "mobilenet_v3_small", ...
        Weights are random, never downloaded.
    max_epochs : int, default=100
        Passes over the rows.
    lr : float, default=0.1
        Full learning rate for a batch of 256.
    scale_lr : bool, default=True
        Whether `lr` is multiplied by ``batch_size / 256``.
    schedule : str or sequence of (epochs, factor), default="imagenet"
        Piecewise-constant learning rate, scaled to `max_epochs`: "imagenet"
        (100 epochs), "imagenet-45" (the short one), "cifar", "cifar-50" or
        "constant"; or "one-cycle", which changes it in every batch, as in
        `ResNetClassifier`.
    momentum : float, default=0.9
        Of the gradient descent.
    weight_decay : float, default=1e-4
        On all weights.
    label_smoothing : float, default=0.1
        Share of the target spread over all classes.
    batch_size : int, default=256
        Rows of a training batch; the last, smaller one is kept.
    augment : "auto", None or sequence of str, default="auto"
        Random changes of the training images, out of "crop", "flip",
        "resized-crop", "shift" and "alternating-flip"; "auto" is a resized crop,
        and a flip in colour. Of an image folder's rows the resized crop is cut from
        the whole photo. Scoring always sees the clean image.
    class_weight : dict, "balanced" or None, default=None
        Weight of the classes in the loss.
    layout : {"auto", "channels_last", "channels_first"}, default="auto"
        Where the channels of 4-d images are; "auto" looks for 1, 3 or 4 of them.
    image_shape : tuple of (channels, height, width), default=None
        What flat rows stand for; None: one row of pixels, without augmentation.
    device : str or torch.device, default="auto"
        "auto" takes CUDA where there is one.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Of the training; "auto" takes bfloat16 where the hardware multiplies it.
        Scores are computed in float32 always.
    distributed : bool, default=False
        Whether all processes that ``torchrun`` or ``accelerate launch`` started train
        this one network together, each on its own GPU and its own share of every
        batch of `batch_size` rows. All get the same X and y, and the same fitted classifier.
    net_params : dict, default=None
        Further parameters of the skorch net.
    checkpoint : path-like, default=None
        Folder below which a training is kept every `checkpoint_every` epochs, in a
        folder of its own. The same `fit`, after whatever ended the process, goes on from
        there (on a CPU to the same bits), and that of a finished training returns at
        once. States of the user's own callbacks are not kept.
    checkpoint_every : int, default=10
        Epochs between two checkpoints.
    random_state : int, RandomState instance or None, default=None
        Weights, order of the rows and augmentation.
    verbose : int, default=0
        Shows a progress bar on stderr where positive.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    net_ : skorch.NeuralNetClassifier
        The trained net; its `history` has loss, accuracy and seconds of each epoch.
    forgetting_events_ : ndarray of shape (n_samples,), float64
        How often each training row turned from right to wrong, inf where it
        never was right; counted in `fit` before each batch's update.
    format_ : ImageFormat
        Axes, dtype, range, mean and spread of the training images.
    n_features_in_ : int
        Pixels of an image, over all channels.

    Raises
    ------
    ImportError
        In `fit`, where torchvision is not installed.

    See Also
    --------
    ResNetClassifier : Networks for small images.

    References
    ----------
    .. [1] C. Coleman et al., "Selection via proxy: efficient data selection for
       deep learning", ICLR 2020.
    """

    _parameter_constraints: dict = {
        **ImageClassifier._parameter_constraints,
        "network": [str],
        "scale_lr": ["boolean"],
    }

    # Some of these networks decide by values or draw numbers as they go; at their size launches cost little.
    _records_steps = False

    def __init__(
        self,
        network: str = "resnet18",
        *,
        max_epochs: int = 100,
        lr: float = 0.1,
        scale_lr: bool = True,
        schedule: Schedule = "imagenet",
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        label_smoothing: float = 0.1,
        batch_size: int = 256,
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
        self.network = network
        self.max_epochs = max_epochs
        self.lr = lr
        self.scale_lr = scale_lr
        self.schedule = schedule
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.batch_size = batch_size
        self.augment = augment
        self.class_weight = class_weight
        self.layout = layout
        self.image_shape = image_shape
        self.device = device
        self.precision = precision
        self.distributed = distributed
        self.net_params = net_params
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    def check_params(self) -> None:
        super().check_params()
        check_network(self.network)

    @property
    def _base_lr(self) -> float:
        return self.lr * self.batch_size / _REFERENCE_BATCH if self.scale_lr else self.lr

    def _build_module(self, n_classes: int) -> nn.Module:
        return HeadedNetwork(build_network(self.network, n_classes))

    def __getstate__(self):
        # First in the state, so that torchvision is loaded, by the guarded import, before pickle asks for its classes.
        return {"_torchvision": _LoadTorchvision(), **super().__getstate__()}

    def _train(self, net: TrainingNet, X, y: np.ndarray, **kwargs: Any) -> None:
        self._check_takes(net, X)
        super()._train(net, X, y, **kwargs)

    def _check_takes(self, net: TrainingNet, X) -> None:
        """Look whether the network takes such images: many have a least size, some one size."""
        channels, height, width = self.format_.shape
        if channels not in (1, 3):
            raise ValueError(f"X must have 1 or 3 channels for network={self.network!r}, got {channels}.")
        batch = self._clean_view(self._reader(X)(np.arange(2)).to(self.device_))
        try:
            with torch.no_grad():
                net.module_.eval()(batch)
        except (RuntimeError, AssertionError, ValueError) as error:
            if is_out_of_memory(error):
                raise
            raise ValueError(
                f"network={self.network!r} does not take images of {height} x {width} pixels: {error}"
            ) from error

    def _clean_view(self, batch: Tensor) -> Tensor:
        return _three_channels(super()._clean_view(batch))

    def _training_view(self, X):
        view = super()._training_view(X)
        return lambda images, visit: _three_channels(view(images, visit))

    def _default_augment(self, *, colour: bool) -> tuple[str, ...]:
        return ("resized-crop", "flip") if colour else ("resized-crop",)


class _LoadTorchvision:
    """Pickles as a call that imports torchvision."""

    def __reduce__(self):
        return _load_torchvision, ()


def _load_torchvision() -> _LoadTorchvision:
    import_torchvision()
    return _LoadTorchvision()


def check_network(name: str) -> None:
    """Check the name of a classification network.

    Raises
    ------
    ValueError
        For a name that is none of torchvision's classification networks; the
        message names its neighbours.
    ImportError
        Where torchvision is not installed.
    """
    models = import_torchvision().models
    known = models.list_models(module=models)
    if name not in known:
        near = [other for other in known if other.startswith(name[:4])] or known
        raise ValueError(
            f"network={name!r} is no classification network of torchvision; "
            f"there are {', '.join(near[:12])}, ..."
        )


def build_network(name: str, n_classes: int) -> nn.Module:
    """Build a classification network of torchvision with random weights."""
    params: dict[str, object] = {"num_classes": n_classes}
    if name in ("googlenet", "inception_v3"):
        # Their side outputs in training are no logits of the last layer.
        params |= {"aux_logits": False, "init_weights": True}
    return import_torchvision().models.get_model(name, weights=None, **params)


def _three_channels(images: Tensor) -> Tensor:
    """Repeat grey images, since these networks take three channels."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
