"""A command that is stopped in the middle of a training goes on there."""

import json
import signal

import pandas as pd
import pytest
from test_cli import run

from sksvp.training._resume import TrainingCheckpoint

QUICK = [
    "--dataset",
    "digits",
    "--train-rows",
    150,
    "--epochs",
    6,
    "--device",
    "cpu",
    "--checkpoint-every",
    2,
]
COMMANDS = {
    "train": ["--network", "resnet8"],
    "coreset": ["--proxy", "resnet8", "--target", "resnet14", "--seeds", 1, "--baseline", "random"],
    "active": [
        "--proxy", "resnet8", "--target", "resnet14", "--seeds", 1, "--baseline", "random", "--round", 0.2,
    ],
}  # fmt: skip


class StopsAfter:
    """Ends the process's work, as Ctrl-C does, after some states were written."""

    def __init__(self, n_states, monkeypatch):
        self.left = n_states
        save = TrainingCheckpoint.save

        def counted(checkpoint, *, ended):
            save(checkpoint, ended=ended)
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(TrainingCheckpoint, "save", counted)


def results(folder):
    """What came out, without the seconds, in a form that compares."""
    table = folder / "results.csv"
    if not table.exists():
        return json.loads((folder / "results.json").read_text())["error"]
    figures = pd.read_csv(table)
    return figures[[name for name in figures if name == "name" or "error" in name]].to_csv()


# A coreset's seventh state is in the training of its first target: the proxy has four.
@pytest.mark.parametrize(
    ("command", "n_states"), [("train", 2), ("coreset", 2), ("coreset", 6), ("active", 6)]
)
def test_stopped_command_goes_on_in_the_middle_of_a_training(command, n_states, tmp_path, monkeypatch):
    arguments = [command, *QUICK, *COMMANDS[command]]
    whole = run(*arguments, "--out", tmp_path / "whole")
    assert whole.exit_code == 0, whole.output
    with monkeypatch.context() as patch:
        StopsAfter(n_states, patch)
        stopped = run(*arguments, "--out", tmp_path / "out")
    assert stopped.exit_code == 130
    assert f"--out {tmp_path / 'out'} --resume goes on" in stopped.output
    assert list((tmp_path / "out").glob("trainings-in-progress/*/*/state-*.bin"))
    n_saved = []
    save = TrainingCheckpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(
            TrainingCheckpoint,
            "save",
            lambda self, *, ended: (n_saved.append(ended), save(self, ended=ended)),
        )
        resumed = run(*arguments, "--out", tmp_path / "out", "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    # Nothing is kept of trainings that are done.
    assert not (tmp_path / "out" / "trainings-in-progress").exists()
    if command == "train":
        # Of the six epochs the first four were there.
        assert n_saved == [False, True]


def test_train_does_not_begin_anew_in_the_folder_of_a_stopped_run(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        StopsAfter(1, patch)
        run("train", *QUICK, "--network", "resnet8", "--out", tmp_path)
    refused = run("train", *QUICK, "--network", "resnet8", "--out", tmp_path)
    assert refused.exit_code != 0
    assert "holds a run already: --resume goes on" in refused.output
    forgotten = run("train", *QUICK[:-1], 0, "--network", "resnet8", "--out", tmp_path, "--resume")
    assert forgotten.exit_code == 2 and "--checkpoint-every must not be 0" in forgotten.stderr
    other = run("train", *QUICK, "--network", "resnet8", "--lr", 0.05, "--out", tmp_path, "--resume")
    assert other.exit_code != 0
    assert "no --lr there, 0.05 now" in " ".join(other.output.split())
    assert list(tmp_path.glob("trainings-in-progress/*/*/state-*.bin"))


def test_zero_keeps_only_whole_trainings(tmp_path):
    done = run("train", *QUICK[:-1], 0, "--network", "resnet8", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "trainings-in-progress").exists()


def test_proxy_has_a_batch_of_its_own(tmp_path):
    arguments = ["coreset", *QUICK, *COMMANDS["coreset"], "--proxy-batch-size", 64, "--only-select"]
    assert run(*arguments, "--out", tmp_path).exit_code == 0
    settings = json.loads((tmp_path / "config.json").read_text())["settings"]
    assert settings["proxy_batch_size"] == 64
    assert settings["batch_size"] == 32
