"""Runs of several proxies, and the target that chooses its own rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sksvp.estimators import ResNetClassifier
from sksvp.experiments import (
    ActiveRun,
    CoresetRun,
    RunFolder,
    estimate,
    report_run,
    run_active,
    run_coreset,
    trainings_table,
)
from sksvp.plotting import save_active_figure, save_run_figure

X, Y = load_digits(return_X_y=True)
LINE, TREE = LogisticRegression(max_iter=200), DecisionTreeClassifier(max_depth=5)


def a_run(**settings):
    given = {
        "proxy": {"line": LINE, "a tree": TREE}, "target": LINE, "strategies": ["margin", "entropy", "random"],
        "seeds": [0, 1], "subset_sizes": [60],
    }  # fmt: skip
    return CoresetRun(X[:200], Y[:200], X[200:300], Y[200:300], **given | settings)


def done(run, path, **params):
    folder = RunFolder(path, {}, resume=True)
    lines = []
    run_coreset(run, folder, report=lines.append, **params)
    return folder, lines


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_proxy_is_trained_once_and_chooses_as_in_a_run_of_its_own(n_jobs, tmp_path):
    folder, lines = done(a_run(), tmp_path / "both", n_jobs=n_jobs)
    names = [
        "margin by line",
        "margin by a tree",
        "entropy by line",
        "entropy by a tree",
        "random",
        "all rows",
    ]
    assert sorted(trainings_table(folder)["name"]) == sorted(2 * names)
    assert sum(line.startswith("proxy ") for line in lines) == 4
    assert len(list((folder.path / "proxies").glob("*/*/proxy.joblib"))) == 4
    for name, model in a_run().proxies.items():
        alone, _ = done(a_run(proxy=model), tmp_path / name)
        for seed in (0, 1):
            key = f"margin-by-{name.replace(' ', '-')}_60_{{}}seed{seed}"
            (found,) = folder.selections.glob(key.format("*") + ".csv")
            rows = pd.read_csv(found)["row"]
            np.testing.assert_array_equal(
                rows, pd.read_csv(alone.selections / f"margin_60_seed{seed}.csv")["row"]
            )


def test_a_finished_run_is_not_repeated_and_takes_a_proxy_more(tmp_path):
    done(a_run(proxy={"line": LINE}), tmp_path)
    _, lines = done(a_run(), tmp_path)
    trained = [line for line in lines if not line.startswith("hint")]
    assert len(trained) == 2 + 4 and all("a tree" in line for line in trained)
    assert done(a_run(), tmp_path)[1] == []


def test_a_strategy_is_ranked_by_the_proxies_that_serve_it(tmp_path):
    network = ResNetClassifier(8, max_epochs=1, image_shape=(1, 8, 8), device="cpu")
    run = a_run(
        proxy={"line": LINE, "net": network}, strategies=["k_centers", "forgetting_events"], seeds=[0]
    )
    names = [arm.name for arm in run.arms()]
    # A linear model without `partial_fit` has no record of its training.
    assert names == ["k_centers by line", "k_centers by net", "forgetting_events by net", "all rows"]


def test_hints_name_the_proxy_that_they_are_about(tmp_path):
    trees = {"deep": DecisionTreeClassifier(), "shallow": DecisionTreeClassifier(max_depth=1)}
    _, lines = done(a_run(proxy=trees, strategies=["entropy"], seeds=[0]), tmp_path, only_select=True)
    hints = [line for line in lines if line.startswith("hint: ")]
    assert any(line.startswith("hint: deep: the proxy has memorised its training rows") for line in hints)
    assert any(line.startswith("hint: shallow: the proxy is hardly better than guessing") for line in hints)


def test_the_target_chooses_its_own_rows(tmp_path):
    folder, lines = done(a_run(with_target=True, proxy=TREE, strategies=["margin"]), tmp_path / "a")
    table = trainings_table(folder)
    assert set(table["name"]) == {"margin", "margin by target", "all rows"}
    alone, _ = done(a_run(proxy=LINE, strategies=["margin"]), tmp_path / "b")
    for seed in (0, 1):
        by_target, by_itself = (
            pd.read_csv(run.selections / f"{name}_60_seed{seed}.csv")["row"]
            for run, name in ((folder, "margin-by-target"), (alone, "margin"))
        )
        np.testing.assert_array_equal(by_target, by_itself)
    assert any(line.startswith("target, seed 0: ") for line in lines)


def test_a_network_that_chooses_for_itself_is_trained_on_all_rows_once(tmp_path, monkeypatch):
    network = ResNetClassifier(8, max_epochs=2, batch_size=32, image_shape=(1, 8, 8), device="cpu")
    settings = {"proxy": network, "target": network, "strategies": ["el2n"], "seeds": [0]}
    alone, _ = done(a_run(**settings), tmp_path / "a")
    trained = []
    fit = ResNetClassifier.fit
    monkeypatch.setattr(ResNetClassifier, "fit", lambda self, X, y: trained.append(len(X)) or fit(self, X, y))
    folder, lines = done(a_run(with_target=True, **settings), tmp_path / "b")
    # The proxy is the same network, and comes from the memory.
    assert trained == [200, 60, 60]
    assert lines[-1].endswith("of the target that chose")
    whole, other = (trainings_table(run).set_index("name").loc["all rows"] for run in (folder, alone))
    assert whole["error"] == other["error"] and whole["epochs"] == other["epochs"] == 2
    assert whole["target_seconds"] == folder.get("proxy-target_seed0")["proxy_seconds"]
    assert whole["proxy_seconds"] == 0
    lines = estimate(a_run(with_target=True, **settings))
    assert lines[lines["part"] == "target"]["name"].tolist() == ["chosen rows"]


def test_tables_figures_and_estimates(tmp_path):
    run = a_run(with_target=True, seeds=[0])
    folder, _ = done(run, tmp_path)
    shown = []
    _, averages = report_run(folder, report=shown.append, width=80)
    assert max(map(len, shown[0].partition("\nEqual")[0].partition("\nEach")[0].splitlines())) <= 80
    assert set(averages["name"]) >= {"margin by line", "margin by a tree", "margin by target"}
    save_run_figure(averages, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    lines = estimate(run)
    assert {"line", "a tree", "target"} <= set(lines[lines["part"] == "proxy"]["name"])
    assert "margin by a tree" in set(lines[lines["part"] == "ranking"]["name"])


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ({}, "proxy must have one proxy at least"),
        ({"target": LINE}, "proxy must name each proxy by a str other than 'target', got 'target'"),
        ({3: LINE}, "proxy must name each proxy by a str .* got 3"),
        ({"a": "resnet8"}, "proxy\\['a'\\] must be a classifier, got 'resnet8'"),
        ({"a": LogisticRegression(C=-1)}, "'C' parameter of LogisticRegression"),
        ([LINE], "'proxy' parameter of CoresetRun"),
    ],
    ids=str,
)
def test_proxies_that_are_none(proxy, words):
    with pytest.raises((ValueError, TypeError), match=words):
        a_run(proxy=proxy)


def test_names_that_files_cannot_have_stay_apart(tmp_path):
    names = ["a:epochs=2", "a epochs=2", "x" * 100 + "1", "x" * 100 + "2"]
    run = a_run(proxy=dict.fromkeys(names, LINE), strategies=["margin"], seeds=[0])
    arms = [arm for arm in run.arms() if arm.chooser]
    assert len({arm.key for arm in arms}) == len({arm.proxy_key for arm in arms}) == 4
    assert max(len(arm.key) for arm in arms) < 150


def test_active_learning_by_several_proxies(tmp_path):
    run = ActiveRun(
        X[:200], Y[:200], X[200:300], Y[200:300], proxy={"line": LINE, "tree": TREE}, target=LINE,
        strategies=["margin"], rounds=[20, 20], initial_size=40, target_at="all", seeds=[0],
    )  # fmt: skip
    folder = RunFolder(tmp_path, {}, resume=False)
    run_active(run, folder, report=lambda line: None)
    rounds, averages = report_run(folder, report=lambda line: None)
    assert set(averages["name"]) == {"margin by line", "margin by tree", "margin by target", "random"}
    assert averages[averages["name"] == "margin by tree"]["speedup_seconds"].notna().all()
    save_active_figure(rounds, tmp_path / "a.png")
    line, target = (folder.get(f"margin-by-{name}_seed0")["history"] for name in ("line", "target"))
    assert [entry["rows"] for entry in line] == [entry["rows"] for entry in target]
