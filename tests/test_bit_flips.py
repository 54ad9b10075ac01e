"""One wrong bit in any file that is read back: noticed, or without a trace in the result."""

import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from test_cli import run
from test_experiments import small_run
from toy_proxies import blobs

from sksvp import ProxyActiveLearner, ProxyCoresetSelector
from sksvp.cli._folders import read_rows
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier
from sksvp.experiments import RunFolder, report_run, run_coreset
from sksvp.plotting import CoresetDisplay

X, y = blobs(60)
N_FLIPS = 25


def flips(path, n_flips=N_FLIPS):
    """Put a wrong bit into a file, at places drawn, one after the other; the file is whole again at the end."""
    content = path.read_bytes()
    rng = np.random.RandomState(len(content) % 1000)
    # Headers are at the beginning, and are the smaller part of large files.
    places = [
        *rng.randint(8 * min(len(content), 400), size=n_flips // 2),
        *rng.randint(8 * len(content), size=n_flips),
    ]
    for place in places:
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        yield
    path.write_bytes(content)


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


def outcome(work, path):
    """Return what work gives, or None for an error that names the file or its folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return work()
        except (ValueError, OSError) as error:
            assert path.name in str(error) or str(path.parent) in str(error), error
            return None


@pytest.mark.parametrize("kind", ["network", "words"])
def test_saved_classifier(kind, tmp_path):
    path = tmp_path / "model.safetensors"
    if kind == "network":
        rows = (np.random.RandomState(0).rand(24, 8, 8) * 255).astype(np.uint8)
        model = ResNetClassifier(depth=8, max_epochs=1, batch_size=8, device="cpu", random_state=0)
    else:
        rows = [f"{'good' if row % 2 else 'bad'} {row}" for row in range(24)]
        model = BagOfNgramsClassifier(dim=4, bucket=64, max_epochs=1, random_state=0)
    model.fit(rows, np.arange(24) % 2).save(path)
    for _ in flips(path, 60):
        loaded = outcome(lambda: type(model).load(path), path)
        if loaded is not None:
            np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))
    np.testing.assert_array_equal(type(model).load(path).predict_proba(rows), model.predict_proba(rows))


def test_memory_of_proxies(tmp_path):
    selector = ProxyCoresetSelector(
        LogisticRegression(), strategy="entropy", memory=tmp_path / "a", random_state=0
    )
    whole = clone(selector).fit(X, y)
    shutil.copytree(tmp_path / "a", tmp_path / "kept")
    for kept in files_in(tmp_path / "kept"):
        path = tmp_path / "a" / kept.relative_to(tmp_path / "kept")
        for _ in flips(kept):
            shutil.rmtree(tmp_path / "a")
            shutil.copytree(tmp_path / "kept", tmp_path / "a")
            again = outcome(lambda: clone(selector).fit(X, y), path)
            np.testing.assert_array_equal(again.scores_, whole.scores_)
            np.testing.assert_array_equal(again.proxy_.coef_, whole.proxy_.coef_)


def test_run_of_a_learner(tmp_path):
    learner = ProxyActiveLearner(
        LogisticRegression(), LogisticRegression(C=0.1), checkpoint=tmp_path / "a", random_state=0
    )
    with learner.fit(X, [*y[:8], *[None] * 52]):
        for _ in range(2):
            rows = learner.query(5)
            learner.teach(rows, y[rows])
        rows = learner.query(5)
    shutil.copytree(tmp_path / "a", tmp_path / "kept")
    for kept in files_in(tmp_path / "kept"):
        for _ in flips(kept):
            shutil.rmtree(tmp_path / "a")
            shutil.copytree(tmp_path / "kept", tmp_path / "a")
            path = tmp_path / "a" / kept.relative_to(tmp_path / "kept")
            with outcome(lambda: ProxyActiveLearner.resume(tmp_path / "a", X), path) as again:
                # No single wrong bit loses a label, nor the query that waits.
                np.testing.assert_array_equal(again.labeled_rows_, learner.labeled_rows_)
                np.testing.assert_array_equal(again.labels_, learner.labels_)
                np.testing.assert_array_equal(again.query(5), rows)
                assert again.get_params()["target"].C == 0.1


def test_training_in_progress(tmp_path):
    rows = (np.random.RandomState(0).rand(24, 8, 8) * 255).astype(np.uint8)
    labels = np.arange(24) % 2

    def model(folder):
        return ResNetClassifier(
            depth=8,
            max_epochs=2,
            batch_size=8,
            device="cpu",
            random_state=0,
            checkpoint=folder,
            checkpoint_every=1,
        )

    whole = model(tmp_path / "kept").fit(rows, labels)
    for kept in files_in(tmp_path / "kept"):
        for _ in flips(kept, 6):
            shutil.rmtree(tmp_path / "a", ignore_errors=True)
            shutil.copytree(tmp_path / "kept", tmp_path / "a")
            path = tmp_path / "a" / kept.relative_to(tmp_path / "kept")
            again = outcome(lambda: model(tmp_path / "a").fit(rows, labels), path)
            np.testing.assert_array_equal(again.predict_logits(rows), whole.predict_logits(rows))
            np.testing.assert_array_equal(
                again.records_["forgetting_events"], whole.records_["forgetting_events"]
            )


def test_folder_of_a_run(tmp_path):
    experiment = small_run(tmp_path / "memory", strategies=["entropy"], subset_sizes=[60], seeds=[0])

    def go_on():
        folder = RunFolder(tmp_path / "run", {"epochs": 3}, resume=True)
        run_coreset(experiment, folder, report=lambda line: None)
        return list(folder), read_rows(tmp_path / "run" / "selected.csv", 300).tolist()

    records, rows = go_on()
    for path in files_in(tmp_path / "run"):
        if path.name == ".lock":
            continue
        for _ in flips(path):
            again = outcome(go_on, path)
            # The copy at the top is written anew.
            assert again is None or again == (records, rows)
    path = tmp_path / "run" / "selected.csv"
    for _ in flips(path):
        again = outcome(lambda: read_rows(path, 300).tolist(), path)
        assert again is None
    assert go_on() == (records, rows)
    path = tmp_path / "run" / "results.csv"
    report_run(RunFolder(tmp_path / "run", {"epochs": 3}, resume=True), report=lambda text: None)
    pytest.importorskip("matplotlib").use("Agg")
    whole = CoresetDisplay.from_run(tmp_path / "run").table
    for _ in flips(path):
        assert outcome(lambda: CoresetDisplay.from_run(tmp_path / "run"), path) is None
    pd.testing.assert_frame_equal(CoresetDisplay.from_run(tmp_path / "run").table, whole)


def test_run_that_is_replayed(tmp_path):
    command = [
        "active", "--dataset", "digits", "--train-rows", 60, "--proxy", "resnet8", "--target", "resnet8", "--epochs", 1,
        "--seeds", 1, "--baseline", "none", "--round", 0.2, "--device", "cpu", "--strategy", "entropy",
    ]  # fmt: skip
    assert run(*command, "--out", tmp_path / "former").exit_code == 0
    replay = [
        "active",
        "--dataset",
        "digits",
        "--train-rows",
        60,
        "--target",
        "resnet8",
        "--epochs",
        1,
        "--device",
        "cpu",
    ]
    whole = run(*replay, "--precomputed", tmp_path / "former", "--out", tmp_path / "whole")
    assert whole.exit_code == 0, whole.output
    read = [tmp_path / "former" / "config.json", *(tmp_path / "former" / "trainings").glob("*.json")]
    assert len(read) == 2
    errors = [pd.read_csv(tmp_path / "whole" / "results.csv")["target_error"].tolist()]
    for path in read:
        for number, _ in enumerate(flips(path, 4)):
            out = tmp_path / f"out-{path.stem}-{number}"
            done = run(*replay, "--precomputed", tmp_path / "former", "--out", out)
            if done.exit_code == 0:
                errors.append(pd.read_csv(out / "results.csv")["target_error"].tolist())
            else:
                assert done.exit_code == 2 and path.name in done.output.replace("\n", ""), done.output
    assert all(error == errors[0] for error in errors)
