import json
import os
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_nets import Mlp, make_net
from toy_proxies import CountedTraining, blobs, fit_in_worker, n_trainings

from sksvp._storage import _identity
from sksvp._storage._describe import describe
from sksvp._storage._identity import name_of
from sksvp._storage._sealed import sha256_of, write_sealed_json
from sksvp.coreset import CoresetClassifier, ProxyCoresetSelector, RiskyChoiceWarning
from sksvp.coreset._memory_key import training_key
from sksvp.estimators import ResNetClassifier
from sksvp.proxies import Incremental
from sksvp.strategies import ForgettingEvents

X, y = blobs(90)


@pytest.fixture
def counted(tmp_path):
    """A selector with a memory whose proxy notes its trainings."""
    proxy = CountedTraining(str(tmp_path / "log"))
    return ProxyCoresetSelector(proxy, strategy="entropy", memory=tmp_path / "memory", random_state=0)


def trainings(selector):
    return n_trainings(selector.proxy.log)


def entry_of(selector):
    (manifest,) = selector.memory.glob("**/entry.json")
    return manifest.parent


def assert_same_choice(first, second):
    np.testing.assert_array_equal(first.order_, second.order_)
    np.testing.assert_array_equal(first.scores_, second.scores_)


def test_second_fit_finds_the_proxy_and_its_seconds(counted):
    counted.proxy.seconds = 0.05
    first = clone(counted).fit(X, y)
    second = clone(counted).fit(X, y)
    assert trainings(counted) == 1
    assert (first.from_cache_, second.from_cache_) == (False, True)
    assert second.timings_["proxy_fit"] == first.timings_["proxy_fit"] > 0.05
    assert second.timings_["inference"] == first.timings_["inference"]
    assert_same_choice(first, second)
    np.testing.assert_array_equal(second.proxy_.predict(X), first.proxy_.predict(X))


def test_other_strategies_and_sizes_share_the_training(counted):
    counted.fit(X, y)
    for params in (
        {"strategy": "margin"},
        {"strategy": "k_centers"},
        {"subset_size": 7},
        {"class_balanced": True},
    ):
        again = clone(counted).set_params(**params).fit(X, y)
        assert again.from_cache_
        assert_same_choice(again, clone(again).set_params(memory=None).fit(X, y))
    assert trainings(counted) == 1 + 4  # those without a memory
    files = {path.name for path in entry_of(counted).iterdir()}
    assert files == {"lock", "proxy.joblib", "entry.json", "probabilities.npy", "features.npy"}
    again = clone(counted).set_params(strategy="k_centers").fit(X, y)
    assert again.from_cache_ and again.timings_["inference"] > 0


@pytest.mark.parametrize("same", ["copy", "list", "float64", "verbose", "device", "selector verbose"])
def test_what_says_nothing_of_the_result_does_not_count(counted, same):
    counted.fit(X, y)
    again, rows = clone(counted), X
    if same in ("copy", "list", "float64"):
        rows = {"copy": np.asfortranarray(X), "list": X.tolist(), "float64": X.astype(np.float64)}[same]
    else:
        again.set_params(
            **{"verbose": {"proxy__verbose": 1}, "device": {"proxy__device": "cuda"}}.get(
                same, {"verbose": 1}
            )
        )
    assert again.fit(rows, y).from_cache_


@pytest.mark.parametrize("other", ["param", "seed", "X", "y", "rows", "weights", "version"])
def test_what_decides_the_result_counts(counted, other, monkeypatch):
    counted.fit(X, y)
    again, rows, labels, fit_params = clone(counted), X.copy(), y.copy(), {}
    if other == "param":
        again.set_params(proxy__seconds=0.01)
    elif other == "seed":
        again.set_params(random_state=1)
    elif other == "X":
        rows[0, 0] += 1e-3
    elif other == "y":
        labels[0] = (labels[0] + 1) % 3
    elif other == "rows":
        rows, labels = rows[::-1], labels[::-1]
    elif other == "weights":
        fit_params["sample_weight"] = np.linspace(1, 2, len(y))
    else:
        monkeypatch.setattr(_identity, "version", lambda package: "99")
    assert not again.fit(rows, labels, **fit_params).from_cache_
    assert clone(again).fit(rows, labels, **fit_params).from_cache_
    assert trainings(counted) == 2


