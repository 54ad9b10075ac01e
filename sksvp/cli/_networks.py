"""The options of proxy, target and their training, and the estimators of these options."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ._data import Data
from ._groups import Group, filled, option
from ._models import build_classifier, full_name, network_kind, network_names, precision_of, with_own

# Small data needs many updates: these settings let a network finish learning the digits.
_DIGITS_BATCH = 32
_DIGITS_PAIR = {"proxy": "resnet8", "target": "resnet20"}
_IMAGES_PAIR = {"proxy": "resnet20", "target": "resnet164"}
_TEXTS_PAIR = {"proxy": "bag-of-ngrams", "target": "vdcnn29"}
_MOST_EPOCHS = 1_000_000


def _pair(data: Data) -> dict[str, str]:
    if data.holds_texts():
        return _TEXTS_PAIR
    return _DIGITS_PAIR if data.dataset == "digits" else _IMAGES_PAIR


def proxy_default(data: Data) -> str:
    """Return the name of the proxy that suits the data."""
    return _pair(data)["proxy"]


def _defaults(name: str) -> str:
    return f"{_IMAGES_PAIR[name]}; digits: {_DIGITS_PAIR[name]}; texts: {_TEXTS_PAIR[name]}"


@dataclass(frozen=True)
class Learning(Group):
    """How networks learn."""

    panel: ClassVar[str] = "Learning"
    parameters: ClassVar[dict[str, str]] = {"max_epochs": "epochs", "length": "text_length"}

    epochs: int | None = option(
        "Epochs; beside a proxy, of the target.",
        high=_MOST_EPOCHS,
        unset="the recipe's; digits: 60, with coreset 30",
    )
    batch_size: int | None = option(
        "Rows of a training batch.", low=2, unset=f"the recipe's; digits: {_DIGITS_BATCH}"
    )
    lr: float | None = option("Full learning rate.", low=0, high=math.inf, unset="the recipe's")
    schedule: str | None = option(
        "Learning-rate schedule, scaled to the epochs: cifar, cifar-50, imagenet, imagenet-45, amazon, constant or "
        "one-cycle.",
        choices=("cifar", "cifar-50", "imagenet", "imagenet-45", "amazon", "constant", "one-cycle"),
        unset="the recipe's",
    )
    optimizer: str | None = option(
        "sgd, or adam (torch's defaults, no weight decay), which needs another --lr.",
        choices=("sgd", "adam"),
        unset="sgd",
    )
    text_length: int | None = option("Characters of a text that a VDCNN reads.", high=1_000_000, unset="1014")
    device: str = option("auto, cpu, cuda or cuda:0.", default="auto")
    precision: str = option(
        "Of the training: auto, fp32 or bf16.", default="auto", choices=("auto", "fp32", "bf16")
    )
    verbose: bool = option("Show a progress bar for each training.", "--verbose", "-v", default=False)

    def filled(self, data: Data, *, digits_epochs: int = 60) -> "Learning":
        """Return the options with the defaults for the data."""
        if data.dataset != "digits":
            return self
        return filled(self, epochs=digits_epochs, batch_size=_DIGITS_BATCH)

    def params(self, data: Data) -> dict[str, Any]:
        """Return the parameters of an estimator except its epochs; None means its default."""
        return {
            "batch_size": self.batch_size,
            "lr": self.lr,
            "schedule": self.schedule,
            "optimizer": self.optimizer,
            "length": self.text_length,
            "precision": self.precision,
            "image_shape": data.shape(),
            "layout": data.layout,
            "device": self.device,
            "verbose": int(self.verbose),
        }

    def settings(self, *classifiers: Any) -> dict[str, Any]:
        """Return the options that decide a run's results."""
        decide = ("epochs", "batch_size", "lr", "schedule", "optimizer", "text_length")
        return {**{name: getattr(self, name) for name in decide}, "precision": precision_of(*classifiers)}


@dataclass(frozen=True)
class Networks(Group):
    """The two networks."""

    panel: ClassVar[str] = "Networks"

    proxy: str | None = option(f"Network that chooses: {network_names()}.", unset=_defaults("proxy"))
    target: str | None = option("Network that is trained on the chosen rows.", unset=_defaults("target"))
    proxy_epochs: int | None = option(
        "Epochs of the proxy.", high=_MOST_EPOCHS, unset=f"as --epochs; {with_own('max_epochs')}: their own"
    )
    proxy_batch_size: int | None = option(
        "Rows of a training batch of the proxy.",
        low=2,
        unset=f"as --batch-size; {with_own('batch_size')}: their own",
    )
    proxy_lr: float | None = option(
        "Full learning rate of the proxy.",
        low=0,
        high=math.inf,
        unset=f"as --lr; {with_own('lr')}: their own",
    )

    def filled(self, data: Data) -> "Networks":
        """Return the options with the defaults for the data."""
        whole = filled(self, **_pair(data))
        proxy, target = (full_name(str(name), data.dataset) for name in (whole.proxy, whole.target))
        return replace(whole, proxy=proxy, target=target)

    def of_proxy(self) -> dict[str, Any]:
        """Return the options of the proxy, by name."""
        return {name: value for name, value in vars(self).items() if name != "target"}


def build_pair(data: Data, networks: Networks, learning: Learning) -> tuple[Any, Any, dict[str, Any]]:
    """Build proxy and target, and the settings that decide a run's results.

    A linear model of texts, or the fast network, has a recipe of its own. As the proxy of
    another network it does not use the options that are given for the target.
    """
    networks = networks.filled(data)
    names = {"--proxy": str(networks.proxy), "--target": str(networks.target)}
    proxy, target = (network_kind(name, flag) for flag, name in names.items())
    if proxy.reads != target.reads:
        raise ValueError(
            f"--proxy and --target must read the same: {networks.proxy!r} reads {proxy.reads} and "
            f"{networks.target!r} reads {target.reads}."
        )
    params = {"max_epochs": learning.epochs, **learning.params(data)}
    own = () if proxy.own_recipe == target.own_recipe else proxy.own_recipe
    for_proxy = {key: None if key in own else value for key, value in params.items()}
    given = {
        "max_epochs": networks.proxy_epochs,
        "lr": networks.proxy_lr,
        "batch_size": networks.proxy_batch_size,
    }
    for_proxy |= {key: value for key, value in given.items() if value is not None}
    pair = (
        build_classifier(names["--proxy"], option="--proxy", **for_proxy),
        build_classifier(names["--target"], option="--target", **params),
    )
    settings = {
        **data.settings(),
        **vars(networks),
        "proxy_epochs": for_proxy["max_epochs"],
        **learning.settings(*pair),
    }
    return *pair, settings
