"""``sksvp active``, as a user types it."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sksvp.cli._main import app
from sksvp.experiments import RunFolder

QUICK = ["--dataset", "digits", "--train-rows", "200", "--epochs", "2", "--seeds", "1", "--device", "cpu"]
ROUNDS = ["--initial-size", "40", "--round", "20", "--round", "30"]


def run(*arguments):
    return CliRunner().invoke(app, ["active", *map(str, arguments)])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    result = run(
        *QUICK, *ROUNDS, "--strategy", "least_confidence", "--strategy", "k_centers", "--out", folder
    )
    assert result.exit_code == 0, result.output
    return folder, result.output


def record(folder, name):
    return json.loads((folder / "trainings" / f"{name}.json").read_text())


def test_tables_show_every_way_to_choose(finished):
    _, output = finished
    errors, by_cpu, by_wall = re.split(r"\n(?:CPU|wall) s of choosing until", output)
    for name in ("least_confidence", "k_centers"):
        for chooser in ("proxy", "target"):
            for table in (errors, by_cpu, by_wall):
                assert f"\n{name} by {chooser} " in table
    assert "\nrandom " in errors and "\nrandom " not in by_cpu + by_wall
    assert "(1.0x)" in by_cpu and "(1.0x)" in by_wall


def test_run_folder(finished):
    folder, _ = finished
    rounds = pd.read_csv(folder / "results.csv")
    assert rounds.groupby("name")["n_labeled"].apply(list).tolist() == [[40, 60, 90]] * 5
    assert rounds.loc[rounds["n_labeled"] > 40, "target_error"].notna().all()
    assert rounds.loc[rounds["name"] == "random", "proxy_error"].isna().all()
    table = pd.DataFrame(json.loads((folder / "results.json").read_text()))
    one = table[(table["name"] == "k_centers by proxy") & (table["n_labeled"] == 90)].iloc[0]
    line = rounds[(rounds["name"] == "k_centers by proxy") & (rounds["n_labeled"] == 90)].iloc[0]
    assert one["error"] == pytest.approx(100 * line["target_error"])
    for clock, end in (("cpu_seconds", "_cpu"), ("seconds", "")):
        spent, own = (
            rounds[rounds["name"] == f"k_centers by {chooser}"]
            .iloc[1:][[part + end for part in ("proxy_fit", "inference", "ranking")]]
            .to_numpy()
            .sum()
            for chooser in ("proxy", "target")
        )
        assert one[clock] == pytest.approx(spent)
        assert one[f"speedup_{clock}"] == pytest.approx(own / spent)
    selected = pd.read_csv(folder / "selected.csv")
    assert selected["round"].tolist() == [0] * 40 + [1] * 20 + [2] * 30
    assert selected["row"].is_unique and selected["row"].max() < 1257 and selected["row"].max() >= 200
    assert (folder / "results.png").read_bytes().startswith(b"\x89PNG")


def test_all_arms_of_a_seed_begin_with_the_same_rows(finished):
    folder, _ = finished
    starts = {
        tuple(json.loads(path.read_text())["history"][0]["rows"]) for path in (folder / "trainings").iterdir()
    }
    assert len(starts) == 1


def test_resume_repeats_nothing_that_is_finished(finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "run")
    gone = folder / "trainings" / "random_seed0.json"
    before = json.loads(gone.read_text())
    gone.unlink()
    kept = {path: path.stat().st_mtime_ns for path in (folder / "trainings").iterdir()}
    arguments = [
        *QUICK,
        *ROUNDS,
        "--strategy",
        "least_confidence",
        "--strategy",
        "k_centers",
        "--out",
        folder,
    ]
    assert run(*arguments).exit_code == 2
    again = run(*arguments, "--resume")
    assert again.exit_code == 0, again.output
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    after = json.loads(gone.read_text())
    for entry, other in zip(before["history"], after["history"], strict=True):
        assert (entry["rows"], entry["target_score"]) == (other["rows"], other["target_score"])


def test_another_target_on_what_was_chosen(finished, tmp_path):
    folder, _ = finished
    out = tmp_path / "replay"
    again = run(*QUICK, "--precomputed", folder, "--out", out)
    assert again.exit_code == 0, again.output
    assert not (out / "checkpoints").exists()
    for name in ("random", "least_confidence-by-proxy"):
        whole = record(folder, f"{name}_seed0")["history"]
        for entry in whole[1:]:
            (other,) = record(out, f"{name}_seed0_at{entry['n_labeled']}")["history"]
            assert other["target_score"] == entry["target_score"], "the same target, so the same result"
    assert "of choosing until" not in again.output
    other = run(
        *QUICK, "--precomputed", folder, "--target", "resnet8", "--target-at", "90", "--out", tmp_path / "o"
    )
    assert other.exit_code == 0, other.output
    assert sorted(path.stem for path in (tmp_path / "o" / "trainings").iterdir())[-1] == "random_seed0_at90"


def test_a_replay_from_the_random_start_on(finished, tmp_path):
    out = tmp_path / "replay"
    both = run(*QUICK, "--precomputed", finished[0], "--target-at", "40", "--target-at", "60", "--out", out)
    assert both.exit_code == 0, both.output
    table = pd.DataFrame(json.loads((out / "results.json").read_text()))
    assert table.loc[table["name"] == "random", "n_labeled"].tolist() == [40, 60]
    assert table["error"].notna().all()


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--strategy", "k_centers", "--baseline", "none"], ["k_centers-by-proxy"]),
        (["--strategy", "k_centers", "--baseline", "target"], ["k_centers-by-proxy", "k_centers-by-target"]),
        (["--baseline", "random"], ["k_centers-by-proxy", "least_confidence-by-proxy", "random"]),
        (["--strategy", "random", "--baseline", "none"], ["random"]),
    ],
    ids=str,
)
def test_a_part_of_what_was_chosen(finished, tmp_path, options, kept):
    out = tmp_path / "replay"
    some = run(*QUICK, "--precomputed", finished[0], "--target-at", "last", *options, "--out", out)
    assert some.exit_code == 0, some.output
    assert sorted(path.stem for path in (out / "trainings").iterdir()) == [
        f"{name}_seed0_at90" for name in kept
    ]
    assert record_settings(out)["proxy"] == "resnet8", "it chose"
    again = run(*QUICK, "--precomputed", out, "--out", tmp_path / "again")
    assert again.exit_code == 2 and f"take {finished[0]}" in again.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strategy", "margin"], "has no --strategy margin; there: k_centers, least_confidence, random."),
        (["--seeds", "2"], "has no seed 1; there: 0."),
        (["--initial-size", "7", "--round", "9"], "--initial-size and --round would change nothing"),
        (["--proxy", "resnet14"], "--proxy would change nothing"),
        (
            ["--stop", "kappa", "--start", "random", "--plan"],
            "--start and --stop and --plan would change nothing",
        ),
        (["--proxy-epochs", "3"], "--proxy-epochs would change nothing"),
        (["--proxy-lr", "0.1", "--proxy-batch-size", "8"], "--proxy-batch-size and --proxy-lr would"),
    ],
    ids=str,
)
def test_a_replay_refuses_what_it_would_not_heed(finished, tmp_path, options, message):
    refused = run(*QUICK, "--precomputed", finished[0], *options, "--out", tmp_path / "replay")
    assert refused.exit_code == 2 and message in refused.stderr
    assert not (tmp_path / "replay").exists()


def test_one_process_at_a_time(finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    with RunFolder(tmp_path / "run", record_settings(tmp_path / "run"), resume=True).alone():
        second = run(*QUICK, *ROUNDS, "--seeds", "2", "--out", tmp_path / "run", "--resume")
    assert second.exit_code == 2 and "is in use" in second.stderr


def record_settings(folder):
    return json.loads((folder / "config.json").read_text())["settings"]


def test_another_rate_of_the_proxy_is_another_run(finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    other = run(*QUICK, *ROUNDS, "--proxy-lr", "0.5", "--out", tmp_path / "run", "--resume")
    assert other.exit_code == 2 and "no --proxy-lr there, 0.5 now" in other.stderr


@pytest.mark.slow
def test_arms_side_by_side_choose_the_same(finished, tmp_path):
    result = run(*QUICK, *ROUNDS, "--baseline", "random", "--jobs", "2", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    for name in ("random", "least_confidence-by-proxy"):
        one, two = (record(folder, f"{name}_seed0")["history"] for folder in (finished[0], tmp_path / "run"))
        assert one[0]["rows"] == two[0]["rows"]
    np.testing.assert_array_equal(
        sorted(path.stem for path in (tmp_path / "run" / "trainings").iterdir()),
        ["least_confidence-by-proxy_seed0", "random_seed0"],
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--round", "0.5", "--round", "0.9"], "labels of a pool of 200 rows"),
        (["--round", "many"], "--round must be a share such as 0.5"),
        (["--round", "1.5"], "--round must be a share of the pool up to 1 or a number of labels, got 1.5."),
        (["--round", "0"], "--round must be a share of the pool up to 1 or a number of labels, got 0."),
        (
            ["--round", "0.1", "--round", "5"],
            "--round must be all shares such as 0.1 or all numbers of labels",
        ),
        (
            ["--initial-size", "0"],
            "--initial-size must be a share of the pool up to 1 or a number of labels, got 0.",
        ),
        (["--strategy", "forgetting_events"], "--strategy forgetting_events ranks by forgetting events"),
        (["--strategy", "luck"], "luck"),
        (
            ["--target-at", "17"],
            "--target-at 17 names totals that never occur: 17; the totals are 20, 40, 60, 80.",
        ),
        (["--target-at", "often"], "--target-at must be all, last"),
        (["--stop", "luck"], "--stop luck: "),
        (["--stop", "kappa:luck=1"], "--stop kappa:luck=1: Invalid parameter 'luck'"),
        (["--stop", "kappa:patience=0"], "--stop kappa:patience=0: "),
        (["--start", "margin"], "--start margin reads probabilities"),
        (["--start", "luck"], "--start must be one of clustered, "),
        (["--start", "typiclust:luck=1"], "--start 'typiclust:luck=1': Invalid parameter"),
        (["--candidates", "neighbors"], "--candidates would change nothing"),
        (["--max-candidates", "3"], "--max-candidates 3, but 20 rows are to be chosen"),
        (["--baseline", "all"], "--baseline must be one of random, target"),
    ],
    ids=str,
)
def test_wrong_use_is_one_line_and_writes_nothing(tmp_path, arguments, message):
    result = run(*QUICK, *arguments, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_rule_start_candidates_and_updates(tmp_path):
    result = run(
        *QUICK, *ROUNDS, "--strategy", "margin", "--baseline", "random", "--stop", "flips:tolerance=1.0,patience=1",
        "--start", "clustered", "--max-candidates", "50", "--updates", "equal", "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Stopping rule: flips within 1.0 for 1 rounds, noted only." in result.output
    assert "margin by proxy: met in 1 of 1 runs, after 90 labels of 90; target error" in result.output
    # 90 labels in batches of 32, twice.
    assert "Equal updates: each target was trained for about 6" in result.output
    rounds = pd.read_csv(tmp_path / "run" / "results.csv")
    # Two targets must agree, the first of which is that of 60 labels.
    assert rounds.loc[rounds["settled"].eq(True), "n_labeled"].tolist() == [90, 90]
    assert {"proxy_change", "target_change"} <= {*rounds.columns}
    again = run(*QUICK, "--precomputed", tmp_path / "run", "--updates", "equal", "--out", tmp_path / "replay")
    assert again.exit_code == 0, again.output
    for name in ("random", "margin-by-proxy"):
        (last,) = record(tmp_path / "replay", f"{name}_seed0_at90")["history"]
        assert (
            last["target_score"] == record(tmp_path / "run", f"{name}_seed0")["history"][-1]["target_score"]
        )


def test_a_rule_ends_the_rounds(tmp_path):
    rule = "flips:tolerance=1.0,patience=1,ends_run=true"
    result = run(*QUICK, *ROUNDS, "--baseline", "target", "--stop", rule, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "which ends the rounds." in result.output
    assert "least_confidence by target: met in 1 of 1 runs, after 60 labels; target error" in result.output


def test_plan_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*QUICK, *ROUNDS, "--plan", "--baseline", "none")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].split()[:3] == ["estimate", "rows", "times"] and lines[-1].startswith("total ")
    assert any(line.startswith("ranking   least_confidence by proxy, round 2") for line in lines)
    assert not list(tmp_path.iterdir())


def test_former_runs_that_cannot_be_replayed(finished, tmp_path):
    other_rows = run(*QUICK, "--train-rows", "150", "--precomputed", finished[0], "--out", tmp_path / "a")
    assert other_rows.exit_code == 2 and "chose among other rows" in other_rows.stderr
    no_run = run(*QUICK, "--precomputed", tmp_path, "--out", tmp_path / "b")
    assert no_run.exit_code == 2 and "is not a run" in no_run.stderr


def test_several_proxies(tmp_path):
    result = run(
        *QUICK,
        *ROUNDS,
        "--proxy",
        "resnet8",
        "--proxy",
        "resnet8:epochs=1",
        "--baseline",
        "none",
        "--out",
        tmp_path / "run",
    )
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(tmp_path / "run" / "results.csv")["chooser"]) == {"resnet8", "resnet8:epochs=1"}
