"""The paper's tables: the store of trained models, the trainings, and what is shown of them."""

import errno
import multiprocessing
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sksvp import ProxyCoresetSelector
from sksvp._storage import _files
from sksvp._storage._sealed import DamagedFile, write_sealed_json
from sksvp._torchvision import import_torchvision
from sksvp.agreement import rank_correlation
from sksvp.reproduction import Reproduction, RunStore, table_names
from sksvp.reproduction._data import Data, average_blocks, load_data
from sksvp.reproduction._follow import Follow
from sksvp.reproduction._models import ALL_ROWS, Model, Network, Rows
from sksvp.reproduction._sheet import printed
from sksvp.reproduction._tables import data_sets, read_table, recipes
from sksvp.reproduction._trainings import Trainings
from sksvp.strategies import strategy_names

PARAMS = (("depth", 8), ("max_epochs", 4), ("batch_size", 16))
NETWORK = Network("ResNet8", "ResNetClassifier", PARAMS)
WHOLE = Model(NETWORK, ALL_ROWS, 0)


def small_data():
    return load_data("digits", "load_digits", None, train_rows=80, test_rows=40)


def trainings(folder, **settings):
    lines = []
    return Trainings(RunStore(folder), small_data(), device="cpu", report=lines.append, **settings), lines


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    made, _ = trainings(tmp_path_factory.mktemp("store") / "store")
    made.train(WHOLE)
    return made


# The store ---------------------------------------------------------------------------------------


def test_a_record_names_the_model_that_chose_its_rows(tmp_path):
    made, _ = trainings(tmp_path / "store")
    bag = Network("LinearModel", "ResNetClassifier", (("depth", 8), ("max_epochs", 1), ("precision", "bf16")))
    chooser = Model(bag, Rows(), seed=0)
    chosen = Model(NETWORK, Rows(0.5, strategy="entropy", by=chooser), seed=0)
    made.train(chooser)
    record = made.train(chosen)
    assert record["rows"]["chosen by"] == made.key(chooser) != made.key(replace(chooser, network=NETWORK))
    assert made.store.find(record["rows"]["chosen by"]) == made.key(chooser)


def test_a_store_whose_mark_another_process_writes_is_empty_yet(tmp_path):
    (tmp_path / ".store.json.0123456789abcdef.part.json").touch()
    store = RunStore(tmp_path)
    assert len(store) == 0
    with store._working_on("0" * 16):
        assert RunStore(tmp_path).unfinished() == ["0" * 16]
    (tmp_path / "store.json").unlink()
    with pytest.raises(ValueError, match="is no store of trained models"):
        RunStore(tmp_path)


def test_a_store_is_made_with_its_first_model_and_read_again(tmp_path):
    path = tmp_path / "store"
    assert len(RunStore(path)) == 0 and not path.exists()
    made, lines = trainings(path)
    record = made.train(WHOLE)
    key = made.key(WHOLE)
    assert [*RunStore(path)] == [record]
    assert record["key"] == key == RunStore(path).find(key[:6])
    assert {file.name for file in (path / key).iterdir()} == {
        ".lock", "run.json", "model.safetensors", "by-epoch-forgetting_events.npz",
    }  # fmt: skip
    assert [entry["epoch"] for entry in record["history"]] == [1, 2, 3, 4]
    # On the test rows after the last epoch, as of the finished network.
    assert record["history"][-1]["test_error"] == pytest.approx(record["error"])
    again, no_lines = trainings(path)
    assert again.train(WHOLE) == record
    assert (len(lines), no_lines) == (1, [])


def test_a_store_of_another_version_or_another_folder_is_refused(tmp_path):
    write_sealed_json(tmp_path / "store.json", "store of trained models 0", {})
    with pytest.raises(ValueError, match=r"store of trained models 0.*another version"):
        RunStore(tmp_path)
    (tmp_path / "store.json").unlink()
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"is no store of trained models"):
        RunStore(tmp_path)


