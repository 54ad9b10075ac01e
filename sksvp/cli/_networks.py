"""The options of proxy, target and their training, and the estimators of these options."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .._storage._sealed import sha256_of
from ._data import Data
from ._groups import Group, filled, option
from ._models import build_classifier, full_name, network_kind, network_names, precision_of, with_own
from ._recipes import RECIPE, Recipe, check_augment, name_proxy, read_network

# Small data needs many updates: these settings let a network finish learning the digits.
_DIGITS_BATCH = 32
_DIGITS_PAIR = {"proxy": "resnet8", "target": "resnet20"}
_IMAGES_PAIR = {"proxy": "resnet20", "target": "resnet164"}
_TEXTS_PAIR = {"proxy": "bag-of-ngrams", "target": "vdcnn29"}
_MOST_EPOCHS = 1_000_000
_SCHEDULES = ("cifar", "cifar-50", "imagenet", "imagenet-45", "amazon", "constant", "one-cycle")
_OPTIMIZERS = ("sgd", "adam")
_AUGMENTATIONS = ("crop", "flip", "resized-crop", "shift", "alternating-flip", "none")
_FIRST_EPOCHS = "the epochs of which a training has the first, such as cifar:181"


def _pair(data: Data) -> dict[str, str]:
    if data.holds_texts():
        return _TEXTS_PAIR
    return _DIGITS_PAIR if data.dataset == "digits" else _IMAGES_PAIR


def proxy_default(data: Data) -> str:
    """Return the name of the proxy that suits the data."""
    return _pair(data)["proxy"]


def _defaults(name: str) -> str:
    return f"{_IMAGES_PAIR[name]}; digits: {_DIGITS_PAIR[name]}; texts: {_TEXTS_PAIR[name]}"


def _as(option: str, parameter: str) -> str:
    """Say what a proxy does without an option of its own."""
    return f"as {option}; {with_own(parameter)}: their own"


@dataclass(frozen=True)
class Learning(Group):
    """How networks learn."""

    panel: ClassVar[str] = "Learning"
    parameters: ClassVar[dict[str, str]] = {"max_epochs": "epochs", "length": "text_length"}

    epochs: int | None = option(
        "Epochs; beside a proxy, of the target.",
        high=_MOST_EPOCHS,
        unset="the recipe's; digits: 60, with coreset, pilot and score 30",
    )
    batch_size: int | None = option(
        "Rows of a training batch.", low=2, unset=f"the recipe's; digits: {_DIGITS_BATCH}"
    )
    lr: float | None = option("Full learning rate.", low=0, high=math.inf, unset="the recipe's")
    schedule: str | None = option(
        f"Learning-rate schedule, scaled to the epochs: {', '.join(_SCHEDULES)}. With a number, such as cifar:181, "
        "scaled to so many epochs, of which the training has the first.",
        choices=_SCHEDULES,
        with_number=_FIRST_EPOCHS,
        unset="the recipe's",
    )
    optimizer: str | None = option(
        "sgd, or adam (torch's defaults, no weight decay), which needs another --lr.",
        choices=_OPTIMIZERS,
        unset="sgd",
    )
    momentum: float | None = option(
        "Momentum of sgd.", low=0, high=1, closed="left", unset="the recipe's, 0.9 mostly"
    )
    weight_decay: float | None = option(
        "Weight decay of all weights.", low=0, high=math.inf, closed="left", unset="the recipe's"
    )
    augment: list[str] | None = option(
        f"Random changes of training images: {', '.join(_AUGMENTATIONS)}; repeat.",
        choices=_AUGMENTATIONS,
        unset="the recipe's",
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
        """Return the parameters of an estimator; None means its default."""
        recipe = Recipe.of(self)
        check_augment(recipe, flag="--augment")
        return recipe.params() | self.shared(data)

    def shared(self, data: Data) -> dict[str, Any]:
        """Return the parameters that proxy and target have in common."""
        return {
            "length": self.text_length,
            "precision": self.precision,
            "image_shape": data.shape(),
            "layout": data.layout,
            "device": self.device,
            "verbose": int(self.verbose),
        }

    def settings(self, *classifiers: Any) -> dict[str, Any]:
        """Return the options that decide a run's results."""
        decide = {name: getattr(self, name) for name in (*RECIPE, "text_length")}
        return {**decide, "precision": precision_of(*classifiers)}


