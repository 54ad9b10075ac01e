"""How long the targets of an experiment are trained, and the rivals that cost the same."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sksvp._clock import Clock
from sksvp._updates import count_batches, epochs_with
from sksvp.estimators import BagOfNgramsClassifier, FastTextClassifier, ResNetClassifier
from sksvp.experiments import (
    CoresetRun,
    RunFolder,
    format_summary,
    report_run,
    run_coreset,
    summary_table,
    trainings_table,
)
from sksvp.experiments._coreset_trainings import Choice, _start
from sksvp.proxies import as_proxy
from sksvp.training._batches import batch_bounds


def images(n=96):
    y = np.arange(n) % 3
    return np.random.RandomState(0).randint(0, 256, (n, 8, 8)).astype(np.uint8), y


def a_run(**settings):
    X, y = images()
    network = ResNetClassifier(8, max_epochs=3, batch_size=16, device="cpu")
    given = {
        "proxy": network, "target": network, "strategies": ["entropy", "random"], "seeds": [0],
        "subset_sizes": [0.25], "with_all": False,
    }  # fmt: skip
    return CoresetRun(X, y, X[:30], y[:30], **given | settings)


def trained(run, path):
    folder = RunFolder(path / "run", {}, resume=False)
    lines = []
    run_coreset(run, folder, report=lines.append)
    return trainings_table(folder).set_index("name"), lines, folder


def test_equal_epochs_are_fewer_updates(tmp_path):
    table, _, folder = trained(a_run(with_all=True, with_rs2=True), tmp_path)
    assert table["epochs"].to_dict() == {"all rows": 3, "entropy": 3, "random": 3, "rs2": 3}
    # 96 rows are 6 batches of 16; 24 rows are 2.
    assert table["updates"].to_dict() == {"all rows": 18, "entropy": 6, "random": 6, "rs2": 6}
    shown = []
    report_run(folder, report=shown.append)
    assert "Equal epochs: each target was trained for 3, so that fewer rows mean fewer updates." in shown[0]


def test_equal_updates(tmp_path, monkeypatch):
    trainings = []
    fit = ResNetClassifier.fit

    def counted(self, X, y):
        fit(self, X, y)
        trainings.append((len(y), sum(len(epoch["batches"]) for epoch in self.history_)))
        return self

    monkeypatch.setattr(ResNetClassifier, "fit", counted)
    table, _, folder = trained(a_run(with_all=True, with_rs2=True, updates="equal"), tmp_path)
    assert table["updates"].to_dict() == dict.fromkeys(["all rows", "entropy", "random", "rs2"], 18)
    # The proxy has its own epochs, and what the records say is what was trained.
    assert sorted(trainings) == [(24, 18), (24, 18), (96, 18), (96, 18), (96, 18)]
    shown = []
    report_run(folder, report=shown.append)
    assert "Equal updates: each target was trained for about 18," in shown[0]


def test_rs2_reads_all_rows_a_share_at_a_time(tmp_path):
    table, lines, _ = trained(a_run(with_rs2=True, subset_sizes=[0.25, 0.5]), tmp_path)
    assert table.loc["rs2", "n_rows"].tolist() == [48, 24]
    assert table.loc["rs2", "proxy_seconds"].tolist() == [0.0, 0.0]
    assert any(line.startswith("rs2, 24 rows an epoch, seed 0: error") for line in lines)


def test_the_rival_of_the_same_cost(tmp_path):
    """Its updates are those of the dearest choice, times the whole cost of that over its target's."""
    run = a_run(with_same_cost=True, strategies=["entropy", "margin", "random"])
    table, lines, folder = trained(run, tmp_path)
    rival = table.loc["all rows, same cost"]
    dearest = max(
        row["updates"] * row["total_cpu_seconds"] / row["target_cpu_seconds"]
        for name, row in table.iterrows()
        if name in ("entropy", "margin")
    )
    assert (rival["n_rows"], rival["n_subset"]) == (96, 24)
    assert rival["updates"] == 6 * max(1, round(dearest / 6))
    assert rival["epochs"] == rival["updates"] / 6
    assert "all rows, same cost" in lines[-1]
    # A resumed run keeps its number.
    before = folder.get("all-rows,-same-cost_0.25_seed0")
    run_coreset(run, folder, report=lines.append)
    assert folder.get("all-rows,-same-cost_0.25_seed0") == before
    assert summary_table(table.reset_index())["name"].iloc[-1] == "random"


