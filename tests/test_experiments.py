"""Runs that can be stopped and resumed, and their tables."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

from sksvp import ProxyCoresetSelector
from sksvp._clock import Clock
from sksvp._storage._files import replacing, write_json
from sksvp._storage._sealed import write_sealed_json
from sksvp.cli._main import app
from sksvp.coreset import ByChanceWarning, RiskyChoiceWarning
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.experiments import (
    ActiveRun,
    CoresetRun,
    RunFolder,
    budgets_table,
    format_budgets,
    format_summary,
    former_run,
    report_run,
    rounds_table,
    run_active,
    run_coreset,
    summary_table,
    trainings_table,
)
from sksvp.experiments._hardware import hardware_name
from sksvp.experiments._proxy_hints import proxy_hints
from sksvp.experiments._run_folder import RunRecords
from sksvp.experiments._seconds import clocks_in_order, in_words
from sksvp.experiments._workers import in_workers
from sksvp.strategies import ScoredStrategy, _registry, register_strategy


class SlowRegression(LogisticRegression):
    """Takes 0.3 s of the processor to fit."""

    def fit(self, X, y):
        start = time.process_time()
        while time.process_time() < start + 0.3:
            pass
        return super().fit(X, y)


def small_run(memory, **changes):
    X, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=200, random_state=0)
    settings = {
        "proxy": model,
        "target": model,
        "strategies": ["entropy", "class-balanced random"],
        "subset_sizes": [0.5, 60],
        "seeds": [0, 1],
        "memory": str(memory),
    }
    return CoresetRun(X[:300], y[:300], X[300:500], y[300:500], **(settings | changes))


@pytest.mark.parametrize(
    ("proxy", "hint"),
    [
        (DummyClassifier(strategy="uniform"), r"hint: the proxy is hardly better than guessing \(error"),
        (LogisticRegression(max_iter=200), None),
    ],
)
def test_a_proxy_that_has_learned_nothing_is_told_of_before_targets_are_trained(proxy, hint, tmp_path):
    lines = []
    run = small_run(tmp_path / "memory", proxy=proxy, seeds=[0], strategies=["entropy"])
    run_coreset(run, RunFolder(tmp_path / "run", {}, resume=False), report=lines.append)
    hints = [line for line in lines if line.startswith("hint: the proxy is hardly")]
    assert len(hints) == (hint is not None)
    if hint:
        assert re.match(hint, lines[1]) and "proxy_lr" in lines[1]


@pytest.mark.parametrize(("never_learned", "proxy"), [(0.6, BagOfNgramsClassifier()), (0.4, None)])
def test_rows_never_learned_are_told_of_without_test_rows(never_learned, proxy, tmp_path):
    record = {"error": None, "never_learned": never_learned}
    run = small_run(tmp_path / "memory", **({} if proxy is None else {"proxy": proxy}))
    run.X_test = run.y_test = None
    hints = [hint for _, hint in proxy_hints(run, "proxy", [record])]
    if never_learned < 0.5:
        assert hints == []
    else:
        (hint,) = hints
        assert "most rows were never learned (60%)" in hint
        assert "for a few thousand texts proxy_lr=0.5 and proxy_epochs=10" in hint


@pytest.mark.parametrize(("strategy", "is_told"), [("forgetting_events", True), ("entropy", False)])
def test_rows_never_learned_that_fill_a_small_core_set_are_told_of(strategy, is_told, tmp_path):
    run = small_run(tmp_path / "memory", strategies=[strategy])
    hints = [hint for _, hint in proxy_hints(run, "proxy", [{"error": 0.3, "never_learned": 0.2}])]
    # A fifth of 300 rows, of which 60 are chosen.
    assert ["most of the 60 rows that are chosen first" in hint for hint in hints] == [True] * is_told


def hints_of(run, folder, **params):
    """Run, with no warning on the way, and return the hints."""
    lines = []
    with warnings.catch_warnings():
        for category in (ByChanceWarning, RiskyChoiceWarning):
            warnings.simplefilter("error", category)
        run_coreset(run, RunFolder(folder, {}, resume=False), report=lines.append, **params)
    return [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]


def test_the_selector_does_not_say_it_again(tmp_path):
    proxy = MLPClassifier((4,), learning_rate_init=1e-9, random_state=0)
    run = small_run(
        tmp_path / "memory", proxy=proxy, seeds=[0], strategies=["forgetting_events"], subset_sizes=[0.7]
    )
    with pytest.warns(ByChanceWarning):
        run.selector(run.arms()[0]).fit(run.X_train, run.y_train)
    hints = hints_of(run, tmp_path / "run")
    assert hints[0].startswith("the proxy is hardly better than guessing")
    assert not any("never learned" in hint or "by chance" in hint for hint in hints)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("only_select", [True, False])
def test_what_selectors_warn_of_is_told_once_for_all_seeds(n_jobs, only_select, tmp_path):
    tree = DecisionTreeClassifier(random_state=0)
    run = small_run(tmp_path / "memory", proxy=tree, strategies=["entropy", "random"], subset_sizes=[0.5, 60])
    # Where there are test rows, they show it.
    memorised, *rest = hints_of(run, tmp_path / "run", only_select=only_select, n_jobs=n_jobs)
    assert memorised.startswith("the proxy has memorised its training rows (error 0.0%, on the test rows ")
    assert "probabilities='out_of_fold'" in memorised
    # A tree leaves both to chance, and neither has 20 rows a class.
    assert sorted(hint[:46] for hint in rest) == [
        "entropy: 100% of the 150 chosen rows have the ",
        "entropy: 100% of the 60 chosen rows have the s",
        "entropy: The 150 chosen rows may well train a ",
        "entropy: The 60 chosen rows may well train a w",
    ]
    run.X_test = run.y_test = None
    run.memory = str(tmp_path / "other")
    hints = hints_of(run, tmp_path / "without-test-rows", only_select=True, n_jobs=n_jobs)
    assert len(hints) == 5
    (memorised,) = [hint for hint in hints if "memorised" in hint]
    assert memorised.startswith("entropy: The proxy DecisionTreeClassifier seems to have memorised")


def test_a_run_out_of_fold(tmp_path):
    tree = DecisionTreeClassifier(random_state=0)
    run = small_run(
        tmp_path / "memory", proxy=tree, strategies=["entropy"], seeds=[0], probabilities="out_of_fold"
    )
    hints = hints_of(run, tmp_path / "run", only_select=True)
    assert hints and not any("memorised" in hint for hint in hints)
    rows = pd.read_csv(tmp_path / "run" / "selected" / "entropy_0.5_seed0.csv")["row"]
    selector = ProxyCoresetSelector(tree, strategy="entropy", probabilities="out_of_fold", random_state=0)
    selector.fit(run.X_train, run.y_train)
    np.testing.assert_array_equal(np.sort(rows), selector.indices_)


def test_records_hold_what_was_trained(tmp_path):
    folder = RunFolder(tmp_path / "run", {"a": 1}, resume=False)
    run = small_run(tmp_path / "memory")
    lines = []
    run_coreset(run, folder, report=lines.append)
    table = trainings_table(folder)
    assert len(table) == len(run.arms()) == 10
    for row in table[table["strategy"].notna()].itertuples():
        size = row.subset_size if row.subset_size < 1 else int(row.subset_size)
        key = f"{row.name.replace(' ', '-')}_{size}_seed{row.seed}"
        chosen = pd.read_csv(folder.selections / f"{key}.csv")["row"].to_numpy()
        model = LogisticRegression(max_iter=200, random_state=row.seed)
        model.fit(run.X_train[np.sort(chosen)], run.y_train[np.sort(chosen)])
        assert row.error == pytest.approx(1 - model.score(run.X_test, run.y_test))
    assert len([line for line in lines if not line.startswith("hint: ")]) == 12


class Lowest(ScoredStrategy):
    """Takes the rows with the lowest probability of their likeliest class, as least confidence does."""

    requires = ("probabilities",)

    def __init__(self, power=1):
        self.power = power

    def score(self, evidence, rows):
        return -(evidence.probabilities[rows].max(axis=1) ** self.power)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_strategies_of_users(n_jobs, tmp_path, monkeypatch):
    monkeypatch.setattr(_registry, "_STRATEGIES", dict(_registry._STRATEGIES))
    register_strategy("lowest", Lowest)
    strategies = ["least_confidence", "lowest", Lowest(), Lowest(power=2), "class-balanced lowest"]
    folder = RunFolder(tmp_path / "run", {}, resume=False)
    run = small_run(tmp_path / "memory", strategies=strategies, subset_sizes=[60], seeds=[0], with_all=False)
    run_coreset(run, folder, only_select=True, n_jobs=n_jobs, report=lambda line: None)
    chosen = {path.stem: set(pd.read_csv(path)["row"]) for path in folder.selections.glob("*.csv")}
    assert len(chosen) == 5
    # All but the balanced one rank alike.
    balanced = chosen.pop("class-balanced-lowest_60_seed0")
    assert len(set(map(frozenset, chosen.values()))) == 1 and balanced not in chosen.values()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_strategies_of_users_for_pools(n_jobs, tmp_path, monkeypatch):
    monkeypatch.setattr(_registry, "_STRATEGIES", dict(_registry._STRATEGIES))
    register_strategy("lowest", Lowest)
    X, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=200)
    run = ActiveRun(
        X[:200], y[:200], X[200:300], y[200:300], proxy=model, target=model, strategies=["lowest", Lowest(power=2)],
        rounds=[20], initial_size=40, target_at="last", seeds=[0], with_target=False, with_random=False,
    )  # fmt: skip
    folder = RunFolder(tmp_path / "run", {}, resume=False)
    run_active(run, folder, n_jobs=n_jobs, report=lambda line: None)
    trainings, averages = report_run(folder, report=lambda line: None)
    assert set(averages["name"]) == {"lowest by proxy", "Lowest(power=2) by proxy"}
    assert len(trainings) == 4


class Nameless:
    """A strategy without a repr of its own."""

    requires = ()

    def __init__(self, power):
        self.power = power

    def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
        return np.arange(evidence.n_rows), np.zeros(evidence.n_rows)


def test_a_strategy_named_twice_is_one_arm_and_two_of_one_name_are_refused(tmp_path):
    run = small_run(
        tmp_path, strategies=["entropy", "entropy", Nameless(1)], subset_sizes=[60, 60], seeds=[0, 0]
    )
    assert [arm.name for arm in run.arms()] == ["entropy", "Nameless", "all rows"]
    with pytest.raises(ValueError, match="strategies has two that tables call 'Nameless'"):
        small_run(tmp_path, strategies=[Nameless(1), Nameless(2)])


def test_arms_of_equal_networks_run_side_by_side(tmp_path):
    X, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=200, random_state=0)
    run = ActiveRun(
        X[:200], y[:200], X[200:300], y[200:300], proxy=model, target=model, strategies=["margin"], rounds=[20, 20],
        initial_size=40, target_at="last", seeds=[0],
    )  # fmt: skip
    folder = RunFolder(tmp_path, {}, resume=False)
    run_active(run, folder, n_jobs=3, report=lambda line: None)
    rows = [
        [entry["rows"] for entry in folder.get(f"margin-by-{who}_seed0")["history"]]
        for who in ("proxy", "target")
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"proxy": "resnet8"}, "'proxy' parameter of CoresetRun"),
        ({"strategies": "entropy"}, "'strategies' parameter of CoresetRun"),
        ({"strategies": ["entropi"]}, "Unknown strategy 'entropi'"),
        ({"strategies": ["class-balanced entropi"]}, "Unknown strategy 'entropi'"),
        ({"seeds": [-1]}, "'seeds' parameter of CoresetRun"),
        ({"seeds": [10**30]}, "'seeds' parameter of CoresetRun"),
        ({"seeds": 3}, "'seeds' parameter of CoresetRun"),
        ({"subset_sizes": ["half"]}, "'subset_sizes' parameter of CoresetRun"),
        ({"subset_sizes": [float("nan")]}, "subset_size must"),
        ({"with_all": "no"}, "'with_all' parameter of CoresetRun"),
        ({"probabilities": "held_out"}, "'probabilities' parameter of CoresetRun"),
        ({"memory": ""}, "memory must be a path"),
        ({"threads": 0}, "'threads' parameter of CoresetRun"),
        ({"checkpoint_every": -1}, "'checkpoint_every' parameter of CoresetRun"),
        ({"target": LogisticRegression(C=-1)}, "'C' parameter of LogisticRegression"),
        ({"target": ResNetClassifier(max_epochs=-1)}, "'max_epochs' parameter of ResNetClassifier"),
        ({"target": LinearRegression()}, "target must be a classifier"),
        ({"given": {"mine": [0, 300]}}, "given['mine'] must lie in 0 .. 299"),
        ({"row_numbers": np.arange(300.0)}, "row_numbers must be row numbers"),
        ({"filenames": ["a"]}, "filenames has 1"),
    ],
    ids=str,
)
def test_parameters_of_an_experiment_are_checked_at_once(changes, words, tmp_path):
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        small_run(**{"memory": tmp_path / "memory", **changes})


def test_rows_and_labels_that_do_not_fit_are_named(tmp_path):
    run = small_run(tmp_path / "memory")
    parts = {
        "proxy": run.proxy,
        "target": run.target,
        "strategies": ["random"],
        "subset_sizes": [5],
        "seeds": [0],
    }
    with pytest.raises(ValueError, match="X has 300, y_train has 299"):
        CoresetRun(run.X_train, run.y_train[1:], None, None, **parts)
    with pytest.raises(ValueError, match="X_test and y_test must be given together"):
        CoresetRun(run.X_train, run.y_train, run.X_test, None, **parts)
    without_test = CoresetRun(run.X_train, run.y_train, None, None, **parts)
    with pytest.raises(ValueError, match="X_test=None"):
        run_coreset(without_test, RunFolder(tmp_path / "run", {}, resume=False))


def test_arguments_of_functions_are_checked(tmp_path):
    run, folder = small_run(tmp_path / "memory"), RunFolder(tmp_path / "run", {}, resume=False)
    for call in (
        lambda: run_coreset("run", folder),
        lambda: run_coreset(run, tmp_path),
        lambda: run_coreset(run, folder, only_select="no"),
        lambda: run_coreset(run, folder, n_jobs=0),
        lambda: run_coreset(run, folder, report=None),
        lambda: run_active(run, folder),
        lambda: RunFolder(tmp_path, {}, resume="no"),
        lambda: RunFolder(tmp_path, None, resume=False),
        lambda: RunFolder(3, {}, resume=False),
        lambda: report_run(folder),
        lambda: trainings_table([{"kind": "proxy"}, None]),
        lambda: rounds_table(3),
        lambda: summary_table(None),
        lambda: format_summary(pd.DataFrame(), clocks=["hours"]),
        lambda: former_run(tmp_path / "run", {}),
    ):
        with pytest.raises((ValueError, TypeError)):
            call()


def test_home_is_expanded_in_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = RunFolder("~/run", {}, resume=False)
    run_coreset(
        small_run("~/memory", strategies=["entropy"], subset_sizes=[60], seeds=[0]), folder, only_select=True
    )
    assert (tmp_path / "run" / "selected.csv").exists() and any((tmp_path / "memory").iterdir())


def test_a_table_tells_precision_and_hardware(tmp_path):
    lines = []
    folder = RunFolder(tmp_path / "run", {"precision": "bf16"}, resume=False)
    folder.add("all", target_records(("all rows", None, 1.0, 100, 0, 0.05, 19.0))[0])
    report_run(folder, report=lines.append)
    assert lines[0].splitlines()[-1] == f"Trained in bf16 on {hardware_name()}."
    assert torch.backends.cpu.get_cpu_capability() in hardware_name()


def test_workers_of_another_working_folder_write_into_the_same_run(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        folder = RunFolder("run", {}, resume=False)
        # The second time joblib's workers are there already.
        run = small_run("memory", strategies=["entropy"], subset_sizes=[60])
        run_coreset(run, folder, only_select=True, n_jobs=2, report=lambda line: None)
        assert len(list((tmp_path / name / "run" / "selected").glob("*.csv"))) == 2
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["memory", "run"]


def test_no_more_workers_than_calls(monkeypatch):
    n_workers = []

    class Counted(Parallel):
        def __init__(self, n_jobs, **params):
            n_workers.append(n_jobs)
            super().__init__(n_jobs=n_jobs, **params)

    monkeypatch.setattr("sksvp.experiments._workers.Parallel", Counted)
    assert list(in_workers([lambda: 1], 10**30)) == [1] and list(in_workers([], 4)) == []
    assert n_workers == [1, 1]


def test_workers_give_the_same_errors(tmp_path):
    tables = []
    for n_jobs in (1, 2):
        folder = RunFolder(tmp_path / f"run{n_jobs}", {}, resume=False)
        run_coreset(small_run(tmp_path / f"memory{n_jobs}"), folder, n_jobs=n_jobs, report=lambda line: None)
        tables.append(trainings_table(folder)[["name", "n_rows", "seed", "error"]])
    pd.testing.assert_frame_equal(*tables)


def target_records(*trainings):
    """Records of trainings, given as name, strategy, share, rows, seed, error and seconds of the target."""
    return [
        {
            "kind": "target", "name": name, "strategy": strategy, "subset_size": size, "n_subset": rows, "n_rows": rows,
            "seed": seed, "protocol": "epochs", "epochs": 3, "updates": 9,
            "error": error, "proxy_seconds": 1.0, "selection_seconds": 2.0, "target_seconds": 2 * seconds,
            "proxy_cpu_seconds": 1.0, "selection_cpu_seconds": 2.0, "target_cpu_seconds": seconds,
        }
        for name, strategy, size, rows, seed, error, seconds in trainings
    ]  # fmt: skip


def test_summary_is_mean_and_sample_deviation():
    records = target_records(
        ("entropy", "entropy", 0.5, 50, 0, 0.10, 7.0),
        ("entropy", "entropy", 0.5, 50, 1, 0.14, 9.0),
        ("all rows", None, 1.0, 100, 0, 0.05, 19.0),
    )
    table = summary_table(trainings_table([*records, {"kind": "proxy"}])).set_index("name")
    assert table.loc["entropy", "error"] == pytest.approx(12.0)
    assert table.loc["entropy", "spread"] == pytest.approx(np.std([10, 14], ddof=1))
    assert table.loc["entropy", "total_cpu_seconds"] == pytest.approx(11.0)
    assert table.loc["entropy", "speed_up_cpu_seconds"] == pytest.approx(22.0 / 11.0)
    assert table.loc["entropy", "total_seconds"] == pytest.approx(19.0)
    assert table.loc["entropy", "speed_up_seconds"] == pytest.approx(41.0 / 19.0)
    assert np.isnan(table.loc["all rows", "spread"])


def test_columns_of_a_summary_lie_below_each_other():
    name = "class-balanced forgetting_events"
    records = target_records(
        (name, "forgetting_events", 0.5, 50, 0, 0.1, 7.0), ("all rows", None, 1.0, 100, 0, 0.05, 19.0)
    )
    table = summary_table(trainings_table(records))
    *lines, note = format_summary(table).splitlines()
    assert note.startswith("CPU s and wall s sum up")
    blocks = (
        (
            ("rows", "seeds", "error %", "CPU s", "speed-up"),
            (("100", "1", "5.00", "22.0", "1.00x"), ("50", "1", "10.00", "10.0", "2.20x")),
        ),
        (("wall s", "speed-up"), (("41.0", "1.00x"), ("17.0", "2.41x"))),
    )
    for number, (columns, rows) in enumerate(blocks):
        heading, *part = lines[3 * number : 3 * number + 3]
        ends = [heading.index(column) + len(column) for column in columns]
        for line, cells in zip(part, rows, strict=True):
            assert [line[:end].split()[-1] for end in ends] == list(cells)
            assert len(line) == len(heading)


def test_a_name_that_is_too_long_has_a_line_of_its_own():
    name = "forgetting_events by resnet20:epochs=50,schedule=cifar:181"
    records = target_records(
        (name, "forgetting_events", 0.5, 50, 0, 0.1, 7.0), ("all", None, 1.0, 100, 0, 0.05, 19.0)
    )
    lines = format_summary(summary_table(trainings_table(records)), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines.count(name) == 3 and lines[lines.index(name) + 1].split() == ["50", "1", "10.00"]


def test_on_a_gpu_the_wall_comes_first(monkeypatch):
    records = target_records(
        ("entropy", "entropy", 0.5, 50, 0, 0.1, 7.0), ("all rows", None, 1.0, 100, 0, 0.05, 19.0)
    )
    monkeypatch.setattr("sksvp.experiments._seconds.resolve_device", torch.device)
    proxy, target = LogisticRegression(), ResNetClassifier(8, device="cuda")
    assert clocks_in_order(proxy) == ["cpu_seconds", "seconds"]
    clocks = clocks_in_order(proxy, target)
    heading, whole, entropy, below, *lines = format_summary(
        summary_table(trainings_table(records)), clocks=clocks
    ).splitlines()
    assert "wall s" in heading and "CPU s" in below and lines[-1].startswith("wall s and CPU s sum up")
    assert whole.split()[-3:] == ["38.0", "41.0", "1.00x"]
    assert entropy.split()[-3:] == ["14.0", "17.0", "2.41x"]
    assert lines[1].split()[-1] == "2.20x"
    clock = Clock()
    clock.wall, clock.cpu = 3.2, 1.6
    assert in_words(clock, clocks) == "3 wall s, 2 CPU s"


def test_speedup_of_choosing_is_the_ratio_of_the_seconds_in_the_table():
    records = [
        {
            "kind": "active",
            "name": f"margin by {chooser}",
            "strategy": "margin",
            "chooser": chooser,
            "seed": seed,
            "history": [
                {
                    "round": number,
                    "n_labeled": 10 + 5 * number,
                    "proxy_score": 0.5,
                    "target_score": 0.5 if number else None,
                    **dict.fromkeys(("inference", "ranking", "target_fit"), 0.0),
                    **dict.fromkeys(("inference_cpu", "ranking_cpu", "target_fit_cpu"), 0.0),
                    "proxy_fit": 2 * seconds + 1,
                    "proxy_fit_cpu": seconds,
                }
                for number in range(3)
            ],
        }
        # The mean of the ratios, 4 and 1, would be 2.5.
        for chooser, seed, seconds in [("proxy", 0, 1), ("proxy", 1, 9), ("target", 0, 4), ("target", 1, 9)]
    ]
    table = budgets_table(records).set_index(["name", "n_labeled"])
    assert table.loc[("margin by proxy", 20), "cpu_seconds"] == 10.0
    assert table.loc[("margin by proxy", 20), "seconds"] == 22.0
    np.testing.assert_allclose(table.loc["margin by proxy", "speedup_cpu_seconds"], 1.3)
    np.testing.assert_allclose(table.loc["margin by proxy", "speedup_seconds"], 14 / 11)
    np.testing.assert_allclose(table.loc["margin by target", "speedup_cpu_seconds"], 1.0)
    _, by_cpu, by_wall = format_budgets(table.reset_index()).split("\n\n")
    assert by_cpu.startswith("CPU s of choosing until") and "10.0 (1.3x)" in by_cpu
    assert by_wall.startswith("wall s of choosing until") and "22.0 (1.3x)" in by_wall
    alone = budgets_table([record for record in records if record["chooser"] == "proxy"])
    assert alone["cpu_seconds"].tolist() == [5.0, 10.0] and alone["speedup_cpu_seconds"].isna().all()


def test_a_folder_holds_one_configuration(tmp_path):
    RunFolder(tmp_path, {"proxy": "resnet14", "epochs": 3}, resume=False)
    # Nothing was trained yet, so nothing is lost by starting anew.
    folder = RunFolder(tmp_path, {"proxy": "resnet8", "epochs": 3}, resume=False)
    folder.add("proxy_seed0", {"kind": "proxy"})
    RunFolder(tmp_path, {"proxy": "resnet8", "epochs": 3}, resume=True)
    with pytest.raises(ValueError, match="resume=True goes on"):
        RunFolder(tmp_path, {"proxy": "resnet8", "epochs": 3}, resume=False)
    with pytest.raises(ValueError, match=r"epochs=3 there, 4 now"):
        RunFolder(tmp_path, {"proxy": "resnet8", "epochs": 4}, resume=True)


@pytest.mark.parametrize(
    "state",
    [
        "trainings-in-progress/proxy_seed0/0a/state-00000001.bin",
        "checkpoints/random_seed0/0a/state-00000001.bin",
        "proxies/sksvp-proxies/0a/entry.json",
    ],
)
def test_a_run_that_has_not_finished_a_training_is_not_begun_anew(tmp_path, state):
    RunFolder(tmp_path, {"epochs": 3}, resume=False)
    path = tmp_path / state
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(ValueError, match="holds a run already"):
        RunFolder(tmp_path, {"epochs": 3}, resume=False)
    with pytest.raises(ValueError, match="epochs=3 there, 4 now"):
        RunFolder(tmp_path, {"epochs": 4}, resume=True)
    RunFolder(tmp_path, {"epochs": 3}, resume=True)


def test_a_former_run_is_read_without_a_touch(tmp_path):
    RunFolder(tmp_path, {}, resume=False).add("proxy_seed0", {"kind": "proxy"})
    with replacing(tmp_path / "state.bin") as part:
        part.write_bytes(b"at work")
        before = sorted(tmp_path.rglob("*"))
        assert [record["kind"] for record in RunRecords(tmp_path)] == ["proxy"]
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["config.json", "trainings/proxy_seed0.json"])
def test_a_damaged_file_is_named_before_anything_is_trained(name, tmp_path):
    RunFolder(tmp_path, {}, resume=False).add("proxy_seed0", {"kind": "proxy"})
    for damage in ('{"ki', "[]"):
        (tmp_path / name).write_text(damage)
        with pytest.raises(ValueError, match=rf"{name} is damaged"):
            RunFolder(tmp_path, {}, resume=True)


def test_files_of_others_and_of_other_versions_are_named(tmp_path):
    folder = RunFolder(tmp_path, {}, resume=False)
    folder.add("proxy_seed0", {"kind": "proxy"})
    with pytest.raises(ValueError, match=r"proxy_seed0\.json lacks 'error'"):
        folder.get("proxy_seed0")["error"]
    notes = folder.records / "notes.json"
    notes.write_text('{"mine": 1}')
    with pytest.raises(ValueError, match=r"notes\.json is damaged \(it has no checksum\)"):
        RunFolder(tmp_path, {}, resume=True)
    write_sealed_json(notes, "finished training 0", {})
    with pytest.raises(
        ValueError, match=r"notes\.json holds 'finished training 0', not 'finished training 1'"
    ):
        RunFolder(tmp_path, {}, resume=True)


def test_a_folder_removed_under_its_run_is_named(tmp_path):
    folder = RunFolder(tmp_path / "run", {}, resume=False)
    shutil.rmtree(tmp_path / "run")
    for work in (
        lambda: folder.add("one", {"kind": "target"}),
        lambda: folder.add_selection("one", pd.DataFrame({"row": [1]})),
    ):
        with pytest.raises(FileNotFoundError, match=rf"was removed or moved.*{tmp_path}/run"):
            work()


def test_a_selection_that_was_edited_is_not_shown(tmp_path):
    folder = RunFolder(tmp_path, {}, resume=False)
    folder.add_selection("one", pd.DataFrame({"row": [1, 2]}))
    folder.show_selection("one")
    assert (tmp_path / "selected.csv").read_text() == "row\n1\n2\n"
    (tmp_path / "selected" / "one.csv").write_text("row\n1\n3\n")
    with pytest.raises(ValueError, match=r"one\.csv is damaged or was edited"):
        folder.show_selection("one")


def test_trainings_of_unknown_settings_are_not_taken_over(tmp_path):
    RunFolder(tmp_path, {}, resume=False).add("proxy_seed0", {"kind": "proxy"})
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match=r"no config\.json"):
        RunFolder(tmp_path, {}, resume=True)


def test_two_processes_do_not_work_in_one_folder(tmp_path):
    folder = RunFolder(tmp_path, {}, resume=False)
    part = folder.records / ".one.json.abc.part.json"
    with folder.alone():
        part.touch()
        with pytest.raises(ValueError, match="is in use"):
            RunFolder(tmp_path, {}, resume=True)
        with pytest.raises(ValueError, match="is in use"):
            run_coreset(small_run(tmp_path / "memory"), folder, report=print)
        assert part.exists()
    RunFolder(tmp_path, {}, resume=True)
    assert not part.exists()


def test_seconds_of_a_proxy_survive_a_kill_between_training_and_record(tmp_path):
    """The memory has the proxy, the folder no record: its training was paid for all the same."""
    run = small_run(tmp_path / "memory", proxy=SlowRegression(max_iter=200), seeds=[0], with_all=False)
    run.selector(run.arms()[0]).fit(run.X_train, run.y_train)
    folder = RunFolder(tmp_path / "run", {}, resume=False)
    run_coreset(run, folder, report=lambda line: None)
    assert folder.get("proxy_seed0")["proxy_cpu_seconds"] > 0.3
    chosen = next(
        record for record in folder if record["kind"] == "target" and record["strategy"] == "entropy"
    )
    assert chosen["proxy_cpu_seconds"] > 0.3


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "file.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "file.json", {"a": object()})
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "file.json") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert json.loads((tmp_path / "file.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
def test_files_get_the_rights_of_any_new_file_and_no_thread_sees_another_umask(tmp_path, monkeypatch):
    (tmp_path / "plain").touch()
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask of all threads was changed"))
    write_json(tmp_path / "file.json", {})
    assert (tmp_path / "file.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


# A shell's background jobs, and so the tests within one, begin deaf to Ctrl-C.
PROGRAM = """
import signal
from sksvp.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


