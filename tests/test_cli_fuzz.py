"""Bad values for every option of every command, generated from the options: exit code 2 and one line that names it."""

import numpy as np
import pytest
from test_cli import run

from sksvp.cli._groups import OPTIONS_OF
from sksvp.cli._main import app as app  # Fills OPTIONS_OF.

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


@pytest.mark.parametrize(
    ("command", "option"),
    [
        pytest.param(command, option, id=f"{command} {option.flag}")
        for command, options in OPTIONS_OF.items()
        for option in options.values()
        if option.kind is not bool
    ],
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
        assert result.exit_code == 2, (value[:50], result.exception)
        assert result.stderr.count("\n") == 1, (value[:50], result.stderr)
        assert option.flag in result.stderr or (value.strip() and value[:50] in result.stderr), (
            value[:50],
            result.stderr,
        )
    assert not list(tmp_path.iterdir())