def test_warm_targets_begin_from_the_proxy(tmp_path):
    run = a_run(warm_target=True, with_all=True, subset_sizes=[0.5])
    table, _, folder = trained(run, tmp_path)
    assert table["warm"].to_dict() == {"all rows": False, "entropy": True, "random": False}
    X, y = images()
    selector = run.selector(next(arm for arm in run.arms() if arm.name == "entropy")).fit(X, y)
    target = as_proxy(clone(run.target).set_params(random_state=0))
    target = target.train(*selector.select(X, y), start=as_proxy(selector.proxy_))
    assert table.loc["entropy", "error"] == 1 - target.estimator.score(X[:30], y[:30])
    shown = []
    report_run(folder, report=shown.append)
    assert "From the weights of the proxy: targets by entropy. All others: from fresh weights." in shown[0]


def test_rows_that_lack_a_class_of_the_proxy_train_from_fresh_weights():
    run = a_run(warm_target=True)
    X, y = images()
    proxy = clone(run.proxy).fit(X, y)
    assert _start(run, Choice(np.arange(3), Clock(), proxy=proxy), y[:3]) == (proxy, "")
    start, note = _start(run, Choice(np.arange(2), Clock(), proxy=proxy), y[:2])
    assert start is None and note == "; from fresh weights, since the rows lack a class of the proxy"


def test_warm_targets_need_a_proxy_that_nests():
    with pytest.raises(ValueError, match="warm_target=True needs one of strategies to train a proxy"):
        a_run(warm_target=True, strategies=["random"])
    with pytest.raises(
        ValueError, match="warm_target=True needs a proxy whose weights the target can begin from"
    ):
        a_run(warm_target=True, target=ResNetClassifier(11, block="bottleneck", device="cpu"))


def test_targets_without_epochs():
    tree = LogisticRegression()
    X, y = images()
    X = X.reshape(len(X), -1)
    given = {"proxy": tree, "target": tree, "strategies": ["entropy"], "seeds": [0], "subset_sizes": [0.5]}
    for settings, words in (
        (
            {"updates": "equal"},
            "updates='equal' needs a target with the parameter max_epochs.*LogisticRegression",
        ),
        ({"with_same_cost": True}, "with_same_cost=True needs a target with the parameter max_epochs"),
        ({"with_rs2": True}, "with_rs2=True needs a target whose epochs can draw rows anew"),
    ):
        with pytest.raises(ValueError, match=words):
            CoresetRun(X, y, X, y, **given, **settings)


def test_rivals_that_lack_something():
    with pytest.raises(ValueError, match="with_same_cost=True needs one of strategies to train a proxy"):
        a_run(with_same_cost=True, strategies=["random"])
    with pytest.raises(ValueError, match=r"with_rs2=True needs a target .*FastTextClassifier"):
        CoresetRun(
            ["a", "b"], [0, 1], ["a"], [0], proxy=FastTextClassifier(), target=FastTextClassifier(),
            strategies=["random"], seeds=[0], subset_sizes=[1.0], with_rs2=True,
        )  # fmt: skip


@pytest.mark.parametrize("n_rows", [1, 2, 15, 16, 17, 18, 32, 33, 100])
def test_batches_are_those_of_a_training(n_rows):
    assert count_batches(ResNetClassifier(8, batch_size=16), n_rows) == len(batch_bounds(n_rows, 16))
    assert count_batches(BagOfNgramsClassifier(), n_rows) == n_rows


def test_epochs_are_whole_and_at_least_one():
    network = ResNetClassifier(8, batch_size=16)
    assert epochs_with(network, 160, 26) == 3
    assert epochs_with(network, 160, 1) == 1


def test_a_narrow_terminal_has_the_seconds_below_the_errors(tmp_path):
    table = summary_table(trained(a_run(with_all=True), tmp_path)[0].reset_index())
    wide, narrow = format_summary(table), format_summary(table, width=80)
    assert max(map(len, wide.splitlines())) > 80 >= max(map(len, narrow.splitlines()))
    assert format_summary(table, width=120) == wide
    names = " ".join(["chosen by", *table["name"]])
    assert sorted(narrow.split()) == sorted(f"{wide} {names}".split())