def test_without_a_seed_nothing_is_kept(counted, tmp_path):
    for _ in range(2):
        assert not clone(counted).set_params(random_state=None).fit(X, y).from_cache_
    assert not list(tmp_path.glob("memory/**/proxy.joblib"))
    seeded = clone(counted).set_params(random_state=None, proxy__random_state=3)
    clone(seeded).fit(X, y)
    assert clone(seeded).fit(X, y).from_cache_
    net = ProxyCoresetSelector(make_net(), memory=tmp_path / "nets")
    for _ in range(2):
        assert not clone(net).fit(X, y).from_cache_
    batches = ProxyCoresetSelector(SGDClassifier(), strategy=ForgettingEvents(), memory=tmp_path / "sgd")
    for _ in range(2):
        assert not clone(batches).fit(X, y).from_cache_
    own = clone(batches).set_params(proxy__random_state=0)
    clone(own).fit(X, y)
    assert clone(own).fit(X, y).from_cache_


def test_proxys_own_seed_is_shared_among_selectors(counted):
    counted.set_params(proxy__random_state=3)
    counted.fit(X, y)
    assert clone(counted).set_params(random_state=9).fit(X, y).from_cache_


def test_ways_of_training_are_kept_apart(tmp_path):
    proxy = SGDClassifier(loss="log_loss")
    selector = ProxyCoresetSelector(proxy, strategy="entropy", memory=tmp_path, random_state=0)
    passes = [{"proxy": Incremental(proxy, n_epochs=n)} for n in (2, 3)]
    for params in ({}, {"strategy": "forgetting_events"}, *passes):
        first = clone(selector).set_params(**params).fit(X, y)
        again = clone(selector).set_params(**params).fit(X, y)
        assert (first.from_cache_, again.from_cache_) == (False, True)
        assert_same_choice(again, clone(selector).set_params(**params, memory=None).fit(X, y))


def test_forgetting_events_of_a_net_are_counted_for_later(tmp_path):
    selector = ProxyCoresetSelector(make_net(), strategy="entropy", memory=tmp_path, random_state=0).fit(X, y)
    again = clone(selector).set_params(strategy="forgetting_events").fit(X, y)
    assert again.from_cache_
    assert_same_choice(again, clone(again).set_params(memory=None).fit(X, y))


class Loader:
    """Makes DataLoaders, and is none."""

    def __new__(cls, dataset, **kwargs):
        return torch.utils.data.DataLoader(dataset, **kwargs)


def test_net_that_was_not_counted_is_trained_again_when_events_are_needed(tmp_path):
    net = make_net(iterator_train=Loader)
    selector = ProxyCoresetSelector(net, strategy="entropy", memory=tmp_path, random_state=0).fit(X, y)
    counted = clone(selector).set_params(strategy="forgetting_events")
    assert not clone(counted).fit(X, y).from_cache_
    assert clone(counted).fit(X, y).from_cache_
    assert_same_choice(clone(selector).fit(X, y), selector)


def test_our_networks(tmp_path):
    images = (np.random.RandomState(0).rand(40, 8, 8) * 255).astype(np.uint8)
    labels = np.arange(40) % 2
    proxy = ResNetClassifier(depth=8, max_epochs=2, batch_size=16)
    for strategy in ("forgetting_events", "entropy", "k_centers"):
        selector = ProxyCoresetSelector(proxy, strategy=strategy, memory=tmp_path, random_state=0).fit(
            images, labels
        )
        assert selector.from_cache_ == (strategy != "forgetting_events")
        assert_same_choice(selector, clone(selector).set_params(memory=None).fit(images, labels))


def test_pixels_of_8_bits_and_others_are_learned_apart(tmp_path):
    """Of equal content, but a network takes only the kind it was trained on."""
    images = (np.random.RandomState(0).rand(40, 64) * 255).astype(np.uint8)
    labels = np.arange(40) % 2
    proxy = ResNetClassifier(depth=8, max_epochs=1, batch_size=16, image_shape=(1, 8, 8))
    kept = ProxyCoresetSelector(proxy, strategy="entropy", memory=tmp_path, random_state=0)
    alike = [images, torch.tensor(images)]
    others = [images.astype(np.float32), images.tolist(), torch.tensor(images).float()]
    for rows, is_known in zip([*alike, *others], [False, True, False, True, True], strict=True):
        selector = clone(kept).fit(rows, labels)
        assert selector.from_cache_ == is_known
        clone(kept).set_params(strategy="k_centers").fit(rows, labels)


