"""The commands ``sksvp runs list``, ``show`` and ``compare``: the trained models of a store."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from .._aligned import aligned
from ._groups import Group, option, takes_groups
from ._help import GroupedHelp
from ._messages import terminal_width

if TYPE_CHECKING:
    from ..reproduction import RunStore

_STORE = Path("runs/reproduce/store")
_COLUMNS = (
    "key",
    "network",
    "rows",
    "n_rows",
    "seed",
    "epochs",
    "error",
    "seconds",
    "cpu_seconds",
    "dataset",
)


@dataclass(frozen=True)
class Where(Group):
    """The store, and the form of the answer."""

    panel: ClassVar[str] = "Store"

    store: Path = option("Folder of the trained models.", default=_STORE)
    json: bool = option("Write JSON.", default=False)
    csv: bool = option("Write CSV.", default=False)

    def open(self) -> "RunStore":
        """Return the store.

        Raises
        ------
        ValueError
            If there is none, or both forms are wanted.
        """
        from ..reproduction import RunStore

        if self.json and self.csv:
            raise ValueError("--json and --csv exclude each other.")
        if not self.store.is_dir():
            raise ValueError(f"--store {self.store}: there is no such folder.")
        return RunStore(self.store)

    def tell(self, lines: list[dict[str, Any]]) -> bool:
        """Write lines as JSON or CSV if that is wanted, and say whether it was."""
        if self.json:
            typer.echo(json.dumps(lines, indent=2))
        if self.csv:
            import pandas as pd

            typer.echo(pd.DataFrame(lines).to_csv(index=False), nl=False)
        return self.json or self.csv


@dataclass(frozen=True)
class Filter(Group):
    """Which models are listed."""

    panel: ClassVar[str] = "Filter"

    network: str | None = option("Only networks whose name in the list has this in it.")
    rows: str | None = option(
        "Only models whose rows, as they are listed, have this in them, such as entropy."
    )
    dataset: str | None = option("Only models of this data set.")
    seed: int | None = option("Only models of this seed.", low=0, high=2**32 - 1)
    sort: str = option(
        "What the list is sorted by.", choices=("finished", "error", "seconds"), default="finished"
    )

    def apply(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the lines that pass, in their order."""
        kept = [
            line
            for line in lines
            if (self.network or "").lower() in line["network"].lower()
            and (self.rows or "") in line["rows"]
            and self.dataset in (None, line["dataset"])
            and self.seed in (None, line["seed"])
        ]
        return kept if self.sort == "finished" else sorted(kept, key=lambda line: line[self.sort] or 0.0)


@dataclass(frozen=True)
class OneKey(Group):
    """A model."""

    panel: ClassVar[str] = "Model"
    parameters: ClassVar[dict[str, str]] = {"beginning": "key"}

    key: str = option("First characters of the model's key.", is_argument=True, default="")


@dataclass(frozen=True)
class SeveralKeys(Group):
    """Models."""

    panel: ClassVar[str] = "Models"
    parameters: ClassVar[dict[str, str]] = {"beginning": "key"}

    key: list[str] | None = option("First characters of two keys or more.", is_argument=True)


@takes_groups
def runs_list(where: Where, only: Filter) -> None:
    """List the trained models of a store, the oldest first.

    \b
    Examples:
      sksvp runs list --rows forgetting --sort error
      sksvp runs list --network resnet20 --csv
    """
    store = where.open()
    lines = only.apply([_line(record) for record in store])
    if where.tell(lines):
        return
    cells = [["key", "network", "rows", "number", "seed", "error %", "CPU s"]]
    for line in lines:
        error = "" if line["error"] is None else f"{100 * line['error']:.2f}"
        numbers = [f"{line['n_rows']:,}", str(line["seed"]), error, f"{line['cpu_seconds']:.0f}"]
        cells.append([line["key"][:8], line["network"], line["rows"], *numbers])
    for row in aligned(cells, n_left=3):
        typer.echo(row)
    unfinished = store.unfinished()
    typer.echo(
        f"{len(lines)} of {len(store)} models{f', {len(unfinished)} unfinished' if unfinished else ''}"
    )


@takes_groups
def runs_show(where: Where, model: OneKey) -> None:
    """Show all that is known of a trained model: settings, error, seconds, versions and epochs."""
    store = where.open()
    key = store.find(model.key)
    record = {**store.read(key), "folder": str(store.folder(key))}
    if where.csv:
        where.tell(record["history"])
        return
    if where.tell([record]):
        return
    for name, value in _flat(record):
        typer.echo(f"{name:24} {value}")
    for epoch in record["history"]:
        typer.echo(_short("  ".join(f"{name} {_number(value)}" for name, value in epoch.items())))


@takes_groups
def runs_compare(where: Where, models: SeveralKeys) -> None:
    """Show in what trained models differ, one line for each entry, and nothing that they share."""
    store, keys = where.open(), models.key or []
    if len(keys) < 2:
        raise ValueError(f"KEY must be given twice at least, got {keys}.")
    found = [dict(_flat(store.read(store.find(key)))) for key in keys]
    names = list(dict.fromkeys(name for record in found for name in record))
    lines: list[dict[str, Any]] = [
        {"entry": name, **{record["key"]: record.get(name, "") for record in found}}
        for name in names
        if name != "key" and len({record.get(name, "") for record in found}) > 1
    ]
    if where.tell(lines):
        return
    cells = [["", *(record["key"][:8] for record in found)], *([*line.values()] for line in lines)]
    rows = aligned(cells, n_left=len(found) + 1)
    if max(map(len, rows)) > (terminal_width() or 80):
        # One below the other.
        rows = []
        for entry, *values in cells[1:]:
            rows += [entry, *(f"  {key}  {value}" for key, value in zip(cells[0][1:], values, strict=True))]
    for row in rows:
        typer.echo(row)


def _line(record: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of a record that the list shows."""
    known = {**record, "network": record["name"], "rows": record["about_rows"], **record["fit"]}
    return {name: known[name] for name in _COLUMNS}


def _flat(record: dict[str, Any], first: str = "") -> Iterator[tuple[str, str]]:
    """Yield the entries of a record as text, those of its parts as PART.NAME, without the epochs."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{first}{name}.")
        elif name != "history":
            yield f"{first}{name}", _number(value)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _short(line: str) -> str:
    return line if len(line) <= 80 else f"{line[:77]}..."


runs = typer.Typer(
    name="runs", no_args_is_help=True, rich_markup_mode=None, help="Read a store of trained models."
)
for command, summary in (
    (runs_list, "List the trained models."),
    (runs_show, "Show all that is known of one."),
    (runs_compare, "Show in what several differ."),
):
    runs.command(name=command.__name__.removeprefix("runs_"), cls=GroupedHelp, short_help=summary)(command)
