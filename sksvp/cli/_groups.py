"""Groups of options: frozen dataclasses whose fields become options of a command."""

import functools
import inspect
import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

import typer

from .._inputs._paths import as_path

# Whole numbers above it serve nobody, and numpy and torch refuse many of them without naming the option.
_LARGEST = 2**31 - 1
_NUMBER_AFTER = r":[1-9][0-9]{0,5}\Z"
_METAVARS = {int: "INTEGER", float: "NUMBER", Path: "PATH", str: "TEXT"}


@dataclass
class Option:
    """An option of the command line, which reads what the user typed.

    Attributes
    ----------
    help : str
    flags : tuple of str
        Its names, if they are not only the name of the field.
    unset : str or None
        What the help shows as the default of an option without one.
    low, high : float
        Bounds of a number. A number that is not whole must be above `low`, or with
        ``closed="left"`` from `low` up to below `high`.
    closed : {"right", "left"}
        Which bound a number that is not whole may be.
    choices : sequence of str
        Accepted texts; empty accepts every text.
    with_number : str
        What a whole number after a choice means, as in "cifar:181"; empty if none may follow.
    exists : bool
        Whether a path must exist.
    callback : callable or None
        Called with the option's text before other options are read.
    name, panel, default
        Of the field and its group.
    kind : type or tuple of types
        What the texts become. A share or a count has two types.
    is_list : bool
        Whether the option is repeated.
    is_argument : bool
        Whether it is typed by its place, without a name.
    """

    help: str
    flags: tuple[str, ...] = ()
    unset: str | None = None
    low: float = 1
    high: float = _LARGEST
    closed: str = "right"
    choices: Sequence[str] = ()
    with_number: str = ""
    exists: bool = False
    callback: Callable[..., Any] | None = None
    name: str = ""
    panel: str = ""
    default: Any = None
    kind: Any = str
    is_list: bool = False
    is_argument: bool = False

    @property
    def flag(self) -> str:
        """The option as it is typed, or the name of an argument in the help."""
        return self.name.upper() if self.is_argument else option_of(self.name)

    def read(self, given: Any) -> Any:
        """Return the value of what the user typed, and None where nothing was.

        Raises
        ------
        ValueError
            For a value that the option does not take.
        FileNotFoundError
            For a path that must exist.
        """
        if given in (None, [], ()) or self.kind is bool:
            return None if self.is_list and not given else given
        return [self._read_one(text) for text in given] if self.is_list else self._read_one(given)

    def _read_one(self, text: str) -> Any:
        if self.kind is Path:
            path = as_path(text, self.flag)
            if self.exists and not path.exists():
                raise FileNotFoundError(f"{self.flag} {path} does not exist.")
            return path
        if self.kind is str:
            if not text:
                raise ValueError(f"{self.flag} must not be empty.")
            choice = re.sub(_NUMBER_AFTER, "", text) if self.with_number else text
            if self.choices and choice not in self.choices:
                beside = f", or one of them with {self.with_number}" if self.with_number else ""
                raise ValueError(
                    f"{self.flag} must be one of {', '.join(self.choices)}{beside}, got {text!r}."
                )
            return text
        return self._read_number(text)

    def _read_number(self, text: str) -> float | int:
        number: float | int = math.nan
        # Python reads digits of all scripts, and underscores between them.
        if text.isascii() and "_" not in text:
            with suppress(ValueError):
                whole = self.kind is not float and text.strip().lstrip("+-").isdigit()
                number = int(text) if whole else float(text)
        if self.kind is int:
            words, is_fine = (
                f"a whole number from {self.low} to {self.high:,}",
                isinstance(number, int) and self.low <= number <= self.high,
            )
        elif self.kind is float:
            from_low = self.closed == "left"
            upper = "finite" if math.isinf(self.high) else f"{'below' if from_low else 'at most'} {self.high}"
            words = f"a number {'from' if from_low else 'above'} {self.low} and {upper}"
            is_fine = self.low <= number < self.high if from_low else self.low < number <= self.high
            is_fine = is_fine and math.isfinite(number)
        else:
            words = "a share such as 0.5 or a count such as 5000"
            is_fine = abs(number) <= self.high
        if not is_fine:
            raise ValueError(f"{self.flag} must be {words}, got {text!r}.")
        return number


