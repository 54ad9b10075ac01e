"""Network names of the command line, as estimators."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._groups import OPTIONS
from ._help import listed

# Options that a network does without where it has no such parameter. Others must not be dropped silently.
_COMMON = ("device", "precision", "verbose", "random_state")
_OF_LINEAR = ("max_epochs", "batch_size", "lr", "schedule", "optimizer", "length")


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
        Parameters whose values are of another kind than those of other networks:
        where such a model chooses for one of those, they are not shared.
    strategy : str
        How such a proxy ranks rows where nothing else is asked for.
    """

    form: str
    estimator: str
    examples: tuple[str, ...]
    reads: str = "images"
    own_recipe: tuple[str, ...] = ()
    strategy: str = "forgetting_events"


NETWORKS = (
    # The rate of the fast network follows the size of its batches, which depends on the data.
    NetworkKind(
        "fast",
        "WhitenedConvNetClassifier",
        ("fast",),
        own_recipe=("max_epochs", "lr", "schedule", "optimizer"),
    ),
    NetworkKind(
        r"resnet(?P<depth>\d+)(?:-(?P<block>basic|bottleneck))?",
        "ResNetClassifier",
        ("resnet8", "resnet20", "resnet164 (any depth 6n+2 or 9n+2)"),
    ),
    NetworkKind("torchvision:(?P<network>.*)", "TorchvisionClassifier", ("torchvision:resnet50",)),
    NetworkKind(
        r"vdcnn(?P<depth>\d+)(?:-(?P<pooling>conv|maxpool|kmaxpool))?",
        "VDCNNClassifier",
        ("vdcnn9", "vdcnn17", "vdcnn29", "vdcnn49"),
        "texts",
    ),
    # The program fasttext cannot tell forgetting events; in the few epochs of a bag of n-grams there are hardly any.
    NetworkKind("bag-of-ngrams", "BagOfNgramsClassifier", ("bag-of-ngrams",), "texts", _OF_LINEAR, "entropy"),
    NetworkKind("fasttext", "FastTextClassifier", ("fasttext",), "texts", _OF_LINEAR, "entropy"),
)


def network_names() -> str:
    """List the networks, for the help and for messages."""
    names: dict[str, list[str]] = {"images": [], "texts": []}
    for kind in NETWORKS:
        names[kind.reads] += kind.examples
    return "; ".join(f"{listed(of_kind)} for {reads}" for reads, of_kind in names.items())


def examples(reads: str) -> str:
    """Name two networks that read images or texts."""
    return listed([kind.examples[0] for kind in NETWORKS if kind.reads == reads][:2])


def with_own(parameter: str) -> str:
    """Name the networks that have their own value of a parameter beside others."""
    return ", ".join(kind.examples[0] for kind in NETWORKS if parameter in kind.own_recipe)


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


def network_kind(name: str, option: str = "--network") -> NetworkKind:
    """Return the kind of a network's name.

    Raises
    ------
    ValueError
        For a name that is of no kind.
    """
    for kind in NETWORKS:
        if re.fullmatch(kind.form, name):
            return kind
    raise ValueError(f"{option} {name}: unknown; take {network_names()}.")


def build_classifier(
    name: str, *, option: str = "--network", optimizer: str | None = None, **params: Any
) -> Any:
    """Make the classifier of a network's name.

    Parameters
    ----------
    name : str
        As one of `NETWORKS` has it: "resnet20", "resnet164-basic" to choose the
        block, "torchvision:resnet50", "vdcnn9-maxpool" to choose the pooling.
    option : str, default="--network"
        Where the name was given, for messages.
    optimizer : str, optional
        "sgd" or "adam".
    **params
        Given to the estimator where they are not None.

    Raises
    ------
    ValueError
        For a name that is of no kind, or a parameter that such a network does
        not have.
    """
    from .. import estimators
    from ..training import SCHEDULE_NAMES

    kind = network_kind(name, option)
    named = re.fullmatch(kind.form, name).groupdict(default=None)  # type: ignore[union-attr]
    own = {key: int(value) if value.isdigit() else value for key, value in named.items() if value is not None}
    estimator = getattr(estimators, kind.estimator)
    try:
        estimator(**own).check_params()
    except ValueError as error:
        raise ValueError(f"{option} {name}: {error}") from error
    params = {key: value for key, value in params.items() if value is not None}
    known = estimator._parameter_constraints
    foreign = [key for key in params if key not in known and key not in _COMMON]
    foreign += ["optimizer"] * (optimizer is not None and "net_params" not in known)
    if foreign:
        raise ValueError(f"{option} {name} takes no {OPTIONS[foreign[0]].flag}.")
    if params.get("schedule", "constant") not in SCHEDULE_NAMES:
        raise ValueError(
            f"--schedule must be one of {', '.join(SCHEDULE_NAMES)}, got {params['schedule']!r}."
        )
    if optimizer is not None:
        params["net_params"] = _optimizer_params(optimizer)
    classifier = estimator(**own, **{key: value for key, value in params.items() if key in known})
    classifier.check_params()
    return classifier


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
