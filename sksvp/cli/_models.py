"""Network names of the command line, as estimators."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._groups import OPTIONS, option_of
from ._help import listed

# Options that networks without such a parameter ignore. Others are refused.
_COMMON = ("device", "precision", "verbose", "random_state")
_OF_FAST = ("max_epochs", "lr", "schedule", "optimizer", "momentum", "weight_decay", "augment")
_OF_LINEAR = (*_OF_FAST, "batch_size", "length")


@dataclass(frozen=True)
class NetworkKind:
    """Networks whose names have one form.

    Parameters
    ----------
    form : str
        A regular expression of the names; its named groups are parameters of
        the estimator.
    estimator : str
        The class in `sksvp.estimators`.
    examples : tuple of str
        Names for the help and messages.
    reads : {"images", "texts"}
    own_recipe : tuple of str
        Parameters whose values do not suit other networks. A proxy of this kind does
        not share them with a target of another kind.
    strategy : str
        Default strategy for such a proxy.
    """

    form: str
    estimator: str
    examples: tuple[str, ...]
    reads: str = "images"
    own_recipe: tuple[str, ...] = ()
    strategy: str = "forgetting_events"


NETWORKS = (
    # The learning rate of the fast network depends on its batch size, which depends on the data.
    NetworkKind(
        "fast",
        "WhitenedConvNetClassifier",
        ("fast",),
        own_recipe=_OF_FAST,
    ),
    NetworkKind(
        r"resnet(?P<depth>[0-9]{1,4})(?:-(?P<block>basic|bottleneck))?",
        "ResNetClassifier",
        ("resnet8", "resnet20", "resnet164 (any depth 6n+2 or 9n+2)"),
    ),
    NetworkKind("torchvision:(?P<network>.*)", "TorchvisionClassifier", ("torchvision:resnet50",)),
    NetworkKind(
        r"vdcnn(?P<depth>[0-9]{1,4})(?:-(?P<pooling>conv|maxpool|kmaxpool))?",
        "VDCNNClassifier",
        ("vdcnn9", "vdcnn17", "vdcnn29", "vdcnn49"),
        "texts",
    ),
    # fasttext gives no forgetting events, and in the few epochs of a bag of n-grams there are hardly any.
    NetworkKind("bag-of-ngrams", "BagOfNgramsClassifier", ("bag-of-ngrams",), "texts", _OF_LINEAR, "entropy"),
    NetworkKind("fasttext", "FastTextClassifier", ("fasttext",), "texts", _OF_LINEAR, "entropy"),
)


def network_names() -> str:
    """List the networks, for help and messages."""
    names: dict[str, list[str]] = {"images": [], "texts": []}
    for kind in NETWORKS:
        names[kind.reads] += kind.examples
    return "; ".join(f"{listed(of_kind)} for {reads}" for reads, of_kind in names.items())


def examples(reads: str) -> str:
    """Name two networks that read images or texts."""
    return listed([kind.examples[0] for kind in NETWORKS if kind.reads == reads][:2])


def with_own(parameter: str) -> str:
    """Name the networks that do not share a parameter with targets of other kinds."""
    return ", ".join(kind.examples[0] for kind in NETWORKS if parameter in kind.own_recipe)


def full_name(name: str, dataset: str | None = None) -> str:
    """Add the pooling of the published experiments to the name of a VDCNN without one.

    They used max-pooling at depth 9 and on Amazon Review Full, and strided
    convolutions elsewhere. Other names are returned unchanged, and so is a recipe behind the name.
    """
    plain, colon, recipe = name.partition(":")
    if re.fullmatch(r"vdcnn[0-9]+", plain) is None:
        return name
    pooling = "maxpool" if plain == "vdcnn9" or dataset == "amazon_review_full" else "conv"
    return f"{plain}-{pooling}{colon}{recipe}"


def usual_crop_fraction(names: Sequence[str]) -> float:
    """Return the share of an image's shorter side on which these networks are tested.

    ImageNet's recipe tests on the middle 224 pixels where the shorter side has 256.
    """
    return 224 / 256 if any(name.startswith("torchvision:") for name in names) else 1.0


def network_kind(name: str, option: str = "--network") -> NetworkKind:
    """Return the kind of a network's name.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    for kind in NETWORKS:
        if re.fullmatch(kind.form, name):
            return kind
    raise ValueError(f"{option} {name} is unknown; take {network_names()}.")


def build_classifier(
    name: str, *, option: str = "--network", optimizer: str | None = None, **params: Any
) -> Any:
    """Make the classifier of a network's name.

    Parameters
    ----------
    name : str
        A name of one of `NETWORKS`: "resnet20", "resnet164-basic" to choose the
        block, "torchvision:resnet50", "vdcnn9-maxpool" to choose the pooling.
    option : str, default="--network"
        The option with the name, for messages.
    optimizer : {"sgd", "adam"}, optional
    **params
        Parameters of the estimator; None means its default.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        For an unknown name, or a parameter that such a network does not have.
    """
    from .. import estimators

    kind = network_kind(name, option)
    named = re.fullmatch(kind.form, name).groupdict(default=None)  # type: ignore[union-attr]
    own = {key: int(value) if value.isdigit() else value for key, value in named.items() if value is not None}
    estimator = getattr(estimators, kind.estimator)
    try:
        estimator(**own).check_params()
    except ValueError as error:
        raise ValueError(f"{option} {name}: {error}") from error
    params = {key: value for key, value in params.items() if value is not None}
    if optimizer == "adam" and "momentum" in params:
        raise ValueError(
            f"{option} {name}: momentum={params['momentum']} would change nothing: adam has none."
        )
    known = estimator._parameter_constraints
    foreign = [key for key in params if key not in known and key not in _COMMON]
    foreign += ["optimizer"] * (optimizer is not None and "net_params" not in known)
    if foreign:
        flag = OPTIONS[foreign[0]].flag if foreign[0] in OPTIONS else option_of(foreign[0])
        raise ValueError(f"{option} {name} takes no {flag}.")
    if optimizer == "adam":
        params["net_params"] = _adam(params.get("weight_decay", 0.0))
    classifier = estimator(**own, **{key: value for key, value in params.items() if key in known})
    classifier.check_params()
    return classifier


def precision_of(*classifiers: Any) -> str | None:
    """Return the precision of their training on this machine, None if they have no such parameter.

    Results depend on it, and "auto" is another one on another machine.
    """
    from .._device import resolve_device, resolve_precision

    found = {
        "bf16" if resolve_precision(one.precision, resolve_device(one.device)).itemsize == 2 else "fp32"
        for one in classifiers
        if hasattr(one, "precision")
    }
    return " and ".join(sorted(found)) or None


def _adam(weight_decay: float) -> dict[str, Any]:
    """Return skorch's parameters for Adam, by default as in the method's published code."""
    import torch

    # One fused update of all parameters; a VDCNN has millions.
    return {"optimizer": torch.optim.Adam, "optimizer__weight_decay": weight_decay, "optimizer__fused": True}
