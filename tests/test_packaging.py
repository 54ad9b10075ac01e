"""What is written in several places agrees, and the files for set-up hold on any machine."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import sksvp

ROOT = Path(__file__).resolve().parents[1]
SET_UP_FILES = ["pyproject.toml", "constraints.txt", "Makefile", ".ci/run"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def project():
    return tomllib.loads(read("pyproject.toml"))["project"]


def requirements():
    """Every requirement of the project and its extras, but for the extras that name each other."""
    listed = chain(project()["dependencies"], *project()["optional-dependencies"].values())
    return [parsed for parsed in map(Requirement, listed) if parsed.name != "sksvp"]


def constraints():
    lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
    return [Requirement(line) for line in lines]


def pins():
    return {canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version) for pin in constraints()}


def test_every_place_names_the_same_version():
    assert re.search(r"^version: (.+)$", read("CITATION.cff"), re.MULTILINE)[1] == sksvp.__version__
    assert f"## [{sksvp.__version__}]" in read("CHANGELOG.md")
    assert project()["dynamic"] == ["version"]


def test_every_requirement_has_a_pin_within_its_range():
    pinned = pins()
    missing = [str(wanted) for wanted in requirements() if canonicalize_name(wanted.name) not in pinned]
    assert missing == []
    wrong = [
        str(wanted)
        for wanted in requirements()
        if pinned[canonicalize_name(wanted.name)] not in wanted.specifier
    ]
    assert wrong == []


def test_every_requirement_has_a_lower_bound_and_no_upper_one():
    for wanted in requirements():
        assert {bound.operator for bound in wanted.specifier} == {">="}, wanted


def test_constraints_are_exact_unique_and_free_of_build_tags():
    for pin in constraints():
        (bound,) = pin.specifier
        assert bound.operator == "==" and Version(bound.version).local is None, pin
        assert pin.url is None and pin.marker is None, pin
    assert len(pins()) == len(constraints())


def test_no_cuda_package_is_pinned():
    """Torch pins its own, and a machine without a GPU must not need them."""
    assert [name for name in pins() if name.startswith(("nvidia-", "cuda-", "triton"))] == []


@pytest.mark.parametrize("name", SET_UP_FILES)
def test_set_up_names_no_index_and_no_folder_of_one_machine(name):
    text = read(name)
    assert not re.search(r"https?://|index-url|find-links|file://", text)
    assert not re.search(r"(?<![\w.$}])/(home|root|opt|work|Users|tmp)\b", text)


def test_the_extra_all_has_every_feature_and_no_tools():
    extras = project()["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.extras == set(extras) - {"all", "dev", "docs"}


def test_the_package_is_marked_as_typed():
    assert (Path(sksvp.__file__).parent / "py.typed").is_file()


def test_licence_and_metadata_agree():
    assert project()["license"] == "BSD-3-Clause"
    assert read("LICENSE").startswith("BSD 3-Clause License")


@pytest.mark.parametrize(
    "heavy", ["torch", "torchvision", "skorch", "fasttext", "matplotlib", "pandas", "typer"]
)
def test_import_is_light(heavy):
    code = f"import sys, sksvp; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_skips_a_python_that_is_too_old(tmp_path):
    """The first name that starts and is new enough is taken, whatever lies on the PATH under the others."""
    for name, status in [("python3.11", 127), ("python3.12", 1), ("python3.13", 0), ("python3", 0)]:
        fake = tmp_path / name
        fake.write_text(f"#!/bin/sh\nexit {status}\n")
        fake.chmod(0o755)
    # Free of what a make that runs these tests hands down.
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "PYTHON")}
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    shown = subprocess.run(
        ["make", "--dry-run", "--always-make", "install"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    assert "|| python3.13 -m venv" in shown.stdout
