"""Bad values for every option of every command, generated from the options: exit code 2 and one line that names it."""

import numpy as np
import pytest
from test_cli import run

from sksvp.cli._groups import OPTIONS_OF
from sksvp.cli._main import app as app  # Fills OPTIONS_OF.
from sksvp.reproduction import RunStore

VALUES = [
    "", " ", "no", "-1", "0", "3", "٣", "1_0", "1e400", "nan", "-inf", str(10**30), "9" * 5000, "8.9", "a\nb",
    "x" * 5000, "~nobody-of-this-name", "-", "é\u2028", "\udcff", "[]", "None", "0x10", "1,2", "../..",
    "/dev/null", "%s{0}",
]  # fmt: skip

pytestmark = pytest.mark.fuzz


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "mine.npz"
    X = np.random.RandomState(0).randint(0, 256, (12, 8, 8)).astype(np.uint8)
    np.savez(path, X=X, y=np.arange(12) % 2, X_test=X, y_test=np.arange(12) % 2)
    return path


class FarEnough(Exception):
    """All options were read and all rows checked."""


# These read a store, and take no data.
OF_STORES = ("reproduce", "runs_list", "runs_show", "runs_compare")
KEY = "0123456789abcdef"


def options_of(commands):
    return [
        pytest.param(command, option, id=f"{command} {option.flag}")
        for command in commands
        for option in OPTIONS_OF[command].values()
        if option.kind is not bool
    ]


@pytest.mark.parametrize(
    ("command", "option"), options_of([name for name in OPTIONS_OF if name not in OF_STORES])
)
def test_bad_values(command, option, data, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise FarEnough

    monkeypatch.chdir(tmp_path)
    begins = "_compare" if command == "pilot" else "new_folder"
    monkeypatch.setattr(f"sksvp.cli._{command}.{begins}", stop)
    good = {"--data": data, "--device": "cpu"}
    good |= {f"--{name}": "resnet8" for name in ("network", "proxy", "target") if name in OPTIONS_OF[command]}
    if option.name == "dataset":
        del good["--data"]
    for value in VALUES:
        arguments = [part for flag, other in (good | {option.flag: value}).items() for part in (flag, other)]
        result = run(command, *arguments)
        if isinstance(result.exception, FarEnough):
            continue
        check_refused(option, value, result)
    assert not list(tmp_path.iterdir())


def check_refused(option, value, result):
    assert result.exit_code == 2, (value[:50], result.exception)
    assert result.stderr.count("\n") == 1, (value[:50], result.stderr)
    is_named = option.flag in result.stderr or (value.strip() and value[:50] in result.stderr)
    assert is_named, (value[:50], result.stderr)


@pytest.mark.parametrize(("command", "option"), options_of(OF_STORES))
def test_bad_values_of_commands_with_stores(command, option, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise FarEnough

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sksvp.cli._reproduce.new_folder", stop)
    keys = {"runs_show": [KEY[:6]], "runs_compare": [KEY, KEY]}.get(command, [])
    good = {"--store": store_in(tmp_path / "runs")}
    if command == "reproduce":
        keys, good = ["table2"], {"--scale": "smoke", "--device": "cpu"}
    there = sorted(tmp_path.rglob("*"))
    for value in VALUES:
        options = good if option.is_argument else good | {option.flag: value}
        typed = [value, *keys[1:]] if option.is_argument else keys
        arguments = [part for pair in options.items() for part in pair]
        # What begins with a dash is an option.
        result = run(*command.split("_"), *arguments, "--", *typed)
        if not isinstance(result.exception, FarEnough) and (command == "reproduce" or result.exit_code):
            check_refused(option, value, result)
    assert sorted(tmp_path.rglob("*")) == there


def store_in(path):
    """Return the folder of a store with one model."""
    store = RunStore(path)
    record = dict.fromkeys(("name", "about_rows", "dataset"), "x") | {"n_rows": 9, "seed": 0, "epochs": 1}
    fit = {"seconds": 1.0, "cpu_seconds": 1.0}
    with store._working_on(KEY):
        store._add(KEY, record | {"error": 0.5, "fit": fit, "history": [], "finished": "2026-01-01"})
    return path
