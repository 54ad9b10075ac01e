"""Docstrings of classes whose parameters and attributes are documented by their bases."""

import inspect
import json
import re
from collections.abc import Iterable
from typing import Any

_HEADING = re.compile(r"^(\w[\w ]*)\n-+\n", re.MULTILINE)


def inherit_docs(cls: type) -> None:
    """Complete the numpydoc docstring of a class by what its bases say of parameters and attributes.

    A class documents only what is its own, or means something else than in its
    bases. Its "Parameters" then list all parameters of the constructor in their
    order; inherited texts get the default of this class. Its "Attributes" list
    those of the bases too.

    Parameters
    ----------
    cls : type
        Left as it is without a constructor of its own, or without "Parameters" in its docstring.
    """
    sections = _sections(cls.__doc__)
    if "__init__" not in vars(cls) or "Parameters" not in sections:
        return
    bases = [_sections(base.__doc__) for base in reversed(cls.__mro__[1:])]
    own = _entries([sections], "Parameters")
    shared = _entries(bases, "Parameters")
    parameters = {
        name: own.get(name) or _with_default(shared[name], parameter.default)
        for name, parameter in inspect.signature(cls).parameters.items()
        if name in own or name in shared
    }
    attributes = _entries([*bases, sections], "Attributes")
    first = {"": sections[""], "Parameters": _join(parameters), "Attributes": _join(attributes)}
    cls.__doc__ = "\n\n".join(
        f"{heading}\n{'-' * len(heading)}\n{body.rstrip()}" if heading else body.rstrip()
        for heading, body in {**first, **sections, **first}.items()
    )


def _sections(docstring: str | None) -> dict[str, str]:
    """Cut a docstring into its sections, by heading; "" is what comes before the first."""
    first, *others = _HEADING.split(inspect.cleandoc(docstring or ""))
    return {"": first, **dict(zip(others[::2], others[1::2], strict=True))}


def _entries(parts: Iterable[dict[str, str]], heading: str) -> dict[str, str]:
    """Return the entries of a section of several docstrings by name; later ones go first."""
    return {
        name: entry.rstrip()
        for part in parts
        for entry in re.split(r"^(?=\S)", part.get(heading, ""), flags=re.MULTILINE)[1:]
        for name in entry.partition(" :")[0].split(", ")
    }


def _join(entries: dict[str, str]) -> str:
    # One entry may stand for several names.
    return "\n".join(dict.fromkeys(entries.values()))


def _with_default(entry: str, default: Any) -> str:
    header, _, text = entry.partition("\n")
    written = json.dumps(default) if isinstance(default, str) else repr(default)
    return f"{header.partition(', default=')[0]}, default={written}\n{text}"