@dataclass(frozen=True)
class Networks(Group):
    """The networks."""

    panel: ClassVar[str] = "Networks"

    proxy: list[str] | None = option(
        f"Network that chooses: {network_names()}; with a recipe of its own as "
        "resnet20:epochs=50,schedule=cifar:181, or published weights as "
        "torchvision:resnet18:weights=FILE.pth,head-epochs=2. Repeat to compare several.",
        unset=_defaults("proxy"),
    )
    target: str | None = option("Network that is trained on the chosen rows.", unset=_defaults("target"))
    proxy_epochs: int | None = option(
        "Epochs of the proxy.", high=_MOST_EPOCHS, unset=_as("--epochs", "max_epochs")
    )
    proxy_batch_size: int | None = option(
        "Rows of a training batch of the proxy.", low=2, unset=_as("--batch-size", "batch_size")
    )
    proxy_lr: float | None = option(
        "Full learning rate of the proxy.", low=0, high=math.inf, unset=_as("--lr", "lr")
    )
    proxy_schedule: str | None = option(
        "Schedule of the proxy: --proxy-epochs 50 --proxy-schedule cifar:181 are the first 50 of 181 epochs.",
        choices=_SCHEDULES,
        with_number=_FIRST_EPOCHS,
        unset=_as("--schedule", "schedule"),
    )
    proxy_optimizer: str | None = option(
        "Optimizer of the proxy.", choices=_OPTIMIZERS, unset=_as("--optimizer", "optimizer")
    )
    proxy_momentum: float | None = option(
        "Momentum of the proxy.", low=0, high=1, closed="left", unset=_as("--momentum", "momentum")
    )
    proxy_weight_decay: float | None = option(
        "Weight decay of the proxy.",
        low=0,
        high=math.inf,
        closed="left",
        unset=_as("--weight-decay", "weight_decay"),
    )
    proxy_augment: list[str] | None = option(
        "Random changes of the proxy's training images.",
        choices=_AUGMENTATIONS,
        unset=_as("--augment", "augment"),
    )

    def filled(self, data: Data) -> "Networks":
        """Return the options with the defaults for the data."""
        proxies = self.proxy or [_pair(data)["proxy"]]
        target = self.target or _pair(data)["target"]
        return replace(
            self,
            proxy=list(dict.fromkeys(full_name(name, data.dataset) for name in proxies)),
            target=full_name(target, data.dataset),
        )

    def of_proxy(self) -> dict[str, Any]:
        """Return the options of the proxies, by name."""
        return {name: value for name, value in vars(self).items() if name != "target"}


@dataclass(frozen=True)
class Pair:
    """The estimators of the networks.

    Attributes
    ----------
    proxies : dict of str to estimator
        By the names that tables have for them.
    target : estimator
    kinds : list of str
        Names of the networks in `NETWORKS`, without recipes, the target's last.
    settings : dict
        What decides a run's results.
    """

    proxies: dict[str, Any]
    target: Any
    kinds: list[str]
    settings: dict[str, Any]

    @property
    def proxy(self) -> Any:
        """The proxy, or several by name, as experiments take them."""
        return next(iter(self.proxies.values())) if len(self.proxies) == 1 else self.proxies

    @property
    def all(self) -> tuple[Any, ...]:
        """All estimators."""
        return (*self.proxies.values(), self.target)


def build_pair(data: Data, networks: Networks, learning: Learning) -> Pair:
    """Build proxies and target, and the settings that decide a run's results.

    The recipe of a proxy is that of its name, then of the options for proxies, then of
    the target. A linear model of texts, or the fast network, has a recipe of its own. As
    the proxy of another network it does not use the options that are given for the target.
    """
    networks = networks.filled(data)
    shared = learning.shared(data)
    for_target, for_proxies = Recipe.of(learning), Recipe.of(networks, "proxy_")
    check_augment(for_target, flag="--augment")
    check_augment(for_proxies, flag="--proxy-augment")
    target_name, own = read_network(str(networks.target), "--target", Learning)
    target_kind = network_kind(target_name, "--target")
    target = build_classifier(target_name, option="--target", **own.over(for_target).params(), **shared)
    files = [own.weights]
    proxies, kinds = {}, []
    for text in networks.proxy or ():
        name, own = read_network(text, "--proxy", Learning)
        kind = network_kind(name, "--proxy")
        if kind.reads != target_kind.reads:
            raise ValueError(
                f"--proxy and --target must read the same: {name!r} reads {kind.reads} and {target_name!r} reads "
                f"{target_kind.reads}."
            )
        is_alike = kind.own_recipe == target_kind.own_recipe
        base = for_target if is_alike else for_target.without(kind.own_recipe)
        kept = () if is_alike else [name for name in kind.own_recipe if name in shared]
        recipe = own.over(for_proxies)
        if recipe.optimizer == "adam" and recipe.momentum is None:
            base = replace(base, momentum=None)
        params = {**recipe.over(base).params(), **shared, **dict.fromkeys(kept)}
        try:
            proxies[text] = build_classifier(name, option="--proxy", **params)
        except ValueError as error:
            raise ValueError(name_proxy(str(error))) from error
        kinds.append(name)
        files.append(own.weights)
    named: list[str] | str = networks.proxy or []
    digests = [sha256_of(file) for file in files if file is not None]
    settings = {
        **data.settings(),
        **vars(networks),
        "proxy": named[0] if len(named) == 1 else named,
        **learning.settings(*proxies.values(), target),
        **({"content of the weights": digests} if digests else {}),
    }
    return Pair(proxies, target, [*kinds, target_name], settings)
