"""The benchmark scripts run, on tiny settings; their figures are not judged here."""

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]

TINY = {
    "bench_active": ["--pool", "500", "--repeats", "2", "--rows", "200"],
    "bench_training": [
        "--rows",
        "64",
        "--epochs",
        "1",
        "--depth",
        "8",
        "--batch-size",
        "32",
        "--rounds",
        "2",
    ],
    "bench_cuda": [
        *["--device", "cpu", "--rows", "64", "--epochs", "1", "--rounds", "1", "--train-epochs", "1"],
        *["--part", "loops", "--part", "scoring", "--part", "resnet20"],
    ],
    "bench_sets": ["--case", "BADGE, 100 classes", "--share", "0.02"],
    "bench_strategy_costs": [
        *["--runs", "cells", "--strategy", "entropy", "--rows", "2000", "--features", "4", "--classes", "5"],
        *["--picks", "50"],
    ],
    "bench_pilot": ["--rows", "120", "--test-rows", "40", "--shares", "0.3", "--seeds", "1"],
    "bench_pilot_transfer": [
        *["--images", "digits", "--images-rows", "100", "--images-shares", "0.2", "--images-visits", "20"],
        *["--test-rows", "20", "--seeds", "1"],
    ],
    "bench_frozen_features": ["--batch", "30", "--rounds", "1", "--seeds", "2", "--strategies", "margin"],
    "bench_auto_unseen": ["--data", "wine", "--seeds", "2", "--proxies", "logistic regression"],
    "bench_el2n": [
        *[
            "--train-rows",
            "40",
            "--epochs",
            "2",
            "--proxies",
            "2",
            "--shares",
            "0.5",
            "--seeds",
            "1",
            "--runs",
            "runs",
        ]
    ],
    "bench_selection": ["--rows", "200"],
    "bench_training_record": [
        *["--depth", "8", "--rows", "32", "--batch-size", "16", "--rounds", "1"],
        *["--scored-rows", "2000", "--visits", "12"],
    ],
    "bench_out_of_fold": ["--rows", "200"],
    "bench_window": ["--rows", "200", "--sizes", "0.1", "0.5", "--epochs", "2", "--seeds", "1"],
    "bench_stop_proxy": ["--rows", "60", "--epochs", "3"],
    "bench_fast_recipe": [
        *[
            "--dataset",
            "digits",
            "--train-rows",
            "64",
            "--epochs",
            "1",
            "--timed-rows",
            "64",
            "--timed-rounds",
            "1",
        ],
        *["--agreement-rows", "64", "--agreement-epochs", "1", "--deep", "resnet14"],
    ],
    "bench_k_centers_growth": [
        *["--rows", "300", "600", "--centres", "20", "40", "--centres-rows", "400"],
        *["--n-features", "32", "--loop-steps", "2"],
    ],
    "bench_learner_default": [
        *["--rows", "60", "--test-rows", "20", "--labels", "10", "20", "--seeds", "1", "--epochs", "1"],
    ],
    "bench_memory": ["--rows", "64", "--depth", "8"],
    "bench_text_selection": [
        *["--rows", "24", "--test-rows", "8", "--depth", "9", "--epochs", "1", "--batch-size", "12"],
        *["--proxy-epochs", "1", "--checkpoint-every", "0"],
    ],
    "bench_vdcnn": ["--rows", "16", "--batch-size", "8", "--hidden", "32", "--rounds", "1"],
    "bench_text": ["--rows", "100", "--rounds", "1", "--memory-rows", "500"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TINY))
def test_benchmark_writes_json_and_markdown(name, tmp_path, monkeypatch):
    if name.startswith("bench_text") and find_spec("fasttext") is None:
        pytest.skip("fasttext is not installed")
    # In this process: a start of Python with torch takes longer than most of these benchmarks.
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *TINY[name], "--out", str(tmp_path)])
    # benchmarks set it, and one tries cuDNN's kernels.
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    benchmark = import_module(name)
    if name == "bench_cuda":
        # Without a C++ compiler's minute.
        monkeypatch.setitem(benchmark.COMPILED, "compile__backend", "eager")
    benchmark.main()
    figures = json.loads((tmp_path / f"{name}.json").read_text())
    assert figures["command"].startswith(f"python benchmarks/{name}.py ")
    assert figures["machine"]["threads"] == 1
    assert (tmp_path / f"{name}.md").read_text().startswith("# ")


def test_every_benchmark_stands_in_the_readme():
    text = (ROOT / "benchmarks" / "README.md").read_text()
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("bench_*.py")}
    assert {name for name in scripts if f"benchmarks/{name}.py" in text} == scripts
    assert set(TINY) <= scripts