def test_damaged_files_are_named_and_never_misread(tmp_path):
    made, _ = trainings(tmp_path / "store")
    made.select(WHOLE, "entropy", 10)
    folder = made.store.folder(made.key(WHOLE))
    for name in ("run.json", "ranking-entropy.npz"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-30] + b"x" + content[-29:])
        with pytest.raises(DamagedFile, match=name):
            made.select(WHOLE, "entropy", 10)
        (folder / name).write_bytes(content)
    made.select(WHOLE, "entropy", 10)


@pytest.mark.parametrize("beginning", ["", "zz", None, "x" * 5000])
def test_unknown_keys_are_named(trained, beginning):
    with pytest.raises(ValueError, match="beginning"):
        trained.store.find(beginning)
    with pytest.raises(ValueError, match="key must be 16 hexadecimal digits"):
        trained.store.read(beginning)


def test_a_full_disk_names_the_file_and_the_run_goes_on_after(tmp_path, monkeypatch):
    made, lines = trainings(tmp_path / "store")
    made.train(WHOLE)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match=r"ranking-entropy\.npz") as error:
        patched.setattr(_files.os, "fsync", full)
        made.select(WHOLE, "entropy", 10)
    assert error.value.errno == errno.ENOSPC
    assert len(made.select(WHOLE, "entropy", 10).rows) == 80
    assert len(lines) == 1


def _train_in_a_process(folder, queue):
    made, lines = trainings(folder)
    made.train(WHOLE)
    queue.put(len(lines))


