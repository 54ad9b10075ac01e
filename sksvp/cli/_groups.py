"""Groups of options: frozen dataclasses, whose fields a decorator turns into parameters for Typer."""

import functools
import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

# The metavar of options that count rows or name columns: a configuration may give them as numbers.
SIZE, COLUMN = "<size>", "<column>"


class Group:
    """The base of a group: a frozen dataclass, each field annotated with a Typer option."""

    # The heading of its options in the help.
    panel: ClassVar[str]
    # Parameters of the library and the fields that set them, where the names differ.
    parameters: ClassVar[dict[str, str]] = {}


GroupT = TypeVar("GroupT", bound=Group)


@dataclass(frozen=True)
class Option:
    """An option as messages and configurations need it."""

    flag: str
    kind: type
    is_list: bool
    takes_numbers: bool


# The options of all commands by the parameters that they set.
OPTIONS: dict[str, Option] = {}


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of the groups that it takes."""
    groups = {name: kind for name, kind in get_type_hints(command).items() if name != "return"}
    parameters = []
    for group in groups.values():
        hints = get_type_hints(group, include_extras=True)
        for field in fields(group):
            annotation, info = get_args(hints[field.name])
            OPTIONS[field.name] = _option(field.name, annotation, info.metavar)
            info = copy(info)
            info.rich_help_panel = group.panel
            parameters.append(
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=field.default,
                    annotation=Annotated[annotation, info],
                )
            )
        OPTIONS.update({name: OPTIONS[field] for name, field in group.parameters.items()})

    @functools.wraps(command)
    def expanded(**values: Any) -> None:
        command(
            **{
                name: group(**{field.name: values[field.name] for field in fields(group)})
                for name, group in groups.items()
            }
        )

    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {}
    return expanded


def filled(group: GroupT, **defaults: Any) -> GroupT:
    """Return a group with defaults where the user said nothing."""
    unsaid = {name: value for name, value in defaults.items() if getattr(group, name) is None}
    return replace(group, **unsaid)  # type: ignore[type-var]


def option_of(name: str) -> str:
    """Write a field's name as the option that it is."""
    return f"--{name.replace('_', '-')}"


def _option(name: str, annotation: Any, metavar: str | None) -> Option:
    # The first of ``str | None``, a list of one kind, or the kind itself.
    kind = annotation if isinstance(annotation, type) else get_args(annotation)[0]
    is_list = get_origin(kind) is list
    return Option(option_of(name), get_args(kind)[0] if is_list else kind, is_list, metavar in (SIZE, COLUMN))
