"""Files of weights that torchvision's networks were published with."""

import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..networks import find_head
from ._image_format import ImageFormat

_ENDINGS = (".pth", ".pt", ".safetensors")
# Of the heads that only the training of these networks has.
_SIDE_OUTPUTS = ("AuxLogits.", "aux1.", "aux2.")
# Mean and standard deviation of ImageNet's pixels, by which torchvision's networks read images from 0 to 1.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# They were trained on pixels from -1 to 1.
_OF_HALF = ("googlenet", "inception_v3")


def find_weights(path: Path, network: str) -> Path:
    """Return the file of a network's weights: `path` itself, or the one in this folder that begins with the name.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If there are several.
    """
    if path.is_file():
        return path
    found = [
        file
        for file in sorted(path.glob(f"{network}*"))
        if file.suffix in _ENDINGS and file.stem.partition("-")[0] == network
    ]
    if not found:
        raise FileNotFoundError(
            f"path={str(path)!r} has no weights of {network!r}: torchvision's file, such as {network}-0123abcd.pth, is "
            "needed."
        )
    if len(found) > 1:
        raise ValueError(
            f"path={str(path)!r} has several weights of {network!r}: name one of {', '.join(f.name for f in found)}."
        )
    return found[0]


def read_weights(path: Path, argument: str = "path") -> dict[str, Tensor]:
    """Read the tensors of a file by name; nothing in it is executed. Messages name the argument.

    Raises
    ------
    ValueError
        For a file that holds no tensors by name.
    """
    content: Any = None
    try:
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        ValueError,
        LookupError,
    ) as error:
        # torch's own message goes on about how to execute what is in such a file.
        raise ValueError(
            f"{argument}={str(path)!r} is no file of weights, or is damaged: {type(error).__name__}."
        ) from error
    if not isinstance(content, dict) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise ValueError(
            f"{argument}={str(path)!r} is no file of weights: it must hold tensors by their names."
        )
    # The first files of DenseNet have names of an earlier torch.
    renamed = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)\.", r"\1\2.", name): value
        for name, value in content.items()
    }
    return {name: value for name, value in renamed.items() if not name.startswith(_SIDE_OUTPUTS)}


def count_classes(network: nn.Module, weights: dict[str, Tensor], path: Path) -> int:
    """Return the number of classes of a network's weights.

    Raises
    ------
    ValueError
        If they are of another network.
    """
    bias = weights.get(f"{find_head(network)[0]}.weight")
    if bias is None:
        raise ValueError(f"path={str(path)!r} has weights of another network.")
    return len(bias)


def fill_weights(
    network: nn.Module, weights: dict[str, Tensor], path: Path, argument: str = "path"
) -> dict[str, Tensor]:
    """Return all tensors of a network, of which files may lack the counters of batch norm.

    Raises
    ------
    ValueError
        If the weights are of another network.
    """
    expected = network.state_dict()
    counters = {name: value for name, value in expected.items() if name.endswith("num_batches_tracked")}
    filled = counters | weights
    wrong = [
        name
        for name in sorted(expected.keys() | filled.keys())
        if name not in expected or name not in filled or expected[name].shape != filled[name].shape
    ]
    if wrong:
        raise ValueError(
            f"{argument}={str(path)!r} has weights of another network: {', '.join(wrong[:3])} do not fit."
        )
    return filled


def published_format(network: str, image_size: int) -> ImageFormat:
    """Return how such a network reads images in colour with pixels of 8 bits."""
    form = ImageFormat("channels_last", (3, image_size, image_size), False, True, 0.0, 255.0, [0.0], [1.0])
    return scaled_as_published(form, network)


def scaled_as_published(form: ImageFormat, network: str) -> ImageFormat:
    """Return the form with the mean and spread that such a network was trained with; their mean for grey images."""
    mean, std = ((0.5,) * 3, (0.5,) * 3) if network in _OF_HALF else (_MEAN, _STD)
    scaled = [255 * np.array(values) for values in (mean, std)]
    if form.shape[0] == 1:
        scaled = [values.mean(keepdims=True) for values in scaled]
    return replace(form, mean=scaled[0].tolist(), std=scaled[1].tolist())
