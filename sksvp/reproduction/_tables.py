"""The tables and figures as data: what the paper shows, and which trainings ours needs."""

import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

_FOLDER = "tables"
_OTHERS = ("data_sets", "recipes")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    strategy : str
        Name of a strategy, ``"random"``, or "" where nothing is chosen.
    selector : str or None
        Network that chooses, by its name in the recipes.
    epochs : int or None
        Epochs after which its training is stopped, out of the paper's 181.
    published : dict of str to list of str
        The paper's figures by measure, one for each column.
    """

    strategy: str = ""
    selector: str | None = None
    epochs: int | None = None
    published: dict[str, list[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Strategy, network and epochs, as far as the line has them, with colons between."""
        return ":".join(self._words)

    def answers_to(self, line: str) -> bool:
        """Tell whether all words of a name, which has colons between them, are those of the line."""
        return set(line.split(":")).issubset(self._words)

    @property
    def _words(self) -> list[str]:
        return [str(word) for word in (self.strategy, self.selector, self.epochs) if word]


@dataclass(frozen=True)
class Table:
    """A table or a figure.

    Attributes
    ----------
    name : str
        Such as ``"table1"``.
    settings : dict
        All that stands at the head of its file.
    rows : dict of str to list of Row
        Lines by data set.
    """

    name: str
    settings: dict[str, Any]
    rows: dict[str, list[Row]]


def table_names() -> list[str]:
    """List the tables and figures that can be reproduced.

    Returns
    -------
    list of str
        Their names, tables first.

    Examples
    --------
    >>> from sksvp.reproduction import table_names
    >>> table_names()[:5]
    ['table1', 'table2', 'table3', 'table4', 'figure2']
    """
    files = resources.files(__package__).joinpath(_FOLDER).iterdir()
    names = {file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")}
    return sorted(names.difference(_OTHERS), key=_place)


def _place(name: str) -> tuple[bool, int]:
    return name.startswith("figure"), int(re.sub(r"\D", "", name))


def read_table(name: str) -> Table:
    """Read a table.

    Raises
    ------
    ValueError
        For an unknown name; the message lists those that are known.
    """
    check_known(name, table_names(), "name")
    content = _read(name)
    settings = {key: value for key, value in content.items() if key != "rows"}
    rows = {data_set: [_row(entry) for entry in entries] for data_set, entries in content["rows"].items()}
    return Table(name, settings, rows)


def data_sets() -> dict[str, dict[str, Any]]:
    """Return loader, recipes and target of each data set."""
    return {name: entry for name, entry in _read("data_sets").items() if name != "stand_ins"}


def stand_ins() -> dict[str, str]:
    """Return the data set without files that stands in for others, by their recipes."""
    return _read("data_sets")["stand_ins"]


def recipes() -> dict[str, dict[str, Any]]:
    """Return the settings of each scale."""
    return _read("recipes")


def check_known(value: Any, known: list[str], name: str) -> None:
    """Check that a name is known.

    Raises
    ------
    ValueError
        If it is not; the message names the nearest, and lists all.
    """
    if not isinstance(value, str) or value not in known:
        near = get_close_matches(value, known, n=1) if isinstance(value, str) else []
        hint = f" ({near[0]!r} is near)" if near else ""
        shown = f"{value!r:.60}" if isinstance(value, str) else type(value).__name__
        raise ValueError(f"{name}={shown} is unknown{hint}; known are {', '.join(known)}.")


def _row(entry: dict[str, Any]) -> Row:
    own = {name: entry[name] for name in ("strategy", "selector", "epochs") if name in entry}
    return Row(**own, published={name: values for name, values in entry.items() if name not in own})


@cache
def _read(name: str) -> dict[str, Any]:
    file = resources.files(__package__).joinpath(_FOLDER, f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
