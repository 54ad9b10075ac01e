"""Paths that users give."""

import os
from pathlib import Path

import pytest

from sksvp._inputs._paths import as_path


@pytest.mark.parametrize("home", ["HOME", "USERPROFILE"])
def test_home_is_expanded_and_nothing_else(home, monkeypatch, tmp_path):
    if (home == "HOME") == (os.name == "nt"):
        pytest.skip("of another system")
    monkeypatch.setenv(home, str(tmp_path))
    assert as_path("~/runs", "out") == tmp_path / "runs"
    assert as_path(Path("~"), "out") == tmp_path
    assert as_path("runs/~", "out") == Path("runs/~")


@pytest.mark.parametrize("path", ["", "a\0b", "~nobody-of-this-name/runs"])
def test_what_is_no_path_is_a_value_error(path):
    with pytest.raises(ValueError, match=r"^out"):
        as_path(path, "out")


@pytest.mark.parametrize("path", [None, 1, b"runs", ["runs"]])
def test_other_kinds_are_a_type_error(path):
    with pytest.raises(TypeError, match=r"^out must be a str or a path-like object, got "):
        as_path(path, "out")
