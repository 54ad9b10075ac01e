"""The command line, as a user types it."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.utils import Bunch
from typer.testing import CliRunner

from sksvp._storage._run_mark import is_run_folder
from sksvp.active import resolve_pool_strategy
from sksvp.cli._bunch import thin_train
from sksvp.cli._data import DATASETS, Data
from sksvp.cli._main import app
from sksvp.cli._networks import Learning, Networks, build_pair
from sksvp.estimators import ResNetClassifier, WhitenedConvNetClassifier
from sksvp.experiments import RunFolder
from sksvp.experiments._hardware import hardware_name
from sksvp.strategies import strategy_names
from sksvp.training._schedule import SCHEDULE_NAMES

QUICK = ["--dataset", "digits", "--train-rows", "200", "--epochs", "2", "--seeds", "1", "--device", "cpu"]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    result = run("coreset", *QUICK, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_table_shows_the_method_and_every_baseline(finished):
    _, output = finished
    for name in ("forgetting_events", "random", "class-balanced random", "all rows"):
        assert f"\n{name} " in output
    assert re.search(r"error % +proxy +select +target +CPU s +speed-up\n", output)
    assert re.search(r"proxy, seed 0: \d+ CPU s, \d+ wall s, error", output)


def test_run_folder(finished):
    folder, _ = finished
    assert not [path for path in folder.rglob("*") if path.name.endswith(".part")]
    trainings = pd.read_csv(folder / "results.csv")
    assert sorted(trainings["n_rows"]) == [60, 60, 60, 200]
    np.testing.assert_allclose(
        trainings["total_seconds"],
        trainings["proxy_seconds"] + trainings["selection_seconds"] + trainings["target_seconds"],
    )
    summary = json.loads((folder / "results.json").read_text())
    assert {row["name"] for row in summary} == set(trainings["name"])
    selected = pd.read_csv(folder / "selected.csv")
    assert list(selected.columns) == ["row", "rank", "score"]
    assert selected["rank"].tolist() == list(range(1, 61))
    assert selected["score"].is_monotonic_decreasing
    assert (folder / "results.png").read_bytes().startswith(b"\x89PNG")


def test_resume_repeats_no_training(finished):
    folder, output = finished
    before = {path: path.stat().st_mtime_ns for path in (folder / "trainings").iterdir()}
    again = run("coreset", *QUICK, "--out", folder, "--resume")
    assert again.exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in (folder / "trainings").iterdir()} == before
    assert again.output.split("chosen by")[1] == output.split("chosen by")[1]


def test_resume_trains_what_is_missing(finished, tmp_path):
    folder, _ = finished
    (path,) = (folder / "trainings").glob("random_*")
    old = json.loads(path.read_text())
    path.unlink()
    assert run("coreset", *QUICK, "--out", folder, "--resume").exit_code == 0
    assert json.loads(path.read_text())["error"] == old["error"]


def test_a_folder_in_use_needs_resume_and_the_same_settings(finished):
    folder, _ = finished
    taken = run("coreset", *QUICK, "--out", folder)
    assert taken.exit_code == 2
    assert "--resume" in taken.output
    other = run("coreset", *QUICK, "--batch-size", 16, "--out", folder, "--resume")
    assert other.exit_code == 2
    assert "--batch-size 32 there, 16 now" in other.output


def test_another_target_on_a_former_selection(finished, tmp_path):
    folder, _ = finished
    result = run(
        "coreset", *QUICK, "--target", "resnet14", "--from-selected", folder / "selected.csv", "--baseline", "random",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "rows of selected.csv, 60 rows, seed 0" in result.output
    assert "proxy" not in result.output.split("chosen by")[0]


def test_row_numbers_are_those_of_the_whole_data(tmp_path):
    """A selection among --train-rows can be cut from the user's own arrays, or trained on without them."""
    y = np.arange(300) % 2
    X = np.random.RandomState(0).randint(0, 256, (300, 8, 8))
    np.savez(
        tmp_path / "mine.npz",
        X_train=X.astype(np.uint8),
        y_train=y,
        X_test=X[:40].astype(np.uint8),
        y_test=y[:40],
    )
    arguments = [
        "coreset", "--data", tmp_path / "mine.npz", "--target", "resnet8", "--epochs", 1, "--device", "cpu",
    ]  # fmt: skip
    chosen = run(
        *arguments, "--proxy", "resnet8", "--train-rows", 50, "--subset-size", 30, "--only-select",
        "--out", tmp_path / "a",
    )  # fmt: skip
    assert chosen.exit_code == 0, chosen.output
    rows = pd.read_csv(tmp_path / "a" / "selected.csv")["row"]
    assert rows.max() >= 50
    assert set(rows) <= set(np.random.RandomState(0).permutation(300)[:50])
    selection = ["--from-selected", tmp_path / "a" / "selected.csv", "--baseline", "all"]
    for extra in ([], ["--train-rows", 50]):
        trained = run(*arguments, *selection, *extra, "--out", tmp_path / f"b{len(extra)}")
        assert trained.exit_code == 0, trained.output
        assert "rows of selected.csv, 30 rows" in trained.output
        assert not (tmp_path / f"b{len(extra)}" / "selected.csv").exists()
    missing = run(*arguments, *selection, "--train-rows", 20, "--out", tmp_path / "c")
    assert missing.exit_code == 2
    assert "--train-rows left this one out" in missing.output


