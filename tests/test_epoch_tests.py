"""The test error after every epoch of a training."""

import time

import numpy as np
import pandas as pd
import pytest
from skorch.callbacks import Callback
from test_cli import run
from toy_texts import toy_texts

from sksvp import ProxyCoresetSelector
from sksvp._clock import Clock
from sksvp.estimators import BagOfNgramsClassifier, ResNetClassifier, measuring_test_error
from sksvp.experiments import CoresetRun, RunFolder, epochs_table, report_run, run_coreset
from sksvp.plotting import EpochErrorDisplay, save_epochs_figure
from sksvp.training import _trainer


def images(n=90):
    state = np.random.RandomState(0)
    y = np.arange(n) % 3
    return (80 * y[:, None, None] + state.randint(0, 90, (n, 8, 8))).astype(np.uint8), np.array(list("abc"))[
        y
    ]


X, Y = images()
NETWORK = ResNetClassifier(8, max_epochs=4, batch_size=16, device="cpu", random_state=0)


def fitted(network, tests=True):
    network = network.__class__(**network.get_params())
    if not tests:
        return network.fit(X[:60], Y[:60])
    with measuring_test_error(X[60:], Y[60:]):
        return network.fit(X[:60], Y[:60])


def test_a_training_is_the_same_with_tests_and_its_history_has_their_errors():
    plain, tested = fitted(NETWORK, tests=False), fitted(NETWORK)
    np.testing.assert_array_equal(plain.predict_logits(X), tested.predict_logits(X))
    assert plain.history_[:, "train_loss"] == tested.history_[:, "train_loss"]
    errors = tested.history_[:, "test_error"]
    assert len(errors) == 4 and errors[-1] == pytest.approx(1 - tested.score(X[60:], Y[60:]))
    # An epoch's error is that of the training which ended there.
    first = NETWORK.__class__(**NETWORK.get_params() | {"max_epochs": 2, "schedule": "cifar:4"}).fit(
        X[:60], Y[:60]
    )
    assert errors[1] == pytest.approx(1 - first.score(X[60:], Y[60:]))
    with pytest.raises(KeyError):
        plain.history_[:, "test_error"]


def test_texts():
    texts, labels = toy_texts(40)
    model = BagOfNgramsClassifier(bucket=100, max_epochs=3, lr=0.5, random_state=0)
    plain = model.fit(texts[:30], labels[:30]).predict_logits(texts)
    with measuring_test_error(texts[30:], labels[30:]):
        model.fit(texts[:30], labels[:30])
    np.testing.assert_array_equal(plain, model.predict_logits(texts))
    errors = model.history_[:, "test_error"]
    assert len(errors) == 3 and errors[-1] == pytest.approx(1 - model.score(texts[30:], labels[30:]))


def test_seconds_of_tests_are_not_those_of_the_training(monkeypatch):
    def slow(*args):
        time.sleep(0.3)
        return 0.5

    monkeypatch.setattr(_trainer, "error_of", slow)
    with Clock() as clock:
        tested = fitted(NETWORK)
    whole = clock.wall
    clock.add_earlier(tested)
    tests = sum(tested.history_[:, "test_seconds"])
    assert whole - clock.wall == pytest.approx(tests) and tests > 1.2
    assert sum(tested.history_[:, "dur"]) < clock.wall