ARGUMENTS = [
    "coreset", "--dataset", "digits", "--train-rows", "150", "--target", "resnet14", "--epochs", "3", "--seeds", "2",
    "--device", "cpu", "--resume",
]  # fmt: skip
COMMAND = [sys.executable, "-c", PROGRAM, *ARGUMENTS]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


def run_to_the_end(out):
    """Run the command in this process: no other has to load torch."""
    done = CliRunner().invoke(app, [*ARGUMENTS, "--out", str(out)])
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The folder of a run that nothing interrupts."""
    out = tmp_path_factory.mktemp("unbroken") / "run"
    run_to_the_end(out)
    return out


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_command_resumes_to_the_same_results(tmp_path, how, unbroken):
    process = subprocess.Popen(
        [*COMMAND, "--out", tmp_path / "run"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=ONE_THREAD,
    )
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "run").glob("trainings/*.json"))) < 3 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(how)
    _, said = process.communicate()
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert f"--out {tmp_path / 'run'} --resume goes on" in said
        assert "Traceback" not in said
    for path in (tmp_path / "run" / "trainings").glob("*.json"):
        json.loads(path.read_text())
    run_to_the_end(tmp_path / "run")
    columns = ["name", "n_rows", "seed", "error"]
    resumed, whole = (pd.read_csv(folder / "results.csv")[columns] for folder in (tmp_path / "run", unbroken))
    pd.testing.assert_frame_equal(resumed, whole)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupted_command_with_workers_tells_of_no_leak(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "--jobs", "2", "--out", tmp_path / "run"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=ONE_THREAD,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "run").glob("trainings/*.json"))) < 1 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    # As a terminal does: to the workers too.
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "--resume goes on" in said
    assert "leaked" not in said


def _children(pid):
    return {int(found) for found in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_workers_end_with_a_killed_parent(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "--epochs", "10000", "--jobs", "2", "--out", tmp_path / "run"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ONE_THREAD,
    )
    try:
        deadline = time.monotonic() + 120
        while len(list((tmp_path / "run").glob("trainings-in-progress/*/*/state-*"))) < 3:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        workers = _children(process.pid)
        assert len(workers) >= 2
    finally:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 30
    while any(map(_is_alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_a_killed_process_left_unfinished_is_no_record(tmp_path):
    folder = RunFolder(tmp_path, {}, resume=False)
    folder.add("one", {"kind": "target"})
    (folder.records / ".two.json.abc.part.json").write_text('{"kind"')
    assert len(list(folder)) == 1
    assert len(list(RunFolder(tmp_path, {}, resume=True))) == 1
    assert [path.name for path in folder.records.iterdir()] == ["one.json"]