def test_names_of_columns_count(tmp_path):
    frame = pd.DataFrame(np.c_[X[:, 0], np.zeros(len(X))], columns=["told", "empty"])
    by_name = make_pipeline(ColumnTransformer([("told", "passthrough", ["told"])]), LogisticRegression())
    selector = ProxyCoresetSelector(by_name, strategy="entropy", memory=tmp_path, random_state=0)
    assert not clone(selector).fit(frame, y).from_cache_
    assert clone(selector).fit(frame.copy(), y).from_cache_
    swapped = clone(selector).fit(frame.set_axis(["empty", "told"], axis=1), y)
    assert not swapped.from_cache_
    np.testing.assert_allclose(swapped.scores_, np.unique(swapped.scores_)[0])


def test_frozen_proxy_needs_no_memory(tmp_path):
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    selector = ProxyCoresetSelector(frozen, memory=tmp_path, random_state=0).fit(X, y)
    assert not selector.from_cache_ and selector.timings_["proxy_fit"] == 0.0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "damage", ["truncated proxy", "no proxy", "changed evidence", "no json", "foreign json", "list"]
)
def test_damaged_entry_is_trained_again_with_a_warning(counted, damage):
    first = clone(counted).fit(X, y)
    folder = entry_of(counted)
    if damage == "truncated proxy":
        (folder / "proxy.joblib").write_bytes((folder / "proxy.joblib").read_bytes()[:-10])
    elif damage == "no proxy":
        (folder / "proxy.joblib").unlink()
    elif damage == "changed evidence":
        np.save(folder / "probabilities.npy", np.full((90, 3), 1 / 3))
    else:
        text = {"no json": "{", "foreign json": '{"a": 1}', "list": "[]"}[damage]
        (folder / "entry.json").write_text(text)
    with pytest.warns(UserWarning, match="damaged.*trained again"):
        again = clone(counted).fit(X, y)
    assert not again.from_cache_ and trainings(counted) == 2
    assert_same_choice(first, again)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", RiskyChoiceWarning)
        assert clone(counted).fit(X, y).from_cache_


class RunsCode:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (self.trace, "w")


@pytest.mark.parametrize("foreign", ["pickle", "identity", "version", "rights"])
def test_a_foreign_entry_runs_no_code(counted, foreign, tmp_path):
    counted.fit(X, y)
    folder, trace = entry_of(counted), tmp_path / "trace"
    joblib.dump(RunsCode(str(trace)), folder / "proxy.joblib")
    manifest = json.loads((folder / "entry.json").read_text())
    kind = manifest.pop("kind of file")
    del manifest["sha256"]
    if foreign != "pickle":
        # Its maker knows how checksums are made.
        manifest["files"]["proxy.joblib"] = sha256_of(folder / "proxy.joblib")
    if foreign == "identity":
        manifest["identity"]["seed"] = 77
    write_sealed_json(folder / "entry.json", "trained proxy 0" if foreign == "version" else kind, manifest)
    if foreign == "rights":
        (folder / "proxy.joblib").chmod(0o666)
        with pytest.raises(PermissionError, match="can be written by other users"):
            clone(counted).fit(X, y)
        folder.chmod(0o777)
        with pytest.raises(PermissionError, match=f"{folder} can be written by other users"):
            clone(counted).fit(X, y)
        assert trainings(counted) == 1
    else:
        with pytest.warns(UserWarning, match="damaged.*trained again"):
            assert not clone(counted).fit(X, y).from_cache_
    assert not trace.exists()


def test_training_that_was_broken_off_leaves_no_entry(counted):
    first = clone(counted).fit(X, y)
    (entry_of(counted) / "entry.json").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", RiskyChoiceWarning)
        again = clone(counted).fit(X, y)
    assert not again.from_cache_
    assert_same_choice(first, again)
    assert not [path for path in counted.memory.glob("**/*") if ".part" in path.name]


def test_labels_of_another_kind_are_another_training(tmp_path):
    rows, labels = np.random.RandomState(0).rand(40, 3), np.arange(40) % 2
    selector = ProxyCoresetSelector(LogisticRegression(), memory=tmp_path, random_state=0)
    clone(selector).fit(rows, labels > 0)
    numbers = clone(selector).fit(rows, labels)
    assert numbers.proxy_.classes_.dtype.kind == "i"


class BreaksInInference(CountedTraining):
    def predict_proba(self, X):
        if "BREAKS_IN_INFERENCE" in os.environ:
            raise KeyboardInterrupt
        return super().predict_proba(X)


