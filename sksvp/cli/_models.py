"""Network names of the command line, as estimators."""

import re

from sklearn.base import BaseEstimator


def build_classifier(name: str, **params) -> BaseEstimator:
    """Make the classifier of a network's name.

    Parameters
    ----------
    name : str
        "resnet20" and its like are our networks for small images, of any depth
        6n + 2 or 9n + 2 ("resnet164-basic" to choose the block);
        "torchvision:resnet50" is any classification network of torchvision.
    **params
        Given to the estimator where they are not None.

    Raises
    ------
    ValueError
        For a name that is none of these.
    """
    params = {key: value for key, value in params.items() if value is not None}
    if name.startswith("torchvision:"):
        from ..estimators import TorchvisionClassifier

        return _checked(TorchvisionClassifier(name.removeprefix("torchvision:"), **params))
    match = re.fullmatch(r"resnet(\d+)(?:-(basic|bottleneck))?", name)
    if match is None:
        raise ValueError(
            f"network {name!r} is unknown: take resnet8, resnet20, resnet164 (any depth 6n+2 or 9n+2) "
            f"or torchvision:NAME such as torchvision:resnet50."
        )
    from ..estimators import ResNetClassifier

    return _checked(ResNetClassifier(int(match[1]), block=match[2] or "auto", **params))


def _checked(classifier):
    """Find a wrong parameter before any data is loaded."""
    classifier.check_params()
    return classifier