def test_errors_can_be_measured_on_some_of_the_test_rows(tmp_path):
    result = run(
        "coreset",
        *QUICK,
        "--test-rows",
        "7",
        "--baseline",
        "all",
        "--subset-size",
        "0.5",
        "--out",
        tmp_path / "out",
    )
    assert result.exit_code == 0, result.output
    errors = pd.read_csv(tmp_path / "out" / "results.csv")["error"]
    assert np.allclose(errors * 7, np.round(errors * 7))
    without_test = tmp_path / "mine.npz"
    np.savez(without_test, X=np.zeros((20, 3, 8, 8), dtype=np.uint8), y=np.arange(20) % 2)
    refused = run(
        "coreset", "--data", without_test, "--test-rows", "5", "--only-select", "--out", tmp_path / "b"
    )
    assert refused.exit_code == 2
    assert "--test-rows needs test rows" in refused.output


@pytest.mark.parametrize("command", ["coreset", "active"])
def test_a_run_may_compare_with_nothing(command, tmp_path):
    result = run(command, *QUICK, "--baseline", "none", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    results = pd.read_csv(tmp_path / "out" / "results.csv")
    known = {"coreset": {"forgetting_events"}, "active": {"least_confidence"}}[command]
    assert set(results["strategy"].dropna()) == known
    assert not results.astype(str).isin(["random", "all rows"]).any(axis=None)
    both = run(command, *QUICK, "--baseline", "none", "--baseline", "random", "--out", tmp_path / "b")
    assert both.exit_code == 2
    assert "leave the other baselines out" in both.output


def test_random_rows_beside_a_former_selection_are_as_many(tmp_path):
    rows = np.random.RandomState(0).permutation(1257)[:40]  # the first of those that --train-rows keeps
    pd.DataFrame({"row": rows}).to_csv(tmp_path / "rows.csv")
    result = run("coreset", *QUICK, "--from-selected", tmp_path / "rows.csv", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    n_rows = pd.read_csv(tmp_path / "out" / "results.csv").set_index("name")["n_rows"]
    assert n_rows.to_dict() == {
        "all rows": 200, "class-balanced random": 40, "random": 40, "rows of rows.csv": 40
    }  # fmt: skip


def test_another_selection_of_the_same_name_is_trained_anew(finished, tmp_path):
    folder, _ = finished
    for part, method in enumerate(("forgetting_events", "random")):
        chosen = folder / "selected" / f"{method}_0.3_seed0.csv"
        (tmp_path / "rows.csv").write_bytes(chosen.read_bytes())
        result = run(
            "coreset", *QUICK, "--from-selected", tmp_path / "rows.csv", "--baseline", "all",
            "--out", tmp_path / "out", *["--resume"][:part],
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        assert "rows of rows.csv, 60 rows, seed 0" in result.output


rng = np.random.RandomState(0)
IMAGES, LABELS = rng.randint(0, 200, (60, 8, 8)).astype(np.uint8), np.arange(60) % 2


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": np.where(IMAGES > 198, np.nan, IMAGES)}, "Input X contains NaN"),
        ({"X": np.where(IMAGES > 198, np.inf, IMAGES)}, "Input X contains infinity"),
        ({"X": np.zeros((60, 3, 8, 3), np.uint8), "X_test": np.zeros((60, 3, 8, 3), np.uint8)}, "layout"),
        ({"y": LABELS * 0}, "y has one class only"),
        ({"y": LABELS + 0.5}, "Unknown label type: continuous"),
        ({"y_test": LABELS + 1}, "test rows do not fit the training rows: no training row has the label 2"),
        ({"X_test": IMAGES / 255}, "test rows do not fit the training rows: X holds"),
        (
            {"X_test": np.where(IMAGES > 198, np.nan, IMAGES)},
            "test rows do not fit the training rows: Input X",
        ),
    ],
)
@pytest.mark.parametrize("command", ["coreset", "train"])
def test_bad_rows_are_found_before_anything_is_trained_or_written(command, arrays, words, tmp_path):
    good = {"X": IMAGES, "y": LABELS, "X_test": IMAGES, "y_test": LABELS}
    np.savez(tmp_path / "mine.npz", **(good | arrays))
    result = run(command, "--data", tmp_path / "mine.npz", "--epochs", 1, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert words in result.output
    assert len(result.output.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_resuming_with_other_data_of_the_same_name_is_refused(tmp_path):
    arguments = [
        "coreset", "--data", tmp_path / "mine.npz", "--proxy", "resnet8", "--epochs", 1, "--device", "cpu",
        "--only-select", "--out", tmp_path / "out", "--resume",
    ]  # fmt: skip
    for offset in (0, 1):
        np.savez(tmp_path / "mine.npz", X=IMAGES + np.uint8(offset), y=LABELS)
        result = run(*arguments)
        assert result.exit_code == 2 * offset, result.output
    assert "content of the data" in result.output


def test_a_run_that_failed_at_once_does_not_block_its_folder(tmp_path):
    y = np.arange(60) % 2
    for bad in (True, False):
        X = np.random.RandomState(0).rand(60, 8, 8)
        X[3, 3, 3] = np.nan if bad else 0.5
        np.savez(tmp_path / "mine.npz", X=X, y=y)
        result = run(
            "coreset", "--data", tmp_path / "mine.npz", "--proxy", "resnet8", "--epochs", 1, "--device", "cpu",
            "--only-select", "--out", tmp_path / "out",
        )  # fmt: skip
        assert result.exit_code == (2 if bad else 0), result.output


def test_a_subset_size_given_twice_is_trained_once(tmp_path):
    result = run(
        "coreset", *QUICK, "--subset-size", 0.5, "--subset-size", "0.50", "--only-select", "--out", tmp_path
    )
    assert result.exit_code == 0, result.output
    assert result.output.count("forgetting_events, seed 0") == 1


def test_several_proxies_of_a_seed(tmp_path):
    result = run("coreset", *QUICK, "--only-select", "--n-proxies", 2, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert len([*(tmp_path / "proxies").glob("**/entry.json")]) == 2
    assert "n-proxies = 2" in (tmp_path / "config.toml").read_text()
    result = run("coreset", *QUICK, "--n-proxies", 0)
    assert "--n-proxies must be a whole number from 1 to 1,000, got '0'" in result.output


def test_home_is_expanded_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    X = np.random.RandomState(0).randint(0, 256, (40, 8, 8)).astype(np.uint8)
    np.savez("mine.npz", X=X, y=np.arange(40) % 2, X_test=X, y_test=np.arange(40) % 2)
    (tmp_path / "run.toml").write_text('proxy = "resnet8"\ntarget = "resnet8"\nout = "~/runs/a"\n')
    options = ["--data", "~/mine.npz", "--epochs", 1, "--device", "cpu", "--baseline", "none"]
    chosen = run("coreset", *options, "--config", "~/run.toml", "--only-select")
    assert chosen.exit_code == 0, chosen.output
    trained = run(
        "coreset",
        *options,
        "--target",
        "resnet8",
        "--from-selected",
        "~/runs/a/selected.csv",
        "--out",
        "~/runs/b",
    )
    assert trained.exit_code == 0, trained.output
    missing = run("coreset", "--dataset", "folder", "--data-dir", "~/nowhere")
    assert f"--data-dir {tmp_path}/nowhere is not a folder" in missing.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.npz", "run.toml", "runs"]


def test_train_rows_have_every_class(tmp_path):
    X = np.random.RandomState(0).randint(0, 256, (600, 8, 8)).astype(np.uint8)
    y = np.r_[np.arange(200), np.zeros(400, dtype=int)]
    bunch = Bunch(X_train=X, y_train=y, X_test=X, y_test=y)
    thin_train(bunch, 250)
    assert len(bunch.y_train) == 250 and set(bunch.y_train) == set(range(200))
    np.testing.assert_array_equal(bunch.X_train, X[bunch.row_numbers])
    assert (np.diff(bunch.row_numbers) > 0).all()
    # Rows drawn at random that have all classes are kept as they are.
    plain = Bunch(X_train=X, y_train=y % 2, X_test=None)
    thin_train(plain, 50)
    np.testing.assert_array_equal(plain.row_numbers, np.sort(np.random.RandomState(0).permutation(600)[:50]))
    with pytest.raises(ValueError, match="--train-rows must be from 200, the number of classes, to 600"):
        thin_train(Bunch(X_train=X, y_train=y, X_test=None), 199)


def test_resume_where_there_is_no_run(tmp_path):
    command = ["--dataset", "digits", "--epochs", 1, "--device", "cpu", "--train-rows", 60, "--resume"]
    refused = run("train", *command, "--network", "resnet8", "--out", tmp_path / "a")
    assert (refused.exit_code, refused.stderr) == (
        2, f"sksvp: --out {tmp_path / 'a'} holds no run that --resume can continue.\n"
    )  # fmt: skip
    assert not (tmp_path / "a").exists()
    begun = run("coreset", *command, "--proxy", "resnet8", "--only-select", "--out", tmp_path / "a")
    assert begun.exit_code == 0
    assert f"note: --out {tmp_path / 'a'} holds no run yet, so that --resume begins one." in begun.stderr
    again = run("coreset", *command, "--proxy", "resnet8", "--only-select", "--out", tmp_path / "a")
    assert again.exit_code == 0 and "note:" not in again.stderr


def test_a_folder_with_other_files_is_no_folder_of_a_run(tmp_path):
    """Loaders pass over run folders: a class folder must not become one."""
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").touch()
    refused = run("train", "--dataset", "digits", "--out", tmp_path / "cat")
    assert refused.exit_code == 2 and f"--out {tmp_path / 'cat'} has other files in it" in refused.stderr
    RunFolder(tmp_path / "cat", {}, resume=False)
    RunFolder(tmp_path / "run", {}, resume=False)
    assert is_run_folder(tmp_path / "run") and not is_run_folder(tmp_path / "cat")


def test_precision_and_hardware_are_kept_and_shown(finished):
    folder, output = finished
    config = json.loads((folder / "config.json").read_text())
    precision = config["settings"]["precision"]
    assert precision in ("bf16", "fp32") and config["hardware"] == hardware_name()
    assert f"\nTrained in {precision} on {hardware_name()}.\n" in output


def test_train_overwrites_no_results(finished):
    folder, _ = finished
    before = (folder / "results.json").read_bytes()
    result = run("train", "--dataset", "digits", "--network", "resnet8", "--epochs", 1, "--out", folder)
    assert result.exit_code == 2
    assert "holds a run already" in result.stderr
    assert (folder / "results.json").read_bytes() == before


def test_one_proxy_a_seed_serves_all_strategies(tmp_path, monkeypatch):
    trained = []
    fit = ResNetClassifier.fit
    monkeypatch.setattr(
        ResNetClassifier, "fit", lambda self, *args: (trained.append(self.depth), fit(self, *args))[1]
    )
    names = ["k_centers", "el2n", "stratified:score=el2n,hardest_dropped=0.2", "auto", "el2n"]
    result = run(
        "coreset", *QUICK[:-4], "--seeds", 2, "--device", "cpu", "--only-select", "--baseline", "none",
        *(part for name in names for part in ("--strategy", name)), "--out", tmp_path,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert trained == [8, 8]
    for name in names:
        assert (
            len(re.findall(f"^{re.escape(name)}, seed [01]: 60 of 200 rows", result.output, re.MULTILINE))
            == 2
        )
    chosen = {path.stem: set(pd.read_csv(path)["row"]) for path in (tmp_path / "selected").glob("*seed0.csv")}
    assert len(chosen) == 4
    (stratified,) = (rows for name, rows in chosen.items() if name.startswith("stratified"))
    assert stratified not in [rows for name, rows in chosen.items() if not name.startswith("stratified")]


@pytest.mark.parametrize("command", ["coreset", "active"])
@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("entropyy", "--strategy must be one of entropy, "),
        ("margin:", "parameters must be PARAMETER=VALUE"),
        ("k_centers:n_initial=0,n_initial=1", "the parameter n_initial comes twice"),
        ("k_centers:n_initial=-1", "--strategy k_centers:n_initial=-1: "),
        ("k_centers:initials=3", "initials"),
        ("badge:=1", "parameters must be PARAMETER=VALUE"),
    ],
)
def test_bad_strategies(command, strategy, words, tmp_path):
    result = run(command, *QUICK, "--strategy", strategy, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "out").exists()


def test_strategies_that_the_proxy_cannot_serve_are_left_out(tmp_path):
    lines = [f"{1 + i % 2},{'fine' if i % 2 else 'dull'} film {i}" for i in range(60)]
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    arguments = [
        "coreset", "--data", tmp_path, "--proxy", "fasttext", "--target", "bag-of-ngrams", "--only-select",
        "--baseline", "none", "--strategy", "el2n",
    ]  # fmt: skip
    alone = run(*arguments, "--out", tmp_path / "a")
    assert alone.exit_code == 2
    assert "cannot give training_record" in alone.output
    none = run(*arguments, "--strategy", "aum", "--out", tmp_path / "a")
    assert none.exit_code == 2
    assert "can serve no --strategy" in none.output
    assert not (tmp_path / "a").exists()
    both = run(*arguments, "--strategy", "random", "--out", tmp_path / "b")
    assert both.exit_code == 0, both.output
    assert "note: --strategy el2n reads training_record, which FastTextClassifier cannot give" in both.output
    assert "random, seed 0: 30 of 60 rows chosen" in both.output


def test_only_select_trains_no_target(tmp_path):
    result = run("coreset", *QUICK, "--only-select", "--subset-size", 50, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "out" / "selected.csv")) == 50
    assert not (tmp_path / "out" / "results.csv").exists()
    assert [path.name for path in (tmp_path / "out" / "trainings").iterdir()] == ["proxy_seed0.json"]


def test_flat_rows_are_told_of_or_made_images(tmp_path):
    rng = np.random.RandomState(0)
    X, y = rng.randint(0, 256, (80, 48)).astype(np.uint8), np.arange(80) % 2
    np.savez(tmp_path / "mine.npz", X_train=X, y_train=y, X_test=X[:10], y_test=y[:10])
    arguments = ["--data", tmp_path / "mine.npz", "--network", "resnet8", "--epochs", 1, "--device", "cpu"]
    told = run("train", *arguments, "--out", tmp_path / "flat")
    assert told.exit_code == 0 and "give their --image-shape" in told.stderr
    images = run("train", *arguments, "--image-shape", "3,4,4", "--out", tmp_path / "images")
    assert images.exit_code == 0 and "--image-shape" not in images.stderr
    weights = [
        load_file(tmp_path / name / "network.safetensors")["stem.weight"].shape for name in ("flat", "images")
    ]
    assert [shape[1] for shape in weights] == [1, 3]
    np.savez(tmp_path / "mine.npz", X=X.reshape(80, 3, 4, 4), y=y)
    layout = [*arguments[:2], "--only-select", "--proxy", "resnet8", *arguments[4:], "--layout"]
    assert run("coreset", *layout, "channels_first", "--out", tmp_path / "first").exit_code == 0
    wrong = run("coreset", *layout, "sideways", "--out", tmp_path / "wrong")
    assert wrong.exit_code == 2 and "layout" in wrong.stderr


@pytest.mark.parametrize("shape", ["28,28", "1,28,0", "a,b,c", "1x28x28"])
def test_image_shape_that_is_none(tmp_path, shape):
    result = run("train", "--dataset", "digits", "--image-shape", shape, "--out", tmp_path / "out")
    assert result.exit_code == 2 and "--image-shape must be CHANNELS,HEIGHT,WIDTH" in result.stderr


def test_own_arrays_and_class_balance(tmp_path):
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], [90, 30])
    X = rng.randint(0, 255, (120, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", X_train=X, y_train=y, X_test=X[:40], y_test=y[:40])
    result = run(
        "coreset", "--data", tmp_path / "mine.npz", "--proxy", "resnet8", "--epochs", 1, "--class-balanced",
        "--strategy", "entropy", "--only-select", "--subset-size", 0.5, "--device", "cpu", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "out" / "selected.csv")["row"]
    assert np.bincount(y[rows]).tolist() == [45, 15]


def test_train(tmp_path):
    from sksvp.estimators import ResNetClassifier

    result = run(
        "train", "--dataset", "digits", "--train-rows", 200, "--network", "resnet8", "--epochs", 2, "--device", "cpu",
        "--out", tmp_path / "out", "--optimizer", "adam", "--lr", 0.001,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert 0 < results["error"] < 1
    assert results["cpu_seconds"] > 0 < results["seconds"]
    assert re.search(r"trained in \d+ CPU s, \d+ wall s in (bf16|fp32) on \w", result.output)
    again = run("train", "--config", tmp_path / "out" / "config.toml", "--out", tmp_path / "out", "--resume")
    assert again.exit_code == 2 and "holds a finished run" in again.stderr
    assert pd.read_csv(tmp_path / "out" / "history.csv")["epoch"].tolist() == [1, 2]
    assert ResNetClassifier.load(tmp_path / "out" / "network.safetensors").depth == 8


def test_train_shows_a_bar_where_it_is_asked_for(tmp_path):
    arguments = [
        "train", "--dataset", "digits", "--train-rows", 64, "--network", "resnet8", "--epochs", 1, "--device", "cpu",
    ]  # fmt: skip
    for options in ([], ["--verbose"], ["-v"]):
        result = run(*arguments, *options, "--out", tmp_path / "".join(options))
        assert result.exit_code == 0, result.output
        assert ("epoch" in result.stderr) == bool(options)


def test_the_fast_network_keeps_its_recipe_beside_another_target(tmp_path):
    result = run(
        "coreset", *QUICK, "--proxy", "fast", "--proxy-epochs", 1, "--target", "resnet8", "--lr", 0.02,
        "--schedule", "constant", "--baseline", "random", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "\nforgetting_events " in result.output
    learning = Learning(
        epochs=7,
        batch_size=64,
        lr=0.02,
        schedule="constant",
        optimizer="adam",
        weight_decay=0.1,
        precision="fp32",
    )

    def pair(**networks):
        found = build_pair(Data(dataset="digits"), Networks(proxy=["fast"], **networks), learning)
        return found.proxy, found.target, found.settings

    proxy, target, settings = pair(target="resnet8")
    own = WhitenedConvNetClassifier()
    assert proxy.net_params is None
    assert target.net_params["optimizer"] is torch.optim.Adam
    assert target.net_params["optimizer__weight_decay"] == 0.1
    assert proxy.weight_decay == own.weight_decay
    assert (proxy.max_epochs, proxy.lr, proxy.schedule) == (own.max_epochs, own.lr, own.schedule)
    assert (target.max_epochs, target.lr, target.schedule) == (7, 0.02, "constant")
    # Batches follow the data, and the rate follows them.
    assert (proxy.batch_size, target.batch_size, settings["proxy_epochs"]) == (64, 64, None)
    alike, same, _ = pair(target="fast")
    assert (alike.max_epochs, alike.lr, alike.schedule) == (same.max_epochs, same.lr, same.schedule)
    assert alike.max_epochs == 7
    given, _, _ = pair(target="resnet8", proxy_epochs=3, proxy_lr=0.5)
    assert (given.max_epochs, given.lr) == (3, 0.5)


def test_one_cycle_on_the_command_line(tmp_path):
    result = run(
        "train", "--dataset", "digits", "--train-rows", 64, "--network", "resnet8", "--epochs", 1, "--device", "cpu",
        "--schedule", "one-cycle", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "svhn"], "--dataset must be one of"),
        ([], "either --dataset NAME or --data FILE"),
        (["--dataset", "digits", "--strategy", "entropi"], "--strategy must be one of entropy, "),
        (["--dataset", "digits", "--proxy", "resnet18"], "--proxy resnet18: depth must be 6n + 2"),
        (["--dataset", "digits", "--target", "alexnet"], "--target alexnet is unknown; take fast, resnet8"),
        (["--dataset", "digits", "--lr", "0"], "--lr must be a number above 0"),
        (["--dataset", "digits", "--proxy-lr", "inf"], "--proxy-lr must be a number above 0"),
        (["--dataset", "digits", "--target", "torchvision:alexnut"], "alexnet"),
        (["--dataset", "digits", "--subset-size", "half"], "--subset-size"),
        (["--dataset", "digits", "--subset-size", "0"], "--subset-size must be a share up to 1"),
        (["--dataset", "digits", "--subset-size", "1.5"], "--subset-size must be a share up to 1"),
        (["--dataset", "digits", "--subset-size", "99999"], "--subset-size must be a share up to 1"),
        # A network cannot be trained on one row.
        (["--dataset", "digits", "--subset-size", "0.5", "--subset-size", "1"], "and keep 2 or more, got 1."),
        (["--dataset", "digits", "--subset-size", "0.0015"], "and keep 2 or more, got 0.0015."),
        (["--dataset", "digits", "--baseline", "best"], "--baseline"),
        (["--dataset", "digits", "--train-rows", "1"], "--train-rows"),
        (["--dataset", "digits", "--test-rows", "0"], "--test-rows"),
        (["--dataset", "digits", "--test-rows", "99999"], "--test-rows"),
        (["--dataset", "digits", "--device", "abacus"], "--device abacus must be 'auto'"),
        (
            ["--dataset", "digits", "--precision", "fp8"],
            "--precision must be one of auto, fp32, bf16, got 'fp8'.",
        ),
        (["--dataset", "digits", "--schedule", "cosine"], "--schedule must be one of cifar, "),
        (["--dataset", "cifar10", "--data-dir", "nowhere"], "sksvp: --data-dir nowhere has no"),
        (["--dataset", "digits", "--seeds", "0"], "--seeds must be a whole number from 1"),
        (
            ["--dataset", "digits", "--seeds", "٣"],
            "--seeds must be a whole number from 1 to 10,000, got '٣'.",
        ),
        (["--dataset", "digits", "--seeds", "1_0"], "--seeds must be a whole number"),
        (["--dataset", "digits", "--seeds", "1" * 5000], "--seeds must be a whole number"),
        (["--dataset", "digits", "--proxy-epochs", str(10**30)], "--proxy-epochs must be a whole number"),
        (["--dataset", "digits", "--jobs", "0"], "--jobs must be a whole number"),
        (["--dataset", "digits", "--batch-size", "٣٢"], "--batch-size must be a whole number from 2"),
        (["--dataset", "digits", "--lr", "1e400"], "--lr must be a number above 0 and finite, got '1e400'."),
        (["--dataset", "digits", "--lr", "٣.٣"], "--lr must be a number"),
        (["--dataset", "digits", "--subset-size", "nan"], "--subset-size must be a share such as 0.5"),
        (["--dataset", "digits", "--subset-size", "9" * 400], "--subset-size must be a share such as 0.5"),
        (["--dataset", "digits", "--subset-size", "٣.٣"], "--subset-size must be a share such as 0.5"),
        (["--dataset", "digits", "--image-shape", "٣,٨,٨"], "--image-shape must be CHANNELS,HEIGHT,WIDTH"),
        (["--dataset", "digits", "--target", "resnet٨"], "--target resnet٨ is unknown"),
        (["--dataset", "digits", "--proxy", ""], "--proxy must not be empty."),
        (["--dataset", "digits", "--device", ""], "--device must not be empty."),
        (["--dataset", "digits", "--out", ""], "--out must be a path, got ''."),
        (["--dataset", "digits", "--from-selected", "no.csv"], "--from-selected no.csv does not exist."),
        (["--data", ""], "--data must be a path, got ''."),
        (
            ["--data", ".", "--data-dir", "data"],
            "--data-dir would change nothing: the data is not a --dataset of files.",
        ),
        (["--data", ".", "--download"], "--download would change nothing"),
        (["--dataset", "digits", "--image-size", "32"], "--image-size would change nothing"),
        (["--dataset", "digits", "--data-dir", "."], "--data-dir would change nothing"),
        (
            ["--dataset", "digits", "--probabilities", "out_of_fold", "--strategy", "k_centers"],
            "--probabilities would change nothing: no --strategy reads class probabilities.",
        ),
        (["--dataset", "digits", "--skip-unreadable"], "--skip-unreadable would change nothing"),
        (["--dataset", "digits", "--test-data", "."], "--test-data would change nothing"),
        (["--dataset", "digits", "--resume"], "--resume needs --out, the folder of the run."),
        (["--dataset", "folder", "--data-dir", ".", "--out", "./"], "--out . is the folder of the data"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("coreset", "--epochs", 1, *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert words in result.stderr
    assert not list(tmp_path.rglob("*.json"))


def test_a_former_selection_refuses_what_it_would_not_heed(tmp_path):
    (tmp_path / "rows.csv").write_text("row\n1\n")
    former = ["coreset", *QUICK, "--from-selected", tmp_path / "rows.csv", "--out", tmp_path / "out"]
    for options, words in (
        (["--proxy", "resnet14", "--class-balanced"], "--class-balanced and --proxy would change nothing"),
        (["--proxy-epochs", 3, "--proxy-lr", 0.1], "--proxy-epochs and --proxy-lr would change nothing"),
        ([], "rows of rows.csv: there is one only"),
    ):
        refused = run(*former, *options)
        assert refused.exit_code == 2 and words in refused.stderr
        assert not (tmp_path / "out").exists()


def test_rows_of_one_class_do_not_end_a_run(tmp_path):
    y = np.repeat([0, 1], [90, 10])
    X = np.random.RandomState(0).randint(0, 255, (100, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", X_train=X, y_train=y, X_test=X[::2], y_test=y[::2])
    (tmp_path / "rows.csv").write_text("row\n1\n2\n3\n")
    result = run(
        "coreset", "--data", tmp_path / "mine.npz", "--target", "resnet8", "--epochs", 1, "--device", "cpu",
        "--from-selected", tmp_path / "rows.csv", "--baseline", "all", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert (
        "rows of rows.csv, 3 rows, seed 0: error 10.00 %, 0 CPU s, 0 wall s; all of one class"
        in result.output
    )
    assert "\nall rows " in result.output


def test_bad_selection_files(tmp_path):
    for text in ("", "a,b\n1,2\n", "row\n1.5\n", "row\n1\n1\n", "row\n100000\n", "row\n-1\n"):
        (tmp_path / "rows.csv").write_text(text)
        result = run("coreset", *QUICK, "--from-selected", tmp_path / "rows.csv", "--out", tmp_path / "out")
        assert result.exit_code == 2
        assert "rows.csv" in result.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_for_out(tmp_path):
    tmp_path.chmod(0o500)
    result = run("coreset", *QUICK, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "cannot write" in result.output


def test_out_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    result = run("coreset", *QUICK, "--out", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "cannot write" in result.output


@pytest.mark.parametrize("command", [[], ["coreset"], ["active"], ["train"]])
def test_help(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output
    assert "\x08" not in result.output
    # The words as they are, however the terminal breaks its lines.
    text = "".join(result.output.split())
    if command == ["coreset"]:
        assert ",".join(strategy_names()[:-1]) + f"or{strategy_names()[-1]}" in text
    if command == ["active"]:
        (names,) = re.findall(
            "How unlabelled rows are ranked: (.*?); repeat", " ".join(result.output.split())
        )
        for name in strategy_names():
            with suppress(ValueError):
                resolve_pool_strategy(name)
                assert name in names.replace(" or", ",").split(", ")
        assert "forgetting_events" not in names
    if command:
        assert all(name in text for name in (*SCHEDULE_NAMES, *DATASETS, "resnet20", "bag-of-ngrams"))


def test_version():
    shown = subprocess.run(
        [sys.executable, "-c", "from sksvp.cli import main; main()", "--version"],
        capture_output=True,
        text=True,
    )
    assert shown.stdout.startswith("sksvp 0.")


def test_arrays_without_test_rows(tmp_path):
    X = np.random.RandomState(0).randint(0, 255, (60, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", X=X, y=np.arange(60) % 3)
    options = ["--data", tmp_path / "mine.npz", "--proxy", "resnet8", "--epochs", 1, "--device", "cpu"]
    refused = run("coreset", *options, "--out", tmp_path / "a")
    assert refused.exit_code == 2
    assert "no test rows" in refused.output
    chosen = run("coreset", *options, "--only-select", "--out", tmp_path / "b")
    assert chosen.exit_code == 0, chosen.output
    assert len(pd.read_csv(tmp_path / "b" / "selected.csv")) == 30


@pytest.mark.parametrize(
    ("networks", "given", "expected"),
    [
        (["resnet20", "resnet164"], None, 1.0),
        (["torchvision:resnet18", "torchvision:resnet50"], None, 0.875),
        (["torchvision:resnet18", "torchvision:resnet50"], 0.5, 0.5),
    ],
)
def test_the_middle_that_a_network_is_tested_on(tmp_path, monkeypatch, networks, given, expected):
    asked = {}

    def stop(root, **kwargs):
        asked.update(kwargs)
        raise ValueError("far enough")

    monkeypatch.setattr("sksvp.datasets.load_image_folder", stop)
    proxy, target = networks
    option = [] if given is None else ["--crop-fraction", given]
    result = run(
        "coreset",
        "--dataset",
        "folder",
        "--data-dir",
        tmp_path,
        "--proxy",
        proxy,
        "--target",
        target,
        *option,
    )
    assert "far enough" in result.output
    assert asked["crop_fraction"] == expected


def test_crop_fraction_is_checked(tmp_path):
    other = run("train", "--dataset", "digits", "--crop-fraction", 0.5)
    assert (other.exit_code, other.stderr) == (
        2,
        "sksvp: --crop-fraction would change nothing: the data is not --dataset folder.\n",
    )
    zero = run("train", "--dataset", "folder", "--data-dir", tmp_path, "--crop-fraction", 0)
    assert zero.exit_code == 2 and "--crop-fraction must be" in zero.stderr


def test_folder_of_images_names_its_files(tmp_path):
    from PIL import Image

    rng = np.random.RandomState(0)
    for split, n in (("train", 12), ("test", 4)):
        for name in ("cat", "dog"):
            (tmp_path / "pets" / split / name).mkdir(parents=True)
            for k in range(n):
                pixels = rng.randint(0, 255, (20, 24, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "pets" / split / name / f"{k}.png")
    (tmp_path / "pets" / "train" / "dog" / "broken.png").write_bytes(b"no image")
    options = [
        "coreset", "--dataset", "folder", "--data-dir", tmp_path / "pets", "--image-size", 16, "--proxy", "resnet8",
        "--target", "resnet8", "--epochs", 1, "--device", "cpu", "--baseline", "random", "--class-balanced",
    ]  # fmt: skip
    refused = run(*options, "--out", tmp_path / "a")
    assert refused.exit_code == 2
    assert "broken.png" in refused.output
    assert "--skip-unreadable" in refused.output
    result = run(*options, "--skip-unreadable", "--out", tmp_path / "b")
    assert result.exit_code == 0, result.output
    assert "broken.png" in result.output
    files = pd.read_csv(tmp_path / "b" / "selected.csv")["file"]
    assert len(files) == 12
    assert all((tmp_path / "pets" / file).exists() for file in files)


def test_a_folder_of_images_as_data_names_the_option(tmp_path):
    (tmp_path / "cat").mkdir()
    result = run("coreset", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "--dataset folder --data-dir" in "".join(result.output.split("\n"))
