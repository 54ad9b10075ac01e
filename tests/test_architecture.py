"""The layers of the package: imports point down, and private names stay inside their package."""

import ast
from pathlib import Path

import sksvp

_PACKAGE = Path(sksvp.__file__).parent
# From the lowest layer to the highest. A package imports those above it in this list, and none of its own layer
# but where `_BESIDE` says so.
_LAYERS = (
    ("_inputs", "_storage"),
    ("networks", "strategies", "text"),
    ("training",),
    ("datasets", "estimators"),
    ("proxies",),
    ("agreement",),
    ("active", "coreset", "labelling"),
    ("experiments", "plotting"),
    ("reproduction",),
    ("cli",),
)
_BESIDE = {("_storage", "_inputs"), ("active", "labelling"), ("plotting", "experiments")}
# Private names that leave their package, each with its reason.
_EXCEPTIONS: dict[tuple[str, str], str] = {}


def _imports(path: Path) -> list[tuple[str, list[str]]]:
    """Return the modules of the package that a file imports from, with the names it takes."""
    relative = path.relative_to(_PACKAGE.parent).with_suffix("").parts
    here = relative[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = list(here[: len(here) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module.split(".")[0] == "sksvp":
                found.append((module, [alias.name for alias in node.names]))
    return found


def _room(module: str) -> str:
    """Return the sub-package of a module, "" for the files beside the sub-packages."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (_PACKAGE / parts[1]).is_dir() else ""


def _crossings() -> list[tuple[str, str, str, list[str]]]:
    """Return (file, its room, module, names) of each import from another room."""
    crossings = []
    for path in sorted(_PACKAGE.rglob("*.py")):
        file = path.relative_to(_PACKAGE).as_posix()
        room = file.split("/")[0] if "/" in file else ""
        for module, names in _imports(path):
            if _room(module) != room:
                crossings.append((file, room, module, names))
    return crossings


def test_every_package_has_a_layer():
    rooms = {path.name for path in _PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms == {room for layer in _LAYERS for room in layer}


def test_imports_point_down():
    layer = {room: place for place, rooms in enumerate(_LAYERS) for room in rooms}
    upward = [
        f"{file} imports {module}"
        for file, room, module, _ in _crossings()
        if room
        and _room(module)
        and layer[_room(module)] >= layer[room]
        and (room, _room(module)) not in _BESIDE
    ]
    assert upward == []


def test_private_names_stay_inside_their_package():
    # Packages whose own name begins with "_" are private to sksvp as a whole.
    found = {
        (file, module)
        for file, _, module, names in _crossings()
        if not _room(module).startswith("_")
        and _room(module)
        and (
            any(part.startswith("_") for part in module.split(".")[2:])
            or any(n.startswith("_") for n in names)
        )
    }
    assert found == set(_EXCEPTIONS)
