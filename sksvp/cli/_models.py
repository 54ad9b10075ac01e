"""Network names of the command line, as estimators."""

import re
from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator

# Options that a network does without where it has no such parameter. Others must not be dropped silently.
_COMMON = ("device", "precision", "verbose", "random_state")
# Options whose parameter has another name.
_PARAMETERS = {"text_length": "length", "optimizer": "net_params"}
_LINEAR = ("fasttext", "bag-of-ngrams")


def build_classifier(name: str, *, option: str = "--network", **params) -> BaseEstimator:
    """Make the classifier of a network's name.

    Parameters
    ----------
    name : str
        "resnet20" and its like are our networks for small images, of any depth
        6n + 2 or 9n + 2 ("resnet164-basic" to choose the block);
        "fast" is the small network of few epochs (`WhitenedConvNetClassifier`);
        "torchvision:resnet50" is any classification network of torchvision. For
        texts, "vdcnn9-maxpool" and its like ("vdcnn9" without a pooling is made
        whole by `full_name`), "bag-of-ngrams" and "fasttext".
    option : str, default="--network"
        Where the name was given, for messages.
    **params
        Given to the estimator where they are not None.

    Raises
    ------
    ValueError
        For a name that is none of these, or a parameter that such a network
        does not have.
    """
    try:
        classifier, own = _class_of(name)
        _checked(classifier(**own))
    except ValueError as error:
        raise ValueError(f"{option} {name}: {error}") from error
    params = {key: value for key, value in params.items() if value is not None}
    known = classifier._parameter_constraints
    foreign = [key for key in params if _PARAMETERS.get(key, key) not in known and key not in _COMMON]
    if foreign:
        raise ValueError(f"{option} {name} takes no --{foreign[0].replace('_', '-')}.")
    from ..training import SCHEDULE_NAMES

    if params.get("schedule", "constant") not in SCHEDULE_NAMES:
        raise ValueError(
            f"--schedule must be one of {', '.join(SCHEDULE_NAMES)}, got {params['schedule']!r}."
        )
    if "optimizer" in params:
        params["optimizer"] = _optimizer_params(params["optimizer"])
    params = {_PARAMETERS.get(key, key): value for key, value in params.items()}
    return _checked(classifier(**own, **{key: value for key, value in params.items() if key in known}))


def full_name(name: str, dataset: str | None = None) -> str:
    """Add the pooling to the name of a VDCNN that has none, as the published experiments had it.

    They pooled by maximum in depth 9 and on Amazon Review Full, and by strides
    elsewhere. Other names are returned as they are.
    """
    if re.fullmatch(r"vdcnn\d+", name) is None:
        return name
    return f"{name}-maxpool" if name == "vdcnn9" or dataset == "amazon_review_full" else f"{name}-conv"


def usual_crop_fraction(names: Sequence[str]) -> float:
    """Return the share of an image's shorter side that networks of these names are tested on.

    ImageNet's recipe tests on the middle 224 pixels where the shorter side has 256.
    """
    return 224 / 256 if any(name.startswith("torchvision:") for name in names) else 1.0


def reads_texts(name: str) -> bool:
    """Tell whether a network of that name reads texts."""
    return is_linear(name) or name.startswith("vdcnn")


def is_linear(name: str) -> bool:
    """Tell whether it is a linear model of texts."""
    return name in _LINEAR


def own_recipe(name: str) -> tuple[str, ...]:
    """Name the parameters whose values are of another kind than those of the networks beside it.

    Where such a model chooses for one of those, they are not shared. The fast
    network's rate follows the size of its batches, which depends on the data.
    """
    if is_linear(name):
        return ("max_epochs", "batch_size", "lr", "schedule", "optimizer", "text_length")
    return ("max_epochs", "lr", "schedule", "optimizer") if name == "fast" else ()


def _class_of(name: str) -> tuple[Any, dict[str, Any]]:
    """Return the class of a network's name and the parameters that stand in the name."""
    from .. import estimators

    if name.startswith("torchvision:"):
        return estimators.TorchvisionClassifier, {"network": name.removeprefix("torchvision:")}
    if name == "fast":
        return estimators.WhitenedConvNetClassifier, {}
    if match := re.fullmatch(r"resnet(\d+)(?:-(basic|bottleneck))?", name):
        return estimators.ResNetClassifier, {"depth": int(match[1]), "block": match[2] or "auto"}
    if match := re.fullmatch(r"vdcnn(\d+)-(conv|maxpool|kmaxpool)", name):
        return estimators.VDCNNClassifier, {"depth": int(match[1]), "pooling": match[2]}
    if name == "bag-of-ngrams":
        return estimators.BagOfNgramsClassifier, {}
    if name == "fasttext":
        return estimators.FastTextClassifier, {}
    raise ValueError(
        "unknown; take fast, resnet8, resnet20, resnet164 (any depth 6n+2 or 9n+2) "
        "or torchvision:NAME such as torchvision:resnet50 for images; vdcnn9, vdcnn17, vdcnn29, vdcnn49, "
        "bag-of-ngrams or fasttext for texts."
    )


def _optimizer_params(name: str) -> dict[str, Any]:
    """Return the parameters for skorch of an optimizer's name."""
    import torch

    if name == "sgd":
        return {}
    if name == "adam":
        # As the method's published code has it.
        return {
            "optimizer": torch.optim.Adam,
            "optimizer__weight_decay": 0.0,
            # One sweep over all parameters, which are millions in a VDCNN.
            "optimizer__fused": True,
        }
    raise ValueError(f"--optimizer must be sgd or adam, got {name!r}.")


def _checked(classifier):
    """Find a wrong parameter before any data is loaded."""
    classifier.check_params()
    return classifier
