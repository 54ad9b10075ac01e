"""The command ``sksvp`` and its sub-commands."""

import typer

from .. import __version__
from ._active import active
from ._coreset import coreset
from ._messages import tell_warnings
from ._train import train

app = typer.Typer(
    name="sksvp",
    help="Selection via proxy: choose what to train on with a small network in place of the large one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(coreset)
app.command()(active)
app.command()(train)


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
