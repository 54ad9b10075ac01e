"""The options of proxy, target and their training, and the estimators that they make."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from typer import Option

from ._data import Data
from ._groups import Group, filled
from ._models import build_classifier, full_name, network_kind, network_names, with_own

# Small data needs updates, not epochs: these settings let a network finish learning the digits.
_DIGITS_BATCH = 32
_DIGITS_PAIR = {"proxy": "resnet8", "target": "resnet20"}
_IMAGES_PAIR = {"proxy": "resnet20", "target": "resnet164"}
_TEXTS_PAIR = {"proxy": "bag-of-ngrams", "target": "vdcnn29"}
# Options of learning that decide a run's results.
_DECIDING = ("epochs", "batch_size", "lr", "schedule", "optimizer", "text_length", "precision")


def _defaults(name: str) -> str:
    return f"{_IMAGES_PAIR[name]}; digits: {_DIGITS_PAIR[name]}; texts: {_TEXTS_PAIR[name]}"


@dataclass(frozen=True)
class Learning(Group):
    """How networks learn."""

    panel: ClassVar[str] = "Learning"
    parameters: ClassVar[dict[str, str]] = {"max_epochs": "epochs", "length": "text_length"}

    epochs: Annotated[
        int | None,
        Option(
            min=1,
            help="Epochs; beside a proxy, of the target.",
            show_default="the recipe's; digits: 60, with coreset 30",
        ),
    ] = None
    batch_size: Annotated[
        int | None,
        Option(
            min=2,
            help="Rows of a training batch.",
            show_default=f"the recipe's; digits: {_DIGITS_BATCH}",
        ),
    ] = None
    lr: Annotated[float | None, Option(min=0, help="Full learning rate.", show_default="the recipe's")] = None
    schedule: Annotated[
        str | None,
        Option(
            help="Learning-rate schedule, scaled to the epochs: cifar, cifar-50, imagenet, imagenet-45, amazon, "
            "constant or one-cycle.",
            show_default="the recipe's",
        ),
    ] = None
    optimizer: Annotated[
        str | None,
        Option(
            help="sgd, or adam (torch's defaults, no weight decay), which needs another --lr.",
            show_default="sgd",
        ),
    ] = None
    text_length: Annotated[
        int | None, Option(min=1, help="Characters of a text that a VDCNN reads.", show_default="1014")
    ] = None
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:0.")] = "auto"
    precision: Annotated[str, Option(help="Of the training: auto, fp32 or bf16.")] = "auto"
    verbose: Annotated[bool, Option("--verbose", "-v", help="Show a progress bar for each training.")] = False

    def filled(self, data: Data, *, digits_epochs: int = 60) -> "Learning":
        """Return the options with the defaults for the data."""
        if data.dataset != "digits":
            return self
        return filled(self, epochs=digits_epochs, batch_size=_DIGITS_BATCH)

    def params(self, data: Data) -> dict[str, Any]:
        """Return the parameters of an estimator but its epochs, with None for what is its own to choose."""
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


@dataclass(frozen=True)
class Networks(Group):
    """The two networks."""

    panel: ClassVar[str] = "Networks"

    proxy: Annotated[
        str | None,
        Option(
            help=f"Network that chooses: {network_names()}.",
            show_default=_defaults("proxy"),
        ),
    ] = None
    target: Annotated[
        str | None,
        Option(
            help="Network that is trained on the chosen rows.",
            show_default=_defaults("target"),
        ),
    ] = None
    proxy_epochs: Annotated[
        int | None,
        Option(
            min=1,
            help="Epochs of the proxy.",
            show_default=f"as --epochs; {with_own('max_epochs')}: their own",
        ),
    ] = None
    proxy_batch_size: Annotated[
        int | None,
        Option(
            min=2,
            help="Rows of a training batch of the proxy.",
            show_default=f"as --batch-size; {with_own('batch_size')}: their own",
        ),
    ] = None
    proxy_lr: Annotated[
        float | None,
        Option(
            min=0,
            help="Full learning rate of the proxy.",
            show_default=f"as --lr; {with_own('lr')}: their own",
        ),
    ] = None

    def filled(self, data: Data) -> "Networks":
        """Return the options with the defaults for the data."""
        pair = _DIGITS_PAIR if data.dataset == "digits" else _IMAGES_PAIR
        whole = filled(self, **(_TEXTS_PAIR if data.holds_texts() else pair))
        proxy, target = (full_name(str(name), data.dataset) for name in (whole.proxy, whole.target))
        return replace(whole, proxy=proxy, target=target)

    def of_proxy(self) -> dict[str, Any]:
        """Return the options that are for the proxy alone, by name."""
        return {name: value for name, value in vars(self).items() if name != "target"}


def build_pair(data: Data, networks: Networks, learning: Learning) -> tuple[Any, Any, dict[str, Any]]:
    """Build proxy and target, and the settings that decide a run's results.

    A linear model of texts, or the fast network, that chooses for another has a
    recipe of its own: what is given for the other is not for it.
    """
    networks = networks.filled(data)
    names = {"--proxy": str(networks.proxy), "--target": str(networks.target)}
    proxy, target = (network_kind(name, option) for option, name in names.items())
    if proxy.reads != target.reads:
        raise ValueError(
            f"--proxy and --target must read the same: {networks.proxy!r} reads {proxy.reads} and "
            f"{networks.target!r} reads {target.reads}."
        )
    for option, rate in (("--lr", learning.lr), ("--proxy-lr", networks.proxy_lr)):
        # Proxy and target have one name for it.
        if rate is not None and not 0 < rate < float("inf"):
            raise ValueError(f"{option} must be above 0 and finite, got {rate}.")
    params = learning.params(data)
    own = () if proxy.own_recipe == target.own_recipe else proxy.own_recipe
    proxy_epochs = networks.proxy_epochs
    if "max_epochs" not in own:
        proxy_epochs = proxy_epochs or learning.epochs
    for_proxy = {key: None if key in own else value for key, value in params.items()}
    for_proxy |= {
        key: value
        for key, value in (("lr", networks.proxy_lr), ("batch_size", networks.proxy_batch_size))
        if value is not None
    }
    settings = {
        "dataset": data.name,
        "train_rows": data.train_rows,
        "test_rows": data.test_rows,
        **vars(networks),
        "proxy_epochs": proxy_epochs,
        **{name: getattr(learning, name) for name in _DECIDING},
        "image_shape": params["image_shape"],
        "layout": data.layout,
    }
    return (
        build_classifier(names["--proxy"], option="--proxy", max_epochs=proxy_epochs, **for_proxy),
        build_classifier(names["--target"], option="--target", max_epochs=learning.epochs, **params),
        settings,
    )
