"""torchvision's classification networks, trained by ImageNet's recipe."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import validate_params
from torch import Tensor, nn

from .._device import resolve_device
from .._inputs._labels import check_labels
from .._inputs._parameters import WholeNumber
from .._inputs._paths import as_file, as_path
from .._torchvision import import_torchvision
from ..networks import HeadedNetwork, find_head
from ..training import Rows, Schedule, TrainingView, is_out_of_memory
from ._classifier import LARGEST, MOST_EPOCHS
from ._image_classifier import ImageClassifier
from ._pretrained import (
    count_classes,
    fill_weights,
    find_weights,
    published_format,
    read_weights,
    scaled_as_published,
)


class TorchvisionClassifier(ImageClassifier):
    """Any classification network of torchvision, by default with ImageNet's recipe.

    The network begins from random weights, or from a file of published ones.

    The recipe of [1]_ and its published code: stochastic gradient descent with momentum,
    five epochs of warm-up, three drops by ten, smoothed labels, and a learning rate in
    proportion to the batch. Images are cropped at random places and scales and flipped.

    Parameters
    ----------
    network : str, default="resnet18"
        Name of a network: "resnet18", "resnet50", "mobilenet_v3_small", ...
    weights : str or path-like, default=None
        File of weights that torchvision published for the network, .pth or .safetensors.
        Nothing in it is executed, and nothing is downloaded. The last layer is drawn
        anew. Pixels must be of 8 bits; they are scaled as those that the weights were
        trained on. None means random weights.
    head_epochs : int, default=0
        Number of epochs at first in which only the last layer learns, fewer than
        `max_epochs`. With published weights one or two keep the gradients of a random
        last layer from spoiling the layers below [2]_. Batch norm follows the batches
        all the time. Several processes (`distributed=True`) cannot train like this.
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
    FileNotFoundError
        In `fit`, if there is no file `weights`.
    ValueError
        In `fit`, if the weights are damaged or of another network, or pixels are not of
        8 bits beside them.

    See Also
    --------
    ResNetClassifier : Networks for small images.

    References
    ----------
    .. [1] C. Coleman et al., "Selection via proxy: efficient data selection for
       deep learning", ICLR 2020.
    .. [2] A. Kumar et al., "Fine-tuning can distort pretrained features and underperform
       out-of-distribution", ICLR 2022.
    """

    _reference_batch = 256
    _parameter_constraints: dict = {
        **ImageClassifier._parameter_constraints,
        "network": [str],
        "weights": [str, os.PathLike, None],
        "head_epochs": [WholeNumber(0, MOST_EPOCHS)],
        "scale_lr": ["boolean"],
    }

    # Some of these networks decide by values or draw numbers as they go; at their size launches cost little.
    _records_steps = False

    def __init__(
        self,
        network: str = "resnet18",
        *,
        weights: str | os.PathLike | None = None,
        head_epochs: int = 0,
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

    @classmethod
    @validate_params(
        {
            "network": [str],
            "path": [str, os.PathLike],
            "image_size": [WholeNumber(1, LARGEST)],
            "device": [str],
        },
        prefer_skip_nested_validation=True,
    )
    def from_pretrained(
        cls, network: str, path, *, classes=None, image_size: int = 224, device: str = "auto"
    ) -> "TorchvisionClassifier":
        """Make a fitted classifier of weights that torchvision published, from a file on this machine.

        In a `FrozenEstimator` it is a proxy that nobody trains, as in the published
        comparison of networks for ImageNet.

        Parameters
        ----------
        network : str
            Name of the network.
        path : str or path-like
            File of its weights, .pth or .safetensors, or a folder with one file of each
            network, named as torchvision names them: ``resnet18-f37072fd.pth``. Nothing
            in it is executed.
        classes : array-like of shape (n_classes,), default=None
            Labels of its outputs, in their order; 0, 1, ... by default.
        image_size : int, default=224
            Height and width of the images that it reads, of 8 bits and in colour.
        device : str, default="auto"
            Device of the network.

        Returns
        -------
        TorchvisionClassifier
            Fitted, without the history of a training.

        Raises
        ------
        ValueError
            For an unknown network, a file that is damaged or of another network, several
            files of the network, and classes that are not as many as outputs.
        FileNotFoundError
            If there is no file of the network.
        """
        check_network(network)
        resolve_device(device)
        file = find_weights(as_path(path, "path"), network)
        weights = read_weights(file)
        n_classes = count_classes(build_network(network, 2), weights, file)
        labels = np.arange(n_classes) if classes is None else _read_classes(classes, n_classes)
        filled = fill_weights(build_network(network, n_classes), weights, file)
        # Outputs are in the order of sorted labels.
        order = np.argsort(labels)
        head = find_head(build_network(network, n_classes))[0]
        for name in (f"{head}.weight", f"{head}.bias"):
            if name in filled:
                filled[name] = filled[name][torch.from_numpy(order)]
        classifier = cls(network)
        classifier.classes_ = labels[order]
        classifier.n_features_in_ = 3 * image_size**2
        form = published_format(network, image_size)
        classifier._restore_network(
            form, {f"network.{name}": value for name, value in filled.items()}, device=device
        )
        return classifier

    def check_params(self) -> None:
        super().check_params()
        check_network(self.network)
        if self.head_epochs:
            if self.head_epochs >= self.max_epochs:
                raise ValueError(
                    f"head_epochs must be fewer than max_epochs={self.max_epochs}, got {self.head_epochs}."
                )
            if self.distributed:
                raise ValueError(f"head_epochs={self.head_epochs} needs distributed=False.")
        if self.weights is not None:
            as_file(self.weights, "weights")

    def _validate(self, X, *, reset: bool):
        X = super()._validate(X, reset=reset)
        if reset and self.weights is not None:
            if not self.format_.is_uint8:
                raise ValueError(f"X must have pixels of 8 bits (uint8) beside weights, got {X.dtype}.")
            self.format_ = scaled_as_published(self.format_, self.network)
        return X

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
        if self.weights is not None:
            self._fill(module)

    def _fill(self, module: nn.Module) -> None:
        """Load the published weights into all layers but the last one."""
        network = module.get_submodule("network")
        file = as_file(self.weights, "weights")
        weights = read_weights(file, "weights")
        head = find_head(network)[0]
        drawn = {name: value for name, value in network.state_dict().items() if name.startswith(f"{head}.")}
        network.load_state_dict(fill_weights(network, weights | drawn, file, "weights"))

    def _clean_view(self, batch: Tensor) -> Tensor:
        return _three_channels(super()._clean_view(batch))

    def _training_view(self, X, random_state: np.random.RandomState) -> TrainingView:
        view = super()._training_view(X, random_state)
        return lambda images, visit: _three_channels(view(images, visit))

    def _default_augment(self, *, colour: bool) -> tuple[str, ...]:
        return ("resized-crop", "flip") if colour else ("resized-crop",)


def _read_classes(classes: Any, n_classes: int) -> np.ndarray:
    """Return the labels of a network's outputs, in their order."""
    try:
        labels = check_labels(classes)
    except (TypeError, ValueError) as error:
        raise ValueError(f"classes must be {n_classes} labels, got {classes!r:.80}: {error}") from error
    if not len(labels) == len(np.unique(labels)) == n_classes:
        raise ValueError(f"classes must be {n_classes} different labels, got {classes!r:.80}.")
    return labels


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
