"""The commands ``sksvp reproduce`` and ``sksvp runs`` on figures at the scale "smoke"."""

import io
import json

import pandas as pd
import pytest
from test_cli import run

FIGURE = ("reproduce", "figure11", "--dataset", "digits", "--scale", "smoke", "--seeds", 1, "--device", "cpu")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduce") / "out"
    result = run(*FIGURE, "--out", folder)
    assert result.exit_code == 0, result.output
    assert "4 trainings, 0 of them stored" in result.output
    return folder


def test_report_and_figure(out):
    folder = out / "figure11-digits-smoke"
    assert {path.name for path in folder.iterdir()} == {
        "report.md", "report.html", "results.csv", "figure.svg", "figure.png",
    }  # fmt: skip
    results = pd.read_csv(folder / "results.csv")
    assert results["ours"].notna().all() and set(results["panel"]) == {"forgetting events"}
    html = (folder / "report.html").read_text()
    assert "<table>" in html and "Coleman et al." in html


def test_a_second_command_takes_what_is_stored(out):
    result = run(*FIGURE, "--out", out, "--resume")
    assert result.exit_code == 0 and "4 trainings, 4 of them stored; about 0 CPU seconds" in result.output
    plan = run("reproduce", "figure3", *FIGURE[2:], "--out", out, "--plan")
    assert plan.exit_code == 0 and "4 trainings, 4 of them stored" in plan.output
    plan = run("reproduce", "table2", *FIGURE[2:], "--out", out, "--plan")
    assert "33 trainings, 3 of them stored" in plan.output
    assert max(map(len, plan.stdout.splitlines())) <= 80
    assert not (out / "figure3-digits-smoke").exists()


def test_runs_list_show_and_compare(out):
    store = out / "store"
    listed = run("runs", "list", "--store", store)
    assert listed.exit_code == 0 and "4 of 4 models" in listed.output
    models = json.loads(run("runs", "list", "--store", store, "--json", "--sort", "error").stdout)
    errors = [model["error"] for model in models]
    assert errors == sorted(errors) and len(models) == 4
    small = run("runs", "list", "--store", store, "--csv", "--network", "resnet8")
    assert len(pd.read_csv(io.StringIO(small.stdout))) == 2
    assert "0 of 4 models" in run("runs", "list", "--store", store, "--seed", 3).output
    first, second = models[0]["key"], models[1]["key"]
    shown = run("runs", "show", first[:8], "--store", store)
    assert shown.exit_code == 0 and "network.depth" in shown.output and "epoch 4" in shown.output
    history = run("runs", "show", first, "--store", store, "--csv")
    assert pd.read_csv(io.StringIO(history.stdout))["epoch"].tolist()[:4] == [1, 2, 3, 4]
    compared = run("runs", "compare", first, second, "--store", store)
    assert compared.exit_code == 0 and "error" in compared.output and "dataset" not in compared.output
    for result in (listed, shown, compared):
        lines = [line for line in result.stdout.splitlines() if not line.startswith("folder")]
        assert max(map(len, lines)) <= 80


def test_a_figure_without_trainings(tmp_path):
    result = run(
        "reproduce", "figure8", "--scale", "smoke", "--data-dir", "none", "--device", "cpu", "--out", tmp_path
    )
    assert result.exit_code == 0 and "0 trainings" in result.output and "| squeezenet1_1 |" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reproduce", "tabel1"), "TABLE tabel1 is unknown ('table1' is near)"),
        (("reproduce", "table1", "--dataset", "cifar"), "--dataset cifar is unknown ('cifar10' is near)"),
        (("reproduce", "table1", "--data-dir", "none"), "--data-dir none has no folder cifar-10-batches-py"),
        (("reproduce", "figure8", "--scale", "smoke", "--weights", "none"), "--weights none does not exist"),
        (("reproduce", "table1", "--resume", "--out", "none"), "--out none holds no store that --resume"),
        (("runs", "list", "--store", "none"), "--store none: there is no such folder"),
        (("runs", "list", "--json", "--csv"), "--json and --csv exclude each other"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
