"""What classes and functions of the user are made of.

Source text does not tell: cells of a notebook have none that can be read back, and
a file may have been edited since it was imported. Compiled code does.
"""

import dis
import inspect
import sys
import sysconfig
import types
from functools import cache
from pathlib import Path
from typing import Any

_WITH_RECORDED_VERSION = {"sksvp", "sklearn", "torch", "skorch", "numpy"}


@cache
def is_of_library(module: str | None) -> bool:
    """Tell whether code of a module is installed, or part of Python, rather than written by the user."""
    top = (module or "builtins").partition(".")[0]
    if top == "__main__":
        return False
    if top == "sksvp" or top in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    if file is None:
        return False
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    return any(Path(file).is_relative_to(folder) for folder in installed)


def library_version(module: str | None) -> str:
    """Return the version of the library of a module, "" if it has none or is recorded apart by `versions`."""
    top = (module or "builtins").partition(".")[0]
    if top in _WITH_RECORDED_VERSION:
        return ""
    version = getattr(sys.modules.get(top), "__version__", "")
    return version if isinstance(version, str) else ""


def parts_of_class(cls: type) -> dict[str, Any]:
    """Return the base classes and the members of a class."""
    members = {name: member for name, member in sorted(vars(cls).items()) if _has_meaning(name, member)}
    return {"bases": cls.__bases__, "metaclass": type(cls), **members}


def parts_of_function(function: Any) -> dict[str, Any]:
    """Return the compiled code of a function and all that it refers to."""
    code = getattr(function, "__code__", None)
    if code is None:
        # A function of C, or one that functools.cache, available_if and the like keep in an attribute.
        return dict(sorted(getattr(function, "__dict__", {}).items()))
    parts = {
        "code": _parts_of_code(code),
        "defaults": function.__defaults__,
        "keyword defaults": function.__kwdefaults__,
    }
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        try:
            parts[f"closure {name}"] = cell.cell_contents
        except ValueError:
            # A name of an outer function that was never set.
            continue
    codes = list(_codes(code))
    attributes = {name for inner in codes for name in inner.co_names}
    for name in sorted({name for inner in codes for name in _global_names(inner)}):
        if name not in function.__globals__:
            continue
        value = function.__globals__[name]
        if isinstance(value, types.ModuleType) and not is_of_library(value.__name__):
            # Of the user's own module: what the function takes from it.
            value = {key: vars(value)[key] for key in sorted(attributes & vars(value).keys())}
        parts[f"global {name}"] = value
    return parts


def _parts_of_code(code: types.CodeType) -> tuple:
    constants = [_parts_of_code(each) if inspect.iscode(each) else each for each in code.co_consts]
    return (code.co_code.hex(), constants, code.co_names, code.co_varnames, code.co_freevars)


def _codes(code: types.CodeType):
    """Yield a code object and those of the functions inside."""
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _codes(constant)


def _global_names(code: types.CodeType):
    return (step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"))


def _has_meaning(name: str, member: Any) -> bool:
    """Tell whether a member was written by the user; Python and pickle add others."""
    if inspect.isgetsetdescriptor(member) or inspect.ismemberdescriptor(member) or name == "_abc_impl":
        return False
    return not name.startswith("__") or not name.endswith("__") or inspect.isroutine(member)
