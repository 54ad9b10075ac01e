"""What the commands with a proxy and a target share: both networks, and an interruption that says how to go on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from sklearn.base import BaseEstimator

from ._models import build_classifier, full_name, is_linear, own_recipe, reads_texts

_RECIPE = (
    "batch_size",
    "lr",
    "schedule",
    "optimizer",
    "precision",
    "image_shape",
    "layout",
    "text_length",
)


def build_pair(
    *,
    dataset: str | None,
    proxy: str,
    proxy_epochs: int | None,
    target: str,
    epochs: int | None,
    batch_size: int | None,
    proxy_batch_size: int | None,
    lr: float | None,
    proxy_lr: float | None,
    schedule: str | None,
    optimizer: str | None,
    text_length: int | None,
    precision: str,
    image_shape: tuple[int, ...] | None,
    layout: str | None,
    device: str,
    verbose: bool,
) -> tuple[BaseEstimator, BaseEstimator, dict[str, Any]]:
    """Build proxy and target, and the settings of both that decide a run's results.

    A linear model of texts, or the fast network, that chooses for another has a
    recipe of its own: what is given for the other is not for it.
    """
    proxy, target = full_name(proxy, dataset), full_name(target, dataset)
    if reads_texts(proxy) != reads_texts(target):
        kinds = [f"{name!r} reads {'texts' if reads_texts(name) else 'images'}" for name in (proxy, target)]
        raise ValueError(f"--proxy and --target must read the same: {kinds[0]} and {kinds[1]}.")
    for option, rate in (("--lr", lr), ("--proxy-lr", proxy_lr)):
        # Proxy and target have one name for it.
        if rate is not None and not 0 < rate < float("inf"):
            raise ValueError(f"{option} must be above 0 and finite, got {rate}.")
    own = () if own_recipe(proxy) == own_recipe(target) else own_recipe(proxy)
    settings: dict[str, Any] = {
        "proxy": proxy,
        "proxy_epochs": proxy_epochs if "max_epochs" in own else proxy_epochs or epochs,
        "target": target,
        "epochs": epochs,
        "batch_size": batch_size,
        "proxy_batch_size": proxy_batch_size,
        "lr": lr,
        "proxy_lr": proxy_lr,
        "schedule": schedule,
        "optimizer": optimizer,
        "text_length": text_length,
        "precision": precision,
        "image_shape": image_shape,
        "layout": layout,
    }
    recipe = {key: settings[key] for key in _RECIPE} | {"device": device, "verbose": int(verbose)}
    for_proxy = recipe | {key: None for key in own if key in recipe}
    if proxy_lr is not None:
        for_proxy["lr"] = proxy_lr
    if proxy_batch_size is not None:
        for_proxy["batch_size"] = proxy_batch_size
    return (
        build_classifier(proxy, option="--proxy", max_epochs=settings["proxy_epochs"], **for_proxy),
        build_classifier(target, option="--target", max_epochs=epochs, **recipe),
        settings,
    )


def default_strategy(proxy: str) -> str:
    """Name the strategy of a proxy where none is given.

    The program fasttext cannot tell forgetting events, and in the few epochs of a
    bag of n-grams there are hardly any.
    """
    return "entropy" if is_linear(proxy) else "forgetting_events"


def known_strategy(name: str) -> str:
    """Check a strategy's name before anything is trained."""
    from ..strategies import strategy_names

    if name not in strategy_names():
        raise ValueError(f"--strategy must be one of {', '.join(strategy_names())}, got {name!r}.")
    return name


def read_size(text: str, option: str) -> float | int:
    """Read a share ("0.5") or a count ("5000") of rows."""
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError as error:
        raise ValueError(
            f"{option} must be a share such as 0.5 or a count such as 5000, got {text!r}."
        ) from error


def read_baselines(names: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Check what to compare with; not given is all, "none" is nothing."""
    if names is None:
        return list(known)
    if list(names) == ["none"]:
        return []
    unknown = [name for name in names if name not in (*known, "none")]
    if unknown:
        raise ValueError(f"--baseline must be one of {', '.join(known)} or none, got {unknown[0]!r}.")
    if "none" in names:
        raise ValueError("--baseline none compares with nothing: leave the other baselines out.")
    return list(names)


def refuse_idle(options: dict[str, Any], reason: str) -> None:
    """Refuse options that a command would not read, rather than drop them silently.

    Raises
    ------
    ValueError
        Where one was given: is neither None nor False.
    """
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        raise ValueError(f"{' and '.join(given)} would change nothing: {reason}.")


@contextmanager
def says_how_to_go_on(folder: Path) -> Iterator[None]:
    """Answer Ctrl-C with what to do, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt as stop:
        typer.echo(
            f"sksvp: stopped; what is finished is kept: the same command with --out {folder} --resume goes on.",
            err=True,
        )
        raise typer.Exit(130) from stop
