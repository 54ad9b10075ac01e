"""Messages of the library, with options in place of parameters."""

import re
import shutil
import sys
import warnings

import typer

from ._groups import OPTIONS

_VALUE = r"""\.\.\.|'[^']*'|"[^"]*"|\[[^\]]*\]|\([^)]*\)|[-+]?\w+(?:[.:-]\w+)*"""
# Sentences of scikit-learn.
_CONSTRAINT = re.compile(r"The '(\w+)' parameter of \w+ must be (.*)\. Got (.*) instead\.")
_CHOICES = re.compile(r"a str among \{([^}]*)\}")
_SKIPPABLE = "cannot be read as an image"
_NAN = re.compile(r"(Input X\w* contains NaN\.).*", re.DOTALL)


def in_options(message: str) -> str:
    """Write a message of the library in one line that names options of the command line.

    ``parameter=value`` becomes ``--option value``. A name with an underscore, which
    is no word of a sentence, may have no value.
    """
    message = _NAN.sub(r"\1", message)
    message = _CONSTRAINT.sub(r"\1=... must be \2, got \3.", message)
    message = _CHOICES.sub(
        lambda found: "one of " + ", ".join(sorted(word.strip("'") for word in found[1].split(", "))), message
    )
    names = "|".join(OPTIONS)
    bare = "|".join(name for name in OPTIONS if "_" in name)
    # File names stay as they are.
    parameter = rf"(?<![^\s(])(?:({names})=({_VALUE})|({bare})(?=[\s,;:.)]|$))"
    message = " ".join(re.sub(parameter, _as_typed, message).split())
    if _SKIPPABLE in message:
        message = f"{message.rstrip('.')}; --skip-unreadable goes on without such images."
    return message


def _as_typed(found: re.Match) -> str:
    """Write ``name=value`` as a user types it."""
    name, value, bare = found.groups()
    option = OPTIONS[name or bare]
    if bare or value == "...":
        return option.flag
    if value == "None":
        return f"no {option.flag}"
    if option.kind is bool:
        return option.flag if value != "False" else option.flag.replace("--", "--no-", 1)
    if value[0] == "[":
        return " ".join(f"{option.flag} {part.strip()}" for part in value[1:-1].split(","))
    if value[0] == "(":
        return f"{option.flag} {value[1:-1].replace(', ', ',')}"
    return f"{option.flag} {value if ' ' in value else value.strip(chr(39) + chr(34))}"


def tell(line: str) -> None:
    """Show a line of an experiment; hints name options."""
    typer.echo(in_options(line) if line.startswith("hint: ") else line)


def terminal_width() -> int | None:
    """Return the columns of the terminal, None if the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def tell_warnings() -> None:
    """Show each warning for users once, as one line without its place in the code."""
    shown = warnings.showwarning
    told: set[str] = set()

    def show(message, category, filename, lineno, file=None, line=None):
        if not issubclass(category, UserWarning):
            shown(message, category, filename, lineno, file, line)
            return
        text = f"warning: {in_options(str(message))}"
        if text not in told:
            told.add(text)
            typer.echo(text, err=True)

    warnings.showwarning = show
