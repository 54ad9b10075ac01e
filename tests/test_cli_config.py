"""``--config``: options from a TOML file."""

import inspect
import subprocess
import sys
import tomllib

import numpy as np
import pandas as pd
import pytest
from test_cli import QUICK, run

from sksvp import datasets
from sksvp.cli._data import DATASETS

ONLY = ["--only-select", "--proxy", "resnet8"]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    sizes = ["--subset-size", "0.5", "--subset-size", "50"]
    result = run("coreset", *QUICK, *ONLY, *sizes, "--lr", "0.05", "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_a_run_folder_has_the_options_that_were_given(chosen):
    assert tomllib.loads((chosen / "config.toml").read_text()) == {
        "dataset": "digits",
        "train-rows": 200,
        "proxy": ["resnet8"],
        "epochs": 2,
        "lr": 0.05,
        "device": "cpu",
        "subset-size": [0.5, 50],
        "only-select": True,
        "seeds": 1,
    }


def test_the_file_of_a_run_repeats_it_and_the_command_line_goes_first(chosen, tmp_path):
    again = run("coreset", "--config", chosen / "config.toml", "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output
    tables = [pd.read_csv(folder / "selected.csv") for folder in (chosen, tmp_path / "again")]
    pd.testing.assert_frame_equal(*tables)
    assert (tmp_path / "again" / "config.toml").read_text() == (chosen / "config.toml").read_text()
    other = run(
        "coreset",
        "--config",
        chosen / "config.toml",
        "--subset-size",
        40,
        "--epochs",
        1,
        "--out",
        tmp_path / "b",
    )
    assert other.exit_code == 0, other.output
    assert len(pd.read_csv(tmp_path / "b" / "selected.csv")) == 40
    assert tomllib.loads((tmp_path / "b" / "config.toml").read_text())["epochs"] == 1
    resumed = run("coreset", "--config", chosen / "config.toml", "--out", chosen, "--resume")
    assert resumed.exit_code == 0, resumed.output


def test_numbers_may_stand_for_sizes_and_one_value_for_a_list(tmp_path):
    (tmp_path / "run.toml").write_text(
        'dataset = "digits"\ntrain-rows = 200\nepochs = 1\nseeds = 1\nsubset-size = 0.2\nstrategy = "entropy"\n'
        'proxy = "resnet8"\nonly-select = true\ndevice = "cpu"\nlr = 1\n'
    )
    result = run("coreset", "--config", tmp_path / "run.toml", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "out" / "selected.csv")) == 40


def test_a_path_in_a_file(tmp_path):
    X = np.random.RandomState(0).randint(0, 256, (40, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", X=X, y=np.arange(40) % 2)
    options = ["--data", tmp_path / "mine.npz", "--epochs", 1, "--device", "cpu", *ONLY]
    assert run("coreset", *options, "--out", tmp_path / "a").exit_code == 0
    again = run("coreset", "--config", tmp_path / "a" / "config.toml", "--out", tmp_path / "b")
    assert again.exit_code == 0, again.output
    kept = tomllib.loads((tmp_path / "b" / "config.toml").read_text())
    assert kept["data"] == str(tmp_path / "mine.npz")


def test_train_and_active_keep_theirs(tmp_path):
    quick = ["--dataset", "digits", "--train-rows", 150, "--epochs", 1, "--device", "cpu"]
    commands = {
        "train": ["--network", "resnet8", "--seed", 3],
        "active": [
            "--proxy",
            "resnet8",
            "--target",
            "resnet8",
            "--seeds",
            1,
            "--round",
            0.2,
            "--baseline",
            "none",
        ],
    }
    for command, options in commands.items():
        first, second = tmp_path / command, tmp_path / f"{command}-again"
        assert run(command, *quick, *options, "--out", first).exit_code == 0
        again = run(command, "--config", first / "config.toml", "--out", second)
        assert again.exit_code == 0, again.output
        assert (first / "config.toml").read_text() == (second / "config.toml").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch = 3", "'epoch' is not an option of sksvp coreset; 'epochs' is."),
        ("network = 'resnet8'", "'network' is not an option of sksvp coreset"),
        ("config = 'other.toml'", "'config' is not an option of sksvp coreset"),
        ("proxy_epochs = 3", "'proxy_epochs' is not an option of sksvp coreset; 'proxy-epochs' is."),
        ("[data]\ndataset = 'digits'", 'data = {"dataset": "digits"}: a string or a number is needed'),
        ("epochs = 'x'", "epochs = \"x\": --epochs must be a whole number from 1 to 1,000,000, got 'x'."),
        ("epochs = 3.5", "epochs = 3.5: --epochs must be a whole number"),
        ("epochs = true", "epochs = true: --epochs does not take true or false."),
        ("epochs = 0", "epochs = 0: --epochs must be a whole number from 1"),
        ("lr = 'fast'", 'lr = "fast": --lr must be a number above 0 and finite'),
        ("target = ['a', 'b']", 'target = ["a", "b"]: a string or a number is needed'),
        ("download = 1", "download = 1: --download must be true or false."),
        (
            "strategy = ['entropy', true]",
            'strategy = ["entropy", true]: a string or a number is needed, got true.',
        ),
        ("subset-size = true", "subset-size = true: --subset-size does not take true or false."),
        ("data = 'nowhere.npz'", 'data = "nowhere.npz": --data nowhere.npz does not exist.'),
        ("seeds = 1979-05-27", 'seeds = "1979-05-27": --seeds must be a whole number'),
        ("epochs = = 3", "not a TOML file ("),
        ("proxy = '\xe9'", "not a TOML file ("),
    ],
)
def test_what_a_file_must_not_hold_is_named_with_file_and_key(text, words, tmp_path):
    path = tmp_path / "run.toml"
    path.write_bytes(text.encode("latin-1"))
    result = run("coreset", "--dataset", "digits", "--config", path, "--out", tmp_path / "out")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"sksvp: --config {path}: ") and words in line
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        result = run("coreset", "--dataset", "digits", "--config", path)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert f"--config {path}: cannot be read" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--foo"],
        ["nothing"],
        ["coreset", "--epochs", "x"],
        ["coreset", "--epoch", "3"],
        ["coreset", "--dataset"],
        ["coreset", "--data", "missing.npz"],
        ["train", "--image-size", "2"],
    ],
    ids=str,
)
def test_options_that_cannot_be_read_are_one_line_and_exit_code_2(arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("sksvp: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data", "missing.npz"],
        ["--dataset", "mnist"],
        ["--dataset", "cifar10", "--data-dir", "missing"],
        ["--dataset", "digits", "--strategy", "luck"],
        ["--dataset", "digits", "--target", "alexnet"],
        ["--dataset", "digits", "--config", "missing.toml"],
    ],
    ids=str,
)
def test_a_first_message_does_not_wait_for_torch(arguments, tmp_path):
    program = (
        "import sys; from sksvp.cli import main\n"
        "try: main()\nexcept SystemExit as end: print(end.code, 'torch' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, "coreset", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert shown.stdout == "2 False\n", shown.stderr


def test_every_known_set_has_a_name_on_the_command_line():
    loaders = {
        name.removeprefix("load_")
        for name in datasets.__all__
        if name.startswith("load_") and "download" in inspect.signature(getattr(datasets, name)).parameters
    }
    assert loaders | {"digits", "folder"} == set(DATASETS)