def option(help: str, *flags: str, default: Any = None, **settings: Any) -> Any:
    """Return a field of a group; `settings` are those of `Option`."""
    return field(default=default, metadata={"option": Option(help, flags, **settings)})


class Group:
    """The base of a group: a frozen dataclass, each of whose fields is made by `option`."""

    # The heading of its options in the help.
    panel: ClassVar[str]
    # Parameters of the library and the fields that set them, where the names differ.
    parameters: ClassVar[dict[str, str]] = {}


GroupT = TypeVar("GroupT", bound=Group)
# The options of each command by their fields, and of all commands by the parameters that they set.
OPTIONS_OF: dict[str, dict[str, Option]] = {}
OPTIONS: dict[str, Option] = {}


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of the groups that it takes."""
    groups = {name: kind for name, kind in get_type_hints(command).items() if name != "return"}
    options = {option.name: option for group in groups.values() for option in group_options(group)}
    OPTIONS_OF[command.__name__] = options
    OPTIONS.update(options)
    for group in groups.values():
        OPTIONS.update({name: options[field] for name, field in group.parameters.items()})

    @functools.wraps(command)
    def expanded(**typed: Any) -> None:
        read = {name: options[name].read(text) for name, text in typed.items()}
        command(
            **{
                name: group(**{field.name: read[field.name] for field in fields(group)})
                for name, group in groups.items()
            }
        )

    parameters = [_parameter(option) for option in options.values()]
    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {}
    return expanded


def filled(group: GroupT, **defaults: Any) -> GroupT:
    """Return a group with defaults for options that were not given."""
    unset = {name: value for name, value in defaults.items() if getattr(group, name) is None}
    return replace(group, **unset)  # type: ignore[type-var]


def option_of(name: str) -> str:
    """Write a field's name as the option that it is."""
    return f"--{name.replace('_', '-')}"


def refuse_idle(options: dict[str, Any], reason: str) -> None:
    """Refuse options that a command would not read.

    Raises
    ------
    ValueError
        If one was given: its value is not None or False.
    """
    given = [option_of(name) for name, value in options.items() if value is not None and value is not False]
    if given:
        raise ValueError(f"{' and '.join(given)} would change nothing: {reason}.")


def group_options(group: type[Group]) -> list[Option]:
    """Return the options of a group, with what its fields say of them."""
    hints = get_type_hints(group)
    options = []
    for entry in fields(group):  # type: ignore[arg-type]
        hint = hints[entry.name]
        kinds = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
        is_list = get_origin(kinds[0]) is list
        if is_list:
            (inside,) = get_args(kinds[0])
            kinds = list(get_args(inside) or [inside])
        options.append(
            replace(
                entry.metadata["option"],
                name=entry.name,
                panel=group.panel,
                default=entry.default,
                kind=kinds[0] if len(kinds) == 1 else tuple(kinds),
                is_list=is_list,
            )
        )
    return options


def _parameter(option: Option) -> inspect.Parameter:
    """Return the parameter of an option for Typer, which reads switches and leaves the others as text."""
    if option.is_argument:
        return _argument(option)
    is_switch = option.kind is bool
    info = typer.Option(
        *(option.flags or (option.flag,)),
        help=option.help + (f"  [default: {option.unset}]" if option.unset else ""),
        show_default=option.unset is None,
        metavar=None if is_switch else _METAVARS.get(option.kind, "SIZE"),
        rich_help_panel=option.panel,
        callback=option.callback,
        is_eager=option.callback is not None,
    )
    typed: Any
    if is_switch:
        typed, default = bool | None if option.default is None else bool, option.default
    else:
        typed = (list[str] if option.is_list else str) | None
        default = None if option.default is None else str(option.default)
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[typed, info]
    )


def _argument(option: Option) -> inspect.Parameter:
    """Return the parameter of an argument for Typer, which reads it as text."""
    info = typer.Argument(help=option.help, metavar=option.flag + ("..." if option.is_list else ""))
    annotation = Annotated[list[str] if option.is_list else str, info]  # type: ignore[valid-type]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
