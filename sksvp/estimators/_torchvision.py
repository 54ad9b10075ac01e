"""torchvision's classification networks, trained by ImageNet's recipe."""

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from .._torchvision import import_torchvision
from ..networks import HeadedNetwork
from ..training import Rows, Schedule, TrainingView, is_out_of_memory
from ._image_classifier import ImageClassifier


class TorchvisionClassifier(ImageClassifier):
    """Any classification network of torchvision, by default with ImageNet's recipe.

    The recipe of [1]_ and its published code: stochastic gradient descent with momentum,
    five epochs of warm-up, three drops by ten, smoothed labels, and a learning rate in
    proportion to the batch. Images are cropped at random places and scales and flipped.

    Parameters
    ----------
    network : str, default="resnet18"
        Name of a network: "resnet18", "resnet50", "mobilenet_v3_small", ...
        Weights are random, never downloaded.
    lr : float, default=0.1
        Full learning rate for a batch of 256.
    schedule : str or sequence of (epochs, factor), default="imagenet"
        Piecewise-constant learning rate, scaled to `max_epochs`: "imagenet"
        (100 epochs), "imagenet-45" (the short one), "cifar", "cifar-50" or
        "constant"; or "one-cycle", which changes it in every batch, as in
        `ResNetClassifier`.

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

    _reference_batch = 256
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
        self._keep(locals())

    def check_params(self) -> None:
        super().check_params()
        check_network(self.network)

    def _build_module(self, n_classes: int) -> nn.Module:
        return HeadedNetwork(build_network(self.network, n_classes))

    def __getstate__(self):
        # First in the state, so that torchvision is loaded, by the guarded import, before pickle asks for its classes.
        return {"_torchvision": _LoadTorchvision(), **super().__getstate__()}

    def _start_module(self, module: nn.Module, rows: Rows, random_state: np.random.RandomState) -> None:
        """Look whether the network takes such images: many have a least size, some one size."""
        channels, height, width = self.format_.shape
        if channels not in (1, 3):
            raise ValueError(f"X must have 1 or 3 channels for the network {self.network!r}, got {channels}.")
        device = next(module.parameters()).device
        try:
            with torch.no_grad():
                module.eval()(rows.clean_view(rows.read(np.arange(2)).to(device)))
        except (RuntimeError, AssertionError, ValueError) as error:
            if is_out_of_memory(error):
                raise
            raise ValueError(
                f"The network {self.network!r} does not take images of {height} x {width} pixels: {error}"
            ) from error

    def _clean_view(self, batch: Tensor) -> Tensor:
        return _three_channels(super()._clean_view(batch))

    def _training_view(self, X, random_state: np.random.RandomState) -> TrainingView:
        view = super()._training_view(X, random_state)
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
            f"{name!r} is no classification network of torchvision; there are {', '.join(near[:12])}, ..."
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
