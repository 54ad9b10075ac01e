"""The command ``sksvp pilot``."""

import shlex

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sksvp.cli._groups import OPTIONS_OF
from sksvp.cli._main import app

FEW = ["--epochs", 3, "--repeats", 3, "--device", "cpu"]


def pilot(*arguments):
    return CliRunner().invoke(app, ["pilot", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """Write short texts of two classes, told apart by one word."""
    rng = np.random.default_rng(0)
    words = np.array(["film", "plot", "actor", "scene", "music", "story"])
    lines = [
        f"{label + 1},{' '.join(rng.choice(words, 4))} {('dull', 'fine')[label]}" for label in [0, 1] * 60
    ]
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_prints_verdict_table_and_the_command_to_run(reviews, tmp_path):
    out = tmp_path / "pilot.csv"
    result = pilot(
        "--data", reviews, *FEW, "--strategy", "entropy", "--strategy", "class-balanced margin", "--out", out,
        "--subset-size", 0.3,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Take ")
    assert "Judged by BagOfNgramsClassifier itself, trained on 29 rows." in result.output
    candidates = {"class-balanced random", "random", "entropy", "class-balanced margin"}
    table = pd.read_csv(out)
    assert set(table["candidate"]) == candidates
    assert list(table.columns) == ["candidate", "error", "difference", "standard_error", "seconds"]
    command = result.output.splitlines()[-1]
    assert command.startswith(f"run: sksvp coreset --data {reviews} --proxy bag-of-ngrams --strategy ")
    assert "--subset-size 0.3" in command


def test_the_command_to_run_reads_the_same_rows_and_trains_alike(tmp_path):
    rows = [f"{k % 3},the {word} film {k},{k}" for k, word in enumerate(["good", "bad", "dull"] * 12)]
    (tmp_path / "mine.csv").write_text("\n".join(["mood,review,id", *rows]))
    result = pilot(
        "--data", tmp_path / "mine.csv", "--text-column", "review", "--label-column", "mood", "--train-rows", 30,
        "--no-quoting", "--repeats", 3, "--epochs", 2, "--strategy", "entropy", "--subset-size", 0.4,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    words = shlex.split(result.output.splitlines()[-1].removeprefix("run: sksvp "))
    assert {"--text-column", "--no-quoting", "--train-rows", "--epochs"} < set(words)
    again = CliRunner().invoke(app, [*words, "--only-select", "--seeds", "1", "--out", str(tmp_path / "run")])
    assert again.exit_code == 0, again.output
    assert len(pd.read_csv(tmp_path / "run" / "selected.csv")) == 12


@pytest.mark.parametrize("command", sorted(OPTIONS_OF))
def test_help_fits_a_terminal_of_80_columns(command):
    shown = CliRunner().invoke(app, [*command.split("_"), "--help"], env={"COLUMNS": "80"}).output
    assert "--" in shown and max(map(len, shown.splitlines())) <= 80


def test_a_table_in_a_folder_that_is_not_there_is_refused_at_once(tmp_path):
    result = pilot("--dataset", "digits", "--out", tmp_path / "none" / "a.csv")
    assert result.exit_code != 0 and "none does not exist" in result.output


def test_compares_several_proxies():
    result = pilot(
        "--dataset", "digits", "--train-rows", 150, "--epochs", 1, "--repeats", 3, "--device", "cpu",
        "--proxy", "resnet8", "--proxy", "resnet14", "--strategy", "entropy", "--subset-size", 0.5,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "entropy by resnet8" in result.output
    assert "entropy by resnet14" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "entropie"], "--strategy must be one of"),
        (["--target", "resnet"], "--target resnet is unknown"),
        (["--out", "table.txt"], "--out must be a file .csv"),
        (["--repeats", 2], "--repeats must be a whole number from 3"),
        (["--subset-size", 1], "keeps 1 row in each repeat of the pilot, for 2 classes"),
        (["--budget", 0.001], "fits no candidate: one costs about"),
    ],
)
def test_bad_input_is_one_line(reviews, arguments, message):
    result = pilot("--data", reviews, "--epochs", 1, "--device", "cpu", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
