"""What importing the package costs."""

import subprocess
import sys

import pytest

import sksvp

HEAVY = ("torch", "torchvision", "fasttext", "matplotlib", "numba", "dask", "pandas")


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_package_loads_nothing_heavy():
    assert loaded_by("import sksvp") == set()


def test_active_learning_loads_no_torch():
    assert not loaded_by("import sksvp.active") & {"torch", "torchvision", "matplotlib", "fasttext"}


def test_strategies_load_no_torch():
    assert not loaded_by("import sksvp.strategies") & {"torch", "torchvision", "matplotlib", "fasttext"}


def test_estimators_load_no_torchvision_and_no_matplotlib():
    assert not loaded_by("import sksvp.estimators, sksvp.coreset, sksvp.active") & {
        "torchvision",
        "matplotlib",
        "fasttext",
    }


def test_training_imports_lower_packages_only():
    code = "import sys, sksvp.training; print(*(m for m in sys.modules if m.startswith('sksvp.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    packages = {name.split(".")[1] for name in loaded.split()}
    assert "training" in packages
    assert not packages & {"estimators", "proxies", "coreset", "active", "experiments", "cli", "datasets"}


def test_command_line_starts_without_torch():
    assert not loaded_by("import sksvp.cli") & {"torch", "torchvision", "matplotlib", "fasttext"}


@pytest.mark.parametrize("name", sksvp.__all__)
def test_public_names(name):
    assert getattr(sksvp, name).__name__ == name
    assert name in dir(sksvp)


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'ProxyCoreset'"):
        sksvp.ProxyCoreset  # noqa: B018
