"""Configurations: TOML files of options. `--config` reads them, and each run folder has one."""

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from .._inputs._paths import as_path
from .._storage._files import replacing
from ._groups import OPTIONS_OF, Group, Option, option_of

# They name a folder, and do not change what is done in it.
_NOT_KEPT = ("config", "out", "resume")


def read_config(ctx: typer.Context, given: str | None) -> str | None:
    """Use the options in a file in place of those that the command line leaves out.

    Raises
    ------
    ValueError
        For a file that is not TOML, a key that is not an option of the command or a
        value that the option does not take.
    OSError
        For a file that cannot be read.
    """
    if given is None or ctx.resilient_parsing:
        return given
    path = as_path(given, "--config")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OSError(f"--config {path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ValueError(f"--config {path}: not a TOML file ({error}).") from error
    options = {option.flag[2:]: option for option in OPTIONS_OF[str(ctx.command.name)].values()}
    options.pop("config")
    ctx.default_map = {}
    for key, value in content.items():
        if key not in options:
            near = get_close_matches(key, options, n=1)
            raise ValueError(
                f"--config {path}: {key!r} is not an option of sksvp {ctx.command.name}"
                f"{f'; {near[0]!r} is' if near else ''}."
            )
        try:
            ctx.default_map[options[key].name] = _checked(options[key], value)
        except (ValueError, OSError) as error:
            raise ValueError(f"--config {path}: {key} = {json.dumps(value, default=str)}: {error}") from error
    return given


def _checked(option: Option, value: Any) -> Any:
    """Return a value as it is typed: numbers count as their text, and one value as a list of one."""
    if isinstance(value, bool) != (option.kind is bool):
        raise ValueError(
            f"{option.flag} {'must be' if option.kind is bool else 'does not take'} true or false."
        )
    if option.kind is bool:
        return value
    if option.is_list:
        value = [_text(part) for part in (value if isinstance(value, list) else [value])]
    else:
        value = _text(value)
    option.read(value)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool | list | dict):
        raise ValueError(f"a string or a number is needed, got {json.dumps(value, default=str)}.")
    return str(value)


def _given(groups: Iterable[Group]) -> Iterator[tuple[str, Any]]:
    """Yield flag and value of each option that was given."""
    for group in groups:
        for field in fields(group):  # type: ignore[arg-type]
            value = getattr(group, field.name)
            if field.name not in _NOT_KEPT and value != field.default:
                yield option_of(field.name), value


def as_typed(*groups: Group) -> list[str]:
    """Return the options that were given, as words of a command."""
    words: list[str] = []
    for flag, value in _given(groups):
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        else:
            for one in value if isinstance(value, list) else [value]:
                words += [flag, str(one)]
    return words


def write_config(folder: Path, command: str, *groups: Group) -> None:
    """Write the options that were given into the folder of a run, as ``config.toml``."""
    lines = [
        f"# sksvp {command} --config FILE repeats this run. Options of the command line have precedence."
    ]
    for flag, value in _given(groups):
        shown = str(value) if isinstance(value, Path) else value
        lines.append(f"{flag[2:]} = {json.dumps(shown, ensure_ascii=False)}")
    with replacing(folder / "config.toml") as part:
        # File names can have bytes that are not text.
        part.write_text("\n".join([*lines, ""]), encoding="utf-8", errors="backslashreplace")
