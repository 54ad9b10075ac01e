"""What the library says, as a terminal shows it."""

import ast
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_cli import run
from typer.main import get_command

import sksvp
from sksvp.active._protocol import make_plan
from sksvp.active._run import resolve_pool_strategy
from sksvp.cli._groups import OPTIONS
from sksvp.cli._main import app
from sksvp.cli._messages import in_options, tell_warnings
from sksvp.estimators import ResNetClassifier


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("unpack it there, or load with download=True.", "unpack it there, or load with --download."),
        ("root='data' is not a folder.", "--data-dir data is not a folder."),
        ("root='my data' is not a folder.", "--data-dir 'my data' is not a folder."),
        ("path='a.npy' must be an .npz file.", "--data a.npy must be an .npz file."),
        ("initial_size=0.1 and rounds=[0.5, 9] ask", "--initial-size 0.1 and --round 0.5 --round 9 ask"),
        ("image_shape=(1, 4, 4) must be", "--image-shape 1,4,4 must be"),
        ("say layout='channels_last'.", "say --layout channels_last."),
        ("device='cuda:7' asks", "--device cuda:7 asks"),
        ("strategy='k_centers' ranks", "--strategy k_centers ranks"),
        ("batch_size=64 fits; lower lr=0.5.", "--batch-size 64 fits; lower --lr 0.5."),
        ("keep more rows (subset_size), or", "keep more rows (--subset-size), or"),
        (
            "made with other settings (lr=None there, 0.5 now; max_epochs=3 there, None now; content of data: a now)",
            "made with other settings (no --lr there, 0.5 now; --epochs 3 there, None now; content of data: a now)",
        ),
        ("resume=True goes on", "--resume goes on"),
        ("give header=True; header=False where", "give --header; --no-header where"),
        ("give text_column, sep=... or encoding=....", "give --text-column, --sep or --encoding."),
        (
            "The 'layout' parameter of ResNetClassifier must be a str among {'b', 'a'}. Got 'c' instead.",
            "--layout must be one of a, b, got 'c'.",
        ),
        ("Input X contains NaN.\nIt does not accept\n\nmissing values.", "Input X contains NaN."),
        (
            "a.png cannot be read as an image: cut off.",
            "a.png cannot be read as an image: cut off; --skip-unreadable goes on without such images.",
        ),
        # Names of files and words of a sentence stay as they are.
        ("runs/lr=0.1/x is damaged", "runs/lr=0.1/x is damaged"),
        ("out='runs/lr=0.1' holds a run already", "--out runs/lr=0.1 holds a run already"),
        ("no path must be lost in target and schedule", "no path must be lost in target and schedule"),
        ("the test rows do not fit: layout='x' must fit", "the test rows do not fit: --layout x must fit"),
        ("'data_dir' and root/train_rows.csv", "'data_dir' and root/train_rows.csv"),
    ],
)
def test_parameters_become_options(said, shown):
    assert in_options(said) == shown


@pytest.mark.parametrize(
    ("build", "shown"),
    [
        (
            lambda: ResNetClassifier(depth=9, block="basic").check_params(),
            "depth must be 6n + 2 (8, 14, 20, ...) with basic blocks or 9n + 2 (11, 20, 29, ...) with bottlenecks, got "
            "depth 9 with block='basic'; 8 and 14 are near.",
        ),
        (
            lambda: make_plan([0, 7], 5, "all", 70),
            "--round 0 --round 7 must each buy one label at least, of a pool of 70 samples.",
        ),
        (
            lambda: make_plan([10], 5, [17], 70),
            "--target-at 17 names totals that never occur: 17; the totals are 5, 15.",
        ),
        (
            lambda: resolve_pool_strategy("forgetting_events"),
            "--strategy forgetting_events ranks by forgetting events, which only rows that were trained on have; rows "
            "of a pool have no labels to train on. Use it for core-sets; active learning needs a strategy that reads "
            "probabilities or features.",
        ),
    ],
    ids=["depth", "rounds", "totals", "strategy"],
)
def test_sentences_of_the_library(build, shown):
    with pytest.raises(ValueError) as caught:
        build()
    assert in_options(str(caught.value)) == shown


def test_the_library_names_no_option():
    """What a parameter is called on the command line is for the command line to say."""
    package = Path(sksvp.__file__).parent
    for path in package.rglob("*.py"):
        if path.parent.name == "cli":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                assert not re.search(r"(?<![\w-])--[a-z]", node.value), f"{path}, line {node.lineno}"


def test_every_option_has_the_name_of_its_field():
    for command in get_command(app).commands.values():
        for param in command.params:
            shown = [param.name.upper()] if param.param_type_name == "argument" else param.opts
            assert OPTIONS[param.name].flag in shown


def test_a_constraint_of_an_estimator_names_the_option():
    with pytest.raises(ValueError) as caught:
        ResNetClassifier(precision="fp8").check_params()
    assert in_options(str(caught.value)) == "--precision must be one of auto, bf16, fp32, got 'fp8'."


def test_nan_brings_no_advice_about_other_estimators(tmp_path):
    X = np.random.RandomState(0).rand(20, 8, 8)
    X[3, 3, 3] = np.nan
    np.savez(tmp_path / "mine.npz", X=X, y=np.arange(20) % 2)
    result = run("coreset", "--data", tmp_path / "mine.npz", "--only-select", "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (2, "sksvp: Input X contains NaN.\n")


def test_a_missing_folder_is_named_by_its_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (["--dataset", "folder"], ["--dataset", "folder", "--data-dir", "nowhere"]):
        result = run("train", *arguments)
        folder = arguments[-1] if "--data-dir" in arguments else "data"
        assert (result.exit_code, result.stderr) == (2, f"sksvp: --data-dir {folder} is not a folder.\n")


def test_a_warning_is_a_line_and_told_once(monkeypatch, capsys):
    others = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *rest: others.append(str(message)))
    tell_warnings()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for _ in range(2):
            warnings.warn("keep more rows (subset_size)", UserWarning, stacklevel=1)
        warnings.warn("of another kind", RuntimeWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: keep more rows (--subset-size)\n"
    assert others == ["of another kind"]


def test_the_command_tells_warnings_so():
    program = (
        "import warnings, sksvp.cli._main as m; m.app = lambda: warnings.warn('lr=9 must be small'); m.main()"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stderr == "warning: --lr 9 must be small\n"
