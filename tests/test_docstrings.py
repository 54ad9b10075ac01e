"""What numpydoc asks of the docstrings of all public names."""

import re
from importlib import import_module
from importlib.util import find_spec

import pytest

_PACKAGES = (
    "",
    ".active",
    ".agreement",
    ".coreset",
    ".datasets",
    ".estimators",
    ".experiments",
    ".labelling",
    ".networks",
    ".plotting",
    ".proxies",
    ".strategies",
    ".text",
)
# Not asked for: examples, See Also and extended summaries everywhere (EX01, SA01, ES01); types of returned values
# alone on their line (RT02); a line break after the opening quotes (GL01, GL02).
_NOT_ASKED = {"EX01", "SA01", "ES01", "RT02", "GL01", "GL02"}
# An override may leave these to the docstring of its base.
_OF_THE_BASE = {"GL08", "PR01", "RT01", "RT03", "YD01"}
_HIDDEN = re.compile("_.*|get_metadata_routing|set_[a-z_]+_request")


def _public_objects() -> dict[str, object]:
    """Return functions, classes, and the methods that this package gives them, by the places of their definitions."""
    found = {}
    for package in _PACKAGES:
        module = import_module(f"sksvp{package}")
        for thing in (getattr(module, name) for name in module.__all__):
            if not callable(thing):
                continue
            found[f"{thing.__module__}.{thing.__qualname__}"] = thing
            for base in thing.__mro__ if isinstance(thing, type) else ():
                if base.__module__.startswith("sksvp"):
                    for name, member in vars(base).items():
                        is_method = callable(getattr(base, name)) or isinstance(member, property)
                        if is_method and not _HIDDEN.fullmatch(name):
                            found[f"{base.__module__}.{base.__qualname__}.{name}"] = base
    return found


_OBJECTS = _public_objects()


def _overrides(place: str) -> bool:
    """Tell whether a method has a namesake with a docstring in a base of its class."""
    owner, name = _OBJECTS[place], place.rpartition(".")[2]
    if not isinstance(owner, type) or place.endswith(f".{owner.__qualname__}"):
        return False
    return any(getattr(vars(base).get(name), "__doc__", None) for base in owner.__mro__[1:]) or (
        # torch documents the call of a module.
        name == "forward"
    )


@pytest.mark.parametrize("place", sorted(_OBJECTS))
def test_docstring(place):
    if find_spec("numpydoc") is None:
        pytest.skip("numpydoc is not installed")
    from numpydoc.validate import validate

    forgiven = _NOT_ASKED | (_OF_THE_BASE if _overrides(place) else set())
    found = [f"{code} {text}" for code, text in validate(place)["errors"] if code not in forgiven]
    assert found == []
