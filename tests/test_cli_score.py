"""The command ``sksvp score``."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import sksvp.cli._score
from sksvp import ProxyCoresetSelector
from sksvp.cli._main import app
from sksvp.datasets import load_digits
from sksvp.estimators import ResNetClassifier
from sksvp.strategies import resolve_strategy, strategy_names

DIGITS = ["--dataset", "digits", "--train-rows", 200, "--epochs", 3, "--device", "cpu"]


def score(*arguments):
    return CliRunner().invoke(app, ["score", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    path = tmp_path_factory.mktemp("scores") / "digits.csv"
    result = score(*DIGITS, "--out", path)
    assert result.exit_code == 0, result.output
    return path, result.output


def test_the_table_has_every_score_that_the_proxy_allows(digits):
    path, output = digits
    table = pd.read_csv(path)
    served = [
        name
        for name in strategy_names()
        if (rule := resolve_strategy(name)).requires and getattr(rule, "scores_each_row", False)
    ]
    assert list(table.columns) == ["row", "label", *served]
    assert len(table) == 200
    assert f"200 rows with {len(served)} scores" in output
    assert "test rows" in output
    assert list(path.parent.iterdir()) == [path]


def test_scores_are_those_of_a_selector(digits):
    table = pd.read_csv(digits[0])
    bunch = load_digits()
    X, y = bunch.X_train[table["row"]], bunch.y_train[table["row"]]
    np.testing.assert_array_equal(table["label"], y)
    proxy = ResNetClassifier(
        8, max_epochs=3, batch_size=32, device="cpu", layout="channels_last", random_state=0
    )
    expected = ProxyCoresetSelector(proxy, strategy="el2n", random_state=0).fit(X, y).scores_
    np.testing.assert_allclose(table["el2n"], expected, rtol=1e-5)


def test_a_stopped_command_goes_on(tmp_path, monkeypatch):
    """The training is kept, and what follows is done again."""
    path = tmp_path / "a.csv"

    def fail(*args):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(sksvp.cli._score, "_write", fail)
        assert score(*DIGITS, "--out", path).exit_code == 2
    assert not path.exists()
    again = score(*DIGITS, "--out", path)
    assert again.exit_code == 2
    assert "--resume goes on" in again.output
    other = score(*DIGITS, "--seed", 1, "--out", path, "--resume")
    assert other.exit_code == 2
    assert "--seed 0 there, 1 now" in other.output
    with monkeypatch.context() as patched:
        patched.setattr(ResNetClassifier, "fit", fail)
        result = score(*DIGITS, "--out", path, "--resume")
    assert result.exit_code == 0, result.output
    assert list(tmp_path.iterdir()) == [path]


def test_rows_of_texts_have_their_lines(tmp_path):
    words = ["fine", "dull", "grand", "poor"]
    lines = [f'{1 + i % 2},"{words[i % 4]} film\n{words[i % 2]} end {i}"' for i in range(40)]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    result = score("--data", tmp_path / "train.csv", "--epochs", 12, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out.csv")
    # Each text takes two lines.
    assert table["line"].tolist() == list(range(1, 81, 2))
    assert table["label"].tolist() == [1, 2] * 20


def test_rows_of_a_folder_have_their_files(tmp_path):
    rng = np.random.RandomState(0)
    for name in ("cat", "dog"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(6):
            Image.fromarray(rng.randint(0, 255, (12, 12, 3)).astype(np.uint8)).save(
                tmp_path / "data" / name / f"{i}.png"
            )
    result = score(
        "--dataset", "folder", "--data-dir", tmp_path / "data", "--image-size", 12, "--proxy", "resnet8",
        "--epochs", 1, "--train-rows", 8, "--device", "cpu", "--out", tmp_path / "out.csv",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out.csv")
    assert len(table) == 8
    # One visit has no window, and the other scores are there.
    assert "el2n" in table.columns
    assert "dyn_unc" not in table.columns
    pairs = table[["file", "label"]].itertuples(index=False)
    assert all((tmp_path / "data" / file).parent.name == label for file, label in pairs)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scores.txt", "--out must be a file .csv or .parquet"),
        ("there.csv", "is there already"),
        ("scores.parquet", "needs pyarrow or fastparquet"),
    ],
)
def test_bad_files(name, words, tmp_path, monkeypatch):
    monkeypatch.setattr(sksvp.cli._score, "find_spec", lambda engine: None)
    (tmp_path / "there.csv").touch()
    result = score(*DIGITS, "--out", tmp_path / name)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    assert len(list(tmp_path.iterdir())) == 1


def test_a_parquet_file(tmp_path, monkeypatch):
    """pandas writes it; whichever engine it takes is not ours."""
    written = {}
    frame = SimpleNamespace(to_parquet=lambda path, index: (written.update(index=index), path.touch()))
    sksvp.cli._score._write(frame, tmp_path / "a.parquet")
    assert written == {"index": False}
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_a_configuration(tmp_path):
    (tmp_path / "c.toml").write_text(
        f'dataset = "digits"\ntrain-rows = 200\nepochs = 1\ndevice = "cpu"\nout = "{tmp_path}/a.csv"\n'
    )
    result = score("--config", tmp_path / "c.toml")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "a.csv")) == 200
