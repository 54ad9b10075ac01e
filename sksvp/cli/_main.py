"""The command ``sksvp`` and its sub-commands."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from typer.core import TyperGroup

from .. import __version__
from ._active import active
from ._coreset import coreset
from ._help import GroupedHelp
from ._messages import in_options, tell_warnings
from ._pilot import pilot
from ._reproduce import reproduce
from ._runs import runs
from ._score import score
from ._train import train

# The error of click, which comes from typer itself or from the package click: that depends on typer's version.
_UsageError = typer.BadParameter.__base__


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn a user's mistake into one line on stderr and exit code 2, without a traceback."""
    try:
        yield
    except _UsageError as error:  # type: ignore[misc]
        words, cause = error.format_message(), error
    except (ValueError, OSError, ImportError, MemoryError) as error:
        words, cause = in_options(str(error)), error
    else:
        return
    typer.echo(f"sksvp: {' '.join(words.split())}", err=True)
    raise typer.Exit(2) from cause


class _Commands(TyperGroup):
    def parse_args(self, ctx, args):
        if not args:
            # Shows the help.
            return super().parse_args(ctx, args)
        with _one_line():
            return super().parse_args(ctx, args)

    def invoke(self, ctx):
        with _one_line():
            return super().invoke(ctx)


app = typer.Typer(
    name="sksvp",
    cls=_Commands,
    help="Selection via proxy: choose what to train on with a small network in place of the large one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command, summary in (
    (coreset, "Choose training rows with a small proxy, and compare."),
    (active, "Choose what to label with a small proxy, and compare."),
    (score, "Score every training row with a small proxy."),
    (pilot, "Try strategies on held-out rows, and say which one pays."),
    (train, "Train one network on all rows."),
    (reproduce, "Reproduce a table or figure of the paper."),
):
    app.command(cls=GroupedHelp, short_help=summary)(command)
app.add_typer(runs, short_help="List, show and compare trained models.")


@app.callback(invoke_without_command=True)
def options(
    version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True),
) -> None:
    if version:
        typer.echo(f"sksvp {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    tell_warnings()
    app()