@pytest.mark.slow
def test_processes_side_by_side_train_a_model_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [
        context.Process(target=_train_in_a_process, args=(tmp_path / "store", queue)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    n_trained = sum(queue.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    assert n_trained == 1


# Trainings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["forgetting_events", "entropy", "k_centers"])
def test_a_choice_is_that_of_the_selector(trained, strategy):
    data = trained.data
    selector = ProxyCoresetSelector(
        NETWORK.build(random_state=0, device="cpu"), strategy=strategy, subset_size=0.3, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        selector.fit(data.X_train, data.y_train)
    rows = trained.rows(Rows(0.3, strategy=strategy, by=WHOLE))
    if strategy == "k_centers":
        # The selector's seed of the ranking is another: its random start differs, its size does not.
        assert len(rows) == len(selector.indices_) and len(np.unique(rows)) == len(rows)
    else:
        chosen = trained.select(WHOLE, strategy, 24)
        np.testing.assert_allclose(chosen.scores, selector.scores_, rtol=1e-6)
        assert chosen.scores[rows].min() >= np.delete(chosen.scores, rows).max()


def test_a_round_adds_the_least_confident_rows_beside_those_with_labels(trained):
    first = Model(NETWORK, Rows(0.25, seed=3), 3)
    second = Rows(0.5, strategy="least_confidence", by=first, grows=True)
    before, after = trained.rows(first.rows), trained.rows(second)
    assert len(before) == 20 and len(after) == 40 and np.isin(before, after).all()
    network = trained._load(first, trained.key(first))
    confidence = network.predict_proba(trained.data.X_train).max(axis=1)
    new = np.setdiff1d(after, before)
    others = np.setdiff1d(np.arange(80), after)
    assert confidence[new].max() <= confidence[others].min()


def test_random_shares_of_a_seed_contain_each_other(trained):
    small, large = (trained.rows(Rows(share, seed=1)) for share in (0.1, 0.5))
    assert np.isin(small, large).all() and len(large) == 40
    assert not np.array_equal(large, trained.rows(Rows(0.5, seed=2)))


def test_k_centers_of_all_rows_is_the_greedy_order(trained):
    places = trained.order(WHOLE, "k_centers")
    assert sorted(places) == [-place for place in range(79, -1, -1)]
    shared = trained.order(WHOLE, "k_centers", shared_start=True)
    other = trained.order(replace(WHOLE, seed=1), "k_centers", shared_start=True)
    assert set(np.argsort(-shared)[:8]) == set(np.argsort(-other)[:8])


def test_a_training_that_is_stopped_is_the_beginning_of_the_whole_one(trained):
    stopped = Model(replace(NETWORK, stop_after=2), ALL_ROWS, 0)
    record = trained.train(stopped)
    whole = trained.train(WHOLE)
    assert record["epochs"] == 2
    assert [e["loss"] for e in record["history"]] == [e["loss"] for e in whole["history"][:2]]
    scores = [trained.followed(model, "forgetting_events") for model in (stopped, WHOLE)]
    np.testing.assert_array_equal(scores[0], scores[1][:2])
    assert trained.key(stopped) != trained.key(WHOLE)


def test_scores_by_epoch_end_with_those_of_the_finished_network(trained):
    model = replace(WHOLE, followed=("entropy",))
    last = trained.followed(model, "entropy")[-1]
    np.testing.assert_allclose(last, trained.order(model, "entropy"), rtol=1e-4, atol=1e-5)
    events = trained.followed(model, "forgetting_events")
    np.testing.assert_array_equal(events[-1], trained.order(model, "forgetting_events"))
    # Watching changes nothing.
    np.testing.assert_array_equal(trained.order(WHOLE, "entropy"), trained.order(model, "entropy"))


def test_a_stopped_training_goes_on_and_gives_the_same(tmp_path, trained, monkeypatch):
    made, _ = trainings(tmp_path / "store")
    seen = []

    class Killed(BaseException):
        pass

    def dies(watch, gather):
        seen.append(watch.n_epochs)
        if len(seen) == 3:
            raise Killed
        return Follow._call(watch, gather)

    monkeypatch.setattr(Follow, "_call", Follow.__call__, raising=False)
    monkeypatch.setattr(Follow, "__call__", dies)
    with pytest.raises(Killed):
        made.train(WHOLE)
    assert made.store.unfinished() == [made.key(WHOLE)] and len(made.store) == 0
    record = made.train(WHOLE)
    # Only the epoch that was stopped in is repeated.
    assert seen == [0, 1, 2, 2, 3]
    for entry, expected in zip(record["history"], trained.train(WHOLE)["history"], strict=True):
        assert entry | {"seconds": 0} == expected | {"seconds": 0}
    np.testing.assert_array_equal(
        made.followed(WHOLE, "forgetting_events"), trained.followed(WHOLE, "forgetting_events")
    )
    assert made.store.unfinished() == [] and not (made.store.folder(made.key(WHOLE)) / "unfinished").exists()


def test_texts_and_models_without_epochs(tmp_path):
    data = load_data("generated_texts", "generated_texts", None, train_rows=80, test_rows=40)
    made = Trainings(RunStore(tmp_path / "store"), data, device="cpu", report=str)
    bag = Model(Network("bag", "BagOfNgramsClassifier", (("max_epochs", 2),)), ALL_ROWS, 0)
    chosen = Model(bag.network, Rows(0.5, strategy="entropy", by=bag), 0)
    assert made.train(chosen)["n_rows"] == 40
    deep = Network("VDCNN9", "VDCNNClassifier", (("depth", 9), ("max_epochs", 1), ("length", 64)))
    assert made.train(Model(deep, ALL_ROWS, 0))["epochs"] == 1


def test_keys_depend_on_what_decides_the_model(trained):
    models = [
        WHOLE,
        replace(WHOLE, seed=1),
        replace(WHOLE, rows=Rows(0.5)),
        replace(WHOLE, rows=Rows(0.5, seed=1)),
        replace(WHOLE, rows=Rows(0.5, strategy="entropy", by=WHOLE)),
        replace(WHOLE, rows=Rows(0.5, strategy="entropy", by=replace(WHOLE, seed=1))),
        replace(WHOLE, rows=Rows(0.5, strategy="entropy", by=WHOLE, grows=True)),
        replace(WHOLE, network=replace(NETWORK, params=(*PARAMS, ("lr", 0.2)))),
        replace(WHOLE, network=replace(NETWORK, stop_after=3)),
    ]
    assert len({trained.key(model) for model in models}) == len(models)
    renamed = replace(WHOLE, network=replace(NETWORK, name="another"))
    assert trained.key(renamed) == trained.key(WHOLE)
    data = small_data()
    other = Data("digits", data.X_train, data.y_train, data.X_test, 9 - data.y_test)
    assert WHOLE.key(lambda network: other.fingerprint) != WHOLE.key(lambda network: data.fingerprint)


# Tables ------------------------------------------------------------------------------------------


def test_all_tables_of_the_paper_are_there():
    assert table_names() == [
        *(f"table{number}" for number in range(1, 5)),
        *(f"figure{number}" for number in range(2, 14)),
    ]


@pytest.mark.parametrize("name", table_names())
def test_the_data_of_a_table(name):
    table = read_table(name)
    assert table.rows and {"title", "place", "layout", "seeds"} <= table.settings.keys()
    for data_set, rows in table.rows.items():
        known = data_sets()[data_set]
        for row in rows:
            assert row.strategy in ("", "random", *strategy_names())
            for scale in recipes().values():
                assert row.selector is None or row.selector in scale[known["recipes"]]
                assert known["target"] in scale[known["recipes"]]
            for figures in row.published.values():
                assert len(figures) <= len(table.settings["shares"])
                assert not np.isnan([printed(figure)[0] for figure in figures]).any()


@pytest.mark.parametrize("scale", ["full", "small", "smoke"])
def test_every_recipe_builds_a_network(scale):
    for family, networks in recipes()[scale].items():
        if family in {entry["recipes"] for entry in data_sets().values()}:
            for recipe in networks.values():
                params = {name: value for name, value in recipe.items() if name not in ("name", "estimator")}
                network = Network(recipe["name"], recipe["estimator"], tuple(params.items())).build()
                if hasattr(network, "check_params"):
                    network.check_params()


def job(name, folder, **settings):
    return Reproduction(
        name,
        scale="smoke",
        data_dir=folder / "none",
        store=folder / "store",
        device="cpu",
        report=str,
        **settings,
    )


@pytest.mark.slow
def test_a_figure_of_one_table_takes_the_trainings_of_another(tmp_path):
    matrix = job("figure3", tmp_path, seeds=2)
    plan = matrix.plan()
    assert len(plan) == 8 and not plan["stored"].any() and (plan["cpu_seconds"] > 0).all()
    result = matrix.run()
    assert result.n_missing == 0 and result.panels == ["forgetting events", "entropy", "k centers"]
    scores = [
        matrix._job.trainings.order(matrix._job.on_all_rows("resnet20", seed), "entropy") for seed in (0, 1)
    ]
    line = result.panel("entropy").iloc[0]
    assert line["row"] == line["column"] and line["ours"] == pytest.approx(rank_correlation(*scores))
    for name, n_missing in (("figure11", 0), ("figure4", 0), ("table2", 60)):
        plan = job(name, tmp_path, seeds=2).plan()
        assert (~plan["stored"]).sum() == n_missing
    by_epoch = job("figure11", tmp_path, seeds=2).run()
    assert by_epoch.n_missing == 0
    files = by_epoch, job("figure11", tmp_path, seeds=2).write(tmp_path / "report")
    assert {path.name for path in files[1]} >= {"report.md", "report.html", "results.csv"}
    by_entropy = job("figure12", tmp_path, seeds=2).run()
    assert by_entropy.n_missing == 0
    # Of four and of five epochs.
    assert by_entropy.frame["column"].tolist() == [*range(1, 5), *range(1, 6)] * 2
    depths = job("figure4", tmp_path, seeds=2)
    text = depths.write(tmp_path / "depths")[0].read_text()
    assert "seconds of a training" in text and "·" not in text


def test_a_core_set_table_compares_with_the_paper(tmp_path):
    table = job("table4", tmp_path, dataset="amazon_review_polarity", seeds=2)
    assert table.data_name == "generated_texts"
    result = table.run()
    errors = result.panel("error %")
    assert result.n_missing == 0
    assert errors["paper"].tolist()[:4] == ["4.9±0.02", "4.5±0.05", "4.3±0.01", "4.1±0.04"]
    assert errors["column"].tolist()[:4] == [0.4, 0.6, 0.8, 1.0]
    records = [table._job.trainings.find(table._job.on_all_rows("vdcnn29", seed)) for seed in (0, 1)]
    assert errors["ours"].iloc[3] == pytest.approx(100 * np.mean([record["error"] for record in records]))
    speed = result.panel("times faster, end to end, than the baseline")
    assert speed["ours"].iloc[0] == pytest.approx(1.0)


def test_an_active_table_counts_the_trainings_before_each_selection(tmp_path):
    table = job("table1", tmp_path, dataset="amazon_review_full", seeds=1)
    result = table.run()
    assert result.n_missing == 0
    row = table._job.rows[1]
    spent = result.panel("seconds of selection (paper: minutes)").iloc[:5]["ours"].to_numpy()
    chain = [table._layout._selector(table._job, row, n_rounds, 0) for n_rounds in range(5)]
    fits = np.cumsum([table._job.trainings.find(model)["fit"]["cpu_seconds"] for model in chain])
    assert (spent > fits).all() and (np.diff(spent) > 0).all()
    assert result.panel("times faster selection than the baseline")["paper"].iloc[-1] == "43.1"


def test_only_the_lines_and_shares_that_are_asked_for_are_trained(tmp_path):
    asked = {"lines": ["random", "entropy:resnet20"], "shares": [0.5, 1.0]}
    table = job("table2", tmp_path, seeds=1, **asked)
    assert table.plan()["rows"].tolist() == [
        "50% at random",
        "all rows",
        "all rows",
        "50% by entropy of ResNet8",
    ]
    errors = table.run().panel("error %")
    there = errors.dropna(subset="ours")
    assert there["row"].str.startswith(("random", "entropy, ResNet20")).all()
    assert there["column"].tolist() == [0.5, 1.0, 0.5] and len(errors) == 31
    # The trainings that were asked for serve the whole table.
    whole = job("table2", tmp_path, seeds=1).plan()
    assert whole["stored"].sum() == 4 and len(whole) > 30
    chain = job("table1", tmp_path, seeds=1, lines=["k_centers:resnet20"], shares=[0.2]).plan()
    assert chain["network"].value_counts().to_dict() == {"ResNet8": 2, "ResNet14 (5)": 1}
    assert set(job("figure3", tmp_path, lines=["resnet56"]).plan()["network"]) == {"ResNet8 (5)"}


def test_the_gain_over_all_rows_counts_the_proxy(tmp_path):
    table = job("table2", tmp_path, seeds=2, lines=["random", "entropy:resnet20"], shares=[0.5, 1.0])
    gains = table.run().panel("times faster, end to end, than all rows").dropna(subset="ours")
    trainings, target, proxy = table._job.trainings, table._job.target_name, "resnet20"

    def seconds(models):
        return np.array([trainings.find(model)["fit"]["cpu_seconds"] for model in models])

    on_all = seconds(table._job.on_all_rows(target, seed) for seed in (0, 1))
    at_random = seconds(table._job.at_random(table._job.target, 0.5, seed) for seed in (0, 1))
    row = next(row for row in table._job.rows if row.answers_to(f"entropy:{proxy}"))
    chosen = seconds(table._layout._target(table._job, row, 0.5, seed) for seed in (0, 1))
    chosen += seconds(table._job.on_all_rows(proxy, seed) for seed in (0, 1))
    chosen += [
        trainings.select(table._job.on_all_rows(proxy, seed), "entropy", 200).seconds["cpu_seconds"]
        for seed in (0, 1)
    ]
    assert gains["column"].tolist() == [0.5, 1.0, 0.5]
    expected = [on_all.mean() / at_random.mean(), 1.0, on_all.mean() / chosen.mean()]
    assert gains["ours"].to_numpy() == pytest.approx(expected)


def test_images_whose_pixels_are_means_of_blocks():
    images = np.random.RandomState(0).randint(0, 256, (3, 4, 6, 3), dtype=np.uint8)
    found = average_blocks(images, 2)
    assert found.shape == (3, 2, 3, 3) and found.dtype == np.uint8
    for row in range(2):
        for column in range(3):
            block = images[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            assert (found[:, row, column] == np.round(block.mean(axis=(1, 2)))).all()


def test_pretrained_networks_from_a_folder_of_weights(tmp_path):
    models = import_torchvision().models
    weights = tmp_path / "weights"
    weights.mkdir()
    for seed, name in enumerate(("squeezenet1_1", "mobilenet_v2")):
        torch.manual_seed(seed)
        state = models.get_model(name, num_classes=10).state_dict()
        if seed:
            torch.save(state, weights / f"{name}.pth")
        else:
            save_file(state, weights / f"{name}.safetensors")
    figure = job("figure8", tmp_path, weights=weights)
    assert len(figure.plan()) == 0
    result = figure.run()
    assert result.frame["row"].unique().tolist() == ["mobilenet_v2", "squeezenet1_1"]
    assert result.n_missing == 0 and result.frame["ours"].between(-1, 1).all()
    first, second = (figure.store._read_arrays(record["key"], "entropy")["scores"] for record in figure.store)
    assert result.frame["ours"][1] == pytest.approx(rank_correlation(first, second))
    assert (first >= 0).all() and (first <= np.log(10) + 1e-6).all()
    (weights / "mobilenet_v2.pth").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"mobilenet_v2\.pth"):
        job("figure8", tmp_path, weights=weights).run()
    (weights / "mobilenet_v2-0123abcd.pth").write_bytes(b"no weights")
    with pytest.raises(
        ValueError, match=r"has several files for 'mobilenet_v2', mobilenet_v2-0123abcd\.pth, mobilenet"
    ):
        job("figure8", tmp_path, weights=weights).run()
    (weights / "mobilenet_v2-0123abcd.pth").unlink()
    (weights / "mobilenet_v2.pth").unlink()
    with pytest.raises(ValueError, match=r"weights=.* must have the weights of two networks at least"):
        job("figure8", tmp_path, weights=weights).run()


def test_bold_is_the_papers_rule():
    from sksvp.reproduction._coreset_table import _bold

    lines = read_table("table1").rows["amazon_review_polarity"]
    baseline, fasttext = lines[1], lines[3]
    # "Up to 41.9 times": at 50 %, 51.3 times lies outside one standard deviation.
    assert [_bold(fasttext, baseline, place, [], [])[0] for place in range(5)] == [
        False,
        False,
        False,
        True,
        False,
    ]
    assert _bold(fasttext, baseline, 3, [0.2], [0.1, 0.3])[1]
    assert not _bold(fasttext, baseline, 3, [0.5], [0.1, 0.3])[1]
    assert not _bold(fasttext, baseline, 3, [0.2], [0.2])[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "tabel1"}, "name='tabel1' is unknown .*'table1' is near.*table1, table2"),
        ({"name": None}, "name=NoneType is unknown"),
        ({"dataset": "cifar"}, "dataset='cifar' is unknown.*cifar10"),
        ({"dataset": "imagenet"}, "dataset='imagenet' is not in table2, which has cifar10, cifar100, digits"),
        ({"scale": "tiny"}, "scale"),
        ({"seeds": 0}, "seeds"),
        (
            {"lines": ["entropi"]},
            "lines='entropi' is unknown.*known are random, k_centers:resnet164",
        ),
        ({"lines": "random"}, "lines"),
        ({"lines": []}, "lines"),
        ({"shares": [0.4]}, r"shares=0.4 is not in table2, which has the shares 0.3, 0.5, 0.7, 1.0"),
        ({"shares": [0.0]}, "shares"),
        ({"name": "figure3", "shares": [0.5]}, "shares=0.5 is not in figure3, which has no shares"),
        ({"scale": "small"}, "has no folder cifar-10-batches-py"),
        ({"device": "gpu9"}, "device"),
    ],
)
def test_bad_input_is_named(tmp_path, settings, message):
    good = {"name": "table2", "scale": "smoke", "data_dir": tmp_path / "none", "store": tmp_path / "store"}
    with pytest.raises((ValueError, OSError), match=message):
        Reproduction(**good | settings)
    assert not (tmp_path / "store").exists()