def test_a_resumed_training_has_the_errors_of_all_its_epochs(tmp_path):
    class Stop(Exception):
        pass

    kept = {"checkpoint": tmp_path, "checkpoint_every": 1}
    stopped = ResNetClassifier(**NETWORK.get_params() | kept)

    class Stopping(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3 and not tmp_path.joinpath("gone").exists():
                tmp_path.joinpath("gone").touch()
                raise Stop

    stopped.set_params(net_params={"callbacks": [Stopping()]})
    with pytest.raises(Stop):
        fitted(stopped)
    resumed = fitted(stopped)
    assert resumed.history_[:, "test_error"] == fitted(NETWORK).history_[:, "test_error"]
    wall, cpu = resumed._earlier_seconds
    assert wall > 0 and cpu > 0


def test_proxies_are_tested_too_and_models_out_of_fold_are_not(monkeypatch):
    trained = []
    fit = ResNetClassifier.fit

    def noted(self, X, y):
        fit(self, X, y)
        trained.append("test_error" in self.history_[-1])
        return self

    monkeypatch.setattr(ResNetClassifier, "fit", noted)
    selector = ProxyCoresetSelector(NETWORK, strategy="entropy", probabilities="out_of_fold", random_state=0)
    with measuring_test_error(X[60:], Y[60:]):
        selector.fit(X[:60], Y[:60])
    assert trained == [True] + 5 * [False]
    assert len(selector.proxy_.history_[:, "test_error"]) == 4


def test_a_label_that_no_training_row_has_is_an_error():
    network = ResNetClassifier(**NETWORK.get_params())
    with measuring_test_error(X[60:], np.full(30, "z")):
        network.fit(X[:60], Y[:60])
    assert network.history_[:, "test_error"] == [1.0] * 4


@pytest.mark.parametrize(
    ("rows", "labels", "words"),
    [(X[:3], Y[:2], "X has 3, y has 2"), (X[:2], [np.nan, 1.0], "missing"), ("ab", Y[:2], "X must be rows")],
)
def test_bad_test_rows(rows, labels, words):
    with pytest.raises((ValueError, TypeError), match=words), measuring_test_error(rows, labels):
        pass


def a_run(**settings):
    given = {
        "proxy": NETWORK, "target": NETWORK, "strategies": ["entropy", "random"], "seeds": [0, 1],
        "subset_sizes": [0.5, 40], "with_target": True, "test_every_epoch": True,
    }  # fmt: skip
    return CoresetRun(X[:60], Y[:60], X[60:], Y[60:], **given | settings)


def test_the_table_and_figure_of_a_run(tmp_path):
    folder = RunFolder(tmp_path / "run", {}, resume=False)
    run_coreset(a_run(), folder, report=lambda line: None)
    trainings, _ = report_run(folder, report=lambda line: None)
    assert "history" not in trainings
    table = epochs_table(folder)
    pd.testing.assert_frame_equal(pd.read_csv(folder.path / "epochs.csv"), table, check_dtype=False)
    assert table["test_error"].notna().all() and table["cpu_seconds"].notna().all()
    lasting = table.groupby(["kind", "name", "n_rows", "seed"])
    assert (lasting["seconds"].diff().dropna() > 0).all()
    # Two proxies' trainings (the target's is another model by name), and the targets on all rows and on subsets.
    assert lasting.ngroups == 2 * (2 + 1 + 2 * 3)
    last = table[(table["kind"] == "target") & (table["epoch"] == 4)].merge(
        trainings, on=["name", "subset_size", "seed"]
    )
    np.testing.assert_allclose(last["test_error"], last["error"])
    save_epochs_figure(table, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    display = EpochErrorDisplay(table).plot(x="seconds")
    assert {"proxy", "all rows", "random, 30 rows", "random, 40 rows"} <= set(display.lines_)


def test_a_run_without_tests_has_the_rest(tmp_path):
    folder = RunFolder(tmp_path, {}, resume=False)
    run_coreset(a_run(test_every_epoch=False, seeds=[0]), folder, report=lambda line: None)
    table = epochs_table(folder)
    assert table["test_error"].isna().all() and table["train_error"].notna().all()
    with pytest.raises(ValueError, match="table has no test_error: run with test_every_epoch=True"):
        EpochErrorDisplay(table).plot()
    with pytest.raises(ValueError, match="test_every_epoch=True needs X_test and y_test"):
        CoresetRun(X, Y, None, None, proxy=NETWORK, target=NETWORK, strategies=["entropy"], seeds=[0],
                   subset_sizes=[0.5], test_every_epoch=True)  # fmt: skip


def test_on_the_command_line(tmp_path):
    quick = ["--dataset", "digits", "--train-rows", 100, "--test-rows", 50, "--epochs", 2, "--device", "cpu"]
    result = run(
        "coreset", *quick, "--seeds", 1, "--target", "resnet8", "--baseline", "all", "--test-every-epoch", "--out",
        tmp_path / "a",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a" / "epochs.png").exists()
    assert pd.read_csv(tmp_path / "a" / "epochs.csv")["test_error"].notna().all()
    assert (
        run("train", *quick, "--network", "resnet8", "--test-every-epoch", "--out", tmp_path / "b").exit_code
        == 0
    )
    assert pd.read_csv(tmp_path / "b" / "history.csv")["test_error"].between(0, 1).all()
