"""Recipes: how one network is trained, apart from what all networks of a command share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from ._groups import Group, Option, group_options

_NO_AUGMENTATION = "none"


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. None leaves a choice to its estimator."""

    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    schedule: str | None = None
    optimizer: str | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    augment: list[str] | None = None
    weights: Path | None = None
    head_epochs: int | None = None

    @classmethod
    def of(cls, group: Group, prefix: str = "") -> Self:
        """Return the recipe in the options of a group, whose names may begin with `prefix`.

        What belongs to one network alone is not among them.
        """
        return cls(**{name: getattr(group, f"{prefix}{name}") for name in RECIPE})

    def over(self, other: "Recipe") -> "Recipe":
        """Return a recipe with the choices of another where this one makes none."""
        return replace(other, **{name: value for name, value in vars(self).items() if value is not None})

    def without(self, parameters: Sequence[str]) -> "Recipe":
        """Return a recipe without choices of some parameters of estimators."""
        dropped = {name for name in RECIPE if _PARAMETERS.get(name, name) in parameters}
        return replace(self, **dict.fromkeys(dropped))

    def params(self) -> dict[str, Any]:
        """Return the parameters of an estimator; None means its default."""
        params = {_PARAMETERS.get(name, name): value for name, value in vars(self).items()}
        if self.augment is not None:
            params["augment"] = tuple(name for name in self.augment if name != _NO_AUGMENTATION)
        return params


# Only behind the name of a network, since they suit no other one.
_OF_ONE = {
    option.name: option
    for option in (
        Option("File of published weights.", name="weights", kind=Path, exists=True),
        Option("Epochs at first in which only the last layer learns.", name="head_epochs", kind=int, low=0),
    )
}
RECIPE = tuple(field.name for field in fields(Recipe) if field.name not in _OF_ONE)
# Parameters of estimators that have other names than the options.
_PARAMETERS = {"epochs": "max_epochs"}


def read_network(text: str, flag: str, group: type[Group]) -> tuple[str, Recipe]:
    """Split "resnet20:epochs=50,schedule=cifar:181" into the name of a network and a recipe of its own.

    Parameters
    ----------
    text : str
        As typed.
    flag : str
        The option that it was typed for, for messages.
    group : type
        The group whose options read the values.

    Raises
    ------
    ValueError
        For an unknown setting, or a value that its option does not take.
    FileNotFoundError
        For a file of weights that is not there.
    """
    name, own = re.fullmatch(r"(.*?)(?::([a-z-]+=.*))?", text, re.DOTALL).groups()  # type: ignore[union-attr]
    options = {option.name: option for option in group_options(group) if option.name in RECIPE} | _OF_ONE
    given: dict[str, list[str]] = {}
    for part in own.split(",") if own else ():
        key, _, value = part.partition("=")
        if key.replace("-", "_") not in options:
            known = ", ".join(option.flag[2:] for option in options.values())
            raise ValueError(f"{flag} {text}: the recipe of a network has {known}, got {part!r}.")
        given.setdefault(key.replace("-", "_"), []).append(value)
    read = {}
    for key, values in given.items():
        if len(values) > 1 and not options[key].is_list:
            raise ValueError(f"{flag} {text}: {options[key].flag[2:]} is given twice.")
        try:
            read[key] = options[key].read(values if options[key].is_list else values[0])
        except (ValueError, FileNotFoundError) as error:
            raise type(error)(f"{flag} {text}: {error}") from error
    recipe = Recipe(**read)
    check_augment(recipe, flag=f"{flag} {text}: --augment")
    return name, recipe


def check_augment(recipe: Recipe, *, flag: str) -> None:
    """Refuse "none" beside a change of the images."""
    if recipe.augment and _NO_AUGMENTATION in recipe.augment and len(set(recipe.augment)) > 1:
        raise ValueError(f"{flag} none changes no image: leave the others out.")


def name_proxy(message: str) -> str:
    """Name the options of a proxy in a message of the library about its recipe."""
    options = {_PARAMETERS.get(name, name): f"proxy_{name}" for name in RECIPE}
    parameter = rf"(?<!\w)(The ')?({'|'.join(options)})(=|' parameter)"
    return re.sub(parameter, lambda found: f"{found[1] or ''}{options[found[2]]}{found[3]}", message)
