"""`net_params={"compile": True}`: what is compiled, and that nothing else changes."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch._dynamo.testing import CompileCounter

from sksvp.estimators import ResNetClassifier, VDCNNClassifier, WhitenedConvNetClassifier
from sksvp.networks import PreActResNet
from sksvp.training import _compiling
from sksvp.training._compiling import CompiledBlocks

pytestmark = pytest.mark.cpu

DIGITS = load_digits()
# The last batch of an epoch has 8 rows.
X, y = DIGITS.images[:200].astype(np.uint8), DIGITS.target[:200]


def classifier(kind=ResNetClassifier, *args, backend=None, precision="fp32", **params):
    net_params = {"compile": True, "compile__backend": backend} if backend else None
    params = {"max_epochs": 2, "batch_size": 32, "lr": 0.05, "random_state": 0, **params}
    return kind(*args, net_params=net_params, precision=precision, device="cpu", **params)


@pytest.fixture
def counter():
    torch._dynamo.reset()
    yield CompileCounter()
    torch._dynamo.reset()


@pytest.mark.parametrize(("depth", "n_graphs"), [(8, 3), (20, 5), (164, 6)])
def test_equal_blocks_share_their_code(counter, depth, n_graphs):
    classifier(ResNetClassifier, depth, backend=counter, max_epochs=1).fit(X[:72], y[:72])
    assert counter.frame_count == n_graphs


def test_only_batches_that_come_again_are_compiled(counter):
    model = classifier(ResNetClassifier, 8, backend=counter, precision="auto").fit(X, y)
    model.predict(X)
    model.transform(X[:50])
    assert counter.frame_count == 3


def test_networks_after_each_other_are_all_compiled(counter):
    """torch would keep eight versions of a block, and run all others uncompiled."""
    for size in range(32, 48, 4):
        classifier(ResNetClassifier, 8, backend=counter, batch_size=size).fit(X, y)
    assert counter.frame_count == 4 * 3
    assert torch._dynamo.config.recompile_limit == 8


def test_a_network_without_blocks_is_compiled_as_a_whole(counter):
    classifier(WhitenedConvNetClassifier, backend=counter).fit(X, y)
    assert counter.frame_count == 1


def test_results_and_names_stay(tmp_path):
    plain = classifier(ResNetClassifier, 14).fit(X, y)
    model = classifier(ResNetClassifier, 14, backend="aot_eager").fit(X, y)
    assert list(model.net_.module_.state_dict()) == list(plain.net_.module_.state_dict())
    expected = plain.predict_logits(X)
    np.testing.assert_allclose(model.predict_logits(X), expected, rtol=1e-3, atol=1e-3)
    copy = pickle.loads(pickle.dumps(model))
    model.save(tmp_path / "model.safetensors")
    for other in (copy, ResNetClassifier.load(tmp_path / "model.safetensors", device="cpu")):
        np.testing.assert_array_equal(other.predict_logits(X), model.predict_logits(X))


def test_an_unpickled_network_is_compiled_as_well(counter):
    model = classifier(ResNetClassifier, 8, backend="aot_eager").fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    copy.net_params["compile__backend"] = copy.net_.compile__backend = counter
    for either in (model, copy):
        either.partial_fit(X, y)
    np.testing.assert_allclose(copy.predict_logits(X), model.predict_logits(X), rtol=1e-3, atol=1e-3)
    assert counter.frame_count == 3


@pytest.mark.skipif(not _compiling._BEARS_THREADS, reason="this torch compiles in the main thread alone")
def test_networks_in_several_threads(counter):
    """One is scored again and again while others train: it stays as it is, and these are compiled."""
    scored = classifier(ResNetClassifier, 8).fit(X, y)
    expected = scored.predict_logits(X)
    with ThreadPoolExecutor(2) as pool:
        trained = [
            pool.submit(classifier(ResNetClassifier, 8, backend="aot_eager").fit, X, y) for _ in range(2)
        ]
        for _ in range(20):
            np.testing.assert_array_equal(scored.predict_logits(X), expected)
        models = [future.result() for future in trained]
    classifier(ResNetClassifier, 8, backend=counter, batch_size=40).fit(X, y)
    assert counter.frame_count == 3
    for model in models:
        assert not any("forward" in vars(block) for block in model.net_.module_.blocks)


def test_a_torch_that_does_not_bear_threads_compiles_in_the_main_one(counter, monkeypatch):
    monkeypatch.setattr(_compiling, "_BEARS_THREADS", False)
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.warns(UserWarning, match="must not compile in several threads"),
    ):
        pool.submit(classifier(ResNetClassifier, 8, backend=counter).fit, X, y).result()
    assert counter.frame_count == 0
    classifier(ResNetClassifier, 8, backend=counter).fit(X, y)
    assert counter.frame_count == 3


def test_a_failed_training_leaves_the_network_as_it_was():
    network = PreActResNet(8, 10)
    compiled = CompiledBlocks(network, backend="eager")
    with pytest.raises(RuntimeError, match="broken"), compiled.in_use():
        assert all("forward" in vars(block) for block in network.blocks)
        raise RuntimeError("broken")
    assert not any("forward" in vars(block) for block in network.blocks)


def test_texts_are_compiled_as_well(counter):
    texts = [f"{'good fine' if label % 2 else 'bad poor'} {row}" for row, label in enumerate(y[:72])]
    params = {"length": 64, "widths": (8, 8, 16, 16), "hidden": 16, "max_epochs": 1}
    model = classifier(VDCNNClassifier, backend=counter, **params).fit(texts, y[:72] % 2)
    assert counter.frame_count == len(model.net_.module_.blocks) == 4
    assert model.predict_logits(texts).shape == (72, 2)


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, False), ({"mode": "max-autotune-no-cudagraphs"}, False), ({"mode": "reduce-overhead"}, True)],
)
def test_modes_that_record_are_known(options, expected):
    assert CompiledBlocks(PreActResNet(8, 10), **options).records is expected
