"""What the documentation shows runs, and names only what is there."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from sksvp.strategies import _registry

_ROOT = Path(__file__).parents[1]
_DOCS = _ROOT / "docs"
_PAGES = [_ROOT / "README.md", *sorted(_DOCS.glob("*.md")), *sorted((_DOCS / "guide").glob("*.md"))]
_PACKAGES = (
    "",
    ".estimators",
    ".strategies",
    ".datasets",
    ".agreement",
    ".labelling",
    ".proxies",
    ".networks",
    ".experiments",
    ".plotting",
    ".reproduction",
    ".text",
)


def _code_blocks(page: Path) -> list[str]:
    """Return the blocks fenced as ```python; those that need files are fenced otherwise."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Keep strategies that a page registers away from the other tests."""
    monkeypatch.setattr(_registry, "_STRATEGIES", dict(_registry._STRATEGIES))


@pytest.mark.parametrize("page", [page for page in _PAGES if _code_blocks(page)], ids=lambda page: page.stem)
def test_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {"__name__": "page"}
    for number, code in enumerate(_code_blocks(page)):
        exec(compile(code, f"{page.name}, block {number}", "exec"), namespace)


def test_the_readme_has_both_ways_to_use_a_selector():
    blocks = _code_blocks(_ROOT / "README.md")
    assert any(".select(" in code for code in blocks)
    assert any("CoresetClassifier(" in code and "svp__selector__proxy__depth" in code for code in blocks)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_tables_of_the_demo_are_those_of_recorded_runs(precision):
    """``python benchmarks/demo_tables.py`` prints them anew."""
    from sksvp.cli._coreset import DIGITS_EPOCHS
    from sksvp.cli._data import Data
    from sksvp.cli._networks import Learning, Networks
    from sksvp.experiments._run_folder import RunRecords

    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    _, _, after = text.partition(f"<!-- demo table: {precision} -->")
    table, _, _ = after.partition("<!-- end of demo table -->")
    assert f"--precision {precision} --out runs/demo-{precision}" in table
    recorded = _DOCS / "results" / f"demo-{precision}"
    for row in json.loads((recorded / "results.json").read_text()):
        error = f"{row['error']:.2f} ± {row['spread']:.2f}"
        assert re.search(rf"^ +{row['name']} +{row['rows']:,} +{row['seeds']} +{error} ", table, re.MULTILINE)
    # The defaults of the command are still those of the runs.
    settings = RunRecords(recorded).settings()
    data = Data(dataset="digits")
    networks, learning = Networks().filled(data), Learning().filled(data, digits_epochs=DIGITS_EPOCHS)
    assert ([settings["proxy"]], settings["target"]) == (networks.proxy, networks.target)
    assert (settings["epochs"], settings["batch_size"]) == (learning.epochs, learning.batch_size)


def test_the_table_of_evidence_is_that_of_the_registry():
    text = (_DOCS / "guide" / "strategies.md").read_text(encoding="utf-8")
    _, _, after = text.partition("| evidence | strategies |\n|---|---|\n")
    table, _, after = after.partition("\n\n")
    said = {
        name: set(re.findall(r"`(\w+)`", line.split("|")[1]))
        for line in table.splitlines()
        for name in re.findall(r'`"(\w+)"`', line.split("|")[2])
    }
    built_in = {name: _registry.resolve_strategy(name) for name in _registry._BUILT_IN}
    assert said == {name: set(strategy.requires) for name, strategy in built_in.items()}
    first_line, _, _ = after.partition(" read the labels")
    with_labels = {name for name, strategy in built_in.items() if strategy.needs_labels}
    assert set(re.findall(r'`"(\w+)"`', first_line)) == with_labels


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_options_named_exist(page):
    # Options of other programs: torch's launcher, the benchmarks, sha256sum.
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^ *torchrun .*$|sha256sum [^`]*|benchmarks/\w+\.py [^`]*", "", text, flags=re.MULTILINE)
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert options <= _known_options()


def _known_options() -> set[str]:
    from typer.main import get_command

    from sksvp.cli._main import app

    groups = [get_command(app), get_command(app).commands["runs"]]
    commands = [command for group in groups for command in group.commands.values()]
    return {"--help", "--version"} | {
        name for command in commands for param in command.params for name in param.opts
    }


@pytest.mark.parametrize("package", _PACKAGES)
def test_the_reference_lists_every_public_name_and_no_other(package):
    listed = _listed_names()
    assert sorted(listed[f"sksvp{package}"]) == sorted(import_module(f"sksvp{package}").__all__)


@pytest.mark.parametrize("package", ["active", "coreset"])
def test_the_reference_lists_what_stands_at_the_top_level_once(package):
    listed = _listed_names()
    names = [*listed["sksvp"], *listed.get(f"sksvp.{package}", [])]
    assert set(import_module(f"sksvp.{package}").__all__) <= set(names)
    assert len(names) == len(set(names))


def _listed_names() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    module = ""
    for line in (_DOCS / "api" / "index.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.removeprefix(".. currentmodule:: ")
        elif re.fullmatch(r"   \w+", line):
            names.setdefault(module, []).append(line.strip())
    return names


@pytest.mark.parametrize(
    "name", ["ProxyActiveLearner", "VDCNNClassifier", "FastTextClassifier", "RankingSettled"]
)
def test_absent_names_are_not_advertised(name):
    if hasattr(import_module("sksvp"), name) or hasattr(import_module("sksvp.estimators"), name):
        pytest.skip(f"{name} is there now")
    assert not [page.name for page in _PAGES if name in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_outside_the_documentation_lead_somewhere(name):
    """Sphinx checks the links of the pages below docs."""
    for target in re.findall(r"\]\(([^)\s]+)\)", (_ROOT / name).read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        page = _ROOT / path
        assert page.is_file(), target
        headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/guide/architecture.md"])
def test_files_that_are_named_exist(page):
    text = (_ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"`([\w./]+\.(?:py|md|rst|json|toml|txt))`", text):
        places = (_ROOT, _ROOT / "sksvp")
        found = any((place / name).exists() for place in places) or (
            "/" not in name and [*_ROOT.glob(f"sksvp/*/{name}")]
        )
        assert found, name