def test_training_is_kept_when_inference_breaks_off(tmp_path, monkeypatch):
    monkeypatch.setenv("BREAKS_IN_INFERENCE", "1")
    proxy = BreaksInInference(str(tmp_path / "log"))
    selector = ProxyCoresetSelector(proxy, memory=tmp_path / "memory", random_state=0)
    with pytest.raises(KeyboardInterrupt):
        clone(selector).fit(X, y)
    monkeypatch.delenv("BREAKS_IN_INFERENCE")
    assert clone(selector).fit(X, y).from_cache_
    assert n_trainings(proxy.log) == 1


def test_manifest_is_plain_and_in_seconds(counted):
    counted.fit(X, y)
    manifest = json.loads((entry_of(counted) / "entry.json").read_text())
    assert manifest["seconds"]["proxy_fit"][0] == counted.timings_["proxy_fit"]
    assert manifest["seconds"]["probabilities"][0] == counted.timings_["inference"]
    assert set(manifest["files"]) == {"proxy.joblib", "probabilities.npy"}


def test_two_processes_train_a_proxy_once(counted):
    counted.proxy.seconds = 0.5
    cached = Parallel(n_jobs=2)(delayed(fit_in_worker)(clone(counted), X, y) for _ in range(4))
    assert trainings(counted) == 1
    assert sorted(cached) == [False, True, True, True]


def test_grid_search_trains_each_proxy_once_a_fold(counted):
    classifier = CoresetClassifier(LogisticRegression(), counted)
    grid = {"selector__subset_size": [0.4, 0.7], "selector__strategy": ["entropy", "margin"]}
    search = GridSearchCV(classifier, grid, cv=2, refit=False, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert trainings(counted) == 2


def test_proxy_that_cannot_be_pickled_is_refused_before_it_is_trained(tmp_path):
    class Local(CountedTraining):
        pass

    with pytest.raises(ValueError, match=r"memory keeps the fitted proxy.*Local cannot be pickled"):
        ProxyCoresetSelector(Local(str(tmp_path / "log")), memory=tmp_path / "memory", random_state=0).fit(
            X, y
        )
    assert n_trainings(tmp_path / "log") == 0


def test_joblib_memory_and_its_location(tmp_path, counted):
    counted.memory = joblib.Memory(tmp_path / "there", verbose=0)
    clone(counted).fit(X, y)
    assert clone(counted).fit(X, y).from_cache_
    assert clone(counted).set_params(memory=str(tmp_path / "there")).fit(X, y).from_cache_
    nowhere = clone(counted).set_params(memory=joblib.Memory(None))
    assert not nowhere.fit(X, y).from_cache_ and not clone(nowhere).fit(X, y).from_cache_


# The key -------------------------------------------------------------------------------------


def scale(X):
    return X


def test_description_of_parameters():
    pipeline = make_pipeline(StandardScaler(), SGDClassifier(verbose=0))
    assert describe(pipeline) == describe(clone(pipeline))
    assert describe(pipeline) == describe(clone(pipeline).set_params(sgdclassifier__verbose=3))
    assert describe(pipeline) != describe(clone(pipeline).set_params(sgdclassifier__alpha=3))
    assert describe(make_net(module__n_hidden=3)) != describe(make_net(module__n_hidden=4))
    assert describe(make_net(device="cpu", verbose=0)) == describe(make_net(device="cuda", verbose=1))
    torch.manual_seed(0)
    module = Mlp()
    assert describe(module) == describe(module) != describe(Mlp())
    assert describe(str.lower) == describe(str.lower) != describe(str.upper)
    assert describe(StandardScaler(with_mean=True).fit) != describe(StandardScaler(with_mean=False).fit)
    assert describe(1) != describe(1.0) and describe("1") != describe(1)
    assert describe({"a": 1, "b": [2]}) == describe({"b": [2], "a": 1}) != describe({"a": 1, "b": (2,)})
    assert describe(np.arange(3)) != describe(np.arange(4))
    assert (
        describe(np.random.RandomState(0))
        == describe(np.random.RandomState(0))
        != describe(np.random.RandomState(1))
    )


def test_code_of_libraries_is_described_by_its_name():
    assert describe(ResNetClassifier) == ("sksvp.estimators._resnet", "ResNetClassifier", "")
    assert describe(scale)[:2] == (__name__, "scale")


def test_key_has_the_seed_and_the_way_of_training():
    keys = {
        name_of(training_key(SGDClassifier(), X, y, seed=seed, way=way, fit_params={}))
        for seed in (None, 0, 1)
        for way in (("fit",), ("mini_batches", 2, 8))
    }
    assert len(keys) == 6
