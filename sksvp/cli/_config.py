"""Configurations: TOML files of options, as `--config` reads them and each run folder has one."""

import json
import tomllib
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from .._storage._files import replacing
from ._groups import OPTIONS, Group, Option, option_of

# What a folder is for, in place of what was done in it.
_NOT_KEPT = ("config", "out", "resume")
# Types of TOML by the type of an option; others are text.
_KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
}
_TEXT: tuple[tuple[type, ...], str] = ((str,), "a string")


def read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Take the options in a file for those that the command line leaves out.

    Raises
    ------
    ValueError
        For a file that is no TOML, a key that is no option of the command or a
        value that the option does not take.
    OSError
        For a file that cannot be read.
    """
    if path is None or ctx.resilient_parsing:
        return path
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OSError(f"--config {path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ValueError(f"--config {path}: no TOML file ({error}).") from error
    params = {option_of(str(param.name))[2:]: param for param in ctx.command.params if param.name != "config"}
    values = {}
    for key, value in content.items():
        if key not in params:
            near = get_close_matches(key, params, n=1)
            raise ValueError(
                f"--config {path}: {key!r} is no option of sksvp {ctx.command.name}"
                f"{f'; {near[0]!r} is' if near else ''}."
            )
        name = str(params[key].name)
        try:
            values[name] = _as_typed(value, OPTIONS[name])
            params[key].process_value(ctx, values[name])
        except (ValueError, typer.BadParameter) as error:
            raise ValueError(f"--config {path}: {key} = {json.dumps(value, default=str)}: {error}") from error
    ctx.default_map = values
    return path


def write_config(folder: Path, command: str, *groups: Group) -> None:
    """Keep the options that were given in the folder of a run, as ``config.toml``."""
    lines = [f"# sksvp {command} --config FILE repeats this run; the command line goes first."]
    for group in groups:
        for field in fields(group):  # type: ignore[arg-type]
            value = getattr(group, field.name)
            if field.name not in _NOT_KEPT and value not in (field.default, []):
                shown = str(value) if isinstance(value, Path) else value
                lines.append(f"{option_of(field.name)[2:]} = {json.dumps(shown, ensure_ascii=False)}")
    with replacing(folder / "config.toml") as part:
        # The name of a file need not be text.
        part.write_text("\n".join([*lines, ""]), encoding="utf-8", errors="backslashreplace")


def _as_typed(value: Any, option: Option) -> Any:
    """Return a value as the command line has it, or refuse its type."""
    if not option.is_list:
        return _one(value, option)
    return [_one(part, option) for part in (value if isinstance(value, list) else [value])]


def _one(value: Any, option: Option) -> Any:
    kinds, words = _KINDS.get(option.kind, _TEXT)
    if option.takes_numbers:
        kinds, words = (str, int, float), "a string or a number"
    # Python takes true and false for numbers too.
    if not isinstance(value, kinds) or (isinstance(value, bool) and option.kind is not bool):
        raise ValueError(f"must be {words}{', or a list of them' if option.is_list else ''}.")
    return str(value) if option.takes_numbers else value
